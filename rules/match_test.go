package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
)

// compileRules compiles documents or fails the test.
func compileRules(tb testing.TB, src string) *Program {
	tb.Helper()
	p, err := Compile([]File{{Name: "test.yml", Data: []byte(src)}})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// detectionRule wraps the lines under "detection:" into a document.
func detectionRule(lines string) string {
	return "title: T\nlogsource: {product: picket}\ndetection:\n  " + strings.ReplaceAll(lines, "\n", "\n  ") + "\n"
}

// testRule is a rule of one test.
func testRule(test string) string { return detectionRule("sel:\n  " + test + "\ncondition: sel") }

func post(text string) activity.Activity {
	return activity.Activity{
		ID: "1", Network: "x", Account: "x/acme", Kind: activity.KindPost,
		Time: time.Date(2026, 3, 1, 1, 12, 0, 0, time.UTC), App: "Acme Studio", IP: "192.0.2.7",
		Text: text, LinkDomains: []string{"acme.example", "Gift.example"}, Hashtags: []string{"Sale"},
		Metrics: []activity.Metric{{Name: "followers", Value: 1200}},
		Profile: []activity.Field{{Name: "empty", Value: ""}, {Name: "name", Value: "Acme"}},
		Geo:     activity.Geo{Country: "DE", ASN: activity.Some(64500)},
	}
}

func TestMatchTests(t *testing.T) {
	const text = `Giving BACK! C:\Windows\* 100% ÉTÉ`
	for _, tt := range []struct {
		name, test string
		want       bool
	}{
		{"equal ignores case", `kind: POST`, true},
		{"equal is the whole value", `text: giving`, false},
		{"list is or", `kind: [reply, post]`, true},
		{"list without it", `kind: [reply, edit]`, false},
		{"any value of a list field", `link_domains: gift.example`, true},
		{"no value of a list field", `link_domains: example`, false},
		{"absent field never equals", `lang: en`, false},
		{"absent field is not the empty text", `lang: ''`, false},
		{"empty text", `profile.empty: ''`, true},
		{"null means absent", `lang: null`, true},
		{"null of a present field", `text: null`, false},
		{"tilde is null, too", `lang: ~`, true},

		{"contains", `text|contains: back`, true},
		{"contains not", `text|contains: backs`, false},
		{"contains across a list is or", `text|contains: [nothing, giving]`, true},
		{"contains all", `text|contains|all: [giving, back]`, true},
		{"contains all but one", `text|contains|all: [giving, nothing]`, false},
		{"all before contains", `text|all|contains: [giving, back]`, true},
		{"contains accented in the other case", `text|contains: été`, true},
		{"contains does not strip accents", `text|contains: ete`, false},
		{"contains the empty text", `text|contains: ''`, true},
		{"contains a number", `text|contains: 100`, true},
		{"startswith", `text|startswith: giv`, true},
		{"startswith the middle", `text|startswith: back`, false},
		{"endswith", `text|endswith: Été`, true},
		{"endswith the middle", `text|endswith: back`, false},
		{"cased contains", `text|contains|cased: BACK`, true},
		{"cased contains the other case", `text|contains|cased: back`, false},
		{"cased equal", `kind|cased: Post`, false},

		{"star at the end", `text: giving*`, true},
		{"star at the start", `text: '*été'`, true},
		{"stars around", `text: '*back*'`, true},
		{"star within", `text: g*back*é`, true},
		{"star within in the wrong order", `text: g*back*giving*`, false},
		{"star alone is any value", `text: '*'`, true},
		{"star alone of an absent field", `lang: '*'`, false},
		{"question mark is one character", `kind: p?st`, true},
		{"question mark is not none", `kind: po?st`, false},
		{"question mark is one character, not one byte", `text: '*100% ?t?'`, true},
		{"questions only", `kind: '????'`, true},
		{"too many questions", `kind: '?????'`, false},
		{"question under contains", `text|contains: b?ck`, true},
		{"escaped star is a star", `text|contains: 'windows\\\*'`, true},
		{"escaped star is no wildcard", `text|contains: 'giv\*'`, false},
		{"escaped question is no wildcard", `kind: 'p\?st'`, false},
		{"plain backslash", `text|contains: 'c:\windows'`, true},
		{"double backslash is one", `text|contains: 'c:\\windows'`, true},
		{"backslash before a wildcard", `text|contains: 'c:\\*windows'`, true},

		{"re", `text|re: '^Giving\s+BACK'`, true},
		{"re is cased", `text|re: back`, false},
		{"re i", `text|re|i: back`, true},
		{"re m", `text|re|m: '^Giving.*$'`, true},
		{"re i s", `text|re|i|s: 'giving.back'`, true},
		{"re on a number", `geo.asn|re: '^645\d\d$'`, true},
		{"re list with all", `text|re|all: [BACK, ÉTÉ]`, true},

		{"cidr", `ip|cidr: 192.0.2.0/24`, true},
		{"cidr with host bits", `ip|cidr: 192.0.2.9/24`, true},
		{"cidr elsewhere", `ip|cidr: [10.0.0.0/8, 2001:db8::/32]`, false},
		{"cidr of what is no address", `text|cidr: 0.0.0.0/0`, false},

		{"exists", `lang|exists: false`, true},
		{"exists, and does", `text|exists: false`, false},
		{"exists true", `metrics.followers|exists: true`, true},
		{"exists true of an empty value", `profile.empty|exists: true`, true},

		{"number", `geo.asn: 64500`, true},
		{"number in hex", `geo.asn: 0xfbf4`, true},
		{"number as text", `geo.asn: '64500'`, true},
		{"number with wildcard", `geo.asn: '645*'`, true},
		{"other number", `geo.asn: 64501`, false},
		{"gt", `metrics.followers|gt: 1199`, true},
		{"gt itself", `metrics.followers|gt: 1200`, false},
		{"gte itself", `metrics.followers|gte: 1200`, true},
		{"lt itself", `metrics.followers|lt: 1200`, false},
		{"lt", `metrics.followers|lt: 1200.5`, true},
		{"lte itself", `metrics.followers|lte: 1200`, true},
		{"gt of text that is a number", `id|gt: 0`, true},
		{"gt of text that is none", `text|gt: 0`, false},
		{"gt of an absent field", `lang|gt: 0`, false},
		{"lt of an absent field", `lang|lt: 9`, false},

		{"neq", `kind|neq: reply`, true},
		{"neq itself", `kind|neq: post`, false},
		{"neq of a list is none of them", `kind|neq: [reply, post]`, false},
		{"neq of an absent field", `lang|neq: en`, true},
		{"neq contains", `text|contains|neq: back`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := compileRules(t, testRule(tt.test))
			a := post(text)
			if got := len(p.Match(&a, p.NewMatcher())) == 1; got != tt.want {
				t.Errorf("%s matches: %v, want %v", tt.test, got, tt.want)
			}
		})
	}
}

func TestMatchConditions(t *testing.T) {
	// yes_* hold, no_* do not.
	const searches = "yes_a: {kind: post}\nyes_b: {text|contains: foo}\nno_a: {kind: edit}\nno_b: {text: bar}\n_hidden: {kind: edit}\n"
	for _, tt := range []struct {
		condition string
		want      bool
	}{
		{"yes_a", true},
		{"no_a", false},
		{"yes_a and yes_b", true},
		{"yes_a and no_b", false},
		{"no_a or yes_b", true},
		{"no_a or no_b", false},
		{"not no_a", true},
		{"not yes_a", false},
		{"not not yes_a", true},
		{"not no_a and no_b", false},     // not binds tighter than and
		{"yes_a or no_a and no_b", true}, // and binds tighter than or
		{"(yes_a or no_a) and no_b", false},
		{"not (no_a or no_b)", true},
		{"yes_a AND NOT no_a", true},
		{"1 of yes_*", true},
		{"1 of no_*", false},
		{"any of *_a", true},
		{"all of yes_*", true},
		{"all of *_a", false},
		{"2 of *_a", false},
		{"2 of yes_*", true},
		{"2 of them", true},
		{"3 of them", false},
		{"all of them", false},
		{"1 of them and not 1 of no_*", true},
		{"1 of _*", false},
		{"[no_a, yes_b]", true},
		{"[no_a, no_b]", false},
	} {
		t.Run(tt.condition, func(t *testing.T) {
			p := compileRules(t, detectionRule(searches+"condition: "+tt.condition))
			a := post("foo")
			if got := len(p.Match(&a, p.NewMatcher())) == 1; got != tt.want {
				t.Errorf("matches: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMatchSearches(t *testing.T) {
	for _, tt := range []struct {
		name, search string
		want         bool
	}{
		{"map is and", "{kind: post, app: acme studio}", true},
		{"map with one that fails", "{kind: post, app: other}", false},
		{"list of maps is or", "[{kind: edit}, {app: acme studio}]", true},
		{"list of maps, none holds", "[{kind: edit}, {kind: post, app: other}]", false},
		{"keywords are or, anywhere", "[nothing, ACME stud]", true},
		{"keyword in a list field", "[gift.ex]", true},
		{"keyword in a profile field", "[acme]", true},
		{"keyword nowhere", "[nothing]", false},
		{"one keyword", "studio", true},
		{"keywords with wildcard", "['acme*udio']", true},
		{"keywords all, in different fields", "{'|all': [studio, foo]}", true},
		{"keywords all but one", "{'|all': [studio, nothing]}", false},
		{"keywords re", "{'|re': '^Acme S'}", true},
		{"keywords and maps mixed", "[nothing, {kind: post}]", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := compileRules(t, detectionRule("sel: "+tt.search+"\ncondition: sel"))
			a := post("foo")
			if got := len(p.Match(&a, p.NewMatcher())) == 1; got != tt.want {
				t.Errorf("matches: %v, want %v", got, tt.want)
			}
		})
	}
}

// TestKeywordsInEvents: keywords are looked for in an event as it was recorded,
// and in what its texts say, which JSON writes with escapes.
func TestKeywordsInEvents(t *testing.T) {
	const raw = `{"cmd":"C:\\Windows\\x.exe -Role \"Mailbox Export\"","who":"Caf\u00e9 \ud83c\udf89","path":"\/dev\/tcp","lines":"a\nb","plain":"C:/x"}`
	for _, tt := range []struct {
		name, search string
		want         bool
	}{
		{"backslash", `['C:\Windows\x']`, true},
		{"backslash as recorded", `['C:\\\\Windows']`, true},
		{"quotes", `[' -Role "Mailbox Export"']`, true},
		{"a character written as its number", "[café]", true},
		{"one written as two numbers", "['CAFÉ 🎉']", true},
		{"slashes", "[/dev/tcp]", true},
		{"end of a line", `["a\nb"]`, true},
		{"all", `{'|all': ['"Mailbox', "C:/X", '"plain"']}`, true},
		{"regular expression", `{'|re': 'Windows.x\.exe'}`, true},
		{"wildcard", `['Windows*Mailbox Export"*é']`, true},
		{"elsewhere", `['C:\Windows\y', '"Mailbox Import"']`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := compileRules(t, strings.Replace(detectionRule("sel: "+tt.search+"\ncondition: sel"), "product: picket", "product: okta", 1))
			a := activity.Activity{Network: "okta", Kind: activity.KindLogin, Raw: []byte(raw)}
			if got := len(p.Match(&a, p.NewMatcher())) == 1; got != tt.want {
				t.Errorf("matches: %v, want %v", got, tt.want)
			}
		})
	}
}

// TestMatchLogsources checks where rules are looked for: by kind and network
// for activities, by product for a source's own events.
func TestMatchLogsources(t *testing.T) {
	doc := func(logsource, test string) string {
		return fmt.Sprintf("title: T\nlogsource: %s\ndetection:\n  sel:\n    %s\n  condition: sel\n", logsource, test)
	}
	p := compileRules(t, strings.Join([]string{
		doc("{product: picket}", "kind: login"),
		doc("{product: okta}", "eventtype: nothing"),
		doc("{product: picket, category: login}", "ip|exists: true"),
		doc("{product: okta}", "eventType: user.session.start"),
		doc("{category: application}", "eventType|startswith: user."),
		doc("{product: Picket, service: okta}", "raw.eventType: user.session.start"),
		doc("{product: github}", "eventType: user.session.start"),
		doc("{product: picket, service: x}", "kind|neq: post"),
		doc("{product: okta}", "outcome.result: SUCCESS"),
		doc("{product: okta}", "count|gt: 2"),
	}, "---\n"))
	raw := []byte(`{"eventType":"user.session.start","outcome":{"result":"SUCCESS"},"count":3}`)
	for _, tt := range []struct {
		name string
		a    activity.Activity
		want []int
	}{
		{
			"okta login with its event",
			activity.Activity{Network: "okta", Kind: activity.KindLogin, IP: "192.0.2.1", Raw: raw},
			[]int{0, 2, 3, 4, 5, 8, 9},
		},
		{
			"okta login without",
			activity.Activity{Network: "okta", Kind: activity.KindLogin, IP: "192.0.2.1"},
			[]int{0, 2},
		},
		{"x login", activity.Activity{Network: "x", Kind: activity.KindLogin}, []int{0, 7}},
		{"x post", activity.Activity{Network: "x", Kind: activity.KindPost, IP: "192.0.2.1"}, nil},
		{"github event", activity.Activity{Network: "github", Kind: activity.KindSession, Raw: raw}, []int{4, 6}},
		{"a kind of tomorrow", activity.Activity{Network: "x", Kind: "poke", IP: "192.0.2.1"}, []int{7}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := p.NewMatcher()
			for range 2 { // the second call must not remember the first
				got := slices.Clone(p.Match(&tt.a, m))
				if diff := cmp.Diff(tt.want, got, cmp.Transformer("nil", func(s []int) []int { return append([]int{}, s...) })); diff != "" {
					t.Errorf("rules (-want +got):\n%s", diff)
				}
				other := post("x")
				p.Match(&other, m)
			}
		})
	}
}

func TestMatcherIsRebound(t *testing.T) {
	a := post("foo")
	p, q := compileRules(t, testRule("kind: edit")), compileRules(t, testRule("kind: post")+"---\n"+testRule("text: foo"))
	m := p.NewMatcher()
	if got := p.Match(&a, m); len(got) != 0 {
		t.Errorf("first program matches %v, want none", got)
	}
	if got := q.Match(&a, m); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("second program matches %v, want [0 1]", got)
	}
}

func TestEpochWraps(t *testing.T) {
	p := compileRules(t, testRule("text: foo"))
	m := p.NewMatcher()
	foo, bar := post("foo"), post("bar")
	if got := p.Match(&foo, m); len(got) != 1 {
		t.Fatalf("matches %v, want one", got)
	}
	m.epoch = 1<<31 - 1
	for _, step := range []struct {
		a    *activity.Activity
		want int
	}{{&bar, 0}, {&foo, 1}, {&bar, 0}} {
		if got := p.Match(step.a, m); len(got) != step.want {
			t.Errorf("at epoch %d: matches %v, want %d", m.epoch, got, step.want)
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	p := compileRules(t, benchmarkRules())
	activities := benchmarkActivities()
	m := p.NewMatcher()
	matched := 0
	for i := range activities {
		matched += len(p.Match(&activities[i], m))
	}
	if matched == 0 {
		t.Fatal("no rule matches, so nothing is measured")
	}
	if n := testing.AllocsPerRun(100, func() {
		for i := range activities {
			p.Match(&activities[i], m)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestExplain(t *testing.T) {
	const rule = `
sel:
  kind: post
  link_domains|endswith: ['.test', '.EXAMPLE']
words:
  text|contains|all: [giving, '*ck']
other:
  lang: null
size:
  metrics.followers|gte: 1000
net:
  ip|cidr: 192.0.2.0/25
never:
  text|re: nothing
key:
  - acme stu
filter:
  app: trusted
condition: sel and words and (never or other) and 1 of siz* and net and key and not filter`
	p := compileRules(t, detectionRule(strings.TrimPrefix(rule, "\n")))
	a := post("Giving back")
	want := []FieldMatch{
		{"kind", "post", `is "post"`},
		{"link_domains", "acme.example", `ends with ".EXAMPLE"`},
		{"text", "Giving back", `contains "giving"`},
		{"text", "Giving back", `contains "ck"`},
		{"lang", "", "is absent"},
		{"metrics.followers", "1200", "is at least 1000"},
		{"ip", "192.0.2.7", "is in 192.0.2.0/25"},
		{"", "Acme Studio", `contains "acme stu"`},
	}
	if diff := cmp.Diff(want, p.Explain(p.Rules()[0], &a)); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
	a.App = "Trusted"
	if got := p.Explain(p.Rules()[0], &a); got != nil {
		t.Errorf("explanation of a rule that does not match: %v, want none", got)
	}
}
