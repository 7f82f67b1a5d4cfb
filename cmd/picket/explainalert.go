package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

// explained is why an alert was raised, rebuilt from the journal.
type explained struct {
	Alert     string              `json:"alert"` // id
	Number    string              `json:"number"`
	Account   string              `json:"account"`
	State     alerting.State      `json:"state"`
	Verdict   alerting.Verdict    `json:"verdict,omitempty"`
	Rule      explainedRule       `json:"rule"` // as it was in force
	Opened    time.Time           `json:"opened"`
	Reasons   []detector.Reason   `json:"reasons"`
	Usual     []detector.Reason   `json:"usual,omitempty"`
	Evidence  []activity.Activity `json:"evidence"`            // that opened it, oldest first
	Baselines []app.Baseline      `json:"baselines,omitempty"` // what was known just before
	Known     []knownModel        `json:"known,omitempty"`     // what of it cannot be listed value by value

	numbers []rules.Number
}

// knownModel is what a rule knew of an account, in words.
type knownModel struct {
	Account string   `json:"account"`
	Rule    string   `json:"rule"`
	Title   string   `json:"title"`
	Words   []string `json:"words"`
}

// explainedRule is the rule that raised an alert.
type explainedRule struct {
	Name    string             `json:"name"`
	Title   string             `json:"title"`
	Type    rules.Type         `json:"type"`
	Level   rules.Level        `json:"level"`
	Version string             `json:"version"`
	Numbers map[string]float64 `json:"numbers,omitempty"` // spans in seconds
}

// alert explains an alert by replaying the journal up to where it was raised, by
// the rules that were in force.
func (c *explainCmd) alert(e *env) error {
	if c.In != "" || len(c.Rules)+len(c.Pack) > 0 {
		return errors.New("an alert is explained from the daemon's journal, by the rules that were in force: give --config alone")
	}
	if !namesAlert(c.Rule) {
		return fmt.Errorf("%q is no alert: expected a number such as PK-1A2B3C or an id; why a rule matches is explained with an activity, too", c.Rule)
	}
	with := withConfig{cmp.Or(c.Config, "picket.yaml")}
	m, _, done, err := with.open(e)
	if err != nil {
		return err
	}
	defer done()
	id, err := m.Find(e.ctx, c.Rule)
	if err != nil {
		return err
	}
	a, err := m.Get(e.ctx, id)
	if err != nil {
		return err
	}
	in, err := (&replayCmd{Journal: true, Since: everything, Config: with.Config}).input(e)
	if err != nil {
		return err
	}
	defer in.close()
	out := explained{Alert: a.ID, Number: a.Number(), Account: a.Account, State: a.State}
	if a.Judged != nil {
		out.Verdict = a.Judged.Verdict
	}
	bar := newBar(e, in.progress)
	f, err := replay.Moment(e.ctx, in.plan, bar.wrap(in.src), in.opts, replay.Opening{Episode: a.ID, From: a.Opened}, func(engine *detector.Engine) {
		out.Baselines, out.Known = knownBefore(engine, &a)
	})
	bar.finish()
	if errors.Is(err, replay.ErrNotRaised) {
		return fmt.Errorf("%s: the journal does not raise it any more: what led to it has expired (picket alerts show has what the alert kept)", a.Number())
	}
	if err != nil {
		return err
	}
	out.take(&f)
	if c.JSON {
		enc := json.NewEncoder(e.out)
		enc.SetIndent("", "  ")
		return enc.Encode(&out)
	}
	_, err = io.WriteString(e.out, out.text())
	return err
}

// namesAlert reports whether a text may be the number or id of an alert, of which
// digits are enough.
func namesAlert(text string) bool {
	digits := strings.TrimPrefix(strings.ToLower(text), "pk-")
	return digits != "" && strings.Trim(digits, "0123456789abcdef") == ""
}

// knownBefore is what the rule of an alert knows of its account, and those that
// join it: of a sequence what its steps know, on the identities that took them,
// too.
func knownBefore(engine *detector.Engine, a *alerting.Alert) (lists []app.Baseline, known []knownModel) {
	all := engine.Plan().Rules()
	told := map[string]bool{}
	take := func(account string, r *rules.Rule) {
		key := account + "\x00" + r.ID
		if told[key] {
			return
		}
		told[key] = true
		lists = append(lists, app.BaselinesOf(engine, account, r.ID)...)
		if words := engine.Knows(account, r.ID); len(words) > 0 {
			known = append(known, knownModel{account, cmp.Or(r.Name, r.ID), r.Title, words})
		}
	}
	for _, r := range all {
		joins := slices.ContainsFunc(r.Joins, func(i int) bool { return all[i].ID == a.Rule.ID })
		if r.ID == a.Rule.ID || joins && r.Mode != rules.Off {
			take(a.Account, r)
		}
	}
	for _, of := range a.Related {
		for _, r := range all {
			if of.Rule == cmp.Or(r.Name, r.ID) {
				take(of.Account, r)
			}
		}
	}
	return lists, known
}

// take copies what the opening finding says.
func (x *explained) take(f *detector.Finding) {
	r := f.Rule.For(f.Account, f.LogTime)
	x.Rule = explainedRule{
		Name: cmp.Or(r.Name, r.ID), Title: r.Title, Type: r.Type, Level: r.Level, Version: r.Version, Numbers: map[string]float64{},
	}
	x.numbers = r.Numbers()
	for _, n := range x.numbers {
		x.Rule.Numbers[n.Name] = n.Value
	}
	x.Opened, x.Reasons, x.Usual, x.Evidence = f.LogTime, f.Reasons, f.Usual, f.Evidence
}

func (x *explained) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s: %s (%s, version %s)\n", x.Number, x.Rule.Level, x.Account, x.Rule.Title, x.Rule.Name, x.Rule.Version)
	state := string(x.State)
	if x.Verdict != "" {
		state += ", verdict " + string(x.Verdict)
	}
	fmt.Fprintf(&b, "raised %s; now %s\n\nWhy\n", x.Opened.Format("2006-01-02 15:04:05Z"), state)
	for _, r := range x.Reasons {
		fmt.Fprintf(&b, "  %s\n", alerting.Plain(why([]detector.Reason{r})))
		for _, name := range slices.Sorted(maps.Keys(r.Detail)) {
			fmt.Fprintf(&b, "      %s: %s\n", name, alerting.Plain(r.Detail[name]))
		}
	}
	for _, r := range x.Usual {
		fmt.Fprintf(&b, "  as always: %s\n", alerting.Plain(why([]detector.Reason{r})))
	}
	if len(x.numbers) > 0 {
		b.WriteString("\nLimits of the rule\n")
		for _, n := range x.numbers {
			fmt.Fprintf(&b, "  %s: %s\n", n.Name, valueText(n, n.Value))
		}
	}
	b.WriteString("\nWhat it knew just before\n")
	if len(x.Baselines)+len(x.Known) == 0 {
		b.WriteString("  nothing: this rule learns nothing of the account\n")
	}
	for _, k := range x.Known {
		of := ""
		if k.Account != x.Account {
			of = " of " + k.Account
		}
		fmt.Fprintf(&b, "  %s (%s)%s\n", k.Title, k.Rule, of)
		for _, words := range k.Words {
			fmt.Fprintf(&b, "    %s\n", words)
		}
	}
	if len(x.Baselines) > 0 && len(x.Known) > 0 {
		b.WriteByte('\n')
	}
	for line := range strings.Lines(baselineText(x.Baselines)) {
		b.WriteString(strings.TrimRight("  "+line, " \n") + "\n")
	}
	b.WriteString("\nEvidence\n")
	for i := range x.Evidence {
		fmt.Fprintf(&b, "  %s\n", evidenceLine(&x.Evidence[i]))
	}
	return b.String()
}

// evidenceLine is one activity on one line, links defanged.
func evidenceLine(a *activity.Activity) string {
	parts := []string{a.Time.UTC().Format("2006-01-02 15:04:05Z"), string(a.Kind), "of " + a.Account, "id " + a.ID}
	for _, f := range []struct{ name, value string }{
		{"app", a.App},
		{"country", a.Geo.Country},
		{"network", a.Geo.ASOrg},
		{"device", a.Device},
		{"changed", strings.Join(a.Changed, ", ")},
		{"poll", a.Poll.State},
	} {
		if f.value != "" {
			parts = append(parts, f.name+" "+f.value)
		}
	}
	if a.Text != "" {
		const shown = 80
		text := []rune(a.Text)
		if len(text) > shown {
			text = append(text[:shown-1], '…')
		}
		parts = append(parts, `"`+string(text)+`"`)
	}
	return alerting.Plain(strings.Join(parts, ", "))
}
