package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting/promexport"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal/journaltest"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// tallies counts what a coverer tells the metrics.
type tallies struct{ set int }

func (m *tallies) SetCoverage(int, *promexport.CoverageTally) { m.set++ }

// newCoverer returns a coverer over so many accounts, and an engine with one
// rule.
func newCoverer(t *testing.T, accounts int) (*coverer, *detector.Engine, *tallies) {
	t.Helper()
	cfg := &config.Config{}
	for i := range accounts {
		cfg.Accounts = append(cfg.Accounts, config.Account{Name: fmt.Sprint("x/account-", i)})
	}
	const rule = "title: Profile\nname: profile\nlogsource: {product: picket, category: profile}\ndetection: {changed: {changed: [name]}, condition: changed}\n"
	plan, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "r.yml", Data: []byte(rule)}}})
	if err != nil {
		t.Fatal(err)
	}
	metrics := &tallies{}
	seen := func(string, activity.Kind, string) detector.Sight { return detector.Sight{Seen: true} }
	cur := &current{}
	cur.p.Store(&known{cfg: cfg})
	return &coverer{partition: 0, partitions: 1, cfg: cur, sight: seen, metrics: metrics}, detector.NewEngine(0, plan, detector.EngineOptions{}), metrics
}

// TestCovererTakesTurns holds that a question about many accounts is answered
// in several turns, and that counting goes on after it.
func TestCovererTakesTurns(t *testing.T) {
	c, engine, metrics := newCoverer(t, 10)
	long := time.Now().Add(-time.Hour) // no turn has any time left
	c.begin()
	var covered []string
	done := false
	if !c.ask(&sweep{
		until: long, names: c.cfg.p.Load().accounts(), done: func() { done = true },
		take: func(name string, _ time.Time, of []detector.Coverage) {
			if len(of) != 1 || of[0].State != detector.CoverageActive {
				t.Errorf("%s: %v", name, of)
			}
			covered = append(covered, name)
		},
	}, long) {
		t.Fatal("the first question is not taken")
	}
	for turn := 1; turn <= 10; turn++ {
		if done || metrics.set > 0 {
			t.Fatalf("done after %d turns, %d counts", turn-1, metrics.set)
		}
		c.step(engine, long)
		if len(covered) != turn {
			t.Fatalf("%d accounts after %d turns", len(covered), turn)
		}
	}
	if !done {
		t.Error("not done after all accounts")
	}
	for range 10 {
		c.step(engine, long)
	}
	if metrics.set != 1 {
		t.Errorf("counted %d times, want once", metrics.set)
	}
	c.step(engine, long.Add(coverEvery/2))
	if c.count != nil {
		t.Error("counts again within a minute")
	}
	c.step(engine, long.Add(coverEvery))
	if c.count == nil {
		t.Error("does not count again after a minute")
	}
}

// TestCovererBoundsQuestions holds how many questions wait, and for how long: a
// daemon that never reads a partition must not gather them.
func TestCovererBoundsQuestions(t *testing.T) {
	c, engine, _ := newCoverer(t, 1)
	now, answered := time.Now(), 0
	ask := func(until time.Time) bool {
		return c.ask(&sweep{until: until, done: func() { answered++ }}, now)
	}
	taken := 0
	for range 2 * maxAsked {
		if ask(now.Add(time.Second)) {
			taken++
		}
	}
	if taken != maxAsked {
		t.Errorf("%d questions wait, want %d", taken, maxAsked)
	}
	now = now.Add(2 * time.Second)
	if !ask(now.Add(time.Second)) || len(c.asked) != 1 {
		t.Errorf("%d questions wait after nobody waits for the others, want 1", len(c.asked))
	}
	c.step(engine, now)
	c.step(engine, now)
	if answered != 1 {
		t.Errorf("%d questions answered, want 1", answered)
	}
}

// TestCoverageComesInParts holds the size of what is sent, however many
// accounts there are.
func TestCoverageComesInParts(t *testing.T) {
	got := answers{by: map[string]AccountCoverage{}, ended: map[int]bool{}}
	parts := 0
	p := &coveragePublisher{log: zap.NewNop(), part: coverageAnswer{V: coverageVersion, Partitions: 1}, publish: func(data []byte) error {
		parts++
		if len(data) > 512<<10 {
			t.Errorf("part %d has %d bytes, want at most 512 KiB", parts, len(data))
		}
		return got.add(data)
	}}
	const accounts, ofEach = 100, 1200
	for i := range accounts {
		for from := 0; from < ofEach; from += coverageRules {
			one := AccountCoverage{Account: fmt.Sprint("x/", i)}
			for k := from; k < min(from+coverageRules, ofEach); k++ {
				one.Rules = append(one.Rules, RuleCoverage{Rule: fmt.Sprint("rule ", k), Title: "A rule", State: detector.CoverageNoSource, Why: strings.Repeat("why ", 40)})
			}
			p.add(one)
		}
	}
	if got.complete() {
		t.Error("complete before the last part")
	}
	p.finish()
	if !got.complete() || parts < 10 {
		t.Errorf("complete: %t after %d parts", got.complete(), parts)
	}
	all := got.sorted()
	if len(all) != accounts || all[0].Account != "x/0" || len(all[0].Rules) != ofEach {
		t.Errorf("%d accounts, the first %s with %d rules", len(all), all[0].Account, len(all[0].Rules))
	}
}

func TestAskCoverageOfNobody(t *testing.T) {
	srv := journaltest.Server(t, t.TempDir(), nil)
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := AskCoverage(t.Context(), nc, ""); !errors.Is(err, ErrNobodyAnswers) {
		t.Errorf("%v, want %v", err, ErrNobodyAnswers)
	}
	for _, row := range []struct{ name, part, want string }{
		{"a daemon that reads nothing", "", "a picket is there and did not answer within 50ms: it is starting, or reads no log (see /-/ready of the daemon)"},
		{"one partition of three", `{"v":1,"partition":1,"partitions":3,"last":true}`, "nobody answered for the accounts of partition 0, 2 of 3: no daemon reads it, or it is starting"},
		{"another version", `{"v":9}`, "the daemon answers in version 9, this picket reads 1: use the same version of both"},
	} {
		t.Run(row.name, func(t *testing.T) {
			sub, err := nc.SubscribeSync(nc.NewInbox())
			if err != nil {
				t.Fatal(err)
			}
			if row.part != "" {
				if err := nc.Publish(sub.Subject, []byte(row.part)); err != nil {
					t.Fatal(err)
				}
			}
			a := answers{wait: 50 * time.Millisecond, by: map[string]AccountCoverage{}, ended: map[int]bool{}}
			if err := a.gather(t.Context(), sub); err == nil || err.Error() != row.want {
				t.Errorf("%v\nwant %s", err, row.want)
			}
		})
	}
}

func TestRulesWithoutNameGoByTheirID(t *testing.T) {
	got, err := json.Marshal(rulesOf([]detector.Coverage{
		{Account: "x/a", Rule: &rules.Rule{ID: "id-1", Title: "One", Level: rules.High}, State: detector.CoverageLearning, Days: 9, NeedDays: 14, Events: 12, NeedEvents: 20, Why: "9 of 14 days"},
		{Account: "x/a", Rule: &rules.Rule{ID: "id-2", Name: "two", Title: "Two", Level: rules.Low}, State: detector.CoverageNoSource, Why: "X shows no logins", Mend: "connect Okta"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"rule":"id-1","title":"One","level":"high","state":"learning","days":9,"need_days":14,"events":12,"need_events":20,"why":"9 of 14 days"},` +
		`{"rule":"two","title":"Two","level":"low","state":"no_source","why":"X shows no logins","mend":"connect Okta"}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestSightings(t *testing.T) {
	now := time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	since := map[string]time.Time{"x/never": ago(time.Hour), "x/gone": ago(time.Hour), "x/standby": ago(time.Hour)}
	all := []collectors.TaskStatus{
		{Source: "x/ok", Network: "x", State: activity.PollComplete, LastOK: ago(time.Minute), Every: time.Minute},
		{Source: "x/gap", Network: "x", State: activity.PollGap, LastOK: ago(time.Minute), Every: time.Minute},
		{Source: "x/late", Network: "x", State: activity.PollComplete, LastOK: ago(181 * time.Second), Every: time.Minute},
		{Source: "x/forbidden", Network: "x", State: activity.PollForbidden, LastOK: ago(time.Minute), Every: time.Minute},
		{Source: "x/failing", Network: "x", State: activity.PollFailing, LastOK: ago(time.Minute), Every: time.Minute},
		{Source: "x/new", Network: "x", Every: time.Minute},
		{Source: "x/never", Network: "x", Every: time.Minute},
		{Source: "x/standby", Network: "x", Standby: true, Every: time.Minute},
		{Source: "file/feed", Network: "file", State: activity.PollComplete, LastOK: ago(9 * time.Second), Every: 50 * time.Millisecond},
		{Source: "okta/org", Network: "okta", Standby: true, Every: time.Minute},
	}
	want := map[string]promexport.Collectors{
		"x": {
			OldestSuccess: ago(time.Hour),
			Accounts:      map[string]int{"complete": 2, "gap": 1, "forbidden": 1, "failing": 1, "starting": 2, "standby": 1},
			Sight:         map[promexport.Sight]int{promexport.SightOK: 2, promexport.SightLate: 2, promexport.SightBlind: 2, promexport.SightStarting: 1, promexport.SightStandby: 1},
		},
		"file": {OldestSuccess: ago(9 * time.Second), Accounts: map[string]int{"complete": 1}, Sight: map[promexport.Sight]int{promexport.SightOK: 1}},
		"okta": {Accounts: map[string]int{"standby": 1}, Sight: map[promexport.Sight]int{promexport.SightStandby: 1}},
	}
	if diff := cmp.Diff(want, sightings(all, since, now)); diff != "" {
		t.Error(diff)
	}
	if !since["x/new"].Equal(now) || !since["x/never"].Equal(ago(time.Hour)) || !since["x/gone"].IsZero() || !since["x/standby"].IsZero() {
		t.Errorf("since when sources are read: %v", since)
	}
}

func TestCreditOf(t *testing.T) {
	now := time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC)
	for _, row := range []struct {
		name string
		in   collectors.BudgetStatus
		want promexport.Credential
	}{
		{"nothing known", collectors.BudgetStatus{}, promexport.Credential{}},
		{"nothing sent yet", collectors.BudgetStatus{Dollars: 50}, promexport.Credential{DollarLimit: 50}},
		{"spent this month", collectors.BudgetStatus{Month: "2026-03", Spent: 12.5, Dollars: 50}, promexport.Credential{Spent: 12.5, DollarLimit: 50}},
		{"spent last month", collectors.BudgetStatus{Month: "2026-02", Spent: 50, Dollars: 50}, promexport.Credential{DollarLimit: 50}},
		{"the scarcest endpoint", collectors.BudgetStatus{Endpoints: []collectors.EndpointStatus{
			{Endpoint: "a", Limit: 900, Remaining: 450}, {Endpoint: "b", Limit: 10000, Remaining: 1000}, {Endpoint: "c", Limit: 15, Remaining: 14}, {Endpoint: "d", Limit: -1},
		}}, promexport.Credential{Requests: 1000, RequestLimit: 10000}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, creditOf(row.in, now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
