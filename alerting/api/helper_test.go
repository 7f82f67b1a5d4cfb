package api

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/natstest"
	"github.com/picketd/picket/rules"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).startRateLimitLogExpiration"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"))
}

const (
	annSecret    = "secret-of-ann-0123456789"
	screenSecret = "secret-of-screen-0123456"
	botSecret    = "secret-of-bot-0123456789"
)

func tokens() []Token {
	return []Token{
		{Name: "ann", Secret: annSecret, Can: []Right{MayRead, MayAct}},
		{Name: "screen", Secret: screenSecret, Can: []Right{MayRead}},
		{Name: "bot", Secret: botSecret, Can: []Right{MayAct}},
	}
}

func now() time.Time { return time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC) }

// few is an Alerts that holds a few in memory.
type few struct {
	alerts  map[string]alerting.Alert
	filters []alerting.Filter
	deeds   []alerting.Deed
	fail    error // of every call
	untold  error // of Act, which takes effect
	// known are the states that the incident knows; nil: all fire.
	known map[string]alerting.State
}

func newFew() *few {
	f := &few{alerts: map[string]alerting.Alert{}}
	for i := range 3 {
		id := fmt.Sprintf("%06x%026x", i+1, i+1)
		f.alerts[id] = alerting.Alert{
			V: 1, ID: id, Network: "x", Account: "x/acme", State: alerting.Firing, Change: alerting.ChangeOpened, Revision: 1,
			Rule:    alerting.Rule{ID: "r", Title: "Posting burst", Level: rules.High, Mode: rules.Enforce},
			Updated: now(), Opened: now(), First: now(), Last: now(), Count: 12,
			History: []alerting.Transition{{At: now(), To: alerting.Firing, By: alerting.ByPicket}},
		}
	}
	return f
}

func (f *few) Page(_ context.Context, filter alerting.Filter) (alerting.Page, error) {
	f.filters = append(f.filters, filter)
	var page alerting.Page
	for seq := uint64(3); seq > 0; seq-- {
		if filter.Before != 0 && seq >= filter.Before {
			continue
		}
		page.Alerts = append(page.Alerts, f.alerts[fmt.Sprintf("%06x%026x", seq, seq)])
		if len(page.Alerts) == filter.Limit {
			page.Next = seq
			break
		}
	}
	return page, f.fail
}

func (f *few) Find(_ context.Context, reference string) (string, error) {
	if f.fail != nil {
		return "", f.fail
	}
	for id := range f.alerts {
		if alerting.Number(id) == reference {
			return id, nil
		}
	}
	return "", fmt.Errorf("alert %q: %w", reference, alerting.ErrNotFound)
}

// Incident returns the one incident there is, of all alerts as they were at first
// or, where they are older than what is known of it, are.
func (f *few) Incident(_ context.Context, reference string) (incident.Incident, error) {
	in := incident.Incident{ID: "000001-t", State: alerting.Firing}
	for _, id := range slices.Sorted(maps.Keys(f.alerts)) {
		state := alerting.Firing
		if f.known != nil {
			state = f.known[id]
		}
		in.Members = append(in.Members, incident.Member{Alert: id, State: state})
	}
	switch reference {
	case "":
		return in, fmt.Errorf("incident %q: %w", reference, incident.ErrReference)
	case in.Number():
		return in, f.fail
	}
	return in, fmt.Errorf("incident %s: there is none: %w", reference, alerting.ErrNotFound)
}

func (f *few) Get(_ context.Context, id string) (alerting.Alert, error) { return f.alerts[id], f.fail }

func (f *few) Look(_ context.Context, id string) (alerting.Alert, error) { return f.alerts[id], f.fail }

func (f *few) Act(_ context.Context, id string, d alerting.Deed) (alerting.Alert, error) {
	f.deeds = append(f.deeds, d)
	a, err := alerting.Act(f.alerts[id], d, now())
	if err != nil {
		return alerting.Alert{}, err
	}
	f.alerts[id] = a
	return a, f.untold
}

func service(f *few) *Service { return New(f, f, nil, now) }

// ask sends one request and returns its status, header and body.
func ask(t *testing.T, h http.Handler, method, target, secret, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	resp := w.Result()
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(said)
}

func handler(f *few) http.Handler { return service(f).Handler(tokens, func(string) {}, zap.NewNop()) }

// connect starts a NATS server in this process.
func connect(t *testing.T) *nats.Conn {
	t.Helper()
	nc, _ := natstest.Connect(t, natstest.Serve(t, nil))
	return nc
}
