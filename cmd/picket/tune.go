package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/cmd/internal/page"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/evaluate"
	"github.com/picketd/picket/detector/hijack"
	"github.com/picketd/picket/rules"
)

type tuneCmd struct {
	Rule string `arg:"" help:"Name, id or title of a rule."`
	recording
	Param   string   `required:"" help:"Number of the rule and the values to try: condition.gte=5..40, floor=6..60/6, factor=1.5,2,3, gap=12h..3d/12h." placeholder:"NAME=VALUES"`
	Budget  *float64 `help:"Alerts per account and month that people bear; the configuration's, or 1, unless given."`
	Labels  string   `help:"File of what is known to have happened, one JSON object a line: {\"account\":\"x/acme\",\"rule\":\"posting_burst\",\"verdict\":\"true\",\"from\":\"2026-03-01T12:00:00Z\"}; verdict is true, expected or false. Verdicts in the journal count in any case." type:"existingfile" placeholder:"FILE"`
	Attacks int      `help:"Play so many attacks of each kind on each account at every value, as picket evaluate does." placeholder:"N"`
	JSON    bool     `help:"Print one JSON object."`
	HTML    string   `help:"Write a page with plots to this file." placeholder:"FILE" type:"path"`
}

// Help is shown below the flags.
func (*tuneCmd) Help() string {
	return `What would a rule have done with another number? The activity is read once and
judged at every value, by the daemon's own engine. Of each value it says how
many alerts there are, on the account with the most of them, too, how many
incidents that people labelled it still sees, and on request how many attacks.
One value is recommended: of those that keep to the budget the one that misses
least. The rule is judged alone, so that what joins another rule's alert in a
replay counts here, too.

VALUES are a range (5..40, at most 20 values; 5..40/5 in steps of 5) or a list
(5,8,12). Spans are written as durations.`
}

// Run tries values of a number and prints what the rule does at each.
func (c *tuneCmd) Run(e *env) error {
	switch {
	case c.Budget != nil && !(*c.Budget >= 0 && !math.IsInf(*c.Budget, 0)):
		return fmt.Errorf("--budget %g: expected a number, 0 or more", *c.Budget)
	case c.Attacks < 0 || c.Attacks > maxMoments:
		return fmt.Errorf("--attacks %d: expected 0 to %d", c.Attacks, maxMoments)
	}
	in, err := c.open(e)
	if err != nil {
		return err
	}
	defer in.close()
	t := evaluate.Tuning{Budget: c.budget(in.cfg)}
	if t.Rule, err = in.plan.Find(c.Rule); err != nil {
		return err
	}
	if t.Number, t.Values, err = tried(t.Rule, c.Param); err != nil {
		return err
	}
	if t.Labels, err = c.labels(in.plan); err != nil {
		return err
	}
	if err := c.attacks(e, &t); err != nil {
		return err
	}
	bar := newBar(e, in.progress)
	started := time.Now()
	curve, err := evaluate.Tune(e.ctx, in.plan, bar.wrap(in.src), in.opts, t)
	bar.finish()
	if err != nil {
		return err
	}
	if curve.Months == 0 {
		return errors.New("nothing to tune on: the rule looks at none of the activities, or those it looks at span no time (what was imported only teaches)")
	}
	if c.HTML != "" {
		if err := writePage(c.HTML, tunePage(&curve)); err != nil {
			return err
		}
	}
	if c.JSON {
		err = json.NewEncoder(e.out).Encode(tuned(&curve))
	} else {
		err = tuneText(e.out, &curve)
	}
	fmt.Fprintf(e.errOut, "%.2f s\n", time.Since(started).Seconds()) // not on standard output, which the same input makes the same
	return err
}

// budget is how many alerts people bear.
func (c *tuneCmd) budget(cfg *config.Config) float64 {
	switch {
	case c.Budget != nil:
		return *c.Budget
	case cfg != nil && cfg.Budget > 0:
		return cfg.Budget
	}
	return 1
}

func (c *tuneCmd) labels(plan *detector.Plan) ([]evaluate.Label, error) {
	if c.Labels == "" {
		return nil, nil
	}
	f, err := os.Open(c.Labels)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // was only read
	return evaluate.ReadLabels(c.Labels, f, func(rule string) error {
		_, err := plan.Find(rule)
		return err
	})
}

// attacks reads the histories on which attacks are played, where they are asked
// for.
func (c *tuneCmd) attacks(e *env, t *evaluate.Tuning) error {
	if c.Attacks == 0 {
		return nil
	}
	in, err := c.open(e)
	if err != nil {
		return err
	}
	defer in.close()
	if t.Histories, err = histories(e.ctx, in.src); err != nil {
		return err
	}
	p := hijack.Standard()
	p.Moments = c.Attacks
	t.Attacks, t.Donors.Made = &p, sync.OnceValues(strangers)
	return nil
}

const (
	// triedByDefault is how many values of a range are tried without a step.
	triedByDefault = 20
	// maxTried bounds the values.
	maxTried = 200
)

// tried reads NAME=VALUES.
func tried(r *rules.Rule, param string) (name string, values []float64, err error) {
	name, text, ok := strings.Cut(param, "=")
	if !ok || name == "" || text == "" {
		return "", nil, fmt.Errorf("--param %q: expected a number of the rule and its values, such as condition.gte=5..40", param)
	}
	n, err := r.Number(name)
	if err != nil {
		return "", nil, err
	}
	if values, err = valuesOf(r, n, text); err != nil {
		return "", nil, fmt.Errorf("--param %s: %w", param, err)
	}
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) > maxTried {
		return "", nil, fmt.Errorf("--param %s: %d values; expected at most %d", param, len(values), maxTried)
	}
	return name, values, nil
}

func valuesOf(r *rules.Rule, n rules.Number, text string) ([]float64, error) {
	from, to, isRange := strings.Cut(text, "..")
	if !isRange {
		var out []float64
		for part := range strings.SplitSeq(text, ",") {
			v, err := valueOf(n, part)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
	to, by, stepped := strings.Cut(to, "/")
	least, err := valueOf(n, from)
	if err != nil {
		return nil, err
	}
	most, err := valueOf(n, to)
	if err != nil {
		return nil, err
	}
	if most < least {
		return nil, fmt.Errorf("%s is more than %s; swap them", from, to)
	}
	if stepped {
		step, err := valueOf(n, by)
		switch {
		case err != nil:
			return nil, err
		case step <= 0 || (most-least)/step > maxTried:
			return nil, fmt.Errorf("a step of %s from %s to %s; expected at most %d steps", by, from, to, maxTried)
		}
		var out []float64
		for i := range maxTried + 1 {
			if v := decimal(least + float64(i)*step); v <= most {
				out = append(out, v)
			}
		}
		return out, nil
	}
	return spread(r, n, least, most), nil
}

// spread returns values from least to most, whole ones where the number takes no
// others.
func spread(r *rules.Rule, n rules.Number, least, most float64) []float64 {
	half := math.Trunc(least) + 0.5
	_, err := r.Having(n.Name, half)
	whole := err != nil
	unit := 1.0 // of a span: the longest that tells all values apart
	for _, u := range slices.Backward(spanUnits()) {
		if u.seconds*(triedByDefault-1) <= most-least {
			unit = u.seconds
		}
	}
	var out []float64
	for i := range triedByDefault {
		v := decimal(least + (most-least)*float64(i)/(triedByDefault-1))
		switch {
		case whole:
			v = math.Round(v) + 0 // not -0
		case n.Span && i > 0 && i < triedByDefault-1:
			v = math.Round(v/unit) * unit
		}
		out = append(out, v)
	}
	return out
}

// decimal returns the number that people write for a sum of such: 0.1 for
// 0.09999999999999999.
func decimal(v float64) float64 {
	const digits = 12
	out, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil { // beyond what a number holds
		return v
	}
	return out
}

// spanUnit is a unit in which rules take spans.
type spanUnit struct {
	name    string
	seconds float64
}

// spanUnits are the units, the longest first.
func spanUnits() []spanUnit {
	return []spanUnit{{"d", 24 * 60 * 60}, {"h", 60 * 60}, {"m", 60}, {"s", 1}}
}

func valueOf(n rules.Number, text string) (float64, error) {
	text = strings.TrimSpace(text)
	if n.Span {
		d, err := config.ParseDuration(text)
		if err != nil || d%time.Second != 0 {
			return 0, fmt.Errorf("%q: expected a duration in whole seconds such as 30m or 7d", text)
		}
		return d.Seconds(), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q: expected a number", text)
	}
	return v, nil
}

// valueText writes a value as rules take it.
func valueText(n rules.Number, v float64) string {
	for _, u := range spanUnits() {
		if n.Span && math.Mod(v, u.seconds) == 0 {
			return strconv.FormatFloat(v/u.seconds, 'f', -1, 64) + u.name
		}
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// barWidth is the length of the longest bar of the curve, in characters.
const barWidth = 32

// tuneText writes the curve for a person.
func tuneText(out io.Writer, c *evaluate.Curve) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s, %.1f account-months\n\n", c.Rule.Title, c.Number.Name, plural(c.Accounts, "account", "accounts"), c.Months)
	top := 0.0
	for i := range c.Points {
		top = max(top, c.Points[i].PerMonth)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	head := []string{"VALUE", "ALERTS", "PER MONTH", "WORST ACCOUNT"}
	if c.Incidents+c.Harmless > 0 {
		head = append(head, "INCIDENTS", "HARMLESS")
	}
	for i := range c.Points[0].Attacks {
		head = append(head, strings.ToUpper(rowName(&c.Points[0].Attacks[i])))
	}
	fmt.Fprintln(w, "  "+strings.Join(append(head, ""), "\t"))
	for i := range c.Points {
		cells, bar := tuneCells(c, i), ""
		if top > 0 {
			bar = strings.Repeat("█", int(math.Round(barWidth*c.Points[i].PerMonth/top)))
		}
		mark := "  "
		if i == c.Meets {
			mark = "→ "
		}
		fmt.Fprintln(w, mark+strings.Join(append(cells, bar), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var text strings.Builder // tabs leave spaces behind a bar that is empty
	for line := range strings.Lines(b.String()) {
		text.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	fmt.Fprintf(&text, "\n%s\n", tuneAdvice(c))
	if c.Unplaced > 0 {
		text.WriteString(unplaced(c) + "\n")
	}
	if len(c.Unseen) > 0 {
		text.WriteString(unseen(c) + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// unplaced says how many verdicts count for nothing.
func unplaced(c *evaluate.Curve) string {
	return word(c.Unplaced, "1 verdict is on", fmt.Sprintf("%d verdicts are on", c.Unplaced)) + " no alert that the rule raises here as it is."
}

// unseen names the accounts that labels are about in vain.
func unseen(c *evaluate.Curve) string {
	return "Labels are about accounts of which the rule sees nothing here: " + strings.Join(c.Unseen, ", ") + "."
}

// tuneCells are the cells of one value's row.
func tuneCells(c *evaluate.Curve, i int) []string {
	p := &c.Points[i]
	value := valueText(c.Number, p.Value)
	if p.AsItIs {
		value += " (now)"
	}
	worst := "–"
	if p.WorstOf != "" {
		worst = fmt.Sprintf("%.2f %s", p.Worst, p.WorstOf)
	}
	cells := []string{value, strconv.Itoa(p.Alerts), fmt.Sprintf("%.3f", p.PerMonth), worst}
	if c.Incidents+c.Harmless > 0 {
		cells = append(cells, fmt.Sprintf("%d of %d", p.Kept, c.Incidents), fmt.Sprintf("%d of %d", p.Harmless, c.Harmless))
	}
	for k := range p.Attacks {
		cells = append(cells, fmt.Sprintf("%.0f %%", 100*p.Attacks[k].Within[2].Value))
	}
	return cells
}

// tuneAdvice says which value to take.
func tuneAdvice(c *evaluate.Curve) string {
	budget := fmt.Sprintf("%g per account and month", c.Budget)
	if c.Meets < 0 {
		return fmt.Sprintf("No value keeps to a budget of %s: try others, or a longer quiet.", budget)
	}
	p := &c.Points[c.Meets]
	out := fmt.Sprintf("%s %s keeps to a budget of %s: %.3f", c.Number.Name, valueText(c.Number, p.Value), budget, p.PerMonth)
	if c.Incidents > 0 {
		out += fmt.Sprintf(", with %d of %s seen", p.Kept, plural(c.Incidents, "incident", "incidents"))
	}
	if p.AsItIs {
		return out + ". That is what the rule has."
	}
	return out + "."
}

// tunedJSON is the curve for programs.
type tunedJSON struct {
	Rule      string      `json:"rule"`
	Title     string      `json:"title"`
	Param     string      `json:"param"`
	Now       float64     `json:"now"`
	Budget    float64     `json:"budget"`
	Accounts  int         `json:"accounts"`
	Months    float64     `json:"account_months"`
	Incidents int         `json:"incidents"`
	Harmless  int         `json:"harmless"`
	Unplaced  int         `json:"unplaced_verdicts,omitempty"`
	Unseen    []string    `json:"unseen_accounts,omitempty"`
	Meets     *float64    `json:"meets"` // null where no value keeps to the budget
	Points    []pointJSON `json:"points"`
}

type pointJSON struct {
	Value    float64      `json:"value"` // spans in seconds
	Alerts   int          `json:"alerts"`
	PerMonth float64      `json:"per_account_month"`
	Worst    float64      `json:"worst_per_month,omitempty"`
	WorstOf  string       `json:"worst_account,omitempty"`
	Kept     int          `json:"incidents_kept"`
	Harmless int          `json:"harmless_raised"`
	Attacks  []attackJSON `json:"attacks,omitempty"`
}

func tuned(c *evaluate.Curve) tunedJSON {
	out := tunedJSON{
		Rule: cmp.Or(c.Rule.Name, c.Rule.ID), Title: c.Rule.Title, Param: c.Number.Name, Now: c.Number.Value, Budget: c.Budget,
		Accounts: c.Accounts, Months: c.Months, Incidents: c.Incidents, Harmless: c.Harmless, Unplaced: c.Unplaced, Unseen: c.Unseen,
	}
	if c.Meets >= 0 {
		out.Meets = &c.Points[c.Meets].Value
	}
	for i := range c.Points {
		p := &c.Points[i]
		one := pointJSON{Value: p.Value, Alerts: p.Alerts, PerMonth: p.PerMonth, Worst: p.Worst, WorstOf: p.WorstOf, Kept: p.Kept, Harmless: p.Harmless}
		for k := range p.Attacks {
			one.Attacks = append(one.Attacks, attackOf(rowName(&p.Attacks[k]), p.Attacks[k].Played, p.Attacks[k].Within))
		}
		out.Points = append(out.Points, one)
	}
	return out
}

// tunePage is the curve as a page.
func tunePage(c *evaluate.Curve) *page.Page {
	axis := c.Number.Name
	if c.Number.Span {
		axis += ", in seconds"
	}
	alerts := page.Series{Name: "alerts per account-month"}
	table := &page.Table{Head: []string{c.Number.Name, "alerts", "per account-month", "worst account"}}
	if c.Incidents+c.Harmless > 0 {
		table.Head = append(table.Head, "incidents seen", "harmless raised")
	}
	for i := range c.Points[0].Attacks {
		table.Head = append(table.Head, rowName(&c.Points[0].Attacks[i]))
	}
	for i := range c.Points {
		alerts.Points = append(alerts.Points, page.Point{X: c.Points[i].Value, Y: c.Points[i].PerMonth})
		table.Rows = append(table.Rows, page.Row{Cells: tuneCells(c, i), Marked: i == c.Meets})
	}
	mark := math.NaN()
	if c.Meets >= 0 {
		mark = c.Points[c.Meets].Value
	}
	out := &page.Page{
		Title: c.Rule.Title + ": " + c.Number.Name,
		Lead:  []string{fmt.Sprintf("%s, %.1f account-months.", plural(c.Accounts, "account", "accounts"), c.Months), tuneAdvice(c)},
		Parts: []page.Part{{
			Title: "Alerts", Note: "The dashed line is the budget, the dotted one the recommended value.",
			Plot:  &page.Plot{X: axis, Y: "alerts per account-month", Limit: c.Budget, Mark: mark, Series: []page.Series{alerts}},
			Table: table,
		}},
	}
	if c.Unplaced > 0 {
		out.Lead = append(out.Lead, unplaced(c))
	}
	if len(c.Unseen) > 0 {
		out.Lead = append(out.Lead, unseen(c))
	}
	if len(c.Points[0].Attacks) > 0 {
		out.Parts = append(out.Parts, page.Part{
			Title: "Attacks noticed within ten posts",
			Plot:  &page.Plot{X: axis, Y: "share noticed", Top: 1, Mark: mark, Series: attackLines(c)},
		})
	}
	return out
}

// attackLines are lines of what is noticed of each attack, by value.
func attackLines(c *evaluate.Curve) []page.Series {
	out := make([]page.Series, len(c.Points[0].Attacks))
	for k := range out {
		out[k].Name = rowName(&c.Points[0].Attacks[k])
		for i := range c.Points {
			w := c.Points[i].Attacks[k].Within[2]
			out[k].Points = append(out[k].Points, page.Point{X: c.Points[i].Value, Y: w.Value, Low: w.Low, High: w.High})
		}
	}
	return out
}
