package dispatch

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

func TestDress(t *testing.T) {
	p := escalating()
	p.Escalation["default"].Steps[1].People[0].Name = "Tom Oe"
	r := newRig(p, nil, nil)
	a := firing("aaaaaa11", "x/acme", rules.Critical, start())
	a.Reasons = []detector.Reason{{Seen: "40 posts in 10m", Expected: "fewer than 12"}}
	b := firing("bbbbbb22", "x/acme", rules.High, start())
	b.Rule.Title = "Login from a new country"
	r.apply(start(), b, a)
	got := r.until(after(10 * time.Minute))
	if len(got) != 1 || got[0].Kind != notify.Escalated {
		t.Fatalf("told %v, want one escalation", told(got))
	}
	m := got[0]
	Dress(&m, &a, nil)
	want := notify.Message{
		Title: "CRITICAL x/acme: posting burst [PK-AAAAAA]",
		Lines: []notify.Line{
			{Label: "What", Text: "02:12Z: no text"},
			{Label: "Why", Text: "40 posts in 10m (expected fewer than 12). App: not shown by X"},
			{Label: "Also", Text: "02:12Z high Login from a new country (PK-BBBBBB); all in IN-BBBBBB"},
			{Label: "Reach", Text: "not shown by X; whether still up: not shown by X"},
			{Label: "Sure", Text: "counting rule; verdicts here none yet"},
			{Label: "Do", Text: "owner not configured.  1 phone the owner, not by direct message"},
			{Label: "Next", Text: "paged now, at any hour; escalates at 02:42Z to boss"},
			{Label: "Act", Text: "picket alerts ack PK-AAAAAA · assign · resolve -v expected|false|true"},
		},
	}
	if diff := cmp.Diff(want, notify.Message{Title: m.Title, Lines: m.Lines}); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if len(m.People) != 1 || m.People[0].Name != "Tom Oe" || m.Number != "IN-BBBBBB" || m.State != alerting.Firing {
		t.Errorf("for %v, about %s, %s", m.People, m.Number, m.State)
	}
}

// TestDressStorm: a message about a public storm has its numbers, for those who
// are told in plain words.
func TestDressStorm(t *testing.T) {
	a := firing("aaaaaa11", "x/acme", rules.Medium, start())
	a.Reasons = []detector.Reason{{
		Seen: "412 mentions in 5m", Expected: "3 to 9 at this hour",
		Detail: map[string]string{"count": "412", "of": "mentions", "span": "5m0s", "score": "9.10", "usual": "5.5", "low": "3", "high": "9", "why": "far above"},
	}}
	m := notify.Message{Number: "IN-AAAAAA", At: start(), Account: "x/acme", Alerts: []notify.Alert{{ID: a.ID}}}
	Dress(&m, &a, nil)
	if d := cmp.Diff(&alerting.Crowd{Mentions: 412, Seconds: 300, Low: 3, High: 9, Since: start()}, m.Crowd); d != "" {
		t.Errorf("crowd (-want +got):\n%s", d)
	}
	const want = "412 mentions in 5 minutes; 3 to 9 are usual at that hour"
	if text := notify.Plainly(&m).Text(); !strings.Contains(text, want) {
		t.Errorf("%q does not hold %q", text, want)
	}
}

// TestDressWithoutAlert: a message about an alert that is gone says what is known.
func TestDressWithoutAlert(t *testing.T) {
	m := notify.Message{
		Number: "IN-AAAAAA", Level: rules.High, Account: "x/acme",
		Alerts: []notify.Alert{{Title: strings.Repeat("ä very long title ", 20)}},
	}
	Dress(&m, &alerting.Alert{}, nil)
	if n := utf8.RuneCountInString(m.Title); n > alerting.MaxTitle || !strings.HasPrefix(m.Title, "HIGH x/acme: ä very long") || !strings.HasSuffix(m.Title, "… [IN-AAAAAA]") {
		t.Errorf("title of %d characters: %q", n, m.Title)
	}
}

// TestKeys: what is told is named the same however often it is decided, and fits
// what the outbox takes.
func TestKeys(t *testing.T) {
	name := strings.Repeat("r", 64)
	p := policy()
	p.Root.Receivers = []string{name}
	keys := func() []string {
		r := newRig(p, nil, nil)
		a := firing("0123456789abcdef0123456789abcdef", "x/acme", rules.Critical, start())
		var out []string
		for _, m := range append(r.apply(start(), a), r.apply(after(time.Minute), moved(a, alerting.Acknowledged, "jane", after(time.Minute)))...) {
			out = append(out, m.Key)
		}
		return out
	}
	want := []string{
		"0123456789abcdef0123456789abcdef-tbva40." + name + ".1.opened",
		"0123456789abcdef0123456789abcdef-tbva40." + name + ".2.acknowledged",
	}
	if diff := cmp.Diff(want, keys()); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for _, k := range keys() {
		if len(k) > 128 {
			t.Errorf("key %s has %d bytes", k, len(k))
		}
	}
}

// TestManyAlerts: a message of an incident with more alerts than it has room for
// says so; those that wait come first.
func TestManyAlerts(t *testing.T) {
	r := newRig(policy(), nil, nil)
	var all []alerting.Alert
	for i := range 60 {
		all = append(all, firing(fmt.Sprintf("a%02d", i), "x/acme", rules.High, start()))
	}
	r.apply(start(), all[0])
	for i := range all[1:] {
		r.apply(after(time.Minute), all[i+1])
	}
	all[0] = moved(all[0], alerting.Resolved, "jane", after(2*time.Minute))
	r.apply(after(2*time.Minute), all[0])
	got := r.until(after(10 * time.Minute))
	if len(got) != 1 || len(got[0].Alerts) != 50 || got[0].More != 9 || got[0].Alerts[0].ID != "a01" {
		t.Fatalf("%d messages, %+v", len(got), got)
	}
}

// TestLabels: a message has all that its newest alert is matched by: what is said
// in plain words hangs on any of its tags, and addresses are looked for.
func TestLabels(t *testing.T) {
	a := firing("a", "x/acme", rules.Critical, start())
	a.Rule.Tags = []string{"attack.impact", "attack.t1491.002"}
	a.Group = []alerting.Label{{Name: "ip", Value: "198.51.100.7"}}
	a.Accounts = []string{"x/acme", "x/beta"}
	got := newRig(policy(), nil, nil).apply(start(), a)
	if len(got) != 1 {
		t.Fatalf("told %v", told(got))
	}
	want := []alerting.Label{
		{Name: "account", Value: "x/acme"},
		{Name: "accounts", Value: "x/acme"},
		{Name: "accounts", Value: "x/beta"},
		{Name: "group.ip", Value: "198.51.100.7"},
		{Name: "level", Value: "critical"},
		{Name: "network", Value: "x"},
		{Name: "rule", Value: "rule-a"},
		{Name: "rule", Value: "burst"},
		{Name: "tag", Value: "attack.impact"},
		{Name: "tag", Value: "attack.t1491.002"},
		{Name: "type", Value: "event_count"},
	}
	if diff := cmp.Diff(want, got[0].Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if plain := notify.Plainly(&got[0]); !strings.Contains(plain.Title, "Something was published that may not be from us") {
		t.Errorf("in plain words: %q", plain.Title)
	}
}
