package rules

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// FuzzCompile compiles arbitrary rule files. What compiles must match without
// a panic, and must compile to the same versions once it was printed.
func FuzzCompile(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yml", "testdata/explain/*.yml", "packs/*/*.yml", "sigma/testdata/golden/*.yml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Compile([]File{{Name: "f.yml", Data: data}})
		if err != nil {
			return
		}
		m := p.NewMatcher()
		for _, a := range fuzzActivities() {
			for _, i := range p.Match(&a, m) {
				p.Explain(p.Rules()[i], &a)
			}
		}
		docs, faults := sigma.Parse("f.yml", data)
		if len(faults) > 0 {
			t.Fatalf("compiles and does not parse: %v", faults)
		}
		again, err := Compile([]File{{Name: "f.yml", Data: []byte(sigma.Print(docs))}})
		if err != nil {
			t.Fatalf("does not compile any more once printed: %v\n%s", err, sigma.Print(docs))
		}
		for i, r := range p.Rules() {
			if o := again.Rules()[i]; r.ID != o.ID || r.Version != o.Version || r.Meaning != o.Meaning {
				t.Errorf("rule %d is %s at %s (%s), and printed %s at %s (%s)", i, r.ID, r.Version, r.Meaning, o.ID, o.Version, o.Meaning)
			}
		}
	})
}

// fuzzActivities are a few activities with many fields.
func fuzzActivities() []activity.Activity {
	return []activity.Activity{
		{
			Network: "x", Account: "x/acme", Kind: activity.KindPost, ID: "1", Text: "Free coins at 10.0.0.1", App: "Studio", Lang: "en",
			Links: []string{"https://example.org/a"}, LinkDomains: []string{"example.org"}, Hashtags: []string{"a", "B"}, IP: "10.1.2.3",
		},
		{Network: "okta", Account: "okta/a", Kind: activity.KindLogin, IP: "2001:db8::1", Geo: activity.Geo{Country: "RO"}, Raw: []byte(`{"eventType":"user.session.start","a":{"b":[1,"x",null]}}`)},
		{Network: "windows", Kind: activity.KindSession, Raw: []byte(`{"EventID":1,"Image":"C:\\Windows\\cmd.exe","CommandLine":"cmd /c \"a\""}`)},
		{},
	}
}

// fuzzedRules are what FuzzRawEvent holds events against: every way in which a
// field is looked at, several of them over the same fields.
const fuzzedRules = `title: One
logsource: {product: x}
detection:
  sel: {a: x, a.b|contains: [y, é], c|startswith: [1, 2]}
  condition: 1 of them
---
title: Two
logsource: {product: x}
detection:
  sel: {a: null}
  other: {a.b|exists: true, c|gte: 10}
  condition: sel or other
---
title: Three
logsource: {product: x}
detection:
  words: [free, '"a":']
  sel: {a|re: '^x+$'}
  other: {c: 10}
  condition: (words or sel) and not other
---
title: Four
logsource: {category: any}
detection:
  sel:
    - {a|fieldref: c}
    - {a|cidr: 10.0.0.0/8}
    - {a|base64offset|contains: xy}
    - {b|endswith: '\'}
    - {b: 'a*b?c'}
    - {a.b.c|contains|all: [a, B]}
  condition: sel
---
title: Five
logsource: {product: x}
detection:
  sel: {a|neq: x, c|lt: 2.5}
  time: {a|hour: 7}
  condition: sel or time
`

// FuzzRawEvent matches arbitrary bytes as a source's own event against fixed
// rules: the program, which scans all fields at once, must say what the oracle
// says.
func FuzzRawEvent(f *testing.F) {
	for _, raw := range []string{
		`{"a":"x","a.b":"y","c":1}`, `{"a":{"b":["yes",{"c":"a and B"}]},"c":10.5}`, `[{"a":"xxx"},{"a":null}]`,
		`{"a":"10.2.3.4","b":"a\u00e9b.c"}`, `{"a":"2024-03-05T07:08:09Z","c":"2"}`, `{"a":"\ud83d","b":"C:\\"}`, `{"a":"eHk=","a":`,
		"{\"a\":\"\xff\xfe\"}", `{"a":[[["x"]]],"c":1e999}`, `{"a":true,"a":"X","c":"true"}`, `"free"`, ``,
	} {
		f.Add([]byte(raw))
	}
	p, docs := compileBoth(f, fuzzedRules)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 4096 {
			return
		}
		compareProgram(t, p, docs, []activity.Activity{{Network: "x", Kind: "other", Raw: raw}, {Network: "y", Kind: "other", Raw: raw}})
	})
}

// fuzzedModifiers are those whose values need care of their own.
func fuzzedModifiers() []string {
	return []string{
		"cidr", "re", "re|i", "re|m", "re|s", "base64", "base64|contains", "base64offset|contains", "base64offset|contains|cased",
		"wide|base64offset|contains", "utf16be|contains", "windash|contains", "contains", "startswith|cased", "neq", "gt", "cidr|neq",
	}
}

// FuzzModifiers compares one test, its modifiers chosen by mod, with the
// oracle: on the text, on the text around what the value becomes, and on the
// same within JSON.
func FuzzModifiers(f *testing.F) {
	for i, row := range []struct{ value, text string }{
		{"10.0.0.0/8", "10.255.0.1"},
		{"^a.?b$", "acb"},
		{"(straße|\u212a)", "STRASSE K"},
		{"^b", "a\nb"},
		{"a.b", "a\nb"},
		{"ab", "YWI="},
		{"abba", "xYWJiYQ=="},
		{"abc", "eGFiYw"},
		{"secret", "AHNlY3JldA"},
		{"ab", "YQBiAA=="},
		{"ab", "\x00a\x00b"},
		{"-a /b", "x –a ―b"},
		{"a*b?", "xa--bé"},
		{"É*", "É"},
		{"x", "X"},
		{"10", "11"},
		{"::/0", "::ffff:10.0.0.1"},
	} {
		f.Add(uint8(i), row.value, row.text)
	}
	f.Add(uint8(0), "fe80::/10", "fe80::1%eth0")
	f.Add(uint8(1), `\Qa.b`, "xa.b")
	f.Add(uint8(2), "[^a]|b*c{2}", "cC")
	f.Fuzz(func(t *testing.T, mod uint8, value, text string) {
		mods := fuzzedModifiers()
		name := mods[int(mod)%len(mods)]
		bmp := !strings.ContainsFunc(value, func(r rune) bool { return r > 0xffff }) // the oracle writes UTF-16 by hand
		if !utf8.ValidString(value) || !utf8.ValidString(text) || len(value) > 40 || len(text) > 200 || !bmp {
			return
		}
		picket := "title: T\nlogsource: {product: picket}\ndetection:\n  sel:\n    text|" + name + ": " + quoteYAML(value) + "\n  condition: sel\n"
		if name == "gt" {
			picket = strings.Replace(picket, quoteYAML(value), value, 1)
		}
		if _, err := Compile([]File{{Name: "f.yml", Data: []byte(picket)}}); err != nil {
			return
		}
		var activities []activity.Activity
		for _, text := range slices.Compact([]string{text, text + value, value + text, text + value + text}) {
			a := activity.Activity{Network: "x", Kind: "other", Text: text}
			raw, err := json.Marshal(map[string]string{"text": text})
			if err != nil {
				t.Fatal(err)
			}
			a.Raw = raw
			activities = append(activities, a)
		}
		compareWithOracle(t, picket+"---\n"+strings.NewReplacer("title: T", "title: U", "product: picket", "product: x").Replace(picket), activities)
	})
}
