package journal_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

// posts returns posts of one account, numbered on from the first.
func posts(first, n int, text string) []activity.Activity {
	out := make([]activity.Activity, n)
	for i := range out {
		out[i] = post("x/acme", first+i)
		out[i].Text += text
	}
	return out
}

// asEncoded checks that a message is what AppendBatch writes, and returns the
// ids in it.
func asEncoded(t *testing.T, m *journal.Message) []string {
	t.Helper()
	b := decode(t, m)
	if want := activity.AppendBatch(nil, &b); !bytes.Equal(m.Data, want) {
		t.Errorf("message %d is %.200q, want %.200q", m.Sequence, m.Data, want)
	}
	if len(b.Activities) > 100 || len(m.Data) > journal.MaxMessage {
		t.Errorf("message %d has %d activities in %d bytes", m.Sequence, len(b.Activities), len(m.Data))
	}
	var ids []string
	for i := range b.Activities {
		ids = append(ids, b.Activities[i].ID)
	}
	return ids
}

func TestSubmissionInMessages(t *testing.T) {
	t.Parallel()
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{Retention: journal.Retention{Logins: time.Hour, Posts: 2 * time.Hour, Mentions: 2 * time.Hour}})
	spoilt := posts(0, 103, "")
	spoilt[1].Kind, spoilt[102].ID = "", ""
	next := uint64(1)
	for _, tt := range []struct {
		name string
		in   []activity.Activity
		want []int // activities of each message
	}{
		{"one", posts(0, 1, ""), []int{1}},
		{"as many as one message takes", posts(0, 100, ""), []int{100}},
		{"one more", posts(0, 101, ""), []int{100, 1}},
		{"many", posts(0, 250, ""), []int{100, 100, 50}},
		{"some refused", spoilt, []int{100, 1}},
		{"kept for another time", kinds("x/acme", "pplpll"), []int{2, 1, 1, 2}},
		{"kept equally long", kinds("x/acme", "pmfpmf"), []int{6}},
		{"large ones", posts(0, 6, strings.Repeat("x", 60<<10)), []int{4, 2}},
		{"one that needs escapes", posts(0, 2, "\n\"\\ü\u2028"), []int{2}},
	} {
		var want []string
		bad := 0
		for i, err := range j.Submit(t.Context(), tt.in) {
			if err != nil {
				bad++
				continue
			}
			want = append(want, tt.in[i].ID)
		}
		var got []string
		var sizes []int
		for _, m := range read(t, j, 0, next, len(tt.want)) {
			ids := asEncoded(t, &m)
			got, sizes = append(got, ids...), append(sizes, len(ids))
		}
		next += uint64(len(tt.want))
		if !slices.Equal(sizes, tt.want) || !slices.Equal(got, want) || len(want)+bad != len(tt.in) {
			t.Errorf("%s: messages of %v with %v, want %v with %v", tt.name, sizes, got, tt.want, want)
		}
	}
}

// TestSubmissionsShareMessages has many submit a few each: all get in, once, and
// those of one submission in their order.
func TestSubmissionsShareMessages(t *testing.T) {
	t.Parallel()
	const submitters, each = 120, 3
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{})
	var all sync.WaitGroup
	for n := range submitters {
		all.Go(func() {
			for i, err := range j.Submit(t.Context(), posts(1000*n, each, "")) {
				if err != nil {
					t.Errorf("item %d of %d: %v", i, n, err)
				}
			}
		})
	}
	all.Wait()
	head, err := j.Head(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range read(t, j, 0, 1, int(head.Last)) {
		got = append(got, asEncoded(t, &m)...)
	}
	for n := range submitters {
		first := slices.Index(got, fmt.Sprint(1000*n))
		if first < 0 || first+each > len(got) || got[first+1] != fmt.Sprint(1000*n+1) || got[first+2] != fmt.Sprint(1000*n+2) {
			t.Errorf("what %d submitted is not there in its order", n)
		}
	}
	if len(got) != submitters*each || head.Last >= submitters {
		t.Errorf("%d activities in %d messages, want %d in fewer than %d", len(got), head.Last, submitters*each, submitters)
	}
}

// TestPageIsParted: what a page holds of other accounts, and approvals, are for
// the bulk subject; the rest and the cursor stay together.
func TestPageIsParted(t *testing.T) {
	t.Parallel()
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{})
	l := openLog(t, j, "x/acme")
	next := uint64(1)
	for _, tt := range []struct {
		name, page  string // o: own, f: of another account, a: approval
		bulk, stays []string
	}{
		{"own only", "ooo", nil, []string{"0", "1", "2"}},
		{"others only", "fa", []string{"0", "1"}, nil},
		{"both", "ofoao", []string{"1", "3"}, []string{"0", "2", "4"}},
		{"others first", "afo", []string{"0", "1"}, []string{"2"}},
		{"nothing but the cursor", "", nil, nil},
	} {
		var page []activity.Activity
		for i, c := range tt.page {
			a := post("x/acme", i)
			switch c {
			case 'f':
				a = post("x/other", i)
			case 'a':
				a.Kind, a.Approval.Text = activity.KindApproval, "hello"
			}
			page = append(page, a)
		}
		if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(`"` + tt.name + `"`), Activities: page}); err != nil {
			t.Fatal(err)
		}
		if len(tt.bulk) > 0 {
			m := read(t, j, 0, next, 1)[0]
			if got := asEncoded(t, &m); m.Type != journal.Bulk || !slices.Equal(got, tt.bulk) {
				t.Errorf("%s: message of type %v with %v, want bulk with %v", tt.name, m.Type, got, tt.bulk)
			}
			next++
		}
		m := read(t, j, 0, next, 1)[0]
		cursor := string(decode(t, &m).Cursor)
		if got := asEncoded(t, &m); m.Type != journal.Page || cursor != `"`+tt.name+`"` || !slices.Equal(got, tt.stays) {
			t.Errorf("%s: message of type %v with cursor %s and %v, want page with %v", tt.name, m.Type, cursor, got, tt.stays)
		}
		next++
	}
}
