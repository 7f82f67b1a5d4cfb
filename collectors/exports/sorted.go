package exports

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unique"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
)

// Bounds of what an export holds in memory until it is sorted.
const (
	maxItems  = 1_000_000
	maxBytes  = 1 << 30 // of the encoded activities
	maxFaults = 1000    // that are told one by one
	maxItem   = 4 << 20 // bytes of one item of a list
	maxSmall  = 4 << 20 // bytes of a file that is read whole
)

// sorted is an export whose files are in no order, or in one of their own: its
// activities are kept encoded, some hundred bytes each, and sorted by time.
type sorted struct {
	account string
	network string

	items  []kept
	bytes  int
	faults []error
	more   int // faults beyond maxFaults
	lefts  []Left
	dec    activity.Decoder
	batch  activity.Batch
}

type kept struct {
	at   time.Time
	data []byte // a batch of one
	of   string // whose of several it is, "" where that is not told
}

// add takes an activity. It completes and checks it; what is wrong with it is
// kept as a fault of that item of the file.
func (s *sorted) add(file string, n int, a activity.Activity) error {
	return s.addOf("", file, n, a)
}

// addOf is add of what one of several in the same export did.
func (s *sorted) addOf(who, file string, n int, a activity.Activity) error {
	a.Account, a.Network = s.account, s.network
	intake.Complete(&a, time.Time{})
	if err := a.Validate(); err != nil {
		s.fault(file, n, err)
		return nil
	}
	data := activity.AppendBatch(nil, &activity.Batch{Activities: []activity.Activity{a}})
	s.bytes += len(data)
	if len(s.items) >= maxItems || s.bytes > maxBytes {
		return fmt.Errorf("holds more than %d posts and logins, or more than %d bytes of them; import parts of it", maxItems, int64(maxBytes))
	}
	s.items = append(s.items, kept{a.Time, data, unique.Make(who).Value()})
	return nil
}

// fault notes an item that cannot be read.
func (s *sorted) fault(file string, n int, err error) {
	if len(s.faults) >= maxFaults {
		s.more++
		return
	}
	s.faults = append(s.faults, &ItemError{Where: fmt.Sprintf("%s, item %d", file, n), Err: err})
}

// leave counts items that are left out.
func (s *sorted) leave(what, why string, n int) {
	for i := range s.lefts {
		if l := &s.lefts[i]; l.What == what && l.Why == why {
			l.N += n
			return
		}
	}
	s.lefts = append(s.lefts, Left{What: what, Why: why, N: n})
}

// without leaves out what was done by whom gone says, "" for nobody told.
func (s *sorted) without(gone func(who string) bool, what, why string) {
	before := len(s.items)
	s.items = slices.DeleteFunc(s.items, func(k kept) bool { return gone(k.of) })
	if n := before - len(s.items); n > 0 {
		s.leave(what, why, n)
	}
}

// done sorts what was added.
func (s *sorted) done() {
	slices.SortStableFunc(s.items, func(a, b kept) int {
		return cmp.Or(a.at.Compare(b.at), slices.Compare(a.data, b.data))
	})
	if s.more > 0 {
		s.leave("unreadable items", "too many to tell one by one", s.more)
	}
}

func (s *sorted) next() (activity.Activity, error) {
	if len(s.faults) > 0 {
		err := s.faults[0]
		s.faults = s.faults[1:]
		return activity.Activity{}, err
	}
	if len(s.items) == 0 {
		return activity.Activity{}, io.EOF
	}
	it := s.items[0]
	s.items[0] = kept{}
	s.items = s.items[1:]
	if err := s.dec.Batch(it.data, &s.batch); err != nil {
		return activity.Activity{}, err
	}
	return s.batch.Activities[0].Clone(), nil
}

func (s *sorted) left() []Left { return s.lefts }

func (*sorted) close() error { return nil }

// small reads a file whole.
func small(in io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", intake.ErrTooLong, limit)
	}
	return data, nil
}

// anyName stands for whatever name a list has, or for none.
const anyName = "*"

// list calls each for every element of a JSON array: the whole file, or the one
// that stands under a name in the file's object; with anyName either. Items are
// counted from 1. A broken end is kept as a fault of the file: the elements before
// it stand.
func (s *sorted) list(ctx context.Context, file, name string, in io.Reader, each func(n int, data []byte) error) error {
	m := &meter{in: in, left: maxItem}
	dec := json.NewDecoder(m)
	n := 0
	broken := func(err error) error {
		s.fault(file, n+1, fmt.Errorf("%w; the items before stand, those after are lost", err))
		return nil
	}
	switch found, err := begin(dec, m, name); {
	case err != nil:
		return broken(err)
	case !found:
		return nil
	}
	for dec.More() {
		if err := ctx.Err(); err != nil {
			return err
		}
		var data json.RawMessage
		m.left = maxItem
		if err := dec.Decode(&data); err != nil {
			return broken(err)
		}
		n++
		if err := each(n, data); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return broken(err)
	}
	return nil
}

// begin reads up to the first element of the array. False says that there is none.
func begin(dec *json.Decoder, m *meter, name string) (bool, error) {
	switch name {
	case "":
	case anyName:
		return firstArray(dec, m)
	default:
		if found, err := member(dec, m, name); err != nil || !found {
			return false, err
		}
	}
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return false, errors.Join(errors.New("expected an array"), err)
	}
	return true, nil
}

// firstArray begins the array that the file is, or the first one that is a member
// of the object that it is.
func firstArray(dec *json.Decoder, m *meter) (bool, error) {
	const deepest = 100
	depth := 0
	for {
		m.left = maxItem
		t, err := dec.Token()
		switch {
		case err != nil:
			return false, err
		case depth > deepest:
			return false, fmt.Errorf("brackets nest more than %d deep before its list", deepest)
		case t == json.Delim('['):
			if depth <= 1 {
				return true, nil
			}
			depth++
		case t == json.Delim('{'):
			depth++
		case t == json.Delim('}'), t == json.Delim(']'):
			depth--
		}
		if depth == 0 {
			if t == json.Delim('}') {
				return false, nil
			}
			return false, errors.New("expected an array, or an object with one")
		}
	}
}

// meter bounds how much is read for one item.
type meter struct {
	in   io.Reader
	left int
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, fmt.Errorf("%w: more than %d bytes", intake.ErrTooLong, maxItem)
	}
	n, err := m.in.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// member moves a decoder to the value of a member of the object that it stands
// before. False says that the object has none.
func member(dec *json.Decoder, m *meter, name string) (bool, error) {
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return false, errors.Join(errors.New("expected an object"), err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return false, err
		}
		if key == name {
			return true, nil
		}
		var skip json.RawMessage
		m.left = maxItem
		if err := dec.Decode(&skip); err != nil {
			return false, err
		}
	}
	return false, nil
}
