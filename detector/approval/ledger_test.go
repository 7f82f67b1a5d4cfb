package approval_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/approval"
)

// ledgerOf returns a ledger of n approvals of account x/a, of 20 words each.
func ledgerOf(n int) *approval.Ledger {
	var l approval.Ledger
	for i := range n {
		l.Add(numbered(i), int64(i))
	}
	return &l
}

func numbered(i int) *activity.Activity {
	a := activity.Activity{ID: fmt.Sprint(i), Account: "x/a", Kind: activity.KindApproval}
	a.Approval.Text = text(i)
	a.Approval.MaxUses = 1 << 30
	return &a
}

func text(i int) string {
	return fmt.Sprintf("Message %d: we are open from nine to five on all days of week %d and look forward to see you there https://acme.example/%d", i, i/7, i)
}

func TestApprove(t *testing.T) {
	var l approval.Ledger
	l.Add(approve("1", func(a *activity.Approval) { a.MaxUses = 2 }), 1)
	m := approval.Normalise("hello there", nil, nil)
	for i, ask := range []struct {
		account string
		m       approval.Message
		want    bool
	}{
		{"x/b", m, false},
		{"x/a", approval.Normalise("hello", nil, nil), false},
		{"x/a", m, true},
		{"x/a", m, true},
		{"x/a", m, false}, // used up
	} {
		if got := l.Approve(ask.account, ask.m, 2); got != ask.want {
			t.Errorf("question %d: Approve = %v, want %v", i, got, ask.want)
		}
	}
	if got := l.Entries[0].Used; got != 2 {
		t.Errorf("%d uses counted, want 2", got)
	}
}

func TestReplacedApprovalIsFoundByItsNewText(t *testing.T) {
	var l approval.Ledger
	l.Add(approve("1", nil), 1)
	l.Add(approve("1", func(a *activity.Approval) { a.Text = "hello again" }), 2)
	if l.Approve("x/a", approval.Normalise("hello there", nil, nil), 3) {
		t.Error("the replaced text is still approved")
	}
	if !l.Approve("x/a", approval.Normalise("hello again", nil, nil), 3) {
		t.Error("the new text is not approved")
	}
}

// TestLedgerAgainstScan compares the ledger with one that looks at every entry
// in log order, and with itself after it was encoded and decoded, while
// approvals come, are replaced, are used, expire in and out of turn and leave
// because there are too many.
func TestLedgerAgainstScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var l, decoded approval.Ledger
	found := map[approval.Verdict]int{}
	now := int64(0)
	for round := range 4000 {
		now += rng.Int64N(int64(6 * time.Hour))
		if rng.IntN(3) == 0 {
			a := random(rng, now)
			l.Add(a, now)
			decoded.Add(a, now)
		}
		account := fmt.Sprintf("x/%d", rng.IntN(3))
		m := approval.Normalise(fmt.Sprintf("word%d two three", rng.IntN(40)), nil, nil)
		if rng.IntN(20) == 0 {
			m = approval.Normalise("not like any of these", nil, nil)
		}
		want := scan(l.Entries, account, m, now)
		got := l.Judge(account, m, now, true)
		if diff := cmp.Diff(want, answerOf(got)); diff != "" {
			t.Fatalf("at %d (-want +got):\n%s", now, diff)
		}
		if decoded.Approve(account, m, now) != (want.Verdict == approval.Approved) {
			t.Fatalf("at %d: Approve answers otherwise than %s", now, want.Verdict)
		}
		found[want.Verdict]++
		if round%50 > 0 {
			continue
		}
		data, again := encode(t, &l), encode(t, &decoded)
		if data != again {
			t.Fatalf("at %d the decoded ledger has become another one:\n%s\n%s", now, data, again)
		}
		if err := json.Unmarshal([]byte(data), &decoded); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range []approval.Verdict{approval.Approved, approval.Expired, approval.WrongAccount, approval.Edited, approval.Missing} {
		if found[v] < 10 {
			t.Errorf("verdict %s came %d times, want at least 10", v, found[v])
		}
	}
}

func encode(t *testing.T, l *approval.Ledger) string {
	t.Helper()
	data, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func random(rng *rand.Rand, now int64) *activity.Activity {
	a := activity.Activity{ID: fmt.Sprint(rng.IntN(200)), Account: fmt.Sprintf("x/%d", rng.IntN(3)), Kind: activity.KindApproval}
	a.Approval.Text = fmt.Sprintf("word%d two three", rng.IntN(30))
	if rng.IntN(4) == 0 {
		a.Approval.Text = "one of another kind"
	}
	a.Approval.MaxUses = 1 + rng.IntN(3)
	if rng.IntN(4) == 0 {
		a.Approval.From = time.Unix(0, now+rng.Int64N(int64(20*24*time.Hour)))
	}
	if rng.IntN(4) == 0 {
		a.Approval.Until = time.Unix(0, now+rng.Int64N(int64(90*24*time.Hour)))
	}
	return &a
}

// answer is a judgement in values.
type answer struct {
	Verdict    approval.Verdict
	ID         string
	Seen       int64
	Similarity float64
	Against    int
}

func answerOf(j approval.Judgement) answer {
	a := answer{Verdict: j.Verdict, Similarity: j.Similarity, Against: j.Against}
	if j.Entry != nil {
		a.ID, a.Seen = j.Entry.ID, j.Entry.Seen
	}
	return a
}

// scan judges by looking at every entry in log order.
func scan(entries []approval.Entry, account string, m approval.Message, t int64) answer {
	out := answer{Verdict: approval.Missing}
	var nearest, own, other, valid *approval.Entry
	for i := range entries {
		e := &entries[i]
		same := approval.Same(m, e.Message)
		if e.Account != account {
			if same {
				other = e
			}
			continue
		}
		out.Against++
		if s := approval.Similarity(m, e.Message); s > out.Similarity || nearest == nil {
			nearest, out.Similarity = e, s
		}
		inTime := (e.From == 0 || t >= e.From) && (e.Until == 0 || t <= e.Until)
		switch {
		case same && valid == nil && e.Used < e.Max && inTime:
			valid = e
		case same:
			own = e
		}
	}
	var of *approval.Entry
	switch {
	case valid != nil:
		out.Verdict, of = approval.Approved, valid
	case own != nil:
		out.Verdict, of = approval.Expired, own
	case other != nil:
		out.Verdict, of = approval.WrongAccount, other
	case out.Similarity >= approval.NearEnough:
		out.Verdict, of = approval.Edited, nearest
	default:
		of = nearest
	}
	if out.Verdict != approval.Edited && out.Verdict != approval.Missing {
		out.Similarity = 1
	}
	if of != nil {
		out.ID, out.Seen = of.ID, of.Seen
	}
	return out
}

func TestFullLedgerForgetsTheOldest(t *testing.T) {
	l := ledgerOf(approval.MaxEntries + 25)
	if len(l.Entries) != approval.MaxEntries || l.Entries[0].ID != "25" {
		t.Fatalf("%d entries from %s, want %d from 25", len(l.Entries), l.Entries[0].ID, approval.MaxEntries)
	}
	for i, want := range map[int]bool{24: false, 25: true, 5000: true, approval.MaxEntries + 24: true} {
		if got := l.Approve("x/a", approval.Normalise(text(i), nil, nil), 1e6); got != want {
			t.Errorf("message %d: Approve = %v, want %v", i, got, want)
		}
	}
}

// TestApproveTakesNoMemory holds the cost of a question, in memory taken
// instead of time: none, however many approvals there are.
func TestApproveTakesNoMemory(t *testing.T) {
	l := ledgerOf(approval.MaxEntries)
	missing := approval.Normalise("no such message", nil, nil)
	l.Approve("x/a", missing, 1e6) // builds the index
	if n := testing.AllocsPerRun(100, func() { l.Approve("x/a", missing, 1e6) }); n != 0 {
		t.Errorf("%v allocations for a question, want 0", n)
	}
}

// BenchmarkLedger measures questions and additions at a full ledger of one
// account.
func BenchmarkLedger(b *testing.B) {
	approved := approval.Normalise(text(9_000), nil, nil)
	edited := approval.Normalise(text(9_000)+" tomorrow", nil, nil)
	b.Run("approve", func(b *testing.B) {
		l := ledgerOf(approval.MaxEntries)
		for b.Loop() {
			l.Approve("x/a", approved, 1e6)
		}
	})
	b.Run("approve_none", func(b *testing.B) {
		l := ledgerOf(approval.MaxEntries)
		for b.Loop() {
			l.Approve("x/a", edited, 1e6)
		}
	})
	b.Run("judge_edited", func(b *testing.B) {
		l := ledgerOf(approval.MaxEntries)
		for b.Loop() {
			l.Judge("x/a", edited, 1e6, true)
		}
	})
	b.Run("add", func(b *testing.B) {
		l := ledgerOf(approval.MaxEntries)
		n := approval.MaxEntries
		for b.Loop() {
			l.Add(numbered(n), int64(n))
			n++
		}
	})
	b.Run("decoded", func(b *testing.B) {
		l := ledgerOf(approval.MaxEntries)
		entries := l.Entries
		for b.Loop() {
			fresh := approval.Ledger{Entries: entries}
			fresh.Approve("x/a", edited, 1e6)
		}
	})
}
