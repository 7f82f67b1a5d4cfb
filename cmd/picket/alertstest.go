package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

type alertsTestCmd struct {
	withConfig
	By      string        `help:"Who tests; your user name unless given."`
	Timeout time.Duration `help:"How long the alert may take." default:"15s"`
	Metrics string        `help:"URL of the daemon's metrics; from http.listen unless given."`
}

// Run sends an activity of the reserved account through the NATS intake and
// waits until its alert comes back over NATS and the metrics count it.
func (c *alertsTestCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return err
	}
	if cfg.Intake.NATS.Activities == "" {
		return errors.New("intake.nats is off in the configuration, and a test goes in there: switch it on to use this command")
	}
	if err := raisesTests(cfg); err != nil {
		return err
	}
	t := &alertTest{e: e, cfg: cfg, metrics: c.Metrics, id: "test-" + rand.Text()}
	if t.by, err = actor(c.By); err != nil {
		return err
	}
	if t.metrics == "" {
		if address, err := local(cfg.HTTP.Listen); err == nil {
			t.metrics = "http://" + address + "/metrics"
		}
	}
	ctx, cancel := context.WithTimeout(e.ctx, c.Timeout)
	defer cancel()
	defer t.close()
	return t.run(ctx)
}

// raisesTests reports why the configured rules raise no test alert.
func raisesTests(cfg *config.Config) error {
	set, err := app.BuildSet(cfg)
	if err != nil {
		return err
	}
	plan, err := detector.Compile(set)
	if err != nil {
		return err
	}
	for _, r := range plan.Rules() {
		if !slices.Contains(r.Tags, rules.TagTest) {
			continue
		}
		if r.Mode != rules.Enforce {
			return fmt.Errorf("rule %s has mode %s and tells nobody: set it to %s under rules.overrides to use this command", r.Name, r.Mode, rules.Enforce)
		}
		return nil
	}
	return errors.New("no rule raises test alerts: add the pack social to rules.packs to use this command")
}

// alertTest is one test on its way.
type alertTest struct {
	e       *env
	cfg     *config.Config
	by, id  string
	metrics string // URL; empty where it is not known

	nc      *nats.Conn
	copies  *nats.Subscription
	counted float64 // notifications before the test
	blind   error   // why they could not be read
	event   natspub.Event
}

// run goes through the parts of the way and tells of each how long it took and
// where it went. The first that fails ends it.
func (t *alertTest) run(ctx context.Context) error {
	for _, part := range []struct {
		name string
		do   func(context.Context) (where string, err error)
	}{
		{"connect", t.connect}, {"intake", t.send}, {"alert", t.await}, {"metrics", t.count},
	} {
		start := time.Now()
		where, err := part.do(ctx)
		if err != nil {
			return fmt.Errorf("the test failed at %s, after %s: %w", part.name, took(start), err)
		}
		fmt.Fprintf(t.e.out, "%-8s %8s  %s\n", part.name, took(start), where)
	}
	_, err := fmt.Fprintf(t.e.out, "%s\nurgency %s; it resolves by itself\n", t.event.Data.FindingInfo.Title, t.event.Urgency)
	return err
}

func took(start time.Time) time.Duration {
	d := time.Since(start)
	if d > 10*time.Millisecond {
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

func (t *alertTest) close() {
	if t.nc != nil {
		t.nc.Close()
	}
}

// connect subscribes before anything is sent.
func (t *alertTest) connect(ctx context.Context) (string, error) {
	t.counted, t.blind = t.notifications(ctx)
	var err error
	if t.nc, err = app.Dial(t.cfg); err != nil {
		return "", err
	}
	if t.copies, err = t.nc.SubscribeSync(natspub.CopyFilter(alerting.TestAccount)); err != nil {
		return "", err
	}
	if err := t.nc.FlushWithContext(ctx); err != nil {
		return "", err
	}
	return t.nc.ConnectedUrlRedacted(), nil
}

// send submits the test's activity and returns when the journal has it.
func (t *alertTest) send(ctx context.Context) (string, error) {
	network, _, _ := strings.Cut(alerting.TestAccount, "/")
	body := activity.AppendActivity(nil, &activity.Activity{
		ID: t.id, Network: network, Account: alerting.TestAccount, Kind: activity.KindMessage, Time: time.Now().UTC(),
		Drill: alerting.TestDrill, Actor: t.by, App: "picket alerts test", Text: "TEST: nothing has happened. This shows that alerts arrive.",
	})
	subject := t.cfg.Intake.NATS.Activities
	reply, err := t.nc.RequestWithContext(ctx, subject, body)
	if err != nil {
		return "", fmt.Errorf("no daemon answered on %s: %w", subject, err)
	}
	var answer intake.Answer
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return "", fmt.Errorf("the daemon's answer: %w", err)
	}
	if answer.Accepted != 1 {
		reason := answer.Error
		if r := answer.FirstRefused(); r != nil {
			reason = r.Error
		}
		return "", fmt.Errorf("not taken into the journal: %s", reason)
	}
	return subject + ", into the journal", nil
}

// await returns when the alert about this test comes.
func (t *alertTest) await(ctx context.Context) (string, error) {
	for {
		msg, err := t.copies.NextMsgWithContext(ctx)
		if err != nil {
			return "", t.missing(err)
		}
		var ev natspub.Event
		if err := json.Unmarshal(msg.Data, &ev); err != nil {
			return "", fmt.Errorf("%s: %w", msg.Subject, err)
		}
		if slices.ContainsFunc(ev.Data.Evidences, func(e natspub.Evidence) bool { return e.UID == t.id }) {
			t.event = ev
			return fmt.Sprintf("%s over NATS, %s", ev.Data.Unmapped.Picket.Number, msg.Subject), nil
		}
	}
}

// missing tells whether the alert was raised that did not come.
func (t *alertTest) missing(cause error) error {
	m, err := managerOn(t.e, t.nc, t.cfg, app.NewDirectory(t.cfg))
	if err != nil {
		return errors.Join(cause, err)
	}
	alerts, err := m.List(t.e.ctx, alerting.Filter{Account: alerting.TestAccount, Limit: 10})
	if err != nil {
		return errors.Join(cause, err)
	}
	for i := range alerts {
		if slices.ContainsFunc(alerts[i].Evidence, func(a activity.Activity) bool { return a.ID == t.id }) {
			return fmt.Errorf("%s was raised and stored, but its copy did not come over %s (%w): see picket_alert_publications_failed_total and the daemon's log",
				alerts[i].Number(), natspub.CopyFilter(alerting.TestAccount), cause)
		}
	}
	return fmt.Errorf("the journal has the test, but the detector raised no alert (%w): see picket_detector_lag_messages and the daemon's log", cause)
}

// count returns when the metrics count one notification more than before.
func (t *alertTest) count(ctx context.Context) (string, error) {
	switch by := t.event.Source; {
	case t.metrics == "":
		return "not checked: http.listen has no fixed port; give --metrics", nil
	case by != natspub.Source(t.cfg.Instance):
		return "not checked: " + by + " raised the alert, see its metrics", nil
	case t.blind != nil:
		return "", t.blind
	}
	for {
		n, err := t.notifications(ctx)
		if err != nil {
			return "", err
		}
		if n > t.counted {
			return t.metrics + " counts it", nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%s does not count the alert: is it this daemon's?", t.metrics)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// sentSeries counts the alerts that were published.
const sentSeries = `picket_alert_publications_total `

// notifications reads how many alerts the daemon has published.
func (t *alertTest) notifications(ctx context.Context) (float64, error) {
	if t.metrics == "" {
		return 0, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.metrics, nil)
	if err != nil {
		return 0, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without a proxy
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", t.metrics, err)
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(line, sentSeries); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("%s (%s) has no %s: is it Picket's?", t.metrics, resp.Status, strings.TrimSpace(sentSeries))
}
