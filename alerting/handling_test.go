package alerting

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// seen makes the head of an alert as a watch tells it, this long after start.
func seen(id string, s State, after time.Duration, change func(*Brief)) *Head {
	h := &Head{ID: id, State: s, Level: rules.High, Time: start().Add(after), Brief: Brief{Mode: rules.Enforce, Opened: start()}}
	if change != nil {
		change(&h.Brief)
	}
	return h
}

func TestHandling(t *testing.T) {
	byHand := func(b *Brief) { b.ByHand = true }
	for _, row := range []struct {
		name  string
		heads []*Head
		want  []Handling
	}{
		{
			"acknowledged, then resolved by a person",
			[]*Head{seen("a", Firing, 0, nil), seen("a", Firing, 5*time.Second, nil), seen("a", Acknowledged, time.Minute, nil), seen("a", Acknowledged, 2*time.Minute, nil), seen("a", Resolved, time.Hour, byHand)},
			[]Handling{{StepAcknowledged, rules.High, time.Minute}, {StepResolved, rules.High, time.Hour}},
		},
		{
			"resolved at once: that is taking it, too",
			[]*Head{seen("a", Firing, 0, nil), seen("a", Resolved, time.Minute, byHand)},
			[]Handling{{StepAcknowledged, rules.High, time.Minute}, {StepResolved, rules.High, time.Minute}},
		},
		{
			"it ended by itself, and nobody had taken it",
			[]*Head{seen("a", Firing, 0, nil), seen("a", Resolved, time.Hour, nil), seen("a", Resolved, 2*time.Hour, nil)},
			[]Handling{{StepEnded, rules.High, time.Hour}},
		},
		{
			"reopened: time counts from then",
			[]*Head{
				seen("a", Firing, 0, nil), seen("a", Resolved, time.Hour, nil),
				seen("a", Firing, 3*time.Hour, func(b *Brief) { b.Fired = start().Add(3 * time.Hour) }),
				seen("a", Acknowledged, 4*time.Hour, func(b *Brief) { b.Fired = start().Add(3 * time.Hour) }),
			},
			[]Handling{{StepEnded, rules.High, time.Hour}, {StepAcknowledged, rules.High, time.Hour}},
		},
		{"what was done before the watch began", []*Head{seen("a", Acknowledged, 0, nil), seen("b", Resolved, 0, byHand)}, nil},
		{
			"the store's clock is behind",
			[]*Head{seen("a", Firing, 0, nil), seen("a", Acknowledged, -time.Second, nil)},
			[]Handling{{StepAcknowledged, rules.High, 0}},
		},
		{
			"a drill", []*Head{
				seen("a", Firing, 0, func(b *Brief) { b.Drill = "test" }), seen("a", Acknowledged, 1, func(b *Brief) { b.Drill = "test" }),
			}, nil,
		},
		{
			"a rule that only observes", []*Head{
				seen("a", Firing, 0, func(b *Brief) { b.Mode = rules.Observe }), seen("a", Resolved, 1, func(b *Brief) { b.Mode = rules.Observe }),
			}, nil,
		},
		{
			"an alert of an older Picket", []*Head{
				seen("a", Firing, 0, func(b *Brief) { b.Opened = time.Time{} }), seen("a", Resolved, 1, func(b *Brief) { b.Opened = time.Time{} }),
			}, nil,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []Handling
			each := follow(func(h Handling) { got = append(got, h) })
			for _, h := range row.heads {
				each(h)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What a head says of an alert's life is what the alert says.
func TestBriefTellsWhenItFired(t *testing.T) {
	a, _ := Apply(Alert{}, finding("e", detector.Open, 0, 1))
	if b := BriefOf(&a); !b.Opened.Equal(start()) || !b.Fired.IsZero() || b.ByHand {
		t.Errorf("opened %s, fired %s, by hand %t", b.Opened, b.Fired, b.ByHand)
	}
	a, err := Act(a, resolving("ann", "known"), start().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if b := BriefOf(&a); !b.ByHand || !b.Fired.IsZero() {
		t.Errorf("resolved by a person: fired %s, by hand %t", b.Fired, b.ByHand)
	}
	a, _ = Apply(a, finding("e", detector.Update, 90, 2))
	if b := BriefOf(&a); !b.Fired.Equal(start().Add(90*time.Second)) || b.ByHand || !b.Opened.Equal(start()) {
		t.Errorf("reopened: opened %s, fired %s, by hand %t", b.Opened, b.Fired, b.ByHand)
	}
}

func TestVerdictsByRule(t *testing.T) {
	s := newMemory()
	m, err := New(Config{Store: s, Publisher: s, Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	drill := finding("d", detector.Open, 0, 1)
	drill.Evidence = []activity.Activity{{ID: "1", Drill: "test"}}
	other := finding("o", detector.Open, 0, 1)
	other.Account = "x/beta"
	report(t, m, finding("a", detector.Open, 0, 1), other, drill, finding("n", detector.Open, 0, 1))
	for id, verdict := range map[string]Verdict{"a": VerdictTrue, "o": VerdictFalse, "d": VerdictExpected} {
		d := resolving("ann", "looked")
		d.Verdict = verdict
		if _, err := m.Act(t.Context(), id, d); err != nil {
			t.Fatal(err)
		}
	}
	want := []RuleVerdicts{{testRule().ID, Tally{True: 1, False: 1}}}
	if diff := cmp.Diff(want, m.Verdicts()); diff != "" {
		t.Error(diff)
	}
}

func TestToldSince(t *testing.T) {
	head := func(rule string, after time.Duration, mode rules.Mode, drill string) Head {
		return Head{Brief: Brief{Rule: rule, Mode: mode, Drill: drill, Opened: start().Add(after)}}
	}
	got := ToldSince([]Head{
		head("a", 0, rules.Enforce, ""), head("a", time.Hour, rules.Enforce, ""), head("a", -1, rules.Enforce, ""),
		head("b", 0, rules.Observe, ""), head("c", 0, rules.Enforce, "test"), head("d", 0, rules.Enforce, ""),
		{},
	}, start())
	if diff := cmp.Diff(map[string]int{"a": 2, "d": 1}, got); diff != "" {
		t.Error(diff)
	}
}
