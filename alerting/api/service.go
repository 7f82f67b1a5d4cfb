package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/rules"
)

// Bounds of what one request may ask for.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// Alerts is what a Service works on; an alerting.Manager is one.
type Alerts interface {
	Page(ctx context.Context, filter alerting.Filter) (alerting.Page, error)
	Find(ctx context.Context, reference string) (string, error)
	Get(ctx context.Context, id string) (alerting.Alert, error)
	Look(ctx context.Context, id string) (alerting.Alert, error)
	Act(ctx context.Context, id string, d alerting.Deed) (alerting.Alert, error)
}

var _ Alerts = (*alerting.Manager)(nil)

// Service does what people ask for. It is safe for concurrent use.
type Service struct {
	alerts    Alerts
	incidents Incidents
	dir       alerting.Directory
	now       func() time.Time
}

// New returns a Service on alerts and incidents; dir may be nil.
func New(alerts Alerts, incidents Incidents, dir alerting.Directory, now func() time.Time) *Service {
	return &Service{alerts, incidents, dir, now}
}

// List returns one page of the alerts that q selects: those that are open,
// where it names no state.
func (s *Service) List(ctx context.Context, q Query) (List, error) {
	filter, err := filterOf(q)
	if err != nil {
		return List{}, err
	}
	page, err := s.alerts.Page(ctx, filter)
	if err != nil {
		return List{}, err
	}
	list := List{Alerts: make([]Entry, len(page.Alerts))}
	for i := range page.Alerts {
		list.Alerts[i] = s.entry(page.Alerts[i])
	}
	if page.Next != 0 {
		list.Next = strconv.FormatUint(page.Next, 10)
	}
	return list, nil
}

func filterOf(q Query) (alerting.Filter, error) {
	f := alerting.Filter{States: q.State, Levels: q.Level, Network: q.Network, Account: q.Account, Rule: q.Rule, Limit: q.Limit}
	if len(f.States) == 0 {
		f.States = []alerting.State{alerting.Firing, alerting.Acknowledged}
	}
	for _, state := range f.States {
		if !slices.Contains(alerting.States(), state) {
			return f, invalid("state", "state %q; expected one of %v", state, alerting.States())
		}
	}
	for _, level := range f.Levels {
		if !slices.Contains(levels(), level) {
			return f, invalid("level", "level %q; expected one of %v", level, levels())
		}
	}
	switch {
	case f.Limit == 0:
		f.Limit = DefaultLimit
	case f.Limit < 0 || f.Limit > MaxLimit:
		return f, invalid("limit", "limit %d; expected 1 to %d", f.Limit, MaxLimit)
	}
	if q.Cursor != "" {
		var err error
		if f.Before, err = strconv.ParseUint(q.Cursor, 10, 64); err != nil || f.Before == 0 {
			return f, invalid("cursor", "cursor %q; expected the field next of the page before", q.Cursor)
		}
	}
	return f, nil
}

func levels() []rules.Level {
	return []rules.Level{rules.Informational, rules.Low, rules.Medium, rules.High, rules.Critical}
}

// Get returns one alert with its text. A reference is a number, an id or the
// beginning of one.
func (s *Service) Get(ctx context.Context, reference string) (Entry, error) {
	id, err := s.alerts.Find(ctx, reference)
	if err != nil {
		return Entry{}, err
	}
	a, err := s.alerts.Look(ctx, id)
	if err != nil {
		return Entry{}, err
	}
	e := s.entry(a)
	e.Text = alerting.TextAt(a, s.dir, s.now())
	return e, nil
}

// History returns what became of an alert.
func (s *Service) History(ctx context.Context, reference string) (History, error) {
	id, err := s.alerts.Find(ctx, reference)
	if err != nil {
		return History{}, err
	}
	a, err := s.alerts.Get(ctx, id)
	if err != nil {
		return History{}, err
	}
	return History{
		Number: a.Number(), State: a.State, Revision: a.Revision,
		History: append([]alerting.Transition{}, a.History...), Forgotten: a.Forgotten, Assigned: a.Assigned, Judged: a.Judged,
	}, nil
}

// Act does a deed and returns the alert as it is then. Where it took effect
// but could not be told to subscribers yet, the entry says so and there is no
// error.
func (s *Service) Act(ctx context.Context, reference string, d alerting.Deed) (Entry, error) {
	id, err := s.alerts.Find(ctx, reference)
	if err != nil {
		return Entry{}, err
	}
	a, err := s.alerts.Act(ctx, id, d)
	if err != nil && a.ID == "" {
		return Entry{}, err
	}
	e := s.entry(a)
	if err != nil {
		e.Warning = err.Error()
	}
	return e, nil
}

func (s *Service) entry(a alerting.Alert) Entry {
	return Entry{Number: a.Number(), Title: alerting.Title(a), Urgency: a.Urgency(s.dir, s.now()), Alert: a}
}

// invalid says what is wrong with one field or parameter of a request.
func invalid(field, format string, args ...any) error {
	return &fieldError{field, fmt.Errorf(format, args...)}
}

type fieldError struct {
	field string
	err   error
}

func (e *fieldError) Error() string { return e.err.Error() }

func (e *fieldError) Unwrap() error { return e.err }

// fieldOf returns the field that an error is about, "" where it is about none.
func fieldOf(err error) string {
	var own *fieldError
	var deed *alerting.FieldError
	switch {
	case errors.As(err, &own):
		return own.field
	case errors.As(err, &deed):
		return deed.Field
	case errors.Is(err, alerting.ErrReference):
		return "alert"
	case errors.Is(err, incident.ErrReference):
		return "incident"
	}
	return ""
}
