package dispatch

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

// TestLostDesk: an incident that was held back is in a summary also where the
// receiver's own document is lost, under a key that was not used before, and the
// summary is not said to be over before it was told.
func TestLostDesk(t *testing.T) {
	p := policy()
	p.Budget = Budget{Pages: 1, Per: time.Hour}
	first, second := firing("aaaaaa", "x/a", rules.High, start()), firing("bbbbbb", "x/b", rules.High, start())
	for _, tt := range []struct {
		name  string
		after time.Duration // that the desk is lost after the alerts came
		told  []string      // before
		want  []string      // by then, and within the 20 minutes that follow
	}{
		{"before any summary", 30 * time.Second, []string{"ops opened"}, []string{"ops summary", "ops summary"}},
		{"after the first", 2 * time.Minute, []string{"ops opened", "ops summary"}, []string{"ops summary", "ops summary"}},
		{"long after", 3 * time.Hour, []string{"ops opened", "ops summary", "ops summary"}, []string{"ops summary", "ops summary"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(p, nil, nil)
			before := slices.Concat(r.apply(start(), first, second), r.until(after(tt.after)))
			if diff := cmp.Diff(tt.told, told(before)); diff != "" {
				t.Fatalf("before (-want +got):\n%s", diff)
			}
			stored := Stored{LostDesks: map[string]uint64{"ops": 7}}
			for _, record := range r.core.records {
				stored.Records = append(stored.Records, *record.clone())
			}
			r.core = NewCore(p, nil, nil)
			r.core.Load(stored)
			got := r.until(after(tt.after + 20*time.Minute))
			if diff := cmp.Diff(tt.want, told(got)); diff != "" {
				t.Fatalf("after (-want +got):\n%s", diff)
			}
			if got[0].State != alerting.Firing || got[1].State != alerting.Resolved {
				t.Errorf("summaries are %s, then %s", got[0].State, got[1].State)
			}
			for _, m := range before {
				if m.Key == got[0].Key || m.Key == got[1].Key {
					t.Errorf("key %s was used twice", m.Key)
				}
			}
		})
	}
}

// TestMarkAhead: a mark that is ahead of all alerts, as where an older copy of them
// was put back, keeps nobody from hearing of the next ones.
func TestMarkAhead(t *testing.T) {
	w := newWorld(t, 1)
	w.faulty = false
	d := w.daemon[0]
	known := firing("aaaaaa", "x/a", rules.High, w.now)
	w.alerts.put(known, w.now)
	w.turn(d)
	d.session, w.docs.mark = nil, 1000
	w.alerts.put(moved(known, alerting.Resolved, "jane", w.now), w.now)
	w.alerts.put(firing("bbbbbb", "x/b", rules.High, w.now), w.now)
	w.turn(d)
	var got []string
	for _, m := range w.outbox.sent {
		got = append(got, m.Account+" "+string(m.Kind))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"x/a opened", "x/a resolved", "x/b opened"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if w.docs.mark != 3 {
		t.Errorf("mark %d, want 3", w.docs.mark)
	}
}

// TestLose: a mark that says nothing is damaged, and what is damaged is noted.
func TestLose(t *testing.T) {
	var out Stored
	err := out.take(&Head{subject: markSubject}, 1, []byte(`{"v":1}`))
	if err == nil || err.Error() != "field applied: expected 1 or more" {
		t.Errorf("a mark without a sequence: %v", err)
	}
	for _, h := range []Head{{ID: "a", Seq: 3, subject: IncidentSubject("a")}, {Seq: 5, subject: DeskSubject("on call")}, {Seq: 6, subject: markSubject}} {
		out.lose(&h)
	}
	want := Stored{Lost: map[string]uint64{"a": 3}, LostDesks: map[string]uint64{"on call": 5}, Unmarked: true}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
