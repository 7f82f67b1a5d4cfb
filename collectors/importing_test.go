package collectors_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// contested is a log whose first append comes too late: another writer was first.
type contested struct {
	first    *activity.Batch // what it appended
	cursor   []byte          // what the log holds then
	appended [][]string      // ids of what came after
}

func (c *contested) Checkpoint(context.Context) (collectors.Checkpoint, error) {
	return collectors.Checkpoint{Cursor: c.cursor}, nil
}

func (c *contested) Append(_ context.Context, b *activity.Batch) error {
	if c.first != nil {
		c.cursor, c.first = c.first.Cursor, nil
		return collectors.ErrFenced
	}
	var ids []string
	for i := range b.Activities {
		ids = append(ids, b.Activities[i].ID)
	}
	c.appended = append(c.appended, ids)
	return nil
}

// heldBy is what a contested log holds.
type heldBy struct {
	log   *contested
	other map[string]bool // what the other writer appended
}

func (heldBy) Update(context.Context) error { return nil }

func (h heldBy) Has(a *activity.Activity) bool { return h.log.first == nil && h.other[a.ID] }

// TestImportContested: while a batch waits, another writer appends what begins the
// next one, or leaves it no room.
func TestImportContested(t *testing.T) {
	t.Parallel()
	one := func(id string, kind activity.Kind, size int) activity.Activity {
		return activity.Activity{
			ID: id, Network: "x", Account: "x/acme", Kind: kind, Time: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Text: strings.Repeat("a", size),
		}
	}
	for _, tt := range []struct {
		name   string
		size   int // of what begins the next batch
		cursor int // of the other writer
		held   bool
		want   collectors.Imported
	}{
		{"nothing of it", 10, 10, false, collectors.Imported{Appended: 3}},
		{"what begins the next batch", 10, 10, true, collectors.Imported{Appended: 2, Held: 1}},
		{"a cursor beside which it has no room", 100 << 10, 100 << 10, false, collectors.Imported{Appended: 2, Unfit: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all := []activity.Activity{one("p1", activity.KindPost, 10), one("l1", activity.KindLogin, tt.size), one("p2", activity.KindPost, 10)}
			log := &contested{first: &activity.Batch{Cursor: fmt.Appendf(nil, `{"c":"%s"}`, strings.Repeat("c", tt.cursor))}}
			done, err := collectors.Import(t.Context(), collectors.Importing{
				Account: "x/acme", Log: log, Held: heldBy{log, map[string]bool{"l1": tt.held}}, Now: time.Now,
				Next: func() (activity.Activity, error) {
					if len(all) == 0 {
						return activity.Activity{}, io.EOF
					}
					a := all[0]
					all = all[1:]
					return a, t.Context().Err()
				},
			})
			if err != nil || done != tt.want {
				t.Errorf("%+v, %v; want %+v", done, err, tt.want)
			}
			want := [][]string{{"p1"}, {"l1"}, {"p2"}}
			if tt.want.Appended == 2 {
				want = [][]string{{"p1"}, {"p2"}}
			}
			if d := cmp.Diff(want, log.appended); d != "" {
				t.Errorf("appended (-want +got):\n%s", d)
			}
		})
	}
}
