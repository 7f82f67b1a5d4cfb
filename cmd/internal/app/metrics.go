package app

import (
	"cmp"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/api"
	"github.com/picketd/picket/alerting/promexport"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/builtin"
	"github.com/picketd/picket/collectors/intake"
	"github.com/picketd/picket/collectors/mastodon"
	"github.com/picketd/picket/collectors/okta"
	"github.com/picketd/picket/collectors/x"
	"github.com/picketd/picket/detector"
)

// Why the journal refuses activities.
const (
	refusedInvalid = "invalid"
	refusedNoRoom  = "no_room"
	refusedJournal = "journal"
)

// dropUnguarded is why activities of identities that guard no account are not
// journaled.
const dropUnguarded = "unguarded"

// newMetrics registers the daemon's metrics, with zeros for all that can be
// known at the start.
func newMetrics(cfg *config.Config) *promexport.Metrics {
	build := ReadBuild()
	networks := []string{x.Network, mastodon.Network, okta.Network, "file"}
	for _, spec := range builtin.Specs() {
		networks = append(networks, spec.Name)
	}
	for _, s := range cfg.Sources {
		if s.Collector == config.CollectorSimulate {
			networks = append(networks, networkSimulated)
			break
		}
	}
	return promexport.New(prometheus.NewRegistry(), promexport.Options{
		Version: build.Version, Revision: build.Revision, Networks: networks,
		PollOutcomes: collectors.Outcomes(), DropReasons: append(collectors.DropReasons(), dropUnguarded),
		IntakeSources: []string{"webhook", "nats"}, IntakeReasons: intake.Reasons(),
		JournalFaults: []string{refusedInvalid, refusedNoRoom, refusedJournal}, APIReasons: api.GuardCodes(),
	})
}

// journalMetrics implements journal.Observer.
type journalMetrics struct{ *promexport.Metrics }

func (m journalMetrics) Appended(activities, bytes int) { m.JournalAppended(activities, bytes) }

func (m journalMetrics) Refused(reason string, activities int) { m.JournalRefused(reason, activities) }
func (m journalMetrics) Fenced()                               { m.JournalFenced() }

// pollMetrics implements collectors.Observer.
type pollMetrics struct{ *promexport.Metrics }

func (m pollMetrics) PollDone(network, outcome string, took, late time.Duration) {
	m.Polled(network, outcome, took, late)
}
func (m pollMetrics) Activities(network string, n int) { m.Collected(network, n) }

// intakeMetrics implements intake.Metrics for one way in.
type intakeMetrics struct {
	*promexport.Metrics
	way string
}

func (m intakeMetrics) Accepted(n int)               { m.IntakeAccepted(m.way, n) }
func (m intakeMetrics) Refused(reason string, n int) { m.IntakeRefused(m.way, reason, n) }

// alertObserver counts alerts, logs one line per decision and shows the alert
// to whoever watches the terminal.
type alertObserver struct {
	*promexport.Metrics
	app    *App
	kept   keeping
	hasten *hastener
}

// Revised implements alerting.Observer.
func (o *alertObserver) Revised(a *alerting.Alert) {
	o.Metrics.Revised(a)
	o.kept.want(a)
}

// Published implements alerting.Observer.
func (o *alertObserver) Published(a *alerting.Alert, at time.Time) {
	o.Metrics.Published(a, at)
	if o.hasten != nil {
		o.hasten.published(a, time.Now())
	}
	fields := []zap.Field{
		zap.String("alert", a.Number()), zap.String("change", string(a.Change)), zap.String("state", string(a.State)),
		zap.String("level", string(a.Rule.Level)), zap.String("rule", cmp.Or(a.Rule.Name, a.Rule.ID)), zap.String("rule_version", a.Rule.Version),
		zap.String("account", a.Account), zap.Int("count", a.Count), zap.Uint64("revision", a.Revision),
	}
	if o.app.cfg.get().Log.Personal {
		fields = append(fields, personal(a)...)
	}
	o.app.log.Info("alert", fields...)
	if show := o.app.opts.Alert; show != nil && worthShowing(a) {
		show(a, alerting.Text(*a, o.app.cfg))
	}
}

// personal is what a log line tells of people only when told to.
func personal(a *alerting.Alert) []zap.Field {
	var fields []zap.Field
	if t := a.Trigger(); t != nil {
		fields = append(fields, zap.String("actor", t.Actor), zap.String("ip", t.IP), zap.String("text", t.Text))
	}
	for i := range a.Reasons {
		fields = append(fields, zap.String("seen_"+strconv.Itoa(i+1), a.Reasons[i].Seen))
	}
	return fields
}

// worthShowing leaves out what only repeats an alert at the terminal.
func worthShowing(a *alerting.Alert) bool { return a.Change != alerting.ChangeUpdated }

// rulesLoaded tells which rules are in force.
func (a *App) rulesLoaded(plan *detector.Plan) { a.metrics.RulesLoaded(plan.Rules(), 0) }
