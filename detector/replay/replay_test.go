package replay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules/packs"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func plan(t *testing.T, accounts ...detector.Account) *detector.Plan {
	t.Helper()
	files, err := packs.Load("social")
	if err != nil {
		t.Fatal(err)
	}
	p, err := detector.Compile(detector.Set{Rules: files, Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// feed yields activities, and an unreadable record for each nil.
func feed(acts ...*activity.Activity) replay.Feed {
	return func() (activity.Activity, error) {
		if len(acts) == 0 {
			return activity.Activity{}, io.EOF
		}
		a := acts[0]
		acts = acts[1:]
		if a == nil {
			return activity.Activity{}, &replay.ItemError{Err: errors.New("line 3: not JSON")}
		}
		return *a, nil
	}
}

func at(account string, kind activity.Kind, minute int) *activity.Activity {
	network, _, _ := strings.Cut(account, "/")
	return &activity.Activity{
		ID: fmt.Sprintf("%s-%d", kind, minute), Network: network, Account: account, Kind: kind,
		Time: start.Add(time.Duration(minute) * time.Minute), Text: fmt.Sprint("text ", minute),
	}
}

func TestMergeOrdersByLogTime(t *testing.T) {
	late := at("x/b", activity.KindPost, 1)
	late.Seen = start.Add(30 * time.Minute)
	src := replay.Merge([]replay.Feed{
		feed(at("x/a", activity.KindPost, 0), at("x/a", activity.KindPost, 20), nil, at("x/a", activity.KindPost, 40)),
		feed(late, at("x/b", activity.KindPost, 10)), // its file has the second one late
	}, start.Add(25*time.Minute))
	var got []string
	for {
		m, err := src.Next(t.Context())
		if _, ok := errors.AsType[*replay.ItemError](err); ok {
			got = append(got, "unreadable")
			continue
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		a := m.Batch.Activities[0]
		got = append(got, fmt.Sprintf("%s %s %s backfill=%v", m.Time.Sub(start), a.Account, a.ID, m.Batch.Backfill))
	}
	want := []string{
		"0s x/a post-0 backfill=true", "20m0s x/a post-20 backfill=true", "unreadable",
		"30m0s x/b post-1 backfill=false", "30m0s x/b post-10 backfill=false", "40m0s x/a post-40 backfill=false",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("messages (-want +got):\n%s", d)
	}
}

func TestRunCountsAndSettles(t *testing.T) {
	var acts []*activity.Activity
	for i := range 12 {
		acts = append(acts, at("x/a", activity.KindDelete, i))
	}
	acts = append(acts, nil, at("x/a", activity.KindPost, 600))
	var lines []string
	res, err := replay.Run(t.Context(), plan(t, detector.Account{Name: "x/a", Approvals: true}), replay.Merge([]replay.Feed{feed(acts...)}, time.Time{}), detector.EngineOptions{}, func(f detector.Finding) error {
		lines = append(lines, fmt.Sprintf("%s %s %s ×%d", f.LogTime.Sub(start), f.Phase, f.Rule.Name, f.Count))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"9m0s open many_deletions ×10", "10m0s update many_deletions ×11", "11m0s update many_deletions ×12",
		"1h11m0s close many_deletions ×12",                                              // between two records: log time stops where something is due
		"10h2m0s open message_not_approved ×1", "11h2m0s close message_not_approved ×1", // after the last one
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	if res.Activities != 13 || res.Unreadable != 1 || res.Accounts != 1 || res.Until.Sub(res.From) != 10*time.Hour {
		t.Errorf("result %+v", res)
	}
	for _, r := range res.Rules {
		if n := map[string]int{"many_deletions": 1, "message_not_approved": 1}[r.Name]; r.Findings != n {
			t.Errorf("%s: %d findings, want %d", r.Name, r.Findings, n)
		}
	}
}

func TestRunStops(t *testing.T) {
	stop := errors.New("disk full")
	var acts []*activity.Activity
	for i := range 12 {
		acts = append(acts, at("x/a", activity.KindDelete, i))
	}
	_, err := replay.Run(t.Context(), plan(t), replay.Merge([]replay.Feed{feed(acts...)}, time.Time{}), detector.EngineOptions{}, func(detector.Finding) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("a report that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := replay.Run(ctx, plan(t), replay.Merge([]replay.Feed{feed(at("x/a", activity.KindPost, 0))}, time.Time{}), detector.EngineOptions{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a replay that is interrupted: %v", err)
	}
}

// TestWhatTeachesIsNoTime: rates are over the time in which something could be
// raised; activities that only teach are counted and add none.
func TestWhatTeachesIsNoTime(t *testing.T) {
	const day = 24 * 60
	var acts []*activity.Activity
	for d := 0; d <= 400; d += 10 {
		acts = append(acts, at("x/a", activity.KindPost, d*day))
	}
	log := func() replay.Source {
		return replay.Merge([]replay.Feed{feed(acts...), feed(at("x/b", activity.KindPost, 5))}, start.AddDate(0, 0, 340))
	}
	p := plan(t)
	res, err := replay.Run(t.Context(), p, log(), detector.EngineOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	swept, err := replay.Sweep(t.Context(), []*detector.Plan{p}, log(), detector.EngineOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []replay.Result{res, swept[0]} {
		if got := fmt.Sprintf("%d activities of %d accounts, %.3f months", r.Activities, r.Accounts, r.Months); got != "42 activities of 2 accounts, 1.971 months" {
			t.Errorf("%s; want 42, 2, and 60 days", got)
		}
	}
}

// TestSweepApprovals: approvals are read where a rule asks for them.
func TestSweepApprovals(t *testing.T) {
	p := plan(t, detector.Account{Name: "x/a", Approvals: true})
	approval := at("x/a", activity.KindApproval, 0)
	approval.Approval = activity.Approval{Text: "text 5", From: start, Until: start.Add(time.Hour)}
	res, err := replay.Sweep(t.Context(), []*detector.Plan{p}, replay.Merge([]replay.Feed{
		feed(approval, at("x/a", activity.KindPost, 5), at("x/a", activity.KindPost, 10)),
	}, time.Time{}), detector.EngineOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range res[0].Rules {
		if want := map[bool]int{true: 1}[r.Name == "message_not_approved"]; r.Findings != want {
			t.Errorf("%s: %d findings, want %d", r.Name, r.Findings, want)
		}
	}
}

// TestSweepCountsWhoIsLookedAt: an account of which rules see nothing but what
// people said adds no account-months.
func TestSweepCountsWhoIsLookedAt(t *testing.T) {
	const month = 30 * 24 * 60
	said := func(minute int) *activity.Activity {
		a := at("x/quiet", activity.KindVerdict, minute)
		a.Verdict = activity.Verdict{Rule: "posting_burst", Says: activity.VerdictTrust, By: "jane"}
		return a
	}
	res, err := replay.Sweep(t.Context(), []*detector.Plan{plan(t)}, replay.Merge([]replay.Feed{
		feed(at("x/a", activity.KindPost, 0), at("x/a", activity.KindPost, month)), feed(said(0), said(10*month)),
	}, time.Time{}), detector.EngineOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%d, %.2f", res[0].Accounts, res[0].Months); got != "1, 0.99" {
		t.Errorf("accounts and account-months %s, want those of x/a alone: 1, 0.99", got)
	}
}

// TestClocksThatRunAhead: an activity that says it is yet to happen happened when
// it was seen, as the engine has it.
func TestClocksThatRunAhead(t *testing.T) {
	ahead := at("x/a", activity.KindPost, 2)
	ahead.Time, ahead.Seen = start.AddDate(100, 0, 0), start.AddDate(0, 1, 0)
	res, err := replay.Run(t.Context(), plan(t), replay.Merge([]replay.Feed{feed(at("x/a", activity.KindPost, 0), ahead)}, time.Time{}), detector.EngineOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%.2f", res.Months); got != "1.02" {
		t.Errorf("%s account-months, want 31 days: 1.02", got)
	}
}

// TestEpisodesThatOpenedBefore: what opened before findings count is no finding
// of either set.
func TestEpisodesThatOpenedBefore(t *testing.T) {
	p := plan(t)
	var was, is replay.Episodes
	for _, phase := range []detector.Phase{detector.Update, detector.Close} {
		if err := was.Report(detector.Finding{Episode: "1", Phase: phase, Rule: p.Rules()[0], Account: "x/a"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range replay.Diff(p, p, &was, &is) {
		if !d.Same() || d.Before != 0 {
			t.Errorf("%s: %d before, %+v vanished", d.Title, d.Before, d.Vanish)
		}
	}
}

// TestEpisodesThatOpenAgain: one alert that opens twice is two findings, as in
// the counts of a replay.
func TestEpisodesThatOpenAgain(t *testing.T) {
	p := plan(t)
	r := p.Rules()[0]
	var was, is replay.Episodes
	for i, phase := range []detector.Phase{detector.Open, detector.Close, detector.Open, detector.Update, detector.Close} {
		f := detector.Finding{Episode: "1", Phase: phase, Rule: r, Account: "x/a", First: start, Last: start.Add(time.Duration(i) * time.Hour), LogTime: start.Add(time.Duration(i) * time.Hour)}
		if err := was.Report(f); err != nil {
			t.Fatal(err)
		}
		if i > 1 {
			continue
		}
		if err := is.Report(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range replay.Diff(p, p, &was, &is) {
		switch {
		case d.ID != r.ID:
		case d.Before != 2 || d.After != 1 || len(d.Vanish) != 1 || len(d.Appear)+len(d.Change) != 0:
			t.Errorf("%d before, %d after, %+v vanished, %+v appeared, %+v changed; want the second one vanished", d.Before, d.After, d.Vanish, d.Appear, d.Change)
		case !d.Vanish[0].Opened.Equal(start.Add(2 * time.Hour)):
			t.Errorf("vanished: opened %s, want the second opening", d.Vanish[0].Opened)
		}
	}
}

// TestEpisodesHeldBack: what nobody is told of is counted apart, as in the counts
// of a replay, and is neither gained nor lost.
func TestEpisodesHeldBack(t *testing.T) {
	p := plan(t)
	r := p.Rules()[0]
	report := func(into *replay.Episodes, episode string, held ...string) {
		t.Helper()
		for i, h := range held {
			phase := detector.Update
			if i == 0 {
				phase = detector.Open
			}
			f := detector.Finding{Episode: episode, Phase: phase, Rule: r, Account: "x/" + episode, First: start, Last: start, LogTime: start, Held: h}
			if err := into.Report(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := into.Report(detector.Finding{Episode: episode, Phase: detector.Close, Rule: r, Account: "x/" + episode, First: start, Last: start, LogTime: start}); err != nil {
			t.Fatal(err)
		}
	}
	var was, is replay.Episodes
	report(&was, "held", detector.HeldBudget)
	report(&is, "held", detector.HeldBudget, detector.HeldBudget)
	report(&was, "told-later", detector.HeldBudget, "")
	report(&is, "told-later", "")
	report(&was, "told-no-more", "")
	report(&is, "told-no-more", detector.HeldBudget)
	report(&was, "told-now", detector.HeldBudget)
	report(&is, "told-now", "")
	for _, d := range replay.Diff(p, p, &was, &is) {
		if d.ID != r.ID {
			continue
		}
		got := fmt.Sprintf("%d → %d, held %d → %d", d.Before, d.After, d.HeldBefore, d.HeldAfter)
		if want := "2 → 2, held 2 → 2"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if len(d.Appear) != 1 || d.Appear[0].ID != "told-now" || len(d.Vanish) != 1 || d.Vanish[0].ID != "told-no-more" || len(d.Change) != 0 {
			t.Errorf("appeared %+v, vanished %+v, changed %+v", d.Appear, d.Vanish, d.Change)
		}
	}
}
