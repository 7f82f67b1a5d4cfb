package detector

import (
	"container/heap"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/approval"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/habit"
	"github.com/picketd/picket/detector/window"
)

// accountState is what the engine remembers of one account.
type accountState struct {
	// Windows and Values are keyed by the rule's state key and the group.
	Windows  map[string]*windowState       `json:"windows,omitempty"`
	Values   map[string]*baseline.NewValue `json:"values,omitempty"`
	Episodes map[string]*episode           `json:"episodes,omitempty"` // by rule id and group
	Peaks    map[string]*baseline.Peaks    `json:"peaks,omitempty"`    // as Values
	Excuses  map[string][]int64            `json:"excuses,omitempty"`  // as Values: occurrences that excuse a match, oldest first
	Steps    map[string][]step             `json:"steps,omitempty"`    // by the state key of a sequence, in order of occurrence
	Fired    map[string]int64              `json:"fired,omitempty"`    // as Values: until when a silent rule that feeds others does not feed them again
	Habits   *habit.Habits                 `json:"habits,omitempty"`
	Models   map[string]block              `json:"models,omitempty"` // as Values; see memoryOf
	// Judged is what waits for a verdict, and what verdicts said; nil for nothing.
	Judged *judgedState `json:"judged,omitempty"`
	// Changes are the latest posts and changes of an account that identities
	// guard, in order of occurrence, for logins that are told late.
	Changes []change `json:"changes,omitempty"`
}

// windowState is one counting rule's memory of one group.
type windowState struct {
	window.Sliding
	// Recent are the latest matching activities, kept once the window is within
	// MaxEvidence of firing, so that a finding can show what led to it.
	Recent []kept `json:"recent,omitempty"`
}

// episode is one open episode.
type episode struct {
	ID       string           `json:"id"`
	RuleID   string           `json:"rule"`
	Account  string           `json:"account"`
	Network  string           `json:"network"`
	Group    []activity.Field `json:"group"`
	First    int64            `json:"first"` // occurrence, Unix nanoseconds
	Last     int64            `json:"last"`
	Count    int              `json:"count"`
	Deadline int64            `json:"deadline"` // log time at which it closes if nothing matches
	Reasons  []Reason         `json:"reasons"`
	Evidence []kept           `json:"evidence"`
	// Learn holds values withheld from a new-value model while the episode is
	// open, with how often each was seen; of a peak, days with their counts.
	Learn map[string]int `json:"learn,omitempty"`
	// Told is since when, in log time, people know of what was withheld: the
	// episode's own opening, or that of an earlier one, which makes it Muted.
	Told  int64 `json:"told,omitempty"`
	Muted bool  `json:"muted,omitempty"`
	// Notes and Usual say what else is odd and what is usual about the activity
	// that opened the episode.
	Notes   []Reason  `json:"notes,omitempty"`
	Usual   []Reason  `json:"usual,omitempty"`
	Related []Related `json:"related,omitempty"`
	// Since is kept for logins of identities that guard accounts.
	Since *since `json:"since,omitempty"`
	// Deleted are posts of the evidence that are gone, by id.
	Deleted map[string]time.Time `json:"deleted,omitempty"`

	queued int64 // deadline of its entry in the closing queue
}

// kept is an activity that outlives its message; it is stored in wire form.
type kept struct{ activity.Activity }

// MarshalJSON writes the activity's wire form.
func (k kept) MarshalJSON() ([]byte, error) { return activity.AppendActivity(nil, &k.Activity), nil }

// UnmarshalJSON reads the activity's wire form.
func (k *kept) UnmarshalJSON(data []byte) error {
	var d activity.Decoder
	var a activity.Activity
	if err := d.Activity(data, &a); err != nil {
		return err
	}
	k.Activity = a.Clone()
	return nil
}

// pending is a published message whose verdict waits for a late approval.
type pending struct {
	Since    int64            `json:"since"`    // log time from which its grace runs, Unix nanoseconds
	Deadline int64            `json:"deadline"` // log time, Unix nanoseconds
	Message  approval.Message `json:"message"`
	Activity kept             `json:"activity"`
	Matched  []string         `json:"matched"` // ids of the detection rules that it matched
	Context  setting          `json:"context"`
}

// snapshot is the whole memory of an engine. Version changes when its meaning
// does.
type snapshot struct {
	Version  int                      `json:"v"`
	LogTime  int64                    `json:"log_time"`
	Accounts map[string]*accountState `json:"accounts"`
	Ledger   approval.Ledger          `json:"ledger"`
	Pending  []*pending               `json:"pending,omitempty"`
	Recent   recentKeys               `json:"recent,omitempty"`
}

const snapshotVersion = 2

// Snapshot encodes the engine's memory. Equal memories encode to equal bytes.
func (e *Engine) Snapshot() ([]byte, error) {
	data, err := json.Marshal(snapshot{
		Version: snapshotVersion, LogTime: e.now, Accounts: e.accounts,
		Ledger: e.ledger, Pending: e.pending, Recent: e.recent.queue(),
	})
	if err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	return data, nil
}

// Restore replaces the engine's memory by a snapshot.
func (e *Engine) Restore(data []byte) error {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("decode snapshot: %w", err)
	}
	if s.Version != snapshotVersion {
		return fmt.Errorf("snapshot has version %d, this Picket reads %d", s.Version, snapshotVersion)
	}
	e.now, e.ledger, e.pending = s.LogTime, s.Ledger, s.Pending
	e.accounts = s.Accounts
	if e.accounts == nil {
		e.accounts = map[string]*accountState{}
	}
	e.recent.restore(s.Recent)
	e.closing, e.replanned = nil, true // the plan may be another one
	for _, st := range e.accounts {
		for key, ep := range st.Episodes {
			ep.queued = ep.Deadline
			e.closing = append(e.closing, closing{ep.Deadline, ep.Account, key})
		}
	}
	heap.Init(&e.closing)
	return nil
}

// closing is an entry of the queue of episodes by deadline. An entry whose
// deadline is not its episode's any more is stale and skipped.
type closing struct {
	deadline int64
	account  string
	key      string
}

type closingQueue []closing

func (q closingQueue) Len() int      { return len(q) }
func (q closingQueue) Swap(i, k int) { q[i], q[k] = q[k], q[i] }

// Less is a total order, so that the order of closing does not depend on the
// history of the queue.
func (q closingQueue) Less(i, k int) bool {
	a, b := q[i], q[k]
	switch {
	case a.deadline != b.deadline:
		return a.deadline < b.deadline
	case a.account != b.account:
		return a.account < b.account
	}
	return a.key < b.key
}

func (q *closingQueue) Push(x any) { *q = append(*q, x.(closing)) }

func (q *closingQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

// recentKey is one remembered activity of the duplicate horizon.
type recentKey struct {
	Key uint64
	At  int64 // log time, Unix nanoseconds
}

// recentKeys are stored as base64 of 16 bytes each, little-endian.
type recentKeys []recentKey

// MarshalText implements encoding.TextMarshaler.
func (r recentKeys) MarshalText() ([]byte, error) {
	raw := make([]byte, 0, 16*len(r))
	for _, k := range r {
		raw = binary.LittleEndian.AppendUint64(raw, k.Key)
		raw = binary.LittleEndian.AppendUint64(raw, uint64(k.At))
	}
	return base64.StdEncoding.AppendEncode(nil, raw), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *recentKeys) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil || len(raw)%16 != 0 {
		return fmt.Errorf("recent keys: %d bytes are not base64 of 16 bytes each", len(text))
	}
	*r = make(recentKeys, 0, len(raw)/16)
	for ; len(raw) > 0; raw = raw[16:] {
		*r = append(*r, recentKey{binary.LittleEndian.Uint64(raw), int64(binary.LittleEndian.Uint64(raw[8:]))})
	}
	return nil
}

// recentSet remembers which activities came within the horizon, so that bulk
// intake repeated after a crash or by a sender counts once.
type recentSet struct {
	known map[uint64]struct{}
	ring  []recentKey
	head  int // index of the oldest
}

// Duplicates drops repeated activities as an engine does, for whoever reads one
// log for several engines. The zero value has seen none.
type Duplicates struct{ recent recentSet }

// Seen reports whether an activity came within DuplicateHorizon before log time
// now, and remembers it.
func (d *Duplicates) Seen(a *activity.Activity, now time.Time) bool {
	return d.recent.seen(identity(a), now.UnixNano())
}

// seen reports whether key came within the horizon before now and remembers it.
func (r *recentSet) seen(key uint64, now int64) bool {
	for n := len(r.ring) - r.head; n >= maxRecent || n > minRecent && now-r.ring[r.head].At > int64(DuplicateHorizon); n-- {
		delete(r.known, r.ring[r.head].Key)
		r.head++
	}
	if r.head > 4096 && r.head > len(r.ring)/2 {
		r.ring = append(r.ring[:0], r.ring[r.head:]...)
		r.head = 0
	}
	if _, ok := r.known[key]; ok {
		return true
	}
	if r.known == nil {
		r.known = map[uint64]struct{}{}
	}
	r.known[key] = struct{}{}
	r.ring = append(r.ring, recentKey{key, now})
	return false
}

func (r *recentSet) queue() []recentKey { return r.ring[r.head:] }

func (r *recentSet) restore(ring []recentKey) {
	*r = recentSet{known: make(map[uint64]struct{}, len(ring)), ring: ring}
	for _, k := range ring {
		r.known[k.Key] = struct{}{}
	}
}

// maxGroups bounds the groups that one account's windows, and its values, keep;
// what an attacker can choose (an address, say) must not fill the memory.
const maxGroups = 1024

// sweep drops memory that says nothing any more: windows, steps and excuses that
// no activity can reach, what rules kept that are gone, and accounts of which
// nothing is left.
func (e *Engine) sweep() {
	for name, st := range e.accounts {
		for key, w := range st.Windows {
			i, ok := e.plan.memory[stateOf(key)]
			if ok {
				w.Advance(e.now, int64(e.plan.rules[i].rule.Timespan), e.lateness)
			}
			if !ok || len(w.Events) == 0 {
				delete(st.Windows, key)
			}
		}
		if e.replanned {
			dropGone(e.plan, st.Values)
			dropGone(e.plan, st.Peaks)
			dropGone(e.plan, st.Models)
		}
		e.sweepSteps(st)
		e.sweepChanges(st)
		e.sweepFired(st)
		e.sweepJudged(st)
		if st.idle(e.now) {
			delete(e.accounts, name)
		}
	}
	e.replanned = false
}

// dropGone deletes what was kept by rules that are gone.
func dropGone[T any](p *Plan, memory map[string]T) {
	for key := range memory {
		if _, ok := p.memory[stateOf(key)]; !ok {
			delete(memory, key)
		}
	}
}

// habitsFor is how long the habits of an account outlive its last activity.
const habitsFor = 180 * 24 * time.Hour

// idle reports whether nothing is left of an account.
func (st *accountState) idle(now int64) bool {
	if len(st.Windows)+len(st.Values)+len(st.Episodes)+len(st.Peaks)+len(st.Excuses)+len(st.Steps)+len(st.Changes)+len(st.Fired)+len(st.Models) > 0 || st.Judged != nil {
		return false
	}
	if st.Habits == nil {
		return true
	}
	return now-st.Habits.Seen.Latest() >= int64(habitsFor)
}

// stateOf returns the rule's part of a memory key.
func stateOf(key string) string {
	state, _, _ := strings.Cut(key, groupMark)
	return state
}

// makeRoom drops the group that was used longest ago where an account has too
// many of them: one of the same rule, so that whoever chooses the groups of one
// cannot blind another. A rule without any adds its first one all the same.
func makeRoom[T any](groups map[string]T, forKey string, last func(T) int64) {
	if len(groups) < maxGroups {
		return
	}
	rule := stateOf(forKey)
	oldest, at := "", int64(math.MaxInt64)
	for key, g := range groups {
		if stateOf(key) != rule {
			continue
		}
		if t := last(g); oldest == "" || t < at || t == at && key < oldest {
			oldest, at = key, t
		}
	}
	delete(groups, oldest)
}
