package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Status of one item.
type Status string

// The statuses.
const (
	Accepted Status = "accepted" // durable in the journal
	Refused  Status = "refused"  // not taken; Error says why
)

// Result is what became of one item of a body.
type Result struct {
	Index  int    `json:"index"` // position in the body, from 0; blank lines do not count
	Status Status `json:"status"`
	ID     string `json:"id,omitempty"` // of an approval whose id was derived or given
	Error  string `json:"error,omitempty"`
	Field  string `json:"field,omitempty"` // at fault, as rule authors type it
	Retry  bool   `json:"retry,omitempty"` // a passing fault: the same item may be sent again

	reason string
}

// Reason returns why the item was refused, one of Reasons, for metrics and
// logs; it is empty for an accepted one.
func (r *Result) Reason() string { return r.reason }

// Answer is what became of a body.
type Answer struct {
	Accepted int      `json:"accepted"`
	Refused  int      `json:"refused"`
	Results  []Result `json:"results"`
	// Error says why the whole body was refused.
	Error string `json:"error,omitempty"`
	// LeftOut counts results that the way back has no room for.
	LeftOut int `json:"results_left_out,omitempty"`
}

// Outcome sums an Answer up.
type Outcome int

// The outcomes.
const (
	AllAccepted Outcome = iota
	SomeRefused         // at least one accepted, at least one refused
	AllRefused          // every item is at fault
	NoRoom              // nothing accepted, the journal has no room
	Fault               // nothing accepted, a passing fault
)

// Outcome sums the answer up.
func (a *Answer) Outcome() Outcome {
	switch {
	case a.Refused == 0:
		return AllAccepted
	case a.Accepted > 0:
		return SomeRefused
	}
	outcome := AllRefused
	for i := range a.Results {
		switch a.Results[i].reason {
		case ReasonNoRoom:
			return NoRoom
		case ReasonFault:
			outcome = Fault
		}
	}
	return outcome
}

// Body is what somebody sent.
type Body struct {
	Data    []byte // not changed by anybody until Receive returns
	Form    Form
	Content Content
	// May says whether the sender may send for an account; nil allows all.
	May func(account string) bool
	// Sender names who sent it, for errors.
	Sender string
}

// Receiver takes bodies in. It is safe for concurrent use.
type Receiver struct {
	Intake  collectors.Intake
	Now     func() time.Time
	Metrics Metrics
	// MaxItems bounds the items of one body.
	MaxItems int
}

// Receive takes one body in and returns when each of its items is durable or
// refused. An error refuses the whole body, of which nothing was submitted: it
// is a *FormError or wraps ErrTooLarge.
func (r *Receiver) Receive(ctx context.Context, b Body) (*Answer, error) {
	pieces, err := split(b.Data, b.Form, r.MaxItems)
	if err != nil {
		r.Metrics.Refused(BodyReason(err), 1)
		return nil, err
	}
	answer := &Answer{Results: make([]Result, len(pieces))}
	sound := make([]activity.Activity, 0, len(pieces))
	index := make([]int, 0, len(pieces))
	now := r.Now()
	for i, p := range pieces {
		result := &answer.Results[i]
		result.Index = i
		a := &sound[:len(sound)+1][len(sound)]
		if err := b.decode(p, now, a); err != nil {
			result.refuse(err)
			continue
		}
		if b.Content == Approvals {
			result.ID = a.ID
		}
		sound = sound[:len(sound)+1]
		index = append(index, i)
	}
	if len(sound) > 0 {
		for k, err := range r.submit(ctx, sound) {
			if result := &answer.Results[index[k]]; err != nil {
				result.refuse(err)
			} else {
				result.Status = Accepted
			}
		}
	}
	r.count(answer)
	return answer, nil
}

// submit guards against an intake that answers for another number of items
// than it was given: what it says nothing about is not durable.
func (r *Receiver) submit(ctx context.Context, sound []activity.Activity) []error {
	errs := r.Intake.Submit(ctx, sound)
	if len(errs) == len(sound) {
		return errs
	}
	fixed := make([]error, len(sound))
	for i := range fixed {
		fixed[i] = fmt.Errorf("the journal answered for %d of %d items; send them again", len(errs), len(sound))
	}
	return fixed
}

// decode reads one of its items into into.
func (b *Body) decode(p piece, now time.Time, into *activity.Activity) error {
	if p.err != nil {
		return p.err
	}
	if err := Decode(b.Content, p.data, now, into); err != nil {
		return err
	}
	if b.May != nil && !b.May(into.Account) {
		return fmt.Errorf("account: %w %q: %s may send only for the accounts that it is configured for", errNotAllowed, into.Account, b.Sender)
	}
	return nil
}

var errNotAllowed = errors.New("not allowed for")

func (r *Result) refuse(err error) {
	r.Status, r.Error = Refused, err.Error()
	r.reason, r.Field = itemReason(err)
	r.Retry = r.reason == ReasonFault || r.reason == ReasonNoRoom
}

func (r *Receiver) count(answer *Answer) {
	refused := make(map[string]int)
	for i := range answer.Results {
		if result := &answer.Results[i]; result.Status == Accepted {
			answer.Accepted++
		} else {
			answer.Refused++
			refused[result.reason]++
		}
	}
	if answer.Accepted > 0 {
		r.Metrics.Accepted(answer.Accepted)
	}
	for reason, n := range refused {
		r.Metrics.Refused(reason, n)
	}
}

// JSON returns the answer as it is sent.
func (a *Answer) JSON() []byte {
	if a.Results == nil {
		a.Results = []Result{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		// Numbers, texts and flags always encode.
		panic(fmt.Sprintf("intake: encode an answer: %v", err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Fit leaves results out, those of accepted items first, until the answer's
// JSON has at most limit bytes; the counts stay. LeftOut says how many are gone.
func (a *Answer) Fit(limit int) []byte {
	data := a.JSON()
	if len(data) <= limit {
		return data
	}
	all := len(a.Results)
	kept := make([]Result, 0, a.Refused)
	for _, r := range a.Results {
		if r.Status != Accepted {
			kept = append(kept, r)
		}
	}
	for {
		a.Results, a.LeftOut = kept, all-len(kept)
		if data = a.JSON(); len(data) <= limit || len(kept) == 0 {
			return data
		}
		kept = kept[:len(kept)/2]
	}
}

// FirstRefused returns the first refused item, nil if there is none.
func (a *Answer) FirstRefused() *Result {
	for i := range a.Results {
		if a.Results[i].Status == Refused {
			return &a.Results[i]
		}
	}
	return nil
}
