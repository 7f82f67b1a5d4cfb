package app

import (
	"context"
	"fmt"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
)

// knownOnly is the way into the journal for what others push: activities of
// accounts and identities that nobody configured are refused, each with its
// reason, before anything of them is stored.
//
// What is taken gets places added, in the caller's list.
type knownOnly struct {
	cfg     *current
	places  *places
	journal *journal.Journal
}

// Submit implements collectors.Intake.
func (k knownOnly) Submit(ctx context.Context, activities []activity.Activity) []error {
	errs := make([]error, len(activities))
	index := make([]int, 0, len(activities)) // of the good ones
	for i := range activities {
		if errs[i] = k.refusal(&activities[i]); errs[i] == nil {
			index = append(index, i)
		}
	}
	good := activities
	if len(index) < len(activities) {
		good = make([]activity.Activity, len(index))
		for n, i := range index {
			good[n] = activities[i]
		}
	}
	k.places.add(good)
	for n, err := range k.journal.Submit(ctx, good) {
		errs[index[n]] = err
	}
	return errs
}

// refusal says why an activity is not taken; nil where it is. Of the account for
// tests only the message is taken that a test sends: a login of it would page
// people and count among the organisation's.
func (k knownOnly) refusal(a *activity.Activity) error {
	switch {
	case !k.cfg.accepts(a.Account):
		return fmt.Errorf("%w: %q; add it to accounts, or to guarded_by of one", collectors.ErrUnknownAccount, a.Account)
	case a.Account == alerting.TestAccount && (a.Drill != alerting.TestDrill || a.Kind != activity.KindMessage):
		return fmt.Errorf("%w: %q is for tests, which are of kind %q and have drill %q",
			collectors.ErrUnknownAccount, a.Account, activity.KindMessage, alerting.TestDrill)
	}
	return nil
}
