package alerting

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/picketd/picket/rules"
)

// Brief is what an alert says of itself to others: enough for one line in
// their text, and for counting verdicts. Its JSON travels beside the stored
// form, so that it can be read without it.
type Brief struct {
	Rule    string     `json:"rule"` // id
	Title   string     `json:"title"`
	Account string     `json:"account,omitempty"`
	First   time.Time  `json:"first"`
	Words   string     `json:"words,omitempty"` // what was odd: "country RO"
	Mode    rules.Mode `json:"mode,omitempty"`
	Drill   string     `json:"drill,omitempty"`
	Verdict Verdict    `json:"verdict,omitempty"`

	Opened time.Time `json:"opened,omitzero"`   // as in Alert; zero: of an older Picket
	Fired  time.Time `json:"fired,omitzero"`    // when it began to fire again; zero where it was never reopened
	ByHand bool      `json:"by_hand,omitempty"` // a person resolved it
}

// maxBrief bounds each text of a Brief in bytes.
const maxBrief = 120

// BriefOf returns what a says of itself.
func BriefOf(a *Alert) Brief {
	b := Brief{
		Rule: a.Rule.ID, Title: clip(a.Rule.Title, maxBrief), Account: a.Account, First: a.First, Mode: a.Rule.Mode,
		Drill: clip(a.Drill(), maxBrief), Opened: a.Opened, Fired: refired(a), ByHand: a.ByHand(),
	}
	if len(a.Reasons) > 0 {
		b.Words = clip(a.Reasons[0].Seen, maxBrief)
	}
	if a.Judged != nil {
		b.Verdict = a.Judged.Verdict
	}
	return b
}

// Around is what is known around an alert: what happens beside it, and what
// alerts like it turned out to be.
type Around struct {
	// Beside are other alerts of the account, of identities that guard it and
	// of accounts that it guards, the most pressing first, at most MaxBeside.
	Beside []Head
	// Verdicts counts what people said of alerts of the same rule and account,
	// of drills only for drills.
	Verdicts Tally
	// Silenced says that nobody is told for now; nil where people are.
	Silenced *Silenced
	// Kept counts the copies that are kept of the media that the alert names;
	// unknown, and so none, when it has just begun.
	Kept int
}

// Silenced says that people need not be told of an alert for a while.
type Silenced struct {
	Number string // of the silence; the name of a maintenance window
	By     string
	Until  time.Time
	Reason string
}

// Tally counts verdicts.
type Tally struct {
	True     int `json:"true"`
	Expected int `json:"expected"`
	False    int `json:"false"`
}

// Total returns the number of verdicts.
func (t Tally) Total() int { return t.True + t.Expected + t.False }

func (t *Tally) add(v Verdict, n int) {
	switch v {
	case VerdictTrue:
		t.True += n
	case VerdictExpected:
		t.Expected += n
	case VerdictFalse:
		t.False += n
	}
}

const (
	// MaxBeside bounds the alerts of an Around.
	MaxBeside = 8
	// BesideWithin is how far before an alert another one may lie that is
	// resolved already, to stand beside it.
	BesideWithin = 24 * time.Hour
)

// neighbours returns the accounts whose alerts may stand beside those of one.
func neighbours(account string, dir Directory) []string {
	if account == "" {
		return nil
	}
	out := []string{account}
	if dir != nil {
		info, _ := dir.Account(account)
		out = append(append(out, info.Guards...), info.GuardedBy...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// stands reports whether the alert of h stands beside a.
func stands(h *Head, a *Alert) bool {
	b := &h.Brief
	if h.ID == a.ID || b.Mode == rules.Observe || b.Drill != a.Drill() {
		return false
	}
	if h.State != Resolved && a.State != Resolved {
		return true
	}
	return !b.First.Before(a.First.Add(-BesideWithin)) && !b.First.After(a.Last.Add(BesideWithin))
}

// pick returns the heads that stand beside a, the most pressing first.
func pick(heads []Head, a *Alert) []Head {
	var out []Head
	for i := range heads {
		if stands(&heads[i], a) {
			out = append(out, heads[i])
		}
	}
	slices.SortFunc(out, func(x, y Head) int {
		return cmp.Or(y.Level.Rank()-x.Level.Rank(), y.Brief.First.Compare(x.Brief.First),
			cmp.Compare(x.Brief.Title, y.Brief.Title), cmp.Compare(x.ID, y.ID))
	})
	return slices.Clip(out[:min(len(out), MaxBeside)])
}

// judgedOf names the alerts whose verdicts are counted together: what a drill
// turned out to be says nothing of how often the rule is right.
type judgedOf struct {
	rule, account string
	drill         bool
}

func (b *Brief) judgedOf() judgedOf { return judgedOf{b.Rule, b.Account, b.Drill != ""} }

// board remembers, of all alerts, what others say of them: those that are open
// or recent, by account, and every verdict. It is not for concurrent use.
type board struct {
	alerts   map[string]Head                // open or recent
	accounts map[string]map[string]struct{} // ids of alerts by account
	judged   map[string]Head                // those with a verdict
	tallies  map[judgedOf]Tally
	rules    map[string]Tally // the same by rule alone, drills left out
	swept    int              // alerts after the last sweep
}

// maxPosted bounds the alerts of one account on the board: what an attacker
// can multiply must not fill the memory.
const maxPosted = 64

func newBoard() *board {
	return &board{
		alerts: map[string]Head{}, accounts: map[string]map[string]struct{}{},
		judged: map[string]Head{}, tallies: map[judgedOf]Tally{}, rules: map[string]Tally{},
	}
}

// note takes the head of an alert, unless a newer one is known.
func (b *board) note(h *Head, now time.Time) {
	if b.alerts[h.ID].Seq > h.Seq || b.judged[h.ID].Seq > h.Seq {
		return
	}
	b.judge(h)
	if h.Brief.Account == "" { // about no account, or of an older Picket
		return
	}
	if h.Brief.Mode == rules.Observe || gone(h, now) {
		b.drop(h.ID)
		return
	}
	b.alerts[h.ID] = *h
	ids := b.accounts[h.Brief.Account]
	if ids == nil {
		ids = map[string]struct{}{}
		b.accounts[h.Brief.Account] = ids
	}
	ids[h.ID] = struct{}{}
	if len(ids) > maxPosted {
		b.drop(b.least(ids))
	}
	if len(b.alerts) > 2*b.swept+1024 {
		b.sweep(now)
	}
}

// judge counts a verdict once, however often its alert is revised. What is
// taken back is taken from where it was counted: new evidence may have made a
// drill an alert.
func (b *board) judge(h *Head) {
	before := b.judged[h.ID].Brief
	b.count(before.judgedOf(), before.Verdict, -1)
	b.count(h.Brief.judgedOf(), h.Brief.Verdict, 1)
	delete(b.judged, h.ID)
	if h.Brief.Verdict != "" {
		v := &h.Brief
		b.judged[h.ID] = Head{Seq: h.Seq, Brief: Brief{Rule: v.Rule, Account: v.Account, Drill: v.Drill, Verdict: v.Verdict}}
	}
}

func (b *board) count(of judgedOf, v Verdict, n int) {
	t := b.tallies[of]
	t.add(v, n)
	if b.tallies[of] = t; t == (Tally{}) {
		delete(b.tallies, of)
	}
	if of.drill {
		return
	}
	t = b.rules[of.rule]
	t.add(v, n)
	if b.rules[of.rule] = t; t == (Tally{}) {
		delete(b.rules, of.rule)
	}
}

// gone reports whether an alert is too old to stand beside one of now.
func gone(h *Head, now time.Time) bool {
	return h.State == Resolved && h.Brief.First.Before(now.Add(-2*BesideWithin))
}

func (b *board) drop(id string) {
	account := b.alerts[id].Brief.Account
	delete(b.alerts, id)
	delete(b.accounts[account], id)
	if len(b.accounts[account]) == 0 {
		delete(b.accounts, account)
	}
}

// least returns the alert that is missed least: one that is resolved, then one
// of the lowest level, then the oldest. Whoever can raise many alerts of a low
// level must not push out the one that matters.
func (b *board) least(ids map[string]struct{}) string {
	return slices.MinFunc(slices.Collect(maps.Keys(ids)), func(x, y string) int {
		p, q := b.alerts[x], b.alerts[y]
		if p, q := p.State == Resolved, q.State == Resolved; p != q {
			if p {
				return -1
			}
			return 1
		}
		return cmp.Or(p.Level.Rank()-q.Level.Rank(), p.Brief.First.Compare(q.Brief.First), cmp.Compare(x, y))
	})
}

func (b *board) sweep(now time.Time) {
	for id, h := range b.alerts {
		if gone(&h, now) {
			b.drop(id)
		}
	}
	b.swept = len(b.alerts)
}

// of returns the alerts of accounts.
func (b *board) of(accounts []string) []Head {
	var out []Head
	for _, account := range accounts {
		for id := range b.accounts[account] {
			out = append(out, b.alerts[id])
		}
	}
	return out
}

// around returns what this Manager knows around an alert.
func (m *Manager) around(a *Alert) Around {
	names, silenced := beside(a, m.cfg.Directory), m.silenced(a)
	m.mu.Lock()
	defer m.mu.Unlock()
	brief := BriefOf(a)
	return Around{Beside: pick(m.board.of(names), a), Verdicts: m.board.tallies[brief.judgedOf()], Silenced: silenced}
}

// silenced says whether people need not be told of an alert now.
func (m *Manager) silenced(a *Alert) *Silenced {
	if m.cfg.Silenced == nil {
		return nil
	}
	return m.cfg.Silenced(a, m.cfg.Now())
}

// Look returns the last stored revision of an alert with what the store holds
// around it.
func (m *Manager) Look(ctx context.Context, id string) (Alert, error) {
	a, err := m.Get(ctx, id)
	if err != nil {
		return Alert{}, err
	}
	if m.known(&a) {
		a.Around = m.around(&a)
		a.Around.Kept = m.kept(ctx, &a)
		return a, nil
	}
	heads, err := m.cfg.Store.Heads(ctx)
	if err != nil {
		return Alert{}, fmt.Errorf("look at alert %s: %w", id, err)
	}
	names := beside(&a, m.cfg.Directory)
	near, of := heads[:0], BriefOf(&a)
	for i := range heads {
		b := &heads[i].Brief
		if b.judgedOf() == of.judgedOf() {
			a.Around.Verdicts.add(b.Verdict, 1)
		}
		if slices.Contains(names, b.Account) {
			near = append(near, heads[i])
		}
	}
	a.Around.Beside, a.Around.Silenced = pick(near, &a), m.silenced(&a)
	a.Around.Kept = m.kept(ctx, &a)
	return a, nil
}

func (m *Manager) kept(ctx context.Context, a *Alert) int {
	if m.cfg.Kept == nil {
		return 0
	}
	return m.cfg.Kept(ctx, a)
}
