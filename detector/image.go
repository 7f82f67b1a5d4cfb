package detector

import (
	"container/heap"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/picketd/picket/detector/approval"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/baseline/loginrisk"
	"github.com/picketd/picket/detector/state"
)

// ErrSnapshot says that a snapshot is not one that this version reads.
var ErrSnapshot = errors.New("snapshot not readable")

const (
	// snapshotVersion changes when the meaning of a snapshot does.
	snapshotVersion = 6
	// packedSnapshot is the version from which on learned values have short heads,
	// see valuesHead, and packedPeaks that from which on days of peaks are short.
	packedSnapshot = 5
	packedPeaks    = 6
	// oldestSnapshot is the version from which on snapshots are read. Those of
	// version 3 keep a value with each event of a window; see windowHead.
	oldestSnapshot = 3
)

// root is what an image holds besides pieces of the store and cold sides.
type root struct {
	Version  int                         `json:"v"`
	LogTime  int64                       `json:"log_time"`
	Swept    int64                       `json:"swept"`
	Slots    []slot                      `json:"slots"`
	Store    []byte                      `json:"store"`
	ColdEnd  int                         `json:"cold_end"`
	ColdFree []uint32                    `json:"cold_free,omitempty"`
	Pending  []pending                   `json:"pending,omitempty"`
	Recent   int                         `json:"recent"` // keys that are left of those so far and these
	Crowds   map[string]*loginrisk.Crowd `json:"crowds,omitempty"`
	Blind    int64                       `json:"blind,omitempty"` // until when no silence is judged, Unix nanoseconds
}

// Image is one moment of an engine's memory, whole or what changed since the
// image before it. It is encoded step by step while the engine goes on; what
// changes meanwhile is encoded first. An image is a sequence of parts, each one
// byte of its kind, four of its length and so many bytes.
type Image struct {
	e      *Engine
	store  *state.Image
	root   root
	ledger *approval.Ledger // nil where it has not changed
	recent []recentKey
	colds  []uint32 // cold sides that are not encoded yet
	out    []byte   // parts that had to come early
	err    error
}

// The kinds of parts.
const (
	partPieces = 'p' // of the store
	partCold   = 'c' // a cold side: its number and its JSON, "null" where it is gone
	partLedger = 'l' // the approvals, in JSON
	partRecent = 'k' // keys of the duplicate horizon, to follow those so far
	partRoot   = 'r' // the last of an image, in JSON
)

// Image begins an image of the memory as it is after the last message. The image
// before it must be complete.
func (e *Engine) Image(whole bool) *Image {
	m := e.memory
	im := &Image{e: e, store: m.store.Image(whole)}
	im.root = root{
		Version: snapshotVersion, LogTime: e.now, Swept: e.sweptAt, Slots: slices.Clone(m.slots), Store: im.store.Root(),
		ColdEnd: len(m.colds.all), ColdFree: slices.Clone(m.colds.free), Recent: len(e.recent.queue()), Crowds: cloneCrowds(e.crowds), Blind: e.blind,
	}
	im.recent = e.recent.news(whole)
	if whole || e.approvals {
		im.ledger = &approval.Ledger{Entries: slices.Clone(e.ledger.Entries)}
		e.approvals = false
	}
	for _, p := range e.pending {
		im.root.Pending = append(im.root.Pending, *p)
	}
	for n := range m.colds.all {
		if whole && m.colds.all[n] != nil || !whole && m.colds.changed[n] {
			m.colds.held[n] = true
			im.colds = append(im.colds, uint32(n))
		}
		m.colds.changed[n] = false
	}
	m.colds.image = im
	return im
}

// before encodes a cold side that is about to change.
func (im *Image) before(n uint32) { im.out = im.cold(im.out, n) }

// cold appends a cold side.
func (im *Image) cold(dst []byte, n uint32) []byte {
	im.e.memory.colds.held[n] = false
	data, err := json.Marshal(im.e.memory.colds.all[n])
	if err != nil {
		im.err = errors.Join(im.err, fmt.Errorf("encode snapshot: %w", err))
		return dst
	}
	dst = appendPart(dst, partCold, 4+len(data))
	dst = binary.LittleEndian.AppendUint32(dst, n)
	return append(dst, data...)
}

func appendPart(dst []byte, kind byte, size int) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, kind), uint32(size))
}

// Step appends parts to dst, about size bytes of them or a little more, and
// reports whether only what Root appends is missing.
func (im *Image) Step(dst []byte, size int) (parts []byte, done bool) {
	from := len(dst)
	dst = append(dst, im.out...)
	im.out = im.out[:0]
	for len(im.colds) > 0 && len(dst)-from < size {
		n := im.colds[0]
		im.colds = im.colds[1:]
		if im.e.memory.colds.held[n] {
			dst = im.cold(dst, n)
		}
	}
	if len(im.colds) > 0 || len(dst)-from >= size {
		return dst, false
	}
	at := len(dst)
	dst = appendPart(dst, partPieces, 0)
	dst, done = im.store.Step(dst, size)
	binary.LittleEndian.PutUint32(dst[at+1:], uint32(len(dst)-at-5))
	if done {
		im.e.memory.colds.image = nil
	}
	return dst, done
}

// Root appends the last parts. It may be called beside the engine.
func (im *Image) Root(dst []byte) ([]byte, error) {
	dst = appendRecent(appendPart(dst, partRecent, recentBytes*len(im.recent)), im.recent)
	if im.ledger != nil {
		data, err := json.Marshal(im.ledger)
		if err != nil {
			return dst, fmt.Errorf("encode snapshot: %w", err)
		}
		dst = append(appendPart(dst, partLedger, len(data)), data...)
	}
	data, err := json.Marshal(im.root)
	if err = errors.Join(im.err, err); err != nil {
		return dst, fmt.Errorf("encode snapshot: %w", err)
	}
	return append(appendPart(dst, partRoot, len(data)), data...), nil
}

// Snapshot encodes the engine's memory whole. Equal memories encode to equal
// bytes.
func (e *Engine) Snapshot() ([]byte, error) {
	im := e.Image(true)
	var out []byte
	for done := false; !done; {
		out, done = im.Step(out, 1<<24)
	}
	return im.Root(out)
}

// Restore replaces the engine's memory by a whole image and the increments that
// followed it, one after the other.
func (e *Engine) Restore(data []byte) error {
	l := e.Load()
	if err := l.Add(data); err != nil {
		return err
	}
	return l.Finish()
}

// Loader makes an engine's memory of images.
type Loader struct {
	e      *Engine
	memory *memory
	ledger approval.Ledger
	recent []recentKey
	root   []byte
}

// Load begins to replace the engine's memory; it stays what it is until Finish.
func (e *Engine) Load() *Loader {
	return &Loader{e: e, memory: &memory{store: state.New(), limit: e.memory.limit}}
}

// Add takes whole parts, in order.
func (l *Loader) Add(parts []byte) error {
	for len(parts) > 0 {
		if len(parts) < 5 || uint32(len(parts)-5) < binary.LittleEndian.Uint32(parts[1:]) {
			return fmt.Errorf("%w: it ends in the middle", ErrSnapshot)
		}
		kind, size := parts[0], binary.LittleEndian.Uint32(parts[1:])
		body := parts[5 : 5+size]
		parts = parts[5+size:]
		var err error
		switch kind {
		case partPieces:
			err = l.memory.store.Load(body)
		case partCold:
			err = l.cold(body)
		case partLedger:
			err = json.Unmarshal(body, &l.ledger)
		case partRecent:
			l.recent = parseRecent(l.recent, body)
		case partRoot:
			l.root = append(l.root[:0], body...)
		default:
			err = fmt.Errorf("a part of kind %q", kind)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSnapshot, err)
		}
	}
	return nil
}

func (l *Loader) cold(body []byte) error {
	if len(body) < 4 {
		return errors.New("a cold side without a number")
	}
	n := binary.LittleEndian.Uint32(body)
	if n == 0 || n > 1<<28 {
		return fmt.Errorf("cold side %d", n)
	}
	var c *cold
	if err := json.Unmarshal(body[4:], &c); err != nil {
		return err
	}
	l.memory.colds.grow(int(n) + 1)
	l.memory.colds.all[n] = c
	return nil
}

// Finish puts the memory in force.
func (l *Loader) Finish() error {
	var r root
	if err := json.Unmarshal(l.root, &r); err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if r.Version < oldestSnapshot || r.Version > snapshotVersion {
		return fmt.Errorf("%w: it has version %d, this Picket reads %d to %d", ErrSnapshot, r.Version, oldestSnapshot, snapshotVersion)
	}
	if err := l.memory.store.Finish(r.Store); err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	m, e := l.memory, l.e
	m.evicted = e.memory.evicted
	m.colds.grow(r.ColdEnd)
	m.slots, m.colds.free, m.now = r.Slots, r.ColdFree, r.LogTime
	if err := m.index(); err != nil {
		return err
	}
	e.memory, e.now, e.sweptAt, e.ledger = m, r.LogTime, r.Swept, l.ledger
	e.pending = nil
	for i := range r.Pending {
		e.pending = append(e.pending, &r.Pending[i])
	}
	e.recent.restore(l.recent[max(0, len(l.recent)-r.Recent):])
	e.crowds, e.blind = r.Crowds, r.Blind
	e.replanned = true // the plan may be another one
	if r.Version < packedPeaks {
		m.pack(r.Version)
		e.derive()
		return nil // what was packed belongs in the next image
	}
	e.derive()
	m.store.Clean()
	return nil
}

// index finds the slots by their keys.
func (m *memory) index() error {
	for k := range m.by {
		m.by[k] = map[string]int{}
	}
	for n, s := range m.slots {
		if s.Kind >= slotKinds || (s.Kind == slotHabit) != (n < len(habitSlots)) || s.Kind == slotHabit && s.Key != habitSlots[n] {
			return fmt.Errorf("%w: slot %d is %q of kind %d", ErrSnapshot, n, s.Key, s.Kind)
		}
		if s.Retired == 0 {
			m.by[s.Kind][s.Key] = n
		}
	}
	if len(m.slots) < len(habitSlots) {
		return fmt.Errorf("%w: %d slots", ErrSnapshot, len(m.slots))
	}
	return nil
}

// derive makes what follows from the memory and is not stored.
func (e *Engine) derive() {
	e.closing, e.organisation = nil, organisation{}
	for _, c := range e.memory.colds.all {
		if c == nil {
			continue
		}
		for key, ep := range c.Episodes {
			ep.queued = ep.Deadline
			e.closing = append(e.closing, closing{ep.Deadline, ep.Account, key})
		}
	}
	heap.Init(&e.closing)
	e.awaitSilences(false)
	h, accounts := e.memory.store.Heap, e.memory.store.Accounts
	accounts.EachAhead(0, e.memory.end(), func(slot int) bool { return slot == habitCountries }, func(row state.Ref) bool {
		if accounts.Slot(row, habitLogins) != 0 {
			_, countries := state.ReadList[valuesHead, value](h, accounts.Slot(row, habitCountries))
			e.organisation.count(baseline.NewValue{Values: countries, Texts: e.memory.store.Texts}, 1)
		}
		return true
	})
}
