package match_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

func TestLabels(t *testing.T) {
	tests := []struct {
		name  string
		alert alerting.Alert
		want  match.Set
	}{
		{"an alert of an account", alerting.Alert{
			Rule:    alerting.Rule{ID: "5e0c", Name: "post_burst", Level: rules.High, Type: "rate", Tags: []string{"attack.t1078", "attack.t1078", "picket.sre"}},
			Network: "x", Account: "x/acme",
		}, match.Set{
			"rule": {"5e0c", "post_burst"}, "level": {"high"}, "type": {"rate"}, "network": {"x"}, "account": {"x/acme"},
			"accounts": {"x/acme"}, "tag": {"attack.t1078", "picket.sre"},
		}},
		{"an alert across accounts", alerting.Alert{
			Rule:     alerting.Rule{ID: "77aa", Level: rules.Medium},
			Group:    []alerting.Label{{Name: "ip", Value: "198.51.100.7"}, {Name: "app", Value: ""}},
			Accounts: []string{"x/acme", "x/beta"},
		}, match.Set{"rule": {"77aa"}, "level": {"medium"}, "accounts": {"x/acme", "x/beta"}, "group.ip": {"198.51.100.7"}}},
		{"a drill", alerting.Alert{
			Rule: alerting.Rule{ID: "1"}, Evidence: []activity.Activity{{Drill: "spring"}},
		}, match.Set{"rule": {"1"}, "drill": {"spring"}}},
		{"a drill that real activity joined", alerting.Alert{
			Rule: alerting.Rule{ID: "1"}, Evidence: []activity.Activity{{Drill: "spring"}, {}},
		}, match.Set{"rule": {"1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, match.Labels(&tt.alert)); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}

func set() match.Set {
	return match.Set{
		"rule": {"5e0c", "post_burst"}, "level": {"high"}, "account": {"x/acme"}, "accounts": {"x/acme"},
		"tag": {"attack.t1078", "attack.initial_access"}, "group.geo.country": {"RO"},
	}
}

func TestMatches(t *testing.T) {
	tests := []struct {
		matchers string
		want     bool
	}{
		{`account="x/acme"`, true},
		{`{account="x/acme"}`, true},
		{`account=x/acme`, true},
		{`account="x/acm"`, false},
		{`account=~"x/.*", level="high"`, true},
		{`account=~"x/.*", level="low"`, false},
		{`account=~"x"`, false}, // a whole value
		{`rule="5e0c"`, true},
		{`rule="post_burst"`, true},
		{`rule!="post_burst"`, false}, // none may be equal
		{`rule!="5e0c"`, false},
		{`rule!="other"`, true},
		{`tag=attack.t1078`, true},
		{`tag!~"attack.*"`, false},
		{`tag!~"picket.*"`, true},
		{`drill=""`, true}, // a label that is not there is empty
		{`drill!=""`, false},
		{`drill=~".+"`, false},
		{`group.geo.country="RO"`, true},
		{`group.ip=""`, true},
		{`level!="critical"`, true},
	}
	for _, tt := range tests {
		t.Run(tt.matchers, func(t *testing.T) {
			m, err := match.Parse(tt.matchers)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Matches(set()); got != tt.want {
				t.Errorf("matches: %v, want %v", got, tt.want)
			}
		})
	}
	if !(match.Matchers{}).Matches(set()) {
		t.Error("the zero value does not match everything")
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, matchers, want string }{
		{"nothing", "", "no matcher"},
		{"empty braces", "{}", "no matcher"},
		{"no operator", "account", "expected an operator"},
		{"no value", "account=", "expected label value"},
		{"an open brace", `{account="x/acme"`, "expected close brace"},
		{"a regular expression", `account=~"("`, "missing closing )"},
		{"a label that no alert has", `acount="x/acme"`, `alerts have no label "acount"; expected one of account, accounts, drill, level, network, rule, tag, type, or group. and a field such as group.ip`},
		{"a group without a field", `"group."="x"`, "no label"},
		{"no UTF-8", "account=\"\xff\"", "not UTF-8"},
		{"too long", `account="` + strings.Repeat("x", 5000) + `"`, "at most 4096"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := match.Parse(tt.matchers)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	if _, err := match.Parse("{}"); !errors.Is(err, match.ErrNone) {
		t.Errorf("error of the empty list: %v, want ErrNone", err)
	}
}

func TestCould(t *testing.T) {
	tests := []struct {
		matchers string
		want     bool
	}{
		{`account="x/acme"`, true},
		{`account="x/acme", level=~"low|medium"`, false},
		{`level!="critical"`, false},
		{`level=~"high|critical"`, true},
		{`level=~".*", level!~"crit.*"`, false},
		{`rule="post_burst"`, true},
	}
	for _, tt := range tests {
		t.Run(tt.matchers, func(t *testing.T) {
			m, err := match.Parse(tt.matchers)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Could(match.Level, "critical"); got != tt.want {
				t.Errorf("could be critical: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	m, err := match.Parse(`account=x/acme,group.ip!~"10\\..*"`)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if want := `"{account=\"x/acme\",group.ip!~\"10\\\\..*\"}"`; string(data) != want {
		t.Errorf("JSON %s, want %s", data, want)
	}
	var back match.Matchers
	if err := json.Unmarshal(data, &back); err != nil || back.String() != m.String() {
		t.Errorf("read back %v, %v; want %v", back, err, m)
	}
	if err := json.Unmarshal([]byte(`"acount=x"`), &back); err == nil {
		t.Error("an unknown label was read")
	}
	if err := json.Unmarshal([]byte(`""`), &back); err != nil || !back.IsZero() {
		t.Errorf("the empty text: %v, %v; want the zero value", back, err)
	}
}

// FuzzParse holds that what is read survives printing.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`account="x/acme"`, `{rule=~"a|b",level!="critical",}`, `"group.a b"='x'`, "tag=\"\\n\\\"\"", "drill=~\"(?i)x\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := match.Parse(s)
		if err != nil {
			return
		}
		again, err := match.Parse(m.String())
		if err != nil || again.String() != m.String() {
			t.Errorf("%q is printed as %q, which is read as %q, %v", s, m, again, err)
		}
	})
}
