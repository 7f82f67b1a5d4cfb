package approval_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/approval"
)

func TestSame(t *testing.T) {
	tests := []struct {
		name           string
		post, approved string
		links          []string
		want           bool
	}{
		{"the same words", "Hello world", "Hello world", nil, true},
		{"white space and compatibility forms", "Hello\u00a0\n ﬁsh", "Hello fish", nil, true},
		{"tracking parameters", "See https://a.example/p?id=1&utm_source=x&fbclid=2", "See https://a.example/p?id=1", nil, true},
		{"scheme, www and slash", "See http://www.a.example/p/", "See https://a.example/p", nil, true},
		{"an expanded short link", "See https://t.co/abc", "See https://a.example/p", []string{"https://a.example/p"}, true},
		{"a short link of unknown target, by number", "See https://t.co/abc", "See https://a.example/p", nil, true},
		{"two short links for one", "See https://t.co/abc https://t.co/def", "See https://a.example/p", nil, false},
		{"another target", "See https://b.example/p", "See https://a.example/p", nil, false},
		{"an expanded link to elsewhere", "See https://t.co/abc", "See https://a.example/p", []string{"https://b.example/p"}, false},
		{"another word", "Hello word", "Hello world", nil, false},
		{"another case", "hello world", "Hello world", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := approval.Same(approval.Normalise(tt.post, tt.links, nil), approval.Normalise(tt.approved, nil, nil))
			if got != tt.want {
				t.Errorf("Same = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSimilarity(t *testing.T) {
	n := func(s string) approval.Message { return approval.Normalise(s, nil, nil) }
	tests := []struct {
		a, b string
		want float64
	}{
		{"a b c d", "a b c d", 1},
		{"a b c d", "a b c e", 0.75},
		{"a b", "c d", 0},
		{"", "", 0},
		{"a a a", "a", 0.5},
	}
	for _, tt := range tests {
		if got := approval.Similarity(n(tt.a), n(tt.b)); got != tt.want {
			t.Errorf("Similarity(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestLedgerIsBounded(t *testing.T) {
	var l approval.Ledger
	for i := range approval.MaxEntries + 10 {
		a := activity.Activity{ID: strings.Repeat("x", 1+i%3) + string(rune('a'+i%26)) + strings.Repeat("y", i/26), Account: "x/a", Kind: activity.KindApproval}
		a.Approval.Text = "t"
		if i < 10 || i > approval.MaxEntries {
			l.Add(&a, int64(i))
			continue
		}
		l.Entries = append(l.Entries, approval.Entry{ID: a.ID, Account: "x/a", Max: 1, Seen: int64(i)})
	}
	if len(l.Entries) > approval.MaxEntries {
		t.Errorf("%d entries, want at most %d", len(l.Entries), approval.MaxEntries)
	}
	late := activity.Activity{ID: "late", Account: "x/a", Kind: activity.KindApproval}
	l.Add(&late, int64(approval.KeepOpen)+20_000)
	if len(l.Entries) != 1 {
		t.Errorf("%d entries after all have expired, want the new one", len(l.Entries))
	}
}

func TestRepeatedApprovalKeepsItsUses(t *testing.T) {
	var l approval.Ledger
	a := activity.Activity{ID: "1", Account: "x/a", Kind: activity.KindApproval}
	a.Approval.Text = "hello there"
	l.Add(&a, 1)
	m := approval.Normalise("hello there", nil, nil)
	if j := l.Judge("x/a", m, 2, true); j.Verdict != approval.Approved {
		t.Fatalf("first use: %s", j.Verdict)
	}
	l.Add(&a, 3)
	if j := l.Judge("x/a", m, 4, true); j.Verdict != approval.Expired {
		t.Errorf("second use after a repeated approval: %s, want expired", j.Verdict)
	}
}

func FuzzDifference(f *testing.F) {
	f.Add("we open at nine", "we open at ten", 40)
	f.Add("", "🙂 https://a.example", 3)
	f.Add("sale https://t.co/a", "sale https://acme.example/sale", 40)
	f.Add("sale https://bit.ly/a", "sale https://t.co/b https://lnkd.in/c", 9)
	f.Fuzz(func(t *testing.T, a, b string, limit int) {
		x, y := approval.Normalise(a, nil, nil), approval.Normalise(b, nil, nil)
		if !approval.Same(x, x) {
			t.Fatalf("%q is not the same as itself", a)
		}
		if s := approval.Similarity(x, y); s < 0 || s > 1 || s != approval.Similarity(y, x) {
			t.Fatalf("similarity %v", s)
		}
		limit = 4 + limit&0xff
		d := approval.Difference(x, y, limit)
		if len(d) > limit || utf8.ValidString(a) && utf8.ValidString(b) && !utf8.ValidString(d) {
			t.Fatalf("difference %q of limit %d", d, limit)
		}
		if approval.Same(y, x) && !strings.Contains(a+b, "[-") && strings.Contains(d, "[-") {
			t.Fatalf("same messages differ by %q", d)
		}
	})
}

func FuzzNormalise(f *testing.F) {
	f.Add("Big sale today https://t.co/abc", "https://bit.ly/evil", "3_1")
	f.Add("See https://a.example/p?utm_source=x;y#z", "mailto:a@evil.example", "sha256:aa")
	f.Add("", "https://%ff/", "")
	f.Fuzz(func(t *testing.T, text, link, media string) {
		m, bare := approval.Normalise(text, []string{link}, []string{media}), approval.Normalise(text, nil, nil)
		if strings.TrimSpace(norm.NFKC.String(link)) != "" && len(m.Links) == 0 {
			t.Fatalf("link %q is left out of %+v", link, m)
		}
		if len(bare.Wrapped) == 0 && len(m.Links) > len(bare.Links) && approval.Same(m, approval.Normalise(text, nil, []string{media})) {
			t.Fatalf("link %q is added unseen to %q", link, text)
		}
		if approval.Same(m, approval.Normalise(text, []string{link}, nil)) {
			t.Fatalf("media %q are added unseen", media)
		}
		if !slices.IsSorted(m.Links) || !slices.IsSorted(m.Wrapped) || utf8.ValidString(text) && utf8.ValidString(link) && !utf8.ValidString(strings.Join(m.Links, "")) {
			t.Fatalf("%+v", m)
		}
	})
}
