package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// benchmarkRules are forty rules like those of the packs: half of them about
// one kind of activity, the rest about what it says.
func benchmarkRules() string {
	var docs []string
	add := func(lines string) { docs = append(docs, detectionRule(lines)) }
	for i, kind := range activity.Kinds() {
		add(fmt.Sprintf("sel:\n  kind: %s\n  app|contains: app-%d\ncondition: sel", kind, i))
	}
	for i := range 6 {
		add(fmt.Sprintf("sel:\n  kind: [post, reply, edit]\n  link_domains|endswith: ['.gift%d', '.win%d']\ncondition: sel", i, i))
		add(fmt.Sprintf("sel:\n  kind: post\n  text|contains: ['free money %d', 'giveaway %d', 'send btc %d']\nfilter:\n  app: [studio, 'acme*']\ncondition: sel and not filter", i, i, i))
	}
	for i := range 4 {
		add(fmt.Sprintf("sel:\n  text|re|i: 'w[i1]nner number %d'\n  kind: post\ncondition: sel", i))
		add(fmt.Sprintf("sel:\n  ip|cidr: 198.51.100.%d/32\n  kind: [login, post]\nfail:\n  outcome: failure\ncondition: sel and not fail", i))
	}
	return strings.Join(docs, "---\n")
}

// benchmarkActivities are a post of about 900 bytes as JSON, one in another
// script, and a login.
func benchmarkActivities() []activity.Activity {
	at := time.Date(2026, 3, 1, 1, 12, 0, 0, time.UTC)
	a := activity.Activity{
		ID: "1895000000000000001", Network: "x", Account: "x/acme", Kind: activity.KindPost, Time: at, Seen: at.Add(time.Minute),
		App: "Acme Studio App-0", Lang: "en",
		Text:        strings.Repeat("We are happy to tell you that the new season starts on Monday. ", 4) + "Read more: ",
		Links:       []string{"https://www.acme.example/news/2026/the-new-season-starts", "https://shop.acme.example/season"},
		LinkDomains: []string{"www.acme.example", "shop.acme.example"}, Hashtags: []string{"season", "acme"}, Mentions: []string{"acme_help"},
		Media:   []activity.Media{{Hash: "sha256:" + strings.Repeat("0f", 32), Type: "image", URL: "https://cdn.acme.example/1"}},
		Metrics: []activity.Metric{{Name: "followers", Value: 120345}, {Name: "likes", Value: 12}},
	}
	b := a.Clone()
	b.Text = strings.Repeat("Мы рады сообщить, что НОВЫЙ сезон начинается в понедельник. 新しい季節 ", 3)
	c := activity.Activity{
		ID: "2", Network: "okta", Account: "okta/editor-2", Kind: activity.KindLogin, Time: at, IP: "198.51.100.3",
		Outcome: activity.Outcome{Result: "success"}, Geo: activity.Geo{Country: "RO", ASN: activity.Some(64500)},
		UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
	}
	return []activity.Activity{a, b, c}
}

func BenchmarkMatch(b *testing.B) {
	p := compileRules(b, benchmarkRules())
	for i, name := range []string{"post", "post_not_ascii", "login"} {
		a := &benchmarkActivities()[i]
		b.Run(name, func(b *testing.B) {
			m := p.NewMatcher()
			b.ReportAllocs()
			for b.Loop() {
				p.Match(a, m)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	files := []File{{Name: "bench.yml", Data: []byte(benchmarkRules())}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(files); err != nil {
			b.Fatal(err)
		}
	}
}
