package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/sigma"
)

type planCmd struct {
	Add planAddCmd `cmd:"" help:"Plan more posts than usual for a time, such as a campaign's launch."`
	Ls  planLsCmd  `cmd:"" help:"List plans, the first to begin first."`
}

type planAddCmd struct {
	actFlags
	Account []string      `arg:"" help:"Accounts that it is for, such as x/acme."`
	Posts   int           `required:"" help:"So many of them are no alert."`
	From    time.Time     `help:"From when (RFC 3339); now unless given."`
	Until   time.Time     `help:"Until when (RFC 3339)."`
	For     time.Duration `help:"For how long from its start, such as 3h."`
	Rule    string        `help:"Name, id or title of the rule that is to expect them." default:"posting_burst"`
	Dir     string        `help:"Folder of rules.dirs that keeps it; the first unless given." type:"path"`
}

// Help is shown below the flags.
func (*planAddCmd) Help() string {
	return `A plan raises what one rule expects of some accounts for a time, and switches
nothing off: more than was planned is an alert, and every other rule judges as
ever. It is a tune document with a beginning in a folder of rules of the
configuration, which the daemon reads again by itself; its reload stands in the
journal, so that a replay judges by it, too. To take a plan back, remove its
file.`
}

// Run writes a plan into a folder of rules.
func (c *planAddCmd) Run(e *env) error {
	cfg, set, plan, err := e.program(c.Config)
	if err != nil {
		return err
	}
	dir, err := c.dir(cfg)
	if err != nil {
		return err
	}
	doc, err := c.document(plan, cfg, time.Now())
	if err != nil {
		return err
	}
	path := filepath.Join(dir, fileOf(doc.Tune))
	text := []byte(doc.String())
	set.Rules = append(set.Rules, rules.File{Name: path, Data: text})
	if _, err := detector.Compile(set); err != nil {
		return err // told with the places of what is there already
	}
	if err := writeNew(path, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "%s: %s expects up to %d of %s from %s until %s\n", path, doc.Tune.Rule.S, c.Posts, strings.Join(c.Account, ", "), doc.Tune.From.S, doc.Tune.Until.S)
	return err
}

// dir is the folder that keeps the plan: one that the daemon reads.
func (c *planAddCmd) dir(cfg *config.Config) (string, error) {
	if len(cfg.Rules.Dirs) == 0 {
		return "", errors.New("rules.dirs of the configuration names no folder, where plans are kept; make one and name it there")
	}
	if c.Dir == "" {
		return cfg.Rules.Dirs[0], nil
	}
	for _, dir := range cfg.Rules.Dirs {
		if full, err := filepath.Abs(dir); err == nil && full == filepath.Clean(c.Dir) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("--dir %s: the daemon does not read it; expected one of %s", c.Dir, strings.Join(cfg.Rules.Dirs, ", "))
}

// document is the plan as a tune document.
func (c *planAddCmd) document(plan *detector.Plan, cfg *config.Config, now time.Time) (*sigma.Document, error) {
	for _, account := range c.Account {
		if !cfg.Known(account) {
			return nil, fmt.Errorf("%s is not among accounts of the configuration", account)
		}
	}
	r, err := plan.Find(c.Rule)
	if err != nil {
		return nil, err
	}
	setting, err := expecting(r, c.Posts)
	if err != nil {
		return nil, err
	}
	from, until, err := c.span(now)
	if err != nil {
		return nil, err
	}
	owner, err := actor(c.By)
	if err != nil {
		return nil, err
	}
	reason := strings.TrimSpace(alerting.Plain(c.Reason))
	if reason == "" {
		return nil, errors.New("no reason; say with -m what is planned")
	}
	t := &sigma.Tune{
		Rule: sigma.Text{S: r.Name}, Set: []sigma.Setting{setting},
		Owner: sigma.Text{S: owner}, Reason: sigma.Text{S: reason},
		From: sigma.Text{S: from.UTC().Format(time.RFC3339)}, Until: sigma.Text{S: until.UTC().Format(time.RFC3339)},
	}
	if t.Rule.S == "" {
		t.Rule.S = r.ID
	}
	for _, account := range c.Account {
		t.Accounts = append(t.Accounts, sigma.Text{S: account})
	}
	return &sigma.Document{Title: sigma.Text{S: "Plan for " + c.Account[0]}, Tune: t}, nil
}

// expecting is the number of a rule at which so many are no finding.
func expecting(r *rules.Rule, posts int) (sigma.Setting, error) {
	for _, n := range r.Numbers() {
		first := posts + 1 // that is a finding
		switch n.Name {
		case "floor", "condition.gte":
		case "condition.gt":
			first = posts
		default:
			continue
		}
		if float64(first) <= n.Value {
			return sigma.Setting{}, fmt.Errorf("--posts %d: rule %q lets so many pass without a plan (%s: %g)", posts, r.Title, n.Name, n.Value)
		}
		return sigma.Setting{Name: sigma.Text{S: n.Name}, Value: sigma.Number{V: float64(first), Text: strconv.Itoa(first)}}, nil
	}
	return sigma.Setting{}, fmt.Errorf("rule %q does not count posts: expected one with a floor or condition.gte", r.Title)
}

// longestPlan is how long a plan may be: what is longer is how the account is,
// and a tune document without a beginning says so.
const longestPlan = 31 * 24 * time.Hour

func (c *planAddCmd) span(now time.Time) (from, until time.Time, err error) {
	from, until = c.From, c.Until
	if from.IsZero() {
		from = now
	}
	from = from.Truncate(time.Second)
	switch {
	case c.For != 0 && !until.IsZero():
		return from, until, errors.New("give --until or --for, not both")
	case c.For != 0:
		until = from.Add(c.For)
	case until.IsZero():
		return from, until, errors.New("when does it end? give --until or --for")
	}
	switch {
	case !until.After(from) || !until.After(now):
		return from, until, fmt.Errorf("it would end %s; expected a time to come, after its start", until.UTC().Format(time.RFC3339))
	case until.Sub(from) > longestPlan:
		return from, until, fmt.Errorf("it would last %s; expected at most 31 days: a tune document is for what lasts", until.Sub(from))
	}
	return from, until, nil
}

// fileOf names the file of a plan by what it is for and when it begins.
func fileOf(t *sigma.Tune) string {
	plain := regexp.MustCompile(`[^a-z0-9_]+`)
	name := plain.ReplaceAllString(strings.ToLower(t.Rule.S+"-"+t.Accounts[0].S), "-")
	return "plan-" + strings.Trim(name, "-") + "-" + strings.ToLower(strings.NewReplacer("-", "", ":", "").Replace(t.From.S)) + ".yml"
}

// writeNew writes a file that is not there yet.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // rules are no secret
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

type planLsCmd struct {
	withConfig
	All  bool `help:"Plans that are over, too."`
	JSON bool `help:"Print JSON lines."`
}

// planned is a plan as it is shown.
type planned struct {
	Rule     string    `json:"rule"`
	Accounts []string  `json:"accounts"`
	State    string    `json:"state"` // scheduled, active or over
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	Set      string    `json:"set"`
	Owner    string    `json:"owner"`
	Reason   string    `json:"reason"`
}

// Run lists the plans among the rules of the configuration.
func (c *planLsCmd) Run(e *env) error {
	_, _, plan, err := e.program(c.Config)
	if err != nil {
		return err
	}
	all := plansOf(plan, time.Now(), c.All)
	if !c.JSON {
		return listPlans(e.out, all)
	}
	enc := json.NewEncoder(e.out)
	for i := range all {
		if err := enc.Encode(&all[i]); err != nil {
			return err
		}
	}
	return nil
}

func plansOf(plan *detector.Plan, now time.Time, over bool) []planned {
	var out []planned
	for _, r := range plan.Rules() {
		for i := range r.Tunings {
			t := &r.Tunings[i]
			p := planned{Rule: r.Name, Accounts: t.Accounts, State: "active", From: t.From, Until: t.Until, Set: t.Set, Owner: t.Owner, Reason: t.Reason}
			switch {
			case !now.Before(t.Until):
				p.State = "over"
			case now.Before(t.From):
				p.State = "scheduled"
			}
			if t.Planned() && (over || p.State != "over") {
				out = append(out, p)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b planned) int { return a.From.Compare(b.From) })
	return out
}

func listPlans(out io.Writer, all []planned) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "no plans")
		return err
	}
	const form = "2006-01-02 15:04Z"
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STATE\tFROM\tUNTIL\tACCOUNTS\tRULE\tSET\tBY\tREASON")
	for _, p := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.State, p.From.Format(form), p.Until.Format(form), strings.Join(p.Accounts, ", "), p.Rule, p.Set,
			alerting.Plain(p.Owner), alerting.Plain(p.Reason))
	}
	return w.Flush()
}
