package hijack

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// history makes an account that posts twice a day at noon and a quarter past,
// from one client.
func history(name string, days int) *History {
	start := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	var as []activity.Activity
	for d := range days {
		for k := range 2 {
			as = append(as, activity.Activity{
				ID: fmt.Sprint(name, d, k), Network: "x", Account: "x/" + name, Kind: activity.KindPost, App: name + " app",
				Time: start.AddDate(0, 0, d).Add(time.Duration(k) * 15 * time.Minute), Text: name + " says hello", Lang: "en",
			})
		}
	}
	return NewHistory("x/"+name, false, as)
}

// known alerts on an activity whose key it has not been told of.
type known struct {
	key  func(*activity.Activity) string
	told map[string]bool
	slow int // alerts only from the so many-th strange activity on
}

func (k *known) Observe(a *activity.Activity) bool {
	if k.told[k.key(a)] || len(k.told) == 0 {
		k.told[k.key(a)] = true
		return false
	}
	k.slow--
	return k.slow < 0
}

func (k *known) Fork() Subject { return &known{k.key, maps.Clone(k.told), k.slow} }

func play(t *testing.T, p Protocol, s Subject) Result {
	t.Helper()
	victim := history("victim", 400)
	script, err := p.Write(victim, []*History{victim, history("donor", 300)})
	if err != nil {
		t.Fatal(err)
	}
	return Play([]*Script{script}, []Subject{s})[0]
}

func byAttack(r Result) map[string]Counts {
	out := map[string]Counts{}
	for _, c := range r.Attacks {
		out[c.Attack] = c
	}
	return out
}

func TestPlayCountsWhatIsNoticed(t *testing.T) {
	app := func(a *activity.Activity) string { return a.App }
	text := func(a *activity.Activity) string { return a.Text }
	hour := func(a *activity.Activity) string { return a.Time.Format("15") }
	for _, tc := range []struct {
		name string
		key  func(*activity.Activity) string
		slow int
		want map[string][3]int
	}{
		{"clients", app, 0, map[string][3]int{
			"splice": {40, 40, 40}, "splice-mimic": {}, "campaign": {40, 40, 40}, "campaign-mimic": {},
			"client-switch": {40, 40, 40}, "odd-hour": {}, "burst": {},
		}},
		{"clients, from the third on", app, 2, map[string][3]int{
			"splice": {0, 40, 40}, "splice-mimic": {}, "campaign-mimic": {}, "client-switch": {0, 40, 40}, "odd-hour": {}, "burst": {},
		}},
		{"words", text, 0, map[string][3]int{
			"splice": {40, 40, 40}, "splice-mimic": {40, 40, 40}, "campaign": {40, 40, 40}, "campaign-mimic": {40, 40, 40},
			"client-switch": {}, "odd-hour": {}, "burst": {},
		}},
		{"hours", hour, 0, map[string][3]int{"odd-hour": {40, 40, 40}, "client-switch": {}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := play(t, Standard(), &known{key: tc.key, told: map[string]bool{}, slow: tc.slow})
			if r.Alerts != 0 {
				t.Errorf("%d false alerts, want none: posts of the history repeat what was told", r.Alerts)
			}
			got := byAttack(r)
			for attack, want := range tc.want {
				if c := got[attack]; c.Played != 40 || c.Within != want {
					t.Errorf("%s: played %d, noticed %v; want 40, %v", attack, c.Played, c.Within, want)
				}
			}
		})
	}
}

// always alerts on everything, and counts.
type always struct{ seen, approvals int }

func (w *always) Observe(a *activity.Activity) bool {
	w.seen++
	if a.Kind == activity.KindApproval {
		w.approvals++
	}
	return true
}

func (*always) Fork() Subject { return &always{} }

func TestFalseAlertsAreMergedWithinAnHour(t *testing.T) {
	r := play(t, Standard(), &always{})
	// 150 days of warm-up by 300 posts; half of the other 250 days; two flags
	// a day, 15 minutes apart.
	if r.Posts != 250 || r.Alerts != 125 || len(r.False) != 125 {
		t.Errorf("%d posts judged, %d alerts; want 250 and 125", r.Posts, r.Alerts)
	}
	if r.Months < 4.08 || r.Months > 4.12 {
		t.Errorf("second half of %.3f months, want 125 days", r.Months)
	}
}

func TestApprovalsComeBeforeRealPostsOnly(t *testing.T) {
	p := Standard()
	p.Attacks, p.Approve = []Attack{Unapproved()}, true
	w := &always{}
	r := play(t, p, w)
	if w.seen != 1600 || w.approvals != 800 {
		t.Errorf("saw %d activities, %d approvals; want 1600 and 800", w.seen, w.approvals)
	}
	if c := r.Attacks[0]; c.Attack != "unapproved" || c.Within[0] != 40 {
		t.Errorf("got %+v, want 40 unapproved posts noticed", c)
	}
}

func TestAttacksAreWhatTheySay(t *testing.T) {
	victim, donor := history("victim", 400), history("donor", 300)
	p := Standard()
	half, _, _ := p.split(victim)
	plans, err := p.plan(victim, []*History{donor}, half)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, pl := range plans {
		name := p.Attacks[pl.attack].Name
		for i, a := range pl.posts {
			if ids[a.ID] || a.Account != "x/victim" || a.Metrics != nil {
				t.Fatalf("%s: id %s twice, or account %s is not the victim's", name, a.ID, a.Account)
			}
			ids[a.ID] = true
			if i > 0 && a.Time.Before(pl.posts[i-1].Time) {
				t.Errorf("%s: post %d is older than the one before", name, i)
			}
			own := strings.HasPrefix(a.Text, "victim")
			switch name {
			case "splice":
				check(t, name, !own && a.App == "donor app")
			case "splice-mimic":
				check(t, name, !own && a.App == "victim app" && pl.at.Hour() == 12)
			case "campaign":
				check(t, name, !own && a.App == "donor app")
			case "campaign-mimic":
				check(t, name, !own && a.App == "victim app" && pl.at.Hour() == 12)
			case "client-switch":
				check(t, name, own && a.App == "donor app")
			case "odd-hour":
				check(t, name, own && pl.at.Hour() == 0 && len(pl.posts) == 5)
			case "burst":
				check(t, name, own && len(pl.posts) == 30 && a.Time.Sub(pl.at) < 10*time.Minute)
			}
		}
	}
	again, err := p.plan(victim, []*History{donor}, half)
	if err != nil || len(plans) != 280 || !slices.EqualFunc(plans, again, func(a, b planned) bool {
		return a.attack == b.attack && a.posts[0].ID == b.posts[0].ID && a.posts[0].Text == b.posts[0].Text && a.at.Equal(b.at)
	}) {
		t.Errorf("%d attacks, want 280, and the same seed must give the same (%v)", len(plans), err)
	}
}

func check(t *testing.T, attack string, ok bool) {
	t.Helper()
	if !ok {
		t.Errorf("%s is not what it says", attack)
	}
}

// from returns what a history holds, as of one client.
func from(h *History, app string) []activity.Activity {
	all := make([]activity.Activity, h.Len())
	for i := range all {
		all[i] = *h.At(i)
		all[i].App = app
	}
	return all
}

func TestHistoriesWithoutClients(t *testing.T) {
	strip := func(h *History) *History {
		return NewHistory(h.Account, false, from(h, ""))
	}
	victim, p := strip(history("victim", 400)), Standard()
	if _, err := p.Write(victim, []*History{history("donor", 300)}); err == nil || !strings.Contains(err.Error(), "no other history") {
		t.Errorf("got %v, want an error: the only donor has clients, which the victim has not", err)
	}
	script, err := p.Write(victim, []*History{strip(history("donor", 300))})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range byAttack(Play([]*Script{script}, []Subject{&always{}})[0]) {
		if want := map[bool]int{true: 0, false: 40}[name == "splice" || name == "campaign" || name == "client-switch"]; c.Played != want {
			t.Errorf("%s played %d times, want %d", name, c.Played, want)
		}
	}
}

func TestTooShort(t *testing.T) {
	p := Standard()
	for _, days := range []int{100, 170} {
		h := history("victim", days)
		_, err := p.Write(h, []*History{history("donor", 300)})
		if err == nil || !strings.Contains(err.Error(), "too short") || p.Long(h) {
			t.Errorf("%d days: got %v, want an error that says the history is too short", days, err)
		}
	}
	if !p.Long(history("victim", 400)) {
		t.Error("400 days are long enough")
	}
}

func TestShareOf(t *testing.T) {
	for _, tc := range []struct {
		count, n  int
		low, high string
	}{
		{0, 0, "0.000", "1.000"},
		{0, 40, "0.000", "0.088"},
		{20, 40, "0.352", "0.648"},
		{40, 40, "0.912", "1.000"},
		{81, 263, "0.255", "0.366"}, // Newcombe 1998, table I
	} {
		s := ShareOf(tc.count, tc.n)
		if low, high := fmt.Sprintf("%.3f", s.Low), fmt.Sprintf("%.3f", s.High); low != tc.low || high != tc.high {
			t.Errorf("%d of %d: %s to %s, want %s to %s", tc.count, tc.n, low, high, tc.low, tc.high)
		}
	}
}

func TestTable(t *testing.T) {
	counts := func(played, first, third, tenth int) []Counts {
		return []Counts{{Attack: "campaign", Campaign: true, Played: played, Within: [3]int{first, third, tenth}}}
	}
	table := Summarise([]Result{
		{Account: "x/a", Months: 10, Alerts: 5, Attacks: counts(40, 10, 20, 40)},
		{Account: "x/b", Months: 8, Alerts: 12, Attacks: counts(40, 20, 20, 20)},
		{Account: "x/c", Months: 2, Alerts: 6, Hashed: true, Attacks: counts(40, 0, 0, 0)},
	})
	var b strings.Builder
	if err := table.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	const want = `3 accounts, 20 account-months judged, 23 false alerts: mean 1.67 per account-month, worst 1.50 (x/b)

               attack  played  within 1   95 %  within 3   95 %  within 10   95 %
  campaign (in clear)      80    37.5 %  28–48    50.0 %  39–61     75.0 %  65–83
    campaign (hashed)      40     0.0 %    0–9     0.0 %    0–9      0.0 %    0–9
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestCampaigns(t *testing.T) {
	for _, c := range Campaigns() {
		if n := len(c.Posts); n < 1 || n > 5 || c.Lang == "" {
			t.Errorf("%s: %d posts in %q, want one to five in a language", c.Name, n, c.Lang)
		}
		for i := range c.Posts {
			if a := c.activity(i); strings.Contains(a.Text, "http") != (len(a.LinkDomains) > 0) {
				t.Errorf("%s, post %d: links and their domains do not agree", c.Name, i)
			}
		}
	}
	fox := Campaigns()[3]
	if a := fox.activity(3); !slices.Equal(a.Mentions, []string{"barackobama"}) || !slices.Equal(a.Hashtags, []string{"america", "obamadead"}) {
		t.Errorf("mentions %q and hashtags %q", a.Mentions, a.Hashtags)
	}
}

// TestClientSwitchWhereAllUseOneClient: accounts that are all served by one
// publishing tool can still be attacked with another one.
func TestClientSwitchWhereAllUseOneClient(t *testing.T) {
	victim, donor := history("victim", 400), history("donor", 300)
	victim, donor = NewHistory("x/victim", false, from(victim, "publishing tool")), NewHistory("x/donor", false, from(donor, "publishing tool"))
	p := Standard()
	half, _, _ := p.split(victim)
	plans, err := p.plan(victim, []*History{donor}, half)
	if err != nil {
		t.Fatal(err)
	}
	switched := 0
	for _, pl := range plans {
		if p.Attacks[pl.attack].Name == "client-switch" {
			switched++
			check(t, "client-switch", pl.posts[0].App != "publishing tool" && pl.posts[0].App != "")
		}
	}
	if switched != p.Moments {
		t.Errorf("played %d times, want %d", switched, p.Moments)
	}
}
