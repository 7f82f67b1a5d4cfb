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
// What is taken gets places added.
type knownOnly struct {
	cfg     *current
	places  *places
	journal *journal.Journal
}

// Submit implements collectors.Intake.
func (k knownOnly) Submit(ctx context.Context, activities []activity.Activity) []error {
	errs := make([]error, len(activities))
	good := make([]activity.Activity, 0, len(activities))
	index := make([]int, 0, len(activities))
	for i := range activities {
		if account := activities[i].Account; !k.cfg.accepts(account) {
			errs[i] = fmt.Errorf("%w: %q; add it to accounts, or to guarded_by of one", collectors.ErrUnknownAccount, account)
			continue
		} else if account == alerting.TestAccount && activities[i].Drill != alerting.TestDrill {
			errs[i] = fmt.Errorf("%w: %q is for tests, whose drill is %q", collectors.ErrUnknownAccount, account, alerting.TestDrill)
			continue
		}
		good = append(good, activities[i])
		index = append(index, i)
	}
	k.places.add(good)
	for n, err := range k.journal.Submit(ctx, good) {
		errs[index[n]] = err
	}
	return errs
}
