package alerting

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// TestModel drives two daemons and a person over one store that fails, loses
// acknowledgements and is raced, with crashes and replays, and compares with a
// model that only knows what the findings said.
func TestModel(t *testing.T) {
	// Of 150 seeds the last one alone once found a revision that nobody was told.
	seeds := []uint64{0, 1, 2, 3, 65}
	for seed := range uint64(*worlds) {
		if !slices.Contains(seeds, seed) {
			seeds = append(seeds, seed)
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { newWorld(t, seed).run(4000) })
	}
}

var worlds = flag.Int("worlds", 0, "seeds that TestModel tries at least, from 0 on")

const worldEpisodes = 12

type world struct {
	t     *testing.T
	rand  *rand.Rand
	store *memory
	// log is every finding so far; each daemon has reported a beginning of it
	// and after a crash starts again at its checkpoint.
	log      []detector.Finding
	daemons  [2]*Manager
	reported [2]int
	kept     [2]int
	count    map[string]int
	phase    map[string]detector.Phase
	second   float64
	actions  int
	answers  map[bool]int // by whether it was the actor's own doing
	replays  int
	faults   int
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 7)), store: newMemory(),
		count: map[string]int{}, answers: map[bool]int{}, phase: map[string]detector.Phase{},
	}
	for i := range w.daemons {
		w.daemons[i] = manager(t, w.store)
	}
	w.store.failPut = func(Write) error { return w.fault(20) }
	w.store.lostAck = func(Write) bool { return w.fault(30) != nil }
	w.store.failPublish = func([]Alert) error { return w.fault(20) }
	return w
}

func (w *world) fault(oneIn int) error {
	if oneIn > 0 && w.rand.IntN(oneIn) == 0 {
		w.faults++
		return errFault
	}
	return nil
}

func (w *world) run(steps int) {
	w.t.Helper()
	for range steps {
		d := w.rand.IntN(2)
		switch w.rand.IntN(10) {
		case 0, 1, 2, 3:
			w.detect()
		case 4, 5, 6:
			w.deliver(d)
		case 7:
			w.act(d)
		case 8:
			if err := w.daemons[d].Flush(w.t.Context(), w.now()); err != nil && !errors.Is(err, errFault) {
				w.t.Fatal(err)
			}
		case 9:
			w.crashOrKeep(d)
		}
	}
	w.settle()
	w.check()
}

func (w *world) now() time.Time { return start().Add(time.Duration(w.second * float64(time.Second))) }

// detect appends a finding to the log.
func (w *world) detect() {
	w.second += float64(w.rand.IntN(15)) / 10
	id := fmt.Sprintf("e%02d-%d", w.rand.IntN(worldEpisodes), int(w.second)/120)
	phase := detector.Update
	switch w.phase[id] {
	case "":
		phase = detector.Open
	case detector.Close:
		return
	case detector.Open, detector.Update:
		if w.rand.IntN(6) == 0 {
			phase = detector.Close
		}
	}
	if phase != detector.Close {
		w.count[id]++
	}
	w.phase[id] = phase
	f := finding(id, phase, w.second, w.count[id])
	if strings.HasPrefix(id, "e01") || strings.HasPrefix(id, "e02") {
		f.Rule.Level = rules.Critical
	}
	f.Position = detector.Position{Sequence: uint64(len(w.log)/3 + 1), Index: len(w.log) % 3}
	w.log = append(w.log, f)
}

// deliver reports the next findings to a daemon, the same again after a fault.
func (w *world) deliver(d int) {
	from := w.reported[d]
	to := min(len(w.log), from+1+w.rand.IntN(8))
	err := w.daemons[d].Report(w.t.Context(), w.log[from:to])
	switch {
	case err == nil:
		w.reported[d] = to
	case !errors.Is(err, errFault):
		w.t.Fatal(err)
	}
}

func (w *world) act(d int) {
	heads, _ := w.store.Heads(w.t.Context())
	if len(heads) == 0 {
		return
	}
	id := heads[w.rand.IntN(len(heads))].ID
	who := fmt.Sprint("jana ", w.actions)
	deed := acking(who, "")
	switch w.rand.IntN(6) {
	case 0, 1:
		deed = resolving(who, "")
		deed.Verdict = append(Verdicts(), "")[w.rand.IntN(4)]
	case 2:
		deed = Deed{Action: ActionAssign, Actor: who, To: "tom"}
	case 3, 4:
		deed = Deed{Action: ActionAnswer, Actor: who, Me: w.rand.IntN(2) == 0}
	}
	_, err := w.daemons[d].Act(w.t.Context(), id, deed)
	if err != nil && !errors.Is(err, errFault) && !errors.Is(err, ErrState) {
		w.t.Fatal(err)
	}
	w.actions++
}

// crashOrKeep forgets a daemon's memory, or writes its checkpoint.
func (w *world) crashOrKeep(d int) {
	if w.rand.IntN(2) == 0 {
		w.daemons[d] = manager(w.t, w.store)
		w.replays += w.reported[d] - w.kept[d]
		w.reported[d] = w.kept[d]
		return
	}
	if err := w.daemons[d].Sync(w.t.Context()); err == nil {
		w.kept[d] = w.reported[d]
	} else if !errors.Is(err, errFault) {
		w.t.Fatal(err)
	}
}

// settle lets both daemons finish without faults.
func (w *world) settle() {
	w.store.failPut, w.store.lostAck, w.store.failPublish = nil, nil, nil
	for d := range w.daemons {
		for w.reported[d] < len(w.log) {
			w.deliver(d)
		}
		if err := w.daemons[d].Sync(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		if err := w.daemons[d].Recover(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) check() {
	w.t.Helper()
	if len(w.log) < 500 || w.replays < 100 || w.actions < 100 || w.faults < 50 {
		w.t.Fatalf("too little happened: %d findings, %d replayed, %d actions, %d faults", len(w.log), w.replays, w.actions, w.faults)
	}
	for id, n := range w.count {
		a := w.store.get(id)
		if a.Count != n || a.Phase != w.phase[id] {
			w.t.Errorf("alert %s: count %d, phase %s, want %d, %s", id, a.Count, a.Phase, n, w.phase[id])
		}
		if w.phase[id] == detector.Close && a.State != Resolved {
			w.t.Errorf("alert %s is %s after its episode closed", id, a.State)
		}
	}
	if len(w.store.last) != len(w.count) {
		w.t.Errorf("%d alerts, want %d", len(w.store.last), len(w.count))
	}
	w.checkRevisions()
	if w.answers[true] == 0 || w.answers[false] == 0 {
		w.t.Fatalf("too few answers: %d yes, %d no", w.answers[true], w.answers[false])
	}
}

// checkRevisions follows every alert from revision to revision.
func (w *world) checkRevisions() {
	w.t.Helper()
	before := map[string]Alert{}
	for _, a := range w.store.log {
		b := before[a.ID]
		if a.Revision != b.Revision+1 {
			w.t.Fatalf("alert %s: revision %d after %d", a.ID, a.Revision, b.Revision)
		}
		if held(&b, &detector.Finding{Position: a.Applied}) && b.ID != "" && a.Applied != b.Applied {
			w.t.Errorf("alert %s revision %d: position went back from %v to %v", a.ID, a.Revision, b.Applied, a.Applied)
		}
		deed := a.Change == ChangeAssigned || a.Judged != nil && (b.Judged == nil || *a.Judged != *b.Judged) || answers(&b, &a)
		if a.Applied == b.Applied && a.State == b.State && b.ID != "" && !deed {
			w.t.Errorf("alert %s revision %d says nothing new", a.ID, a.Revision)
		}
		w.checkAnswer(&b, &a)
		unacked := answers(&b, &a) && a.denied() && b.State == Acknowledged && a.State == Firing
		if !legal(b.State, a.State) && !unacked {
			w.t.Errorf("alert %s revision %d: from %s to %s", a.ID, a.Revision, b.State, a.State)
		}
		if b.ID != "" && !a.Fired().Equal(b.Fired()) && !a.Announced() {
			w.t.Errorf("alert %s revision %d (%s): nobody is told that it came again", a.ID, a.Revision, a.Change)
		}
		before[a.ID] = a
	}
	told := map[string]bool{}
	for _, a := range w.store.copies {
		told[fmt.Sprint(a.ID, a.Revision)] = true
	}
	for _, a := range w.store.log {
		if a.Announced() && !told[fmt.Sprint(a.ID, a.Revision)] {
			w.t.Errorf("alert %s revision %d (%s) was never told", a.ID, a.Revision, a.Change)
		}
	}
}

// answers reports whether a brings an answer that b does not have.
func answers(b, a *Alert) bool {
	return a.Answered != nil && (b.Answered == nil || *a.Answered != *b.Answered)
}

// checkAnswer holds what "was this you?" may do to an alert, b before and a after
// a revision: yes changes no state, above all it closes nothing; no leaves nobody
// on it, and wakes people; and an answer stays until the alert begins anew.
func (w *world) checkAnswer(b, a *Alert) {
	w.t.Helper()
	reopened := b.ID == "" || !a.Fired().Equal(b.Fired()) // by a new match, be it that it ended at once
	if b.Answered != nil && a.Answered == nil && !reopened {
		w.t.Errorf("alert %s revision %d has lost its answer", a.ID, a.Revision)
	}
	if !answers(b, a) {
		return
	}
	w.answers[a.Answered.Me]++
	switch {
	case a.State == Resolved:
		w.t.Errorf("alert %s revision %d (%s): an answer has closed it", a.ID, a.Revision, a.Rule.Level)
	case a.Answered.Me && a.State != b.State && !reopened:
		w.t.Errorf("alert %s revision %d: yes made %s of %s", a.ID, a.Revision, a.State, b.State)
	case !a.Answered.Me && (a.State != Firing || a.Ack != nil):
		w.t.Errorf("alert %s revision %d: somebody is on it though it was not them: %s, %v", a.ID, a.Revision, a.State, a.Ack)
	}
	if !a.Answered.Me && UrgencyOf(a, AccountInfo{}, a.Updated) != UrgencyPage {
		w.t.Errorf("alert %s revision %d: it was not them, and nobody is woken", a.ID, a.Revision)
	}
	if !a.Announced() {
		w.t.Errorf("alert %s revision %d: nobody is told of the answer", a.ID, a.Revision)
	}
}

func legal(from, to State) bool {
	next := map[State][]State{
		"":           {Firing},
		Firing:       {Firing, Acknowledged, Resolved},
		Acknowledged: {Acknowledged, Resolved},
		Resolved:     {Resolved, Firing},
	}
	return slices.Contains(next[from], to)
}
