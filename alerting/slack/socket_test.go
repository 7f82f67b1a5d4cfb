package slack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/notifytest"
	"github.com/picketd/picket/alerting/slack"
	"github.com/picketd/picket/alerting/slack/slacktest"
)

// desk is who does what buttons say.
type desk struct {
	mu    sync.Mutex
	deeds []string
	fail  error
}

func (d *desk) Act(_ context.Context, alertID string, deed alerting.Deed) (alerting.Alert, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deeds = append(d.deeds, fmt.Sprintf("%s %s by %s to %q %s", deed.Action, alertID, deed.Actor, deed.To, deed.Verdict))
	return alerting.Alert{}, d.fail
}

func (d *desk) done() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.deeds...)
}

// room is a Slack with one incident in it, and an Output that listens.
type room struct {
	*slacktest.Server
	desk   *desk
	log    *observer.ObservedLogs
	config slack.Config
}

func open(t *testing.T, change func(*slack.Config)) *room {
	t.Helper()
	r := &room{Server: slacktest.New(t, 0), desk: &desk{}}
	core, log := observer.New(zap.DebugLevel)
	r.log = log
	cfg := configOf(r.Server)
	cfg.AppToken, cfg.Actor, cfg.Log = secret(slacktest.AppToken), r.desk, zap.New(core)
	cfg.People = map[string]string{"U0JANA": "jana"}
	if change != nil {
		change(&cfg)
	}
	r.config = cfg
	o := output(t, cfg)
	if _, err := o.Notify(t.Context(), notifytest.Message(notify.Opened)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

func (r *room) wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s; log %v", what, r.log.All())
}

// button is the one with this label on the incident's message.
func (r *room) button(t *testing.T, label string) (slacktest.Message, slacktest.Element) {
	t.Helper()
	return r.buttonOf(t, 0, label)
}

// value is what a button on a message acts on.
func (r *room) value(t *testing.T, message int, label string) string {
	t.Helper()
	_, e := r.buttonOf(t, message, label)
	return e.Value
}

func (r *room) buttonOf(t *testing.T, message int, label string) (slacktest.Message, slacktest.Element) {
	t.Helper()
	m := r.Messages()[message]
	for _, e := range m.Blocks[len(m.Blocks)-1].Elements {
		if text, ok := e.Text.(map[string]any); ok && text["text"] == label {
			return m, e
		}
	}
	t.Fatalf("no button %q", label)
	return m, slacktest.Element{}
}

func (r *room) connected(t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := r.Connected(ctx, n); err != nil {
		t.Fatalf("connection %d: %v; log %v", n, err, r.log.All())
	}
}

func (r *room) press(t *testing.T, envelope string, change func(*slacktest.Click), label string) {
	t.Helper()
	m, e := r.button(t, label)
	c := slacktest.Click{Envelope: envelope, User: "U0JANA", Name: "jana.roth", Message: m, Action: e, TS: envelope + ".1"}
	if change != nil {
		change(&c)
	}
	if err := r.Press(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := r.Acknowledged(ctx, envelope, 1); err != nil {
		t.Fatalf("envelope %s: %v", envelope, err)
	}
}

func TestButtons(t *testing.T) {
	for _, tt := range []struct {
		name, label string
		change      func(*slacktest.Click)
		fail        error
		deeds       []string
		said        string
	}{
		{
			"acknowledge", "Acknowledge", nil, nil,
			[]string{`ack 3fa29c77aa by jana to "" `, `ack 91b0de2410 by jana to "" `},
			"ack of PK-3FA29C: done for 2 of 2 alerts, as jana.",
		},
		{
			"take it", "Take it", nil, nil,
			[]string{`ack 3fa29c77aa by jana to "" `, `assign 3fa29c77aa by jana to "jana" `, `ack 91b0de2410 by jana to "" `, `assign 91b0de2410 by jana to "jana" `},
			"assign of PK-3FA29C: done for 2 of 2 alerts, as jana.",
		},
		{
			"take it, of somebody who is on it already", "Take it", nil, fmt.Errorf("ack: %w", alerting.ErrState),
			[]string{`ack 3fa29c77aa by jana to "" `, `assign 3fa29c77aa by jana to "jana" `, `ack 91b0de2410 by jana to "" `, `assign 91b0de2410 by jana to "jana" `},
			"assign of PK-3FA29C: done for 0 of 2 alerts, as jana. Failed for 2: ack: the alert's state does not allow it",
		},
		{
			"expected", "Expected", nil, nil,
			[]string{`resolve 3fa29c77aa by jana to "" expected`, `resolve 91b0de2410 by jana to "" expected`},
			"resolve of PK-3FA29C: done for 2 of 2 alerts, as jana.",
		},
		{
			"false, by somebody else", "False alarm", func(c *slacktest.Click) { c.User, c.Name = "U0TOM", "tom <!here>\u202e" }, nil,
			[]string{`resolve 3fa29c77aa by slack:U0TOM (tom <!here>) to "" false`, `resolve 91b0de2410 by slack:U0TOM (tom <!here>) to "" false`},
			"resolve of PK-3FA29C: done for 2 of 2 alerts, as slack:U0TOM (tom &lt;!here&gt;).",
		},
		{
			"that fails", "Acknowledge", nil, errors.New("no longer firing <!channel>\nsee https://picket.example"),
			[]string{`ack 3fa29c77aa by jana to "" `, `ack 91b0de2410 by jana to "" `},
			"ack of PK-3FA29C: done for 0 of 2 alerts, as jana. Failed for 2: no longer firing &lt;!channel&gt; see hxxps://picket[.]example",
		},
		{
			"forged", "Acknowledge", func(c *slacktest.Click) { c.Action.Value = `{"a":["../x"]}` }, nil, nil,
			"Nothing was done: this button names something that is no alert.",
		},
		{
			"of another version", "Acknowledge", func(c *slacktest.Click) { c.Action.Value = "v9" }, nil, nil,
			"Nothing was done: this button is not one of Picket's, or of another version.",
		},
		{
			"of too many", "Acknowledge", func(c *slacktest.Click) {
				c.Action.Value = `{"a":["x"` + strings.Repeat(`,"x"`, 50) + `]}`
			}, nil, nil,
			"Nothing was done: this button names 51 alerts; expected 1 to 50.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := open(t, nil)
			r.desk.fail = tt.fail
			r.connected(t, 1)
			r.press(t, "e1", tt.change, tt.label)
			r.wait(t, "a word to the person", func() bool { return len(r.Whispers()) > 0 })
			w := r.Whispers()[0]
			if w.Text != tt.said || w.Channel != slacktest.Channel {
				t.Errorf("said %q in %s, want %q", w.Text, w.Channel, tt.said)
			}
			if d := cmp.Diff(tt.deeds, r.desk.done()); d != "" {
				t.Errorf("deeds (-want +got):\n%s", d)
			}
		})
	}
}

// TestOverIsLeftAlone: a button acts on what waits or is worked on: a verdict on
// what is over already would take the place of the one that was given.
func TestOverIsLeftAlone(t *testing.T) {
	r := open(t, nil)
	m := notifytest.Message(notify.Updated)
	m.Incident, m.More = "in-2", 5
	m.Alerts[1].State = alerting.Resolved
	if _, err := output(t, r.config).Notify(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	r.connected(t, 1)
	r.press(t, "e1", func(c *slacktest.Click) { c.Action.Value = r.value(t, 1, "False alarm") }, "False alarm")
	r.wait(t, "a word to the person", func() bool { return len(r.Whispers()) > 0 })
	if d := cmp.Diff([]string{`resolve 3fa29c77aa by jana to "" false`}, r.desk.done()); d != "" {
		t.Errorf("deeds (-want +got):\n%s", d)
	}
	const said = "resolve of PK-3FA29C: done for 1 of 6 alerts, as jana. 5 more are too many for a button: use picket alerts."
	if w := r.Whispers()[0]; w.Text != said {
		t.Errorf("said %q, want %q", w.Text, said)
	}
}

// TestOnce: an envelope that Slack sends again, and a click that comes in two
// envelopes, are acted on once and acknowledged each time.
func TestOnce(t *testing.T) {
	r := open(t, nil)
	r.connected(t, 1)
	r.press(t, "e1", nil, "Acknowledge")
	r.press(t, "e1", nil, "Acknowledge")
	r.press(t, "e2", func(c *slacktest.Click) { c.TS = "e1.1" }, "Acknowledge")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := r.Acknowledged(ctx, "e1", 2); err != nil {
		t.Fatal(err)
	}
	r.press(t, "e3", nil, "Take it")
	r.wait(t, "both clicks", func() bool { return len(r.Whispers()) == 2 })
	if n := len(r.desk.done()); n != 6 {
		t.Errorf("%d deeds, want 6: %q", n, r.desk.done())
	}
}

// TestReconnects: when Slack wants a new connection, and when one is cut.
func TestReconnects(t *testing.T) {
	r := open(t, nil)
	r.connected(t, 1)
	for i, reason := range []string{"refresh_requested", "warning"} {
		r.Disconnect(reason)
		r.connected(t, i+2)
	}
	r.press(t, "e1", nil, "Acknowledge")
	r.wait(t, "the click", func() bool { return len(r.desk.done()) == 2 })
}

// TestRefusedToken: a revoked token is said and tried again, and no log holds
// a secret.
func TestRefusedToken(t *testing.T) {
	r := open(t, func(c *slack.Config) { c.AppToken, c.Refused = secret("xapp-hush-hush"), time.Millisecond })
	r.wait(t, "two refusals", func() bool { return r.log.Len() >= 2 })
	for _, e := range r.log.All() {
		if text := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(text, "hush") || !strings.Contains(text, "invalid_auth") {
			t.Errorf("the log says %s", text)
		}
	}
}

// TestDiscreet: a URL that cannot be used is tried again, and its ticket is not
// in the log.
func TestDiscreet(t *testing.T) {
	r := open(t, func(c *slack.Config) {
		c.HTTP = &http.Client{Transport: badURL{}}
	})
	r.wait(t, "a warning", func() bool { return r.log.Len() > 0 })
	if text := fmt.Sprint(r.log.All()[0].Message, r.log.All()[0].ContextMap()); strings.Contains(text, "hush") || !strings.Contains(text, "invalid character") {
		t.Errorf("the log says %s", text)
	}
}

// badURL answers for apps.connections.open and lets the rest through.
type badURL struct{}

func (badURL) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.URL.Path, "apps.connections.open") {
		return http.DefaultTransport.RoundTrip(req)
	}
	body := `{"ok":true,"url":"wss://bad host/?ticket=hush"}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// TestStrange: what Picket does not know is acknowledged or left alone, and
// the connection goes on.
func TestStrange(t *testing.T) {
	r := open(t, nil)
	r.connected(t, 1)
	for _, v := range []any{
		map[string]any{"type": "events_api", "envelope_id": "s1", "payload": map[string]any{"type": "event_callback", "event": map[string]any{"type": "app_mention"}}},
		map[string]any{"type": "interactive", "envelope_id": "s2", "payload": map[string]any{"type": "view_submission"}},
		map[string]any{"type": "of the future", "envelope_id": "s3"},
		"text", 7, nil,
		[]int{},
	} {
		if err := r.Send(v); err != nil {
			t.Fatal(err)
		}
	}
	r.press(t, "e1", func(c *slacktest.Click) { c.Action.ActionID = "picket_link_0" }, "Open")
	r.press(t, "e2", nil, "Acknowledge")
	r.wait(t, "the click", func() bool { return len(r.desk.done()) == 2 })
}

// TestWithoutButtons: without an app token there is nothing to listen for.
func TestWithoutButtons(t *testing.T) {
	s := slacktest.New(t, 0)
	if err := output(t, configOf(s)).Run(t.Context()); err != nil || s.Calls("apps.connections.open") != 0 {
		t.Errorf("Run: %v, %d connections", err, s.Calls("apps.connections.open"))
	}
}
