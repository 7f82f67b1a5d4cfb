package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/picketd/picket/alerting/notify"
)

// keysKept is how many keys a record holds, the newest ones.
const keysKept = 32

// Record is what became of an incident's messages at one receiver: the stored
// form, version 1.
type Record struct {
	V int `json:"v"`
	// Log is when the stream NOTIFY was created, and Done the sequence in it up
	// to which the incident's messages are settled.
	Log  time.Time `json:"log"`
	Done uint64    `json:"done"`
	Keys []string  `json:"keys,omitempty"` // of settled messages, the newest last
	// Receipt is the newest one that the receiver's output returned.
	Receipt string `json:"receipt,omitempty"`
	// Over says that the incident is over by its newest message, which may have
	// been given up, or is tried again: the receipt is of an older one then.
	Over bool      `json:"over,omitempty"`
	At   time.Time `json:"at"` // of the last settled message
	// Error is why the last settled message was given up; "": it was delivered.
	Error string `json:"error,omitempty"`
	// Trying is the message that failed and is tried again; nil: none.
	Trying *Trying `json:"trying,omitempty"`
}

// Trying is what is known of a message that is tried again.
type Trying struct {
	Key      string    `json:"key"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at"` // of the last one
	Error    string    `json:"error"`
	// Denied is when it was first denied until a setting is mended; zero: the
	// last try was not.
	Denied time.Time `json:"denied,omitzero"`
}

// errDamaged says that what is stored is none of what it should be, of whatever
// version.
var errDamaged = errors.New("what is stored cannot be read")

// errNewer says that a newer Picket wrote it.
var errNewer = errors.New("use the version of Picket that wrote it")

func decodeRecord(data []byte) (*Record, error) {
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%w: no record of this layout: %w", errDamaged, err)
	}
	if r.V < recordVersion {
		return nil, fmt.Errorf("%w: field v: %d; expected %d", errDamaged, r.V, recordVersion)
	}
	if r.V > recordVersion {
		return nil, fmt.Errorf("record of version %d, this Picket writes %d: %w", r.V, recordVersion, errNewer)
	}
	return &r, nil
}

// Versions of stored forms.
const (
	recordVersion    = 1
	letterVersion    = 1
	conditionVersion = 1
)

// covers reports whether a message was settled before. The key finds one that
// was queued again long after, or into a stream made anew.
func (r *Record) covers(log time.Time, p *parcel) bool {
	return r.Log.Equal(log) && p.seq <= r.Done || slices.Contains(r.Keys, p.message.Key)
}

// settled returns the record after a message was delivered or given up.
func (r *Record) settled(log, now time.Time, p *parcel, receipt, fault string) *Record {
	next := &Record{V: recordVersion, Log: log, Done: p.seq, Receipt: r.Receipt, Over: p.message.Over(), At: now, Error: fault}
	if receipt != "" { // a thread that was deleted is begun anew
		next.Receipt = receipt
	}
	keys := r.Keys
	if over := len(keys) + 1 - keysKept; over > 0 {
		keys = keys[over:]
	}
	next.Keys = append(slices.Clone(keys), p.message.Key)
	return next
}

// failed returns the record after a try failed.
func (r *Record) failed(now time.Time, p *parcel) *Record {
	next := *r
	next.Error = ""
	next.V, next.Over = recordVersion, p.message.Over()
	next.Trying = &Trying{Key: p.message.Key, Attempts: p.attempts, At: now, Error: p.fault, Denied: p.denied}
	return &next
}

// resume gives a message the attempts that were made before a restart.
func (r *Record) resume(p *parcel) {
	if r.Trying != nil && r.Trying.Key == p.message.Key && p.attempts == 0 {
		p.attempts, p.fault, p.denied = r.Trying.Attempts, r.Trying.Error, r.Trying.Denied
	}
}

// Letter is a dead letter: a message that was given up, with why. It is the
// stored form, version 1.
type Letter struct {
	V        int            `json:"v"`
	Message  notify.Message `json:"message"`
	Error    string         `json:"error"` // of the last try; what a person can mend
	Attempts int            `json:"attempts"`
	Queued   time.Time      `json:"queued"` // first
	Died     time.Time      `json:"died"`   // last

	// Number is the letter's sequence in the stream; it is not in the body.
	Number uint64 `json:"-"`
}
