package notify_test

import (
	"strings"
	"testing"

	"github.com/picketd/picket/alerting/notify"
)

func TestWeb(t *testing.T) {
	for _, tt := range []struct {
		url  string
		want bool
	}{
		{"https://picket.acme.example/i/3fa29c?a=1&b=2#x", true},
		{"http://127.0.0.1:8080/", true},
		{"", false},
		{"picket.acme.example", false},
		{"/i/3fa29c", false},
		{"https:///i", false},
		{"javascript:alert(1)", false},
		{"data:text/html,x", false},
		{"https://user:pw@picket.acme.example/", false},
		{"https://picket.acme.example/<script>", false},
		{`https://picket.acme.example/" onclick="x`, false},
		{"https://picket.acme.example/a b", false},
		{"https://picket.acme.example/\r\nBcc: x", false},
		{"https://picket.acme.example/|x>", false},
		{"https://аcme.example/", false}, // a Cyrillic letter
		{"https://picket.acme.example/" + strings.Repeat("x", 3000), false},
	} {
		if got := (notify.Link{URL: tt.url}).Web(); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.url, got, tt.want)
		}
	}
	m := notify.Message{Links: []notify.Link{{URL: "javascript:x"}, {URL: "https://a.example/"}}}
	if got := m.WebLinks(); len(got) != 1 || got[0].URL != "https://a.example/" {
		t.Errorf("links %v, want the second alone", got)
	}
}

type password string

func (p password) Reveal() string { return string(p) }

func TestHide(t *testing.T) {
	for _, tt := range []struct {
		name    string
		secrets []notify.Secret
		want    string
	}{
		{"none", nil, "535 no such password hunter2, hunter2"},
		{"one that is not set", []notify.Secret{nil}, "535 no such password hunter2, hunter2"},
		{"an empty one", []notify.Secret{password("")}, "535 no such password hunter2, hunter2"},
		{"another and it", []notify.Secret{password("open"), password("hunter2")}, "535 no such password [secret], [secret]"},
	} {
		if got := notify.Hide("535 no such password hunter2, hunter2", tt.secrets...); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
