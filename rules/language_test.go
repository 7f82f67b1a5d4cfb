package rules

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/activity/recordedtest"
	"github.com/picketd/picket/rules/sigma"
)

// matchedTitles returns the titles of the rules that match an activity.
func matchedTitles(p *Program, a *activity.Activity) []string {
	var out []string
	for _, i := range p.Match(a, p.NewMatcher()) {
		out = append(out, p.Rules()[i].Title)
	}
	return out
}

func TestModifiers(t *testing.T) {
	for _, tt := range []struct {
		test string
		yes  []string // texts that match
		no   []string
	}{
		{`text|windash: "-f x"`, []string{"-f x", "/f x", "–F x", "—f x", "―f x"}, []string{"f x", "--f x"}},
		{`text|contains|windash: " /b-c -d"`, []string{"a -b-c /d", "a /b-c –d"}, []string{"a -b/c -d", "a -b-cd"}},
		{`text|windash: "–f x"`, []string{"-f x", "/f x", "–f x", "—f x"}, []string{"f x"}},
		{`text|contains|windash: " ―b—c"`, []string{"a /b—c"}, []string{"a /b-c"}},
		{`ip|cidr: ["::ffff:10.0.0.0/104", "::ffff:192.0.2.7/128"]`, []string{"10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7"}, []string{"11.1.2.3", "192.0.2.8", "::1"}},
		{`ip|cidr: "::/0"`, []string{"::1", "2001:db8::1"}, []string{"10.1.2.3"}},
		{`text|base64: "ab"`, []string{"YWI=", "ywi="}, []string{"YWI", "xYWI="}},
		{`text|base64|cased: "ab"`, []string{"YWI="}, []string{"ywi="}},
		{`text|base64offset|contains: "http://"`, []string{"aHR0cDovL2E=", "YWh0dHA6Ly9h", "YWFodHRwOi8vYQ=="}, []string{"ZnRwOi8vYQ=="}},
		{`text|wide|base64offset|contains: "ping"`, []string{"cABpAG4AZwAgAGEA"}, []string{"cGluZyBh"}},
		{`text|utf16|base64: "ping"`, []string{"//5wAGkAbgBnAA=="}, []string{"cABpAG4AZwA="}},
		{`text|utf16be|base64: "ping"`, []string{"AHAAaQBuAGc="}, []string{"cABpAG4AZwA="}},
		{`text|utf16le|contains: "a*b"`, []string{"xa\x00--b\x00"}, []string{"ab", "a\x00b"}},
		{`text|fieldref: app`, []string{"Web", "WEB"}, []string{"web app", ""}},
		{`text|fieldref|cased: app`, []string{"Web"}, []string{"WEB"}},
		{`text|contains|fieldref: app`, []string{"my web app"}, []string{"we"}},
		{`text|fieldref: lang`, nil, []string{"Web"}}, // the activity has no language
		{`text|fieldref|neq: app`, []string{"other"}, []string{"web"}},
		{`text|hour: 7`, []string{"2024-03-05T07:59:59Z", "2024-03-05T08:00:00+01:00", "1709622489", "1709622489000", "2024-03-05 07:00:00"}, []string{"2024-03-05T08:00:00Z", "7", "-1", "soon"}},
		{`text|minute|gte: 30`, []string{"2024-03-05T07:30:00Z"}, []string{"2024-03-05T07:29:59Z"}},
		{`text|day: 5`, []string{"2024-03-05T07:30:00Z"}, []string{"2024-03-06T07:30:00Z"}},
		{`text|week: 10`, []string{"2024-03-05T07:30:00Z"}, []string{"2024-03-12T07:30:00Z"}},
		{`text|month: [3, 4]`, []string{"2024-03-05T07:30:00Z", "2024-04-05T07:30:00.25Z"}, []string{"2024-05-05T07:30:00Z"}},
		{`text|year|lt: 2024`, []string{"2023-12-31T23:59:59Z"}, []string{"2024-01-01T00:00:00Z"}},
		{`text|expand: "%who%"`, []string{"alice", "BOB", "bobby"}, []string{"eve", "%who%"}},
		{`text|expand: '\%plain%who%'`, []string{"%plainalice"}, []string{`\%plainalice`, "%plain%who%", "plainalice"}},
		{`text|expand: ['100\%', "%who%"]`, []string{"100%", "alice"}, []string{`100\%`}},
		{`text|expand: '%who%\*'`, []string{"alice*"}, []string{"alice", "alice-"}},
		{`text|expand: [carol, "%who%"]`, []string{"alice", "Carol"}, []string{"eve"}},
		{`text|contains|expand: "<%who%@%where%>"`, []string{"x <alice@example.org>", "<bobby@example.org>"}, []string{"<alice@example.com>"}},
		{`ip|cidr|expand: "%office%"`, []string{"10.1.2.3"}, []string{"11.1.2.3"}},
		{`text|re|i|s: "a.b"`, []string{"A\nB"}, []string{"ab"}},
		{`text|re|m: "^b$"`, []string{"a\nb"}, []string{"ab"}},
	} {
		p := compileRules(t, "title: R\nlogsource: {product: picket}\ndetection: {s: {"+tt.test+"}, condition: s}\n---\n"+
			"title: P\nplaceholders: {who: [alice, bob*], where: example.org, office: [10.0.0.0/8, 192.0.2.0/24]}\n")
		for _, text := range append(slices.Clone(tt.yes), tt.no...) {
			a := &activity.Activity{Kind: activity.KindPost, Text: text, App: "Web", IP: text}
			want := slices.Contains(tt.yes, text)
			if got := len(matchedTitles(p, a)) == 1; got != want {
				t.Errorf("%s matches %q: %v, want %v", tt.test, text, got, want)
			}
			if facts := p.Explain(p.Rules()[0], a); want && facts == nil && !strings.Contains(tt.test, "neq") {
				t.Errorf("%s: no explanation for %q", tt.test, text)
			}
		}
	}
}

// TestDormant holds that a rule whose placeholder has no values is silent,
// also where the placeholder stands under "not".
func TestDormant(t *testing.T) {
	p := compileRules(t, `
title: R
logsource: {product: picket}
detection: {s: {kind: post}, f: {actor|expand: "%friends%"}, condition: s and not f}
`)
	if got := matchedTitles(p, &activity.Activity{Kind: activity.KindPost}); got != nil {
		t.Errorf("matches %v without values", got)
	}
	if got := p.Rules()[0].Lacks; !slices.Equal(got, []string{"friends"}) {
		t.Errorf("lacks %v, want friends", got)
	}
}

func TestFilters(t *testing.T) {
	const base = `
title: Post
name: post
logsource: {product: picket, category: post}
detection: {s: {text: "*"}, condition: s}
---
title: Edit
name: edit
logsource: {product: picket, category: edit}
detection: {s: {text: "*"}, condition: s}
---
title: Except
logsource: %s
filter: {rules: %s, f: {actor|startswith: bot_}, condition: not f}
`
	for _, tt := range []struct{ name, logsource, rules, want string }{
		{"one rule", "{product: picket}", "[post]", "edit"},
		{"both", "{product: picket}", "[post, edit]", ""},
		{"any of the log source", "{product: picket, category: edit}", "any", "post"},
		{"any", "{product: picket}", "any", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := compileRules(t, strings.Replace(strings.Replace(base, "%s", tt.logsource, 1), "%s", tt.rules, 1))
			for _, kind := range []activity.Kind{activity.KindPost, activity.KindEdit} {
				if got := matchedTitles(p, &activity.Activity{Kind: kind, Text: "x", Actor: "jane"}); len(got) != 1 {
					t.Errorf("%s of a person matches %v, want one rule", kind, got)
				}
				got := matchedTitles(p, &activity.Activity{Kind: kind, Text: "x", Actor: "bot_1"})
				if matched := len(got) == 1; matched != (tt.want == string(kind)) {
					t.Errorf("%s of a bot matches %v, want only %q", kind, got, tt.want)
				}
			}
		})
	}
	plain, filtered := compileRules(t, strings.Split(base, "---\ntitle: Except")[0]), compileRules(t, strings.Replace(strings.Replace(base, "%s", "{product: picket}", 1), "%s", "[post]", 1))
	if a, b := plain.Rules()[0], filtered.Rules()[0]; a.Version == b.Version || a.Meaning == b.Meaning {
		t.Error("a filter changes what a rule matches, and its version or meaning stays")
	}
	if a, b := plain.Rules()[1], filtered.Rules()[1]; a.Version != b.Version || a.Meaning != b.Meaning {
		t.Error("a filter for another rule changes the version or meaning")
	}
}

// TestTaxonomy matches events as the products' own interfaces give them against
// rules as the public writes them.
func TestTaxonomy(t *testing.T) {
	for _, tt := range []struct{ name, logsource, test, network, raw string }{
		{"okta", "{product: okta, service: okta}", "eventType: user.mfa.factor.deactivate", "okta", `{"eventType":"user.mfa.factor.deactivate"}`},
		{"okta behaviours", "{product: okta, service: okta}", "debugContext.debugData.behaviors|contains: New Country=POSITIVE", "okta", `{"debugContext":{"debugData":{"behaviors":"{New Country=POSITIVE}"}}}`},
		{"gcp audit", "{product: gcp, service: gcp.audit}", "gcp.audit.method_name: 'v*.Compute.Firewalls.Delete'", "gcp", `{"protoPayload":{"methodName":"v1.compute.firewalls.delete"}}`},
		{"gcp export", "{product: gcp, service: gcp.audit}", "data.protoPayload.authorizationInfo.granted: 'true'", "gcp", `{"protoPayload":{"authorizationInfo":[{"granted":true}]}}`},
		{"workspace from the audit log", "{product: gcp, service: google_workspace.admin}", "eventName: GRANT_ADMIN_PRIVILEGE", "gworkspace", `{"protoPayload":{"metadata":{"event":[{"eventName":"GRANT_ADMIN_PRIVILEGE"}]}}}`},
		{"workspace from the reports", "{product: gcp, service: google_workspace.login}", "protoPayload.metadata.event.eventName: suspicious_login", "gworkspace", `{"events":[{"name":"suspicious_login"}]}`},
		{"azure sign-in from the monitor", "{product: azure, service: signinlogs}", "ResultType: 50057", "azure", `{"resultType":"50057"}`},
		{"azure sign-in from graph", "{product: azure, service: signinlogs}", "ResultType: 50057", "azure", `{"status":{"errorCode":50057}}`},
		{"azure risk", "{product: azure, service: riskdetection}", "riskEventType: leakedCredentials", "azure", `{"properties":{"riskEventType":"leakedCredentials"}}`},
		{"azure audit", "{product: azure, service: auditlogs}", "properties.message: Invite external user", "azure", `{"activityDisplayName":"Invite external user"}`},
		{"github", "{product: github, service: audit}", "action: org.disable_saml", "github", `{"action":"org.disable_saml"}`},
		{"m365 alerts", "{product: m365, service: threat_management}", "eventName: Impossible travel activity", "m365", `{"Workload":"SecurityComplianceCenter","Operation":"AlertTriggered","Name":"Impossible travel activity"}`},
		{"onelogin", "{product: onelogin, service: onelogin.events}", "event_type_id: 532", "onelogin", `{"event_type_id":532}`},
		{"duo", "{product: cisco, service: duo}", "event_type: authentication", "duo", `{"event_type":"authentication"}`},
		{"defender", "{product: windows, service: windefend}", "SourceName: Real-Time Protection", "windows", `{"Source Name":"Real-Time Protection"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := compileRules(t, "title: R\nlogsource: "+tt.logsource+"\ndetection:\n  s:\n    "+tt.test+"\n  condition: s\n")
			a := &activity.Activity{Network: tt.network, Kind: activity.KindSession, Raw: []byte(tt.raw)}
			if matchedTitles(p, a) == nil {
				t.Errorf("rule for %s does not match %s", tt.test, tt.raw)
			}
			for _, other := range []string{"", "x", "linux"} {
				if a.Network = other; matchedTitles(p, a) != nil {
					t.Errorf("matches an event of network %q", other)
				}
			}
		})
	}
}

// TestSpecificationDocuments compiles the specification's own documents, with
// stand-ins for the rules that they name and do not have.
func TestSpecificationDocuments(t *testing.T) {
	files := untar(t, filepath.Join(recordedtest.Path(t, "data/sigma"), "specification-schema-and-cases.tar.gz"), ".yml")
	if len(files) != 12 {
		t.Fatalf("found %d documents, want 12", len(files))
	}
	for _, f := range files {
		docs, faults := sigma.Parse(f.Name, f.Data)
		if len(faults) > 0 || len(docs) != 1 {
			t.Errorf("%s: %d documents, want one without faults: %v", f.Name, len(docs), faults)
			continue
		}
		d, beside := docs[0], ""
		switch {
		case d.Filter != nil:
			for _, ref := range d.Filter.Rules {
				beside += standIn(ref.S, d.Logsource)
			}
		case d.Correlation != nil:
			for _, ref := range d.Correlation.Rules {
				beside += standIn(ref.S, &sigma.Logsource{Product: sigma.Text{S: "windows"}})
			}
		}
		p, err := Compile([]File{f, {Name: "beside.yml", Data: []byte(beside)}})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		for _, r := range p.Rules() {
			if r.Type != TypeDetection && r.GroupBy[0].Name != "account" {
				t.Errorf("%s: grouped by %v, want account first", f.Name, fieldNames(r.GroupBy))
			}
		}
	}
}

// standIn is a detection rule that others name.
func standIn(ref string, l *sigma.Logsource) string {
	key := "name: "
	if strings.Count(ref, "-") == 4 {
		key = "id: "
	}
	source := (&sigma.Document{Logsource: l}).String()
	return "---\ntitle: Stand-in\n" + key + ref + "\n" + source + "detection: {s: {Image: x}, condition: s}\n"
}

func TestOldCollections(t *testing.T) {
	p := compileRules(t, `
action: global
title: All
id: 00000000-0000-4000-8000-0000000000aa
name: all
level: high
detection: {condition: s and not f, f: {lang: de}}
---
logsource: {product: picket, category: post}
detection: {s: {text: one}}
---
logsource: {product: picket, category: edit}
detection: {s: {text: two}}
---
action: repeat
title: Again
detection: {s: {text: three}}
---
action: reset
---
title: Alone
logsource: {product: picket}
detection: {s: {text: one}, condition: s}
`)
	var got []string
	for _, r := range p.Rules() {
		got = append(got, strings.Join([]string{r.Title, r.Name, string(r.Level)}, "/"))
	}
	if diff := cmp.Diff([]string{"All/all/high", "All//high", "Again//high", "Alone//medium"}, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if ids := []string{p.Rules()[0].ID, p.Rules()[1].ID, p.Rules()[2].ID}; ids[0] != "00000000-0000-4000-8000-0000000000aa" || ids[1] == ids[0] || ids[2] == ids[1] {
		t.Errorf("ids %v, want the first kept and the others of their own", ids)
	}
	for _, tt := range []struct {
		kind       activity.Kind
		text, lang string
		want       []string
	}{
		{activity.KindPost, "one", "", []string{"All", "Alone"}},
		{activity.KindPost, "one", "de", []string{"Alone"}},
		{activity.KindEdit, "two", "", []string{"All"}},
		{activity.KindEdit, "three", "", []string{"Again"}},
		{activity.KindPost, "two", "", nil},
	} {
		if diff := cmp.Diff(tt.want, matchedTitles(p, &activity.Activity{Kind: tt.kind, Text: tt.text, Lang: tt.lang})); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.kind, tt.text, diff)
		}
	}
}
