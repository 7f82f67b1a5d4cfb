package intake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
)

// journal is an intake in memory that knows accounts of the networks x and
// okta, refuses text that asks for it, and keeps the rest.
type journal struct {
	mu   sync.Mutex
	kept []activity.Activity
}

func (j *journal) Submit(_ context.Context, activities []activity.Activity) []error {
	j.mu.Lock()
	defer j.mu.Unlock()
	errs := make([]error, len(activities))
	for i := range activities {
		a := activities[i].Clone()
		switch {
		case a.Network != "x" && a.Network != "okta":
			errs[i] = fmt.Errorf("account %q: %w", a.Account, collectors.ErrUnknownAccount)
		case a.Text == "no room":
			errs[i] = fmt.Errorf("%w: free disk space is below journal.reserve", collectors.ErrNoRoom)
		case a.Text == "fault":
			errs[i] = errors.New("no leader")
		case a.Text == "invalid":
			errs[i] = fmt.Errorf("%w: %w", collectors.ErrInvalid, &activity.FieldError{Field: "text", Msg: "says invalid"})
		default:
			j.kept = append(j.kept, a)
		}
	}
	return errs
}

func (j *journal) ids() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	ids := make([]string, len(j.kept))
	for i := range j.kept {
		ids[i] = j.kept[i].ID
	}
	return strings.Join(ids, " ")
}

// tally counts.
type tally struct {
	mu       sync.Mutex
	accepted int
	refused  map[string]int
}

func (t *tally) Accepted(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted += n
}

func (t *tally) Refused(reason string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refused == nil {
		t.refused = map[string]int{}
	}
	t.refused[reason] += n
}

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func receiver(j *journal, t *tally) *intake.Receiver {
	return &intake.Receiver{Intake: j, Now: now, Metrics: t, MaxItems: 100}
}

// post returns a sound activity.
func post(id string) string {
	return `{"id":"` + id + `","account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z","text":"hi"}`
}
