package collectors

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// envelope is what the scheduler stores as Batch.Cursor: the collector's own
// cursor and beside it what must be as durable as the cursor, so that a restart
// neither repeats an item nor reports a change of state that was none.
type envelope struct {
	Collector json.RawMessage `json:"c,omitempty"`
	Reported  reported        `json:"p,omitzero"`
	// Times holds the occurrence time of each of Batch.Recent, see packTimes.
	Times   string `json:"t,omitempty"`
	Horizon mark   `json:"h,omitzero"`
	// Mentions are the shares of the latest minutes that are sampled.
	Mentions sampling `json:"m,omitempty"`
}

// reported is the last poll activity that was written.
type reported struct {
	State   string `json:"s"`
	From    stamp  `json:"from,omitempty"` // bounds of a gap
	Until   stamp  `json:"until,omitempty"`
	Since   stamp  `json:"since"` // when State began
	Written stamp  `json:"w"`     // when it was last written
	LastOK  stamp  `json:"ok,omitempty"`
}

// blind reports whether the state says that nothing is read for now.
func (r *reported) blind() bool {
	return r.State == activity.PollFailing || r.State == activity.PollExhausted
}

// mark is a place in the order in which a page's items are journaled.
type mark struct {
	Nano    int64         `json:"n"` // occurrence time, nanoseconds since 1970
	ID      string        `json:"i"`
	Kind    activity.Kind `json:"k"`
	Account string        `json:"a,omitempty"`
}

func markOf(a *activity.Activity) mark {
	return mark{Nano: occurred(a).UnixNano(), ID: a.ID, Kind: a.Kind, Account: a.Account}
}

func (m mark) compare(n mark) int {
	return cmp.Or(cmp.Compare(m.Nano, n.Nano), cmp.Compare(m.ID, n.ID),
		cmp.Compare(m.Kind, n.Kind), cmp.Compare(m.Account, n.Account))
}

// item is one remembered item: its key and when it occurred, in seconds.
type item struct {
	key uint64
	at  int64
}

// ledger is the head of a source's log, decoded: everything that decides what
// of the next page is new.
type ledger struct {
	cursor   json.RawMessage
	reported reported
	recent   []item // by time, then key
	horizon  mark   // zero: nothing was forgotten
	mentions sampling
	lost     bool // a gap in the log is still to be reported
	lostFrom time.Time
}

// readLedger decodes a checkpoint. Keys without a time, which another version
// wrote, count as occurring when the message was appended.
func readLedger(cp Checkpoint) (*ledger, error) {
	l := &ledger{lost: cp.Lost, lostFrom: cp.LastTime}
	if len(cp.Cursor) == 0 || string(cp.Cursor) == "null" {
		return l, nil
	}
	var e envelope
	if err := json.Unmarshal(cp.Cursor, &e); err != nil {
		return nil, fmt.Errorf("cursor in the journal: %w; it was not written by the scheduler", err)
	}
	times, err := unpackTimes(e.Times)
	if err != nil {
		return nil, fmt.Errorf("cursor in the journal: field t: %w", err)
	}
	l.cursor, l.reported, l.horizon, l.mentions = e.Collector, e.Reported, e.Horizon, e.Mentions
	l.recent = make([]item, len(cp.Recent))
	for i, key := range cp.Recent {
		l.recent[i] = item{key: key, at: cp.LastTime.Unix()}
		if i < len(times) {
			l.recent[i].at = times[i]
		}
	}
	slices.SortFunc(l.recent, compareItems)
	return l, nil
}

// Polled reports whether a poll has left a cursor; an import alone leaves none.
func (c Checkpoint) Polled() (bool, error) {
	l, err := readLedger(c)
	return err == nil && len(l.cursor) > 0, err
}

// batch returns a batch that says what l says and carries as.
func (l *ledger) batch(as []activity.Activity, backfill bool) (*activity.Batch, error) {
	cursor, err := l.encode()
	if err != nil {
		return nil, err
	}
	b := &activity.Batch{Backfill: backfill, Cursor: cursor, Activities: as}
	for _, it := range l.recent {
		b.Recent = append(b.Recent, it.key)
	}
	return b, nil
}

func (l *ledger) encode() ([]byte, error) {
	b, err := encodeJSON(envelope{
		Collector: l.cursor, Reported: l.reported, Times: packTimes(l.recent), Horizon: l.horizon, Mentions: l.mentions.shared(),
	})
	if err != nil {
		return nil, fmt.Errorf("encode cursor: %w", err)
	}
	return b, nil
}

func compareItems(a, b item) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.key, b.key))
}

// packTimes writes the times of items, which ascend, as base64 of varints: the
// first in seconds since 1970, then each one's distance to the one before.
func packTimes(items []item) string {
	if len(items) == 0 {
		return ""
	}
	var buf []byte
	var last int64
	for _, it := range items {
		buf = binary.AppendVarint(buf, it.at-last)
		last = it.at
	}
	return base64.RawStdEncoding.EncodeToString(buf)
}

func unpackTimes(s string) ([]int64, error) {
	buf, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("want base64 of varints: %w", err)
	}
	var times []int64
	var last int64
	for len(buf) > 0 {
		d, n := binary.Varint(buf)
		if n <= 0 {
			return nil, fmt.Errorf("want base64 of varints: cut at byte %d from the end", len(buf))
		}
		last += d
		times = append(times, last)
		buf = buf[n:]
	}
	return times, nil
}
