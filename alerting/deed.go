package alerting

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Action is what a person does with an alert.
type Action string

// The actions of people.
const (
	ActionAck     Action = "ack"
	ActionAssign  Action = "assign"
	ActionResolve Action = "resolve"
	// ActionAnswer says whether it was the actor's own doing. It changes no
	// state: whoever holds a stolen login would answer yes.
	ActionAnswer Action = "answer"
)

// Deed is one thing that a person does with an alert.
type Deed struct {
	Action  Action
	Actor   string    // who acts; not ByPicket
	Reason  string    // may be empty
	To      string    // of ActionAssign: whose matter it is from now on
	Verdict Verdict   // of ActionResolve: what it was; empty says nothing
	Me      bool      // of ActionAnswer: it was the actor's own doing
	Until   time.Time // of VerdictExpected: how long it will be; zero has no end
}

// Errors of Act, matched with errors.Is.
var (
	// ErrState: the alert's state does not allow the action.
	ErrState = errors.New("the alert's state does not allow it")
	// ErrActor: the actor is missing or reserved.
	ErrActor = errors.New("actor is not acceptable")
)

// Act returns a as it is after a person's deed. Assigning changes no state: who
// was asked is not on it yet. A verdict may also be given on an alert that is
// resolved; the newest holds.
func Act(a Alert, d Deed, now time.Time) (Alert, error) {
	d, err := d.checked(&a, now)
	if err != nil {
		return a, err
	}
	mark := &Mark{By: d.Actor, At: now.UTC(), Reason: d.Reason}
	switch {
	case a.ID == "":
		return a, fmt.Errorf("%s: %w", d.Action, ErrNotFound)
	case d.Action == ActionAck && a.State == Firing:
		a.Ack = mark
		a.move(Acknowledged, now, d.Actor, d.Reason)
	case d.Action == ActionAssign && a.State != Resolved:
		a.Assigned = &Assignment{To: d.To, By: d.Actor, At: now.UTC(), Reason: d.Reason}
	case d.Action == ActionAnswer && a.State != Resolved:
		a.Answered = &Answer{Me: d.Me, By: d.Actor, At: now.UTC(), Reason: d.Reason}
		if !d.Me && a.State == Acknowledged { // whoever is on it may be the intruder
			a.Ack = nil
			a.move(Firing, now, d.Actor, "not me")
		}
	case d.Action == ActionResolve && a.State != Resolved:
		a.Resolution = mark
		a.move(Resolved, now, d.Actor, d.Reason)
	case d.Action == ActionResolve && d.Verdict != "":
	default:
		return a, fmt.Errorf("%s %s: %w: it is %s", d.Action, a.Number(), ErrState, a.standing())
	}
	if d.Verdict != "" {
		a.Judged = &Judgement{Verdict: d.Verdict, By: d.Actor, At: now.UTC(), Reason: d.Reason, Until: d.Until.UTC()}
		if d.Until.IsZero() {
			a.Judged.Until = time.Time{}
		}
	}
	a.Updated = now.UTC()
	return a, nil
}

// FieldError says which field of a Deed is not acceptable, by the name that it
// has in JSON: by, action, to, verdict or until.
type FieldError struct {
	Field string
	err   error
}

func (e *FieldError) Error() string { return e.err.Error() }

func (e *FieldError) Unwrap() error { return e.err }

// checked returns the deed with its texts cut to size, or what is wrong with it.
func (d Deed) checked(a *Alert, now time.Time) (Deed, error) {
	d.Actor, d.To, d.Reason = Name(d.Actor), Name(d.To), clean(d.Reason)
	fault := func(field, format string, args ...any) (Deed, error) {
		return d, &FieldError{field, fmt.Errorf(format, args...)}
	}
	switch {
	case d.Actor == "" || strings.EqualFold(d.Actor, ByPicket):
		return fault("by", "%s %s: %w: %q; name the person who acts", d.Action, a.Number(), ErrActor, d.Actor)
	case !slices.Contains([]Action{ActionAck, ActionAssign, ActionResolve, ActionAnswer}, d.Action):
		return fault("action", "unknown action %q on %s: use %s, %s, %s or %s", d.Action, a.Number(), ActionAck, ActionAssign, ActionResolve, ActionAnswer)
	case (d.Action == ActionAssign) != (d.To != ""):
		return fault("to", "%s %s: assigned to %q; name a person to %s, and to nothing else", d.Action, a.Number(), d.To, ActionAssign)
	case d.Verdict != "" && d.Action != ActionResolve:
		return fault("verdict", "%s %s: a verdict is given with %s", d.Action, a.Number(), ActionResolve)
	case d.Verdict != "" && !slices.Contains(Verdicts(), d.Verdict):
		return fault("verdict", "%s %s: verdict %q; expected one of %v", d.Action, a.Number(), d.Verdict, Verdicts())
	case !d.Until.IsZero() && d.Verdict != VerdictExpected:
		return fault("until", "%s %s: an end is given with the verdict %s alone", d.Action, a.Number(), VerdictExpected)
	case !d.Until.IsZero() && !d.Until.After(now):
		return fault("until", "%s %s: expected until %s, which is over; name a time to come", d.Action, a.Number(), d.Until.UTC().Format(time.RFC3339))
	}
	d.Actor, d.To = clip(d.Actor, maxName), clip(d.To, maxName)
	d.Reason = clip(d.Reason, maxReason)
	return d, nil
}

// standing tells the state and who brought it about.
func (a *Alert) standing() string {
	m := a.Ack
	if a.State == Resolved {
		m = a.Resolution
	}
	if a.State == Firing || m == nil {
		return string(a.State)
	}
	return fmt.Sprintf("%s since %s by %s", a.State, m.At.UTC().Format(time.RFC3339), m.By)
}
