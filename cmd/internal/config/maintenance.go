package config

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/silence"
)

func (d *decoder) window(n *yaml.Node, path string, c *Config) {
	var w silence.Window
	var start, rule string
	zoned := time.UTC
	keys := d.object(n, path,
		d.text("name", &w.Name),
		parsed(d, "matchers", `matchers such as account="x/acme"`, &w.Matchers, match.Parse),
		d.form("author", &w.Author, personName),
		d.form("confirmed_by", &w.ConfirmedBy, personName),
		d.text("reason", &w.Reason),
		d.raw("start", "a time such as 2026-01-10 22:00", &start),
		d.text("rule", &rule),
		d.duration("lasts", &w.Lasts, time.Minute, silence.MaxSpan),
		parsed(d, "time_zone", "a time zone such as Europe/Berlin", &zoned, zone),
	)
	complete := true
	for _, need := range []struct{ key, expected string }{
		{"name", "what it is called"},
		{"matchers", `what it silences, such as account="x/acme"`},
		{"author", "who answers for it"},
		{"reason", "why nobody needs to be told"},
		{"start", "the first day and time, such as 2026-01-10 22:00"},
		{"rule", "when it recurs, such as FREQ=WEEKLY;BYDAY=SA"},
		{"lasts", "how long, such as 4h"},
	} {
		complete = d.required(keys, need.key, need.expected) && complete
		if keys.node == nil {
			break // one fault tells it all
		}
	}
	if complete && start != "" && rule != "" {
		w.Recurs = d.recurrence(path, start, rule, 0, zoned)
		d.checkWindow(path, &w)
	}
	c.Maintenance = append(c.Maintenance, w)
}

// checkWindow checks that a window that could silence a critical alert names the
// second person that a silence would take.
func (d *decoder) checkWindow(path string, w *silence.Window) {
	if w.Matchers.IsZero() || !silence.Critical(w.Matchers) {
		return
	}
	const mend = `; name one under confirmed_by, or rule critical alerts out by level!="critical"`
	switch {
	case w.ConfirmedBy == "":
		d.on(path, "%s could silence critical alerts, which takes a second person%s", quoted(w.Name), mend)
	case strings.EqualFold(w.ConfirmedBy, w.Author):
		d.on(join(path, "confirmed_by"), "%q is its author; it could silence critical alerts, which takes a second person%s", clip(w.ConfirmedBy), mend)
	}
}

func quoted(s string) string { return fmt.Sprintf("%q", clip(s)) }
