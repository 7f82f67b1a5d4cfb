package httpsend_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/httpsend"
	"github.com/picketd/picket/alerting/notify/notifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "s3cr3t-token"

type secret string

func (s secret) Reveal() string { return string(s) }

// plain is the least output that there can be.
type plain struct {
	url    string
	client *httpsend.Client
}

func (p *plain) Notify(ctx context.Context, m *notify.Message) (string, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	answer, err := p.client.Post(ctx, p.url+"/"+token, http.Header{"Authorization": {"Bearer " + token}}, body)
	if err != nil {
		return "", err
	}
	if said := httpsend.Lie(answer); answer.OK() && said != "" {
		return "", p.client.Refused(answer, said)
	}
	return "", p.client.Fault(answer, "")
}

func TestContract(t *testing.T) {
	notifytest.HTTP{
		New: func(_ *testing.T, url string, client *http.Client) notify.Notifier {
			return &plain{url, httpsend.New(httpsend.Options{HTTP: client, Secrets: []notify.Secret{secret(token)}})}
		},
		Taken:   func(http.ResponseWriter, *http.Request) {},
		Lies:    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok":false,"error":"no"}`) },
		Secrets: []string{token},
	}.Run(t)
}

func TestOwnTimeout(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	c := httpsend.New(httpsend.Options{HTTP: server.Client(), Timeout: 20 * time.Millisecond})
	_, err := c.Post(t.Context(), server.URL+"/hidden", nil, nil)
	want := strings.TrimPrefix(server.URL, "http://") + ": no whole answer within 20ms"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestHostOnly holds that an error names the host and nothing else of the URL,
// whatever the output has said of its secrets.
func TestHostOnly(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	client, host := httpsend.New(httpsend.Options{HTTP: server.Client()}), strings.TrimPrefix(server.URL, "http://")
	server.Close()
	_, err := client.Post(t.Context(), server.URL+"/hidden?key=hidden", nil, nil)
	if err == nil || !strings.HasPrefix(err.Error(), host+": ") || strings.Contains(err.Error(), "hidden") {
		t.Errorf("got %v", err)
	}
}

func TestLie(t *testing.T) {
	for body, lies := range map[string]bool{
		"":                              false,
		"ok":                            false,
		"<html>":                        false,
		"[1]":                           false,
		`{}`:                            false,
		`{"ok":true,"error":null}`:      false,
		`{"ok":false}`:                  true,
		`{"success":false}`:             true,
		`{"error":"no such channel"}`:   true,
		`{"error":"","errors":[]}`:      false,
		`{"error":false,"errors":{}}`:   false,
		`{"error":0}`:                   false,
		`{"errors":["field x"]}`:        true,
		`{"status":"x","error":{"a":1}`: false, // no JSON
	} {
		if got := httpsend.Lie(&httpsend.Answer{Status: 200, Body: []byte(body)}) != ""; got != lies {
			t.Errorf("%s lies: %v, want %v", body, got, lies)
		}
	}
}

func TestCheckURL(t *testing.T) {
	const bad = "url: not an absolute http or https URL such as https://receiver.example/path"
	for _, tt := range []struct{ name, url, want string }{
		{"good", "https://acme.example/hook?key=1", ""},
		{"in clear", "http://10.0.0.1:8080", ""},
		{"none", "", "url: missing; give the receiver's http or https URL"},
		{"another scheme", "ftp://acme.example/hidden", bad},
		{"no host", "https:///hidden", bad},
		{"a path", "/hidden", bad},
		{"unreadable", "https://acme.example/%zz", bad},
		{"with a fragment", "https://acme.example/#hidden", "url: has a fragment, the part from #, which is sent to no receiver; leave it out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := httpsend.CheckURL("url", tt.url); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
