package detector_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// lives is how many random lives the property tests try; a long run has more:
//
//	go test ./detector -run TestKilled -lives 2000 -timeout 0
var lives = flag.Uint64("lives", 4, "random streams of each property test")

// entry is a message of a log, or a reload.
type entry struct {
	seq  uint64
	at   time.Time
	b    activity.Batch
	plan *detector.Plan // of a reload
}

// randomLog writes a log with reloads, late activities and history.
func randomLog(rng *rand.Rand, plans []*detector.Plan, messages int) []entry {
	var out []entry
	now := start
	for seq := range uint64(messages) {
		now = now.Add(time.Duration(rng.ExpFloat64() * float64([]time.Duration{5 * time.Minute, 6 * time.Hour}[seq/20%2])))
		e := entry{seq: seq + 1, at: now, b: activity.Batch{Backfill: rng.IntN(20) == 0}}
		if seq%90 == 89 {
			e.plan = plans[seq/90%uint64(len(plans))]
		}
		for range rng.IntN(7) {
			e.b.Activities = append(e.b.Activities, randomActivity(rng, now))
		}
		out = append(out, e)
	}
	return out
}

func randomActivity(rng *rand.Rand, now time.Time) activity.Activity {
	a := activity.Activity{
		ID: fmt.Sprint(rng.IntN(900)), Account: []string{"x/a", "x/b", "okta/e", fmt.Sprint("x/one-of-many-", rng.IntN(40))}[rng.IntN(4)],
		Time: now.Add(-time.Duration(rng.IntN(600)) * time.Second),
	}
	a.Network, _, _ = strings.Cut(a.Account, "/")
	switch rng.IntN(10) {
	case 0, 1:
		a.Kind, a.Geo.Country = activity.KindLogin, []string{"DE", "AT", "RO", "FR"}[rng.IntN(4)]
	case 2:
		a.Kind, a.Approval.Text = activity.KindApproval, fmt.Sprint("text ", rng.IntN(20))
	case 3:
		a.Kind, a.Poll.State = activity.KindPoll, []string{"forbidden", "complete"}[rng.IntN(2)]
	case 4:
		a.Kind, a.Changed = activity.KindMFAChange, []string{[]string{"mfa_added", "mfa_removed"}[rng.IntN(2)]}
	case 5:
		a.Kind = []activity.Kind{activity.KindProfile, activity.KindPasswordChange, activity.KindRepost}[rng.IntN(3)]
	case 6:
		a.Kind, a.Object = activity.KindDelete, fmt.Sprint(rng.IntN(900))
	default:
		a.Kind, a.Text, a.App = activity.KindPost, fmt.Sprint("text ", rng.IntN(20)), []string{"web", "bot"}[rng.IntN(2)]
		a.LinkDomains = []string{fmt.Sprintf("site-%d.example", rng.IntN(200))}
	}
	return a
}

func apply(e *detector.Engine, m *entry) []string {
	found := e.Apply(m.seq, m.at, &m.b)
	if m.plan != nil {
		found = e.Activate(m.seq, m.at, m.plan)
	}
	var out []string
	for i := range found {
		out = append(out, line(&found[i]))
	}
	return out
}

// saved is a checkpoint file: segments with the message after which each one was
// begun, and the plan that was in force.
type saved struct {
	segments [][]byte
	after    []int
	plans    []*detector.Plan
}

// TestKilled plays random logs. Images, whole and increments, are taken in small
// steps between messages; now and then the engine is killed, loses what was not
// saved, and reads the log again from there. Findings that were told before are
// the same ones. All findings, and the whole memory in the end, are those of an
// undisturbed engine, byte for byte.
func TestKilled(t *testing.T) {
	t.Parallel()
	facts := []detector.Account{{Name: "x/a", Approvals: true, GuardedBy: []string{"okta/e"}}, {Name: "x/b", GuardedBy: []string{"okta/e"}}}
	plans := []*detector.Plan{
		plan(t, loudRules, facts...),
		plan(t, strings.NewReplacer("then: [face, password]", "then: [face]", "factor: 2", "factor: 3").Replace(loudRules), facts...),
	}
	kills, findings := 0, 0
	for seed := range *lives {
		rng := rand.New(rand.NewPCG(seed, 17))
		log := randomLog(rng, plans, 500)
		opts := detector.EngineOptions{MaxAccounts: []int{0, 30}[seed%2]}
		plain := detector.NewEngine(0, plans[0], opts)
		var want [][]string
		for i := range log {
			want = append(want, apply(plain, &log[i]))
			findings += len(want[i])
		}
		memory, err := plain.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		k := &killed{t: t, rng: rng, log: log, first: plans[0], opts: opts}
		k.play(want)
		kills += k.kills
		if again, err := k.e.Snapshot(); err != nil || !bytes.Equal(memory, again) {
			t.Errorf("seed %d: the memory in the end is another one (%v)", seed, err)
		}
	}
	if kills < int(*lives)*5 || findings < int(*lives)*50 {
		t.Errorf("only %d kills and %d findings", kills, findings)
	}
}

// killed is an engine that is killed again and again.
type killed struct {
	t     *testing.T
	rng   *rand.Rand
	log   []entry
	first *detector.Plan
	opts  detector.EngineOptions

	e     *detector.Engine
	file  saved
	image *detector.Image
	part  []byte
	from  int // message after which the image was begun
	plan  *detector.Plan
	kills int
}

func (k *killed) play(want [][]string) {
	k.e = detector.NewEngine(0, k.first, k.opts)
	for i := 0; i < len(k.log); i++ {
		if d := cmp.Diff(want[i], apply(k.e, &k.log[i])); d != "" {
			k.t.Fatalf("message %d (-undisturbed +killed):\n%s", i, d)
		}
		k.save(i)
		if k.rng.IntN(40) == 0 {
			i = k.kill()
		}
	}
}

// save goes on with an image, or begins one.
func (k *killed) save(i int) {
	if k.image == nil {
		if k.rng.IntN(6) == 0 {
			whole := len(k.file.segments) == 0 || k.rng.IntN(8) == 0
			if whole {
				k.file = saved{}
			}
			k.image, k.part, k.from, k.plan = k.e.Image(whole), nil, i, k.e.Plan()
		}
		return
	}
	part, done := k.image.Step(k.part, 1<<k.rng.IntN(16))
	if k.part = part; !done {
		return
	}
	part, err := k.image.Root(part)
	if err != nil {
		k.t.Fatal(err)
	}
	k.file.segments, k.file.after, k.file.plans = append(k.file.segments, part), append(k.file.after, k.from), append(k.file.plans, k.plan)
	k.image = nil
}

// kill restores what was saved, sometimes without the newest segment, as when it
// is torn, and returns the message to go on after.
func (k *killed) kill() int {
	k.kills++
	n := len(k.file.segments)
	if n > 1 && k.rng.IntN(3) == 0 {
		n--
	}
	k.image = nil
	k.file = saved{k.file.segments[:n], k.file.after[:n], k.file.plans[:n]}
	if n == 0 {
		k.e = detector.NewEngine(0, k.first, k.opts)
		return -1
	}
	k.e = detector.NewEngine(0, k.file.plans[n-1], k.opts)
	load := k.e.Load()
	for _, s := range k.file.segments {
		if err := load.Add(s); err != nil {
			k.t.Fatal(err)
		}
	}
	if err := load.Finish(); err != nil {
		k.t.Fatal(err)
	}
	return k.file.after[n-1]
}

// TestShuffled delivers bursts in other orders, each activity at most as late as
// is allowed: the windows in the end, and which rules fired for which account in
// which burst, do not depend on it.
func TestShuffled(t *testing.T) {
	p := plan(t, testRules)
	const lateness = 10 * time.Minute
	for seed := range *lives {
		rng := rand.New(rand.NewPCG(seed, 23))
		var acts []activity.Activity
		for burst := range 12 {
			for range 40 {
				a := randomActivity(rng, start.Add(time.Duration(burst)*3*time.Hour+time.Duration(rng.IntN(1800))*time.Second))
				a.Kind, a.ID = activity.KindPost, fmt.Sprint(len(acts))
				acts = append(acts, a)
			}
		}
		play := func(jitter time.Duration) (map[string]bool, any) {
			due := make(map[string]time.Time, len(acts))
			for i := range acts {
				due[acts[i].ID] = acts[i].Time.Add(time.Duration(rng.Int64N(int64(jitter) + 1)))
			}
			order := slices.Clone(acts)
			slices.SortStableFunc(order, func(a, b activity.Activity) int { return due[a.ID].Compare(due[b.ID]) })
			e := detector.NewEngine(0, p, detector.EngineOptions{Lateness: lateness})
			fired := map[string]bool{}
			for i := range order {
				for _, f := range e.Apply(uint64(i+1), due[order[i].ID], &activity.Batch{Activities: order[i : i+1]}) {
					if f.Phase == detector.Open && f.Rule.Name != "post" {
						fired[fmt.Sprint(f.Rule.Name, " ", f.Account, " ", (f.First.Sub(start)+time.Hour)/(3*time.Hour))] = true
					}
				}
			}
			if n := e.Stats().Late; n > 0 {
				t.Errorf("seed %d: %d came too late", seed, n)
			}
			return fired, e.Windows()
		}
		fired, windows := play(0)
		for range 3 {
			again, others := play(lateness - time.Second)
			if d := cmp.Diff(fired, again); d != "" {
				t.Errorf("seed %d: fired (-in order +shuffled):\n%s", seed, d)
			}
			if d := cmp.Diff(windows, others); d != "" {
				t.Errorf("seed %d: windows (-in order +shuffled):\n%s", seed, d)
			}
		}
		if len(fired) < 10 {
			t.Errorf("seed %d: only %d fired", seed, len(fired))
		}
	}
}
