package dispatch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/calendar"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/rules"
)

// directory knows one account, at work from Monday to Friday.
type directory struct{ hours calendar.Hours }

func office(t *testing.T) directory {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	h, err := calendar.ParseHours("Mon-Fri 09:00-18:00", zone)
	if err != nil {
		t.Fatal(err)
	}
	return directory{h}
}

func (d directory) Account(name string) (alerting.AccountInfo, bool) {
	return alerting.AccountInfo{Working: d.hours.Contains, WorkingHours: d.hours.String()}, name == "x/acme"
}

// step is what happens at a moment and what is told up to and at it.
type step struct {
	after  time.Duration
	alerts []alerting.Alert
	want   []string
}

func happens(d time.Duration, a alerting.Alert, want ...string) step {
	return step{d, []alerting.Alert{a}, want}
}

func passes(d time.Duration, want ...string) step { return step{d, nil, want} }

// escalating tells jane at once, tom after ten minutes and the boss's receiver
// after thirty.
func escalating() *Policy {
	p := policy()
	p.Root.Escalation = "default"
	p.Escalation = map[string]Escalation{"default": {Steps: []Step{
		{People: []notify.Person{{Name: "jane"}}},
		{After: 10 * time.Minute, People: []notify.Person{{Name: "tom"}}},
		{After: 30 * time.Minute, Receivers: []string{"boss"}},
	}}}
	p.Repeat = map[rules.Level]time.Duration{rules.Critical: time.Hour}
	return p
}

// TestLife drives the whole life of an incident against the chart of the package
// comment.
func TestLife(t *testing.T) {
	critical := firing("a", "x/acme", rules.Critical, start())
	high := firing("b", "x/acme", rules.High, after(time.Minute))
	acked := moved(critical, alerting.Acknowledged, "jane", after(2*time.Minute))
	quiet := moved(critical, alerting.Resolved, alerting.ByPicket, after(20*time.Minute))
	byHand := moved(acked, alerting.Resolved, "jane", after(20*time.Minute))
	again := moved(quiet, alerting.Firing, alerting.ByPicket, after(25*time.Minute))
	quiet2 := moved(again, alerting.Resolved, alerting.ByPicket, after(26*time.Minute))
	again2 := moved(quiet2, alerting.Firing, alerting.ByPicket, after(27*time.Minute))
	quiet3 := moved(again2, alerting.Resolved, alerting.ByPicket, after(28*time.Minute))
	ended := moved(critical, alerting.Resolved, "jane", after(5*time.Minute))
	back := moved(ended, alerting.Firing, alerting.ByPicket, after(10*time.Minute))
	ended2 := moved(back, alerting.Resolved, "jane", after(12*time.Minute))
	back2 := moved(ended2, alerting.Firing, alerting.ByPicket, after(20*time.Minute))
	ended3 := moved(back2, alerting.Resolved, "jane", after(22*time.Minute))
	other := firing("e", "x/acme", rules.Critical, after(23*time.Minute))
	other.Rule = critical.Rule
	over2 := moved(back, alerting.Resolved, alerting.ByPicket, after(12*time.Minute))
	back3 := moved(over2, alerting.Firing, alerting.ByPicket, after(13*time.Minute))
	over3 := moved(back3, alerting.Resolved, alerting.ByPicket, after(14*time.Minute))
	back4 := moved(over3, alerting.Firing, alerting.ByPicket, after(15*time.Minute))
	late := moved(quiet, alerting.Firing, alerting.ByPicket, after(3*time.Hour))
	medium := firing("c", "x/acme", rules.Medium, start())
	low := firing("d", "x/acme", rules.Low, start())
	tests := []struct {
		name   string
		policy *Policy
		dir    alerting.Directory
		quiet  quietSet
		steps  []step
	}{
		{"opened, acknowledged, resolved", policy(), nil, nil, []step{
			happens(0, critical, "ops opened"),
			happens(2*time.Minute, acked, "ops acknowledged"),
			happens(20*time.Minute, byHand, "ops resolved"),
			passes(24 * time.Hour),
		}},
		{"resolved without anybody", policy(), nil, nil, []step{
			happens(0, critical, "ops opened"),
			happens(20*time.Minute, quiet, "ops resolved"),
		}},
		{"another alert joins", policy(), nil, nil, []step{
			happens(0, critical, "ops opened"),
			happens(time.Minute, high), // not at once again
			passes(6*time.Minute, "ops updated"),
			passes(24 * time.Hour),
		}},
		{"a higher level is told at once", policy(), nil, nil, []step{
			happens(0, high, "ops opened"),
			happens(time.Minute, raised(high, rules.Critical, after(time.Minute)), "ops updated"),
		}},
		{"who is on it learns of another alert", policy(), nil, nil, []step{
			happens(0, critical, "ops opened"),
			happens(2*time.Minute, acked, "ops acknowledged"),
			happens(10*time.Minute, high, "ops updated"),
			happens(11*time.Minute, moved(high, alerting.Acknowledged, "jane", after(11*time.Minute)), "ops acknowledged"),
		}},
		{"it waits again just after somebody took it", escalating(), nil, nil, []step{
			happens(0, critical, "ops opened for jane"),
			happens(2*time.Minute, acked, "ops acknowledged"),
			happens(3*time.Minute, high, "ops updated for jane"), // the escalation counts from now
			happens(4*time.Minute, firing("f", "x/acme", rules.High, after(4*time.Minute))),
			passes(8*time.Minute, "ops updated for jane"),
			passes(13*time.Minute, "ops escalated for tom"),
		}},
		{"escalates until the end", escalating(), nil, nil, []step{
			happens(0, critical, "ops opened for jane"),
			passes(9 * time.Minute),
			passes(10*time.Minute, "ops escalated for tom"),
			passes(30*time.Minute, "boss escalated"),
			passes(70*time.Minute, "ops repeated for tom"),
			passes(90*time.Minute, "boss repeated"),
			happens(91*time.Minute, moved(critical, alerting.Acknowledged, "tom", after(91*time.Minute)), "boss acknowledged", "ops acknowledged"),
			passes(48 * time.Hour),
		}},
		{"acknowledging ends the escalation", escalating(), nil, nil, []step{
			happens(0, critical, "ops opened for jane"),
			happens(2*time.Minute, acked, "ops acknowledged"),
			passes(24 * time.Hour),
		}},
		{"flaps", policy(), nil, nil, []step{
			happens(0, critical, "ops opened"),
			happens(20*time.Minute, quiet, "ops resolved"),
			happens(25*time.Minute, again, "ops opened"),
			happens(26*time.Minute, quiet2),
			happens(27*time.Minute, again2),
			happens(28*time.Minute, quiet3),
			passes(57 * time.Minute),
			passes(58*time.Minute, "ops resolved"),
		}},
		{"flaps, then stays", policy(), nil, nil, []step{
			happens(0, critical, "ops opened"),
			happens(20*time.Minute, quiet, "ops resolved"),
			happens(25*time.Minute, again, "ops opened"),
			happens(26*time.Minute, quiet2),
			happens(27*time.Minute, again2),
			passes(57*time.Minute, "ops updated"),
		}},
		{"comes again and again though a person ended it", policy(), nil, nil, []step{
			happens(0, critical, "ops opened"),
			happens(5*time.Minute, ended, "ops resolved"),
			happens(10*time.Minute, back, "ops opened"),
			happens(12*time.Minute, ended2, "ops resolved"),
			happens(20*time.Minute, back2, "ops opened"),
			happens(22*time.Minute, ended3, "ops resolved"),
			happens(23*time.Minute, other, "ops opened"), // of the same rule
		}},
		{"flaps after a person ended it", policy(), nil, nil, []step{
			happens(0, critical, "ops opened"),
			happens(5*time.Minute, ended, "ops resolved"),
			happens(10*time.Minute, back, "ops opened"),
			happens(12*time.Minute, over2, "ops resolved"),
			happens(13*time.Minute, back3, "ops opened"),
			happens(14*time.Minute, over3),
			happens(15*time.Minute, back4),
			passes(45*time.Minute, "ops updated"),
		}},
		{"comes again long after: another incident", policy(), nil, nil, []step{
			happens(0, critical, "ops opened"),
			happens(20*time.Minute, quiet, "ops resolved"),
			happens(3*time.Hour, late, "ops opened"),
		}},
		{"silenced until later", policy(), nil, quietSet{`account="x/acme"`: after(time.Hour)}, []step{
			happens(0, critical),
			passes(59 * time.Minute),
			passes(time.Hour, "ops opened"),
		}},
		{"over while it is silenced", policy(), nil, quietSet{`account="x/acme"`: after(time.Hour)}, []step{
			happens(0, critical),
			happens(20*time.Minute, quiet),
			passes(24 * time.Hour),
		}},
		{"high waits for working hours", policy(), office(t), nil, []step{
			happens(time.Minute, high),
			passes(53*time.Hour + 47*time.Minute),
			passes(53*time.Hour+48*time.Minute, "ops opened"), // Monday, 09:00 in Berlin
		}},
		{"over before working hours, and told", policy(), office(t), nil, []step{
			happens(time.Minute, high),
			happens(2*time.Minute, moved(high, alerting.Resolved, alerting.ByPicket, after(2*time.Minute))),
			passes(72*time.Hour, "ops opened", "ops resolved"),
		}},
		{"a person ends it before working hours", policy(), office(t), nil, []step{
			happens(time.Minute, high),
			happens(2*time.Minute, moved(high, alerting.Resolved, "jane", after(2*time.Minute))),
			passes(72 * time.Hour),
		}},
		{"medium is told and not repeated", escalating(), nil, nil, []step{
			happens(0, medium, "ops opened"),
			passes(24 * time.Hour),
		}},
		{"low waits for the digest", policy(), nil, nil, []step{
			happens(0, low),
			passes(6*time.Hour + 47*time.Minute),
			passes(6*time.Hour+48*time.Minute, "ops summary"), // 09:00 UTC
			passes(72 * time.Hour),
		}},
		{"not seen before it was over", policy(), nil, nil, []step{
			happens(21*time.Minute, quiet, "ops opened", "ops resolved"),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Silences
			if tt.quiet != nil {
				s = tt.quiet
			}
			r := newRig(tt.policy, tt.dir, s)
			for i, st := range tt.steps {
				want := append([]string{}, st.want...)
				if diff := cmp.Diff(want, told(r.apply(after(st.after), st.alerts...))); diff != "" {
					t.Fatalf("step %d, after %s (-want +got):\n%s", i, st.after, diff)
				}
			}
		})
	}
}

func TestWait(t *testing.T) {
	p := policy()
	p.Root.Wait = 30 * time.Second
	r := newRig(p, nil, nil)
	if got := told(r.apply(start(), firing("a", "x/acme", rules.High, start()))); len(got) > 0 {
		t.Errorf("told %v before the wait was over", got)
	}
	r.apply(after(10*time.Second), firing("b", "x/acme", rules.Critical, after(10*time.Second)))
	got := r.until(after(time.Minute))
	if len(got) != 2 || got[0].Kind != notify.Opened || got[1].Kind != notify.Updated {
		t.Fatalf("told %v, want the first opened and the second, of a higher level, updated", told(got))
	}
}

func TestInhibition(t *testing.T) {
	p := policy()
	p.Inhibit = []Inhibition{{
		Source: matchers(t, `rule="takeover"`), Target: matchers(t, `rule="burst"`), Equal: []string{"account"}, Within: time.Hour,
	}}
	takeover := firing("a", "x/acme", rules.Critical, start())
	takeover.Rule.Name = "takeover"
	burst := firing("b", "x/acme", rules.High, after(time.Minute))
	other := firing("c", "x/beta", rules.High, after(time.Minute))
	late := firing("d", "x/acme", rules.High, after(2*time.Hour))
	r := newRig(p, nil, nil)
	for i, tt := range []struct {
		after time.Duration
		alert alerting.Alert
		want  []string
	}{
		{0, takeover, []string{"ops opened"}},
		{time.Minute, burst, []string{}},
		{time.Minute, other, []string{"ops opened"}},
		{2 * time.Hour, late, []string{"ops updated"}},
		{3 * time.Hour, moved(takeover, alerting.Resolved, "jane", after(3*time.Hour)), []string{"ops updated"}},
	} {
		if diff := cmp.Diff(tt.want, told(r.apply(after(tt.after), tt.alert))); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
	if in := r.core.book.Of("b"); in == nil || in != r.core.book.Of("a") {
		t.Error("the inhibited alert is not in the incident of the one that explains it")
	}
}

// TestInhibitionByWhatChanges: what explains others by a label that a reload has
// changed meanwhile explains nothing any more once it is over.
func TestInhibitionByWhatChanges(t *testing.T) {
	p := policy()
	p.Inhibit = []Inhibition{{Source: matchers(t, `rule="takeover"`), Target: matchers(t, `rule="burst"`), Equal: []string{"level"}}}
	takeover := firing("a", "x/acme", rules.High, start())
	takeover.Rule.Name = "takeover"
	r := newRig(p, nil, nil)
	r.apply(start(), takeover)
	takeover = raised(takeover, rules.Critical, after(time.Minute))
	r.apply(after(time.Minute), takeover)
	burst := firing("b", "x/beta", rules.High, after(2*time.Minute))
	if diff := cmp.Diff([]string{"ops opened"}, told(r.apply(after(2*time.Minute), burst))); diff != "" {
		t.Errorf("of another level by now (-want +got):\n%s", diff)
	}
	r.apply(after(3*time.Minute), moved(takeover, alerting.Resolved, "jane", after(3*time.Minute)))
	burst = firing("c", "x/gamma", rules.High, after(4*time.Minute))
	if diff := cmp.Diff([]string{"ops opened"}, told(r.apply(after(4*time.Minute), burst))); diff != "" {
		t.Errorf("it is over (-want +got):\n%s", diff)
	}
}

func TestQuietHours(t *testing.T) {
	hours, err := calendar.ParseHours("Mon-Sun 00:00-08:00", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	p := policy()
	p.Quiet = oncall.QuietHours{{Levels: []rules.Level{rules.High, rules.Medium}, Hours: hours}}
	r := newRig(p, nil, nil)
	got := r.apply(start(), firing("a", "x/acme", rules.High, start()), firing("b", "x/beta", rules.Critical, start()))
	if diff := cmp.Diff([]string{"ops opened"}, told(got)); diff != "" || got[0].Account != "x/beta" {
		t.Errorf("told of %v at 02:12 (-want +got):\n%s", got, diff)
	}
	if got := told(r.until(time.Date(2026, 3, 14, 7, 59, 0, 0, time.UTC))); len(got) > 0 {
		t.Errorf("told %v before 08:00", got)
	}
	if diff := cmp.Diff([]string{"ops opened"}, told(r.until(time.Date(2026, 3, 14, 8, 0, 0, 0, time.UTC)))); diff != "" {
		t.Errorf("told at 08:00 (-want +got):\n%s", diff)
	}
}

func TestTargets(t *testing.T) {
	root := Route{Name: "root", Receivers: []string{"ops"}, Wait: 30 * time.Second, Routes: []Route{
		{Name: "sre", Urgency: []alerting.Urgency{alerting.UrgencySRE}, Receivers: []string{"sre"}, Wait: -1},
		{Name: "log", Matchers: matchers(t, `network="x"`), Receivers: []string{"log"}, Continue: true, Wait: -1},
		{Name: "x", Matchers: matchers(t, `account=~"x/.*"`), Escalation: "x", Wait: 0, Routes: []Route{
			{Name: "acme", Matchers: matchers(t, `account="x/acme"`), Receivers: []string{"acme"}, Wait: -1},
		}},
	}}
	tests := []struct {
		name    string
		account string
		urgency alerting.Urgency
		want    []Target
	}{
		{"nobody's", "okta/ed", alerting.UrgencyPage, []Target{{"root", []string{"ops"}, "", 30 * time.Second}}},
		{"by urgency", "x/acme", alerting.UrgencySRE, []Target{{"sre", []string{"sre"}, "", 30 * time.Second}}},
		{"goes on", "x/beta", alerting.UrgencyPage, []Target{{"log", []string{"log"}, "", 30 * time.Second}, {"x", []string{"ops"}, "x", 0}}},
		{"a child", "x/acme", alerting.UrgencyPage, []Target{{"log", []string{"log"}, "", 30 * time.Second}, {"acme", []string{"acme"}, "x", 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := firing("a", tt.account, rules.High, start())
			if diff := cmp.Diff(tt.want, root.Targets(match.Labels(&a), tt.urgency)); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBudget: what is above the budget is in the summary, but for the first
// critical alert of an account and the escalation of what was told.
func TestBudget(t *testing.T) {
	p := escalating()
	p.Budget = Budget{Pages: 1}
	r := newRig(p, nil, nil)
	a, b := firing("a", "x/acme", rules.High, start()), firing("b", "x/beta", rules.High, start())
	c := firing("c", "x/gamma", rules.Critical, after(2*time.Minute))
	for i, tt := range []struct {
		after  time.Duration
		alerts []alerting.Alert
		want   []string
	}{
		{0, []alerting.Alert{a, b}, []string{"ops opened for jane"}},
		{time.Minute, nil, []string{"ops summary"}},
		{2 * time.Minute, []alerting.Alert{c}, []string{"ops opened for jane"}},
		{10 * time.Minute, nil, []string{"ops escalated for tom"}},
		{12 * time.Minute, nil, []string{"ops escalated for tom"}},
		{14 * time.Minute, []alerting.Alert{raised(b, rules.Critical, after(14*time.Minute))}, []string{"ops opened for tom"}},
	} {
		got := r.apply(after(tt.after), tt.alerts...)
		if diff := cmp.Diff(tt.want, told(got)); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestForetell(t *testing.T) {
	p := escalating()
	a := firing("a", "x/acme", rules.Critical, start())
	for _, tt := range []struct {
		name    string
		after   time.Duration
		urgency alerting.Urgency
		want    string
	}{
		{"at once", 0, alerting.UrgencyPage, "escalates at 02:22Z to tom"},
		{"after the second step", 10 * time.Minute, alerting.UrgencyPage, "escalates at 02:42Z to boss"},
		{"after the last", time.Hour, alerting.UrgencyPage, "nobody is left to escalate to"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := p.Foretell(match.Labels(&a), tt.urgency, start(), after(tt.after), nil); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := policy().Foretell(match.Labels(&a), alerting.UrgencyPage, start(), start(), nil); got != "" {
		t.Errorf("without an escalation: %q", got)
	}
}
