package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

type budgetCmd struct {
	withConfig
	Account string `arg:"" optional:"" help:"One account or identity, such as x/acme, rule by rule; all accounts unless given."`
	JSON    bool   `help:"Print one JSON object."`
}

// Help is shown below the flags.
func (*budgetCmd) Help() string {
	return `The alert budget is how many alerts a month an account's people bear from rules
that judge by what they have learned ("budget: 1 per account per month" in the
configuration). Counted are the alerts of the last month of these rules, tests
and drills left out; critical rules and policies are told in any case and have
no budget. Held back is what was recorded and told to nobody: the budget had no
room, or people knew already and had not judged it (picket alerts ls shows it).`
}

// spent is how the budget was used in the last month.
type spent struct {
	Budget   float64         `json:"budget"` // alerts per account and month, 0 without one
	Since    time.Time       `json:"since"`
	Accounts int             `json:"accounts"` // that are watched
	Rules    []spentRule     `json:"rules"`    // in the order of the rule set
	Account  []spentAccounts `json:"by_account"`
}

type spentRule struct {
	Rule   string  `json:"rule"`
	Title  string  `json:"title"`
	Share  float64 `json:"share,omitempty"` // of the budget, where it moves the rule's thresholds
	Alerts int     `json:"alerts"`
	Rate   float64 `json:"per_account_month"`
	Held   int     `json:"held"`

	id string
}

type spentAccounts struct {
	Account string `json:"account"`
	Alerts  int    `json:"alerts"`
	Held    int    `json:"held"`
}

// Run shows how the alert budget was used in the last month.
func (c *budgetCmd) Run(e *env) error {
	cfg, set, plan, err := e.program(c.Config)
	if err != nil {
		return err
	}
	m, _, done, err := c.open(e)
	if err != nil {
		return err
	}
	defer done()
	alerts, err := m.List(e.ctx, alerting.Filter{Account: c.Account})
	if err != nil {
		return err
	}
	if c.Account != "" && len(alerts) == 0 && !isWatched(cfg, &set, c.Account) {
		return fmt.Errorf("%s: the configuration does not know it: expected one of its accounts, or an identity that guards one", c.Account)
	}
	out := spentOf(plan.Rules(), alerts, time.Now().Add(-replay.Month))
	out.Budget, out.Accounts = cfg.Budget, len(set.Accounts)
	if c.Account != "" {
		out.Accounts = 1
	}
	for i := range out.Rules {
		out.Rules[i].Rate = float64(out.Rules[i].Alerts) / float64(max(1, out.Accounts))
	}
	if c.JSON {
		return json.NewEncoder(e.out).Encode(&out)
	}
	return out.write(e.out)
}

// isWatched reports whether an account or identity is one that rules judge.
func isWatched(cfg *config.Config, set *detector.Set, account string) bool {
	return cfg.Known(account) || slices.ContainsFunc(set.Accounts, func(a detector.Account) bool {
		return a.Name == account || slices.Contains(a.GuardedBy, account)
	})
}

// spentOf counts the alerts of budgeted rules that opened since then.
func spentOf(all []*rules.Rule, alerts []alerting.Alert, since time.Time) spent {
	out := spent{Since: since.UTC(), Rules: []spentRule{}, Account: []spentAccounts{}}
	for _, r := range all {
		if detector.Budgeted(r) {
			share, _ := detector.Share(r)
			out.Rules = append(out.Rules, spentRule{Rule: cmp.Or(r.Name, r.ID), Title: r.Title, Share: share, id: r.ID})
		}
	}
	by := map[string]*spentAccounts{}
	for i := range alerts {
		a := &alerts[i]
		at := slices.IndexFunc(out.Rules, func(r spentRule) bool { return r.id == a.Rule.ID })
		if at < 0 || a.Opened.Before(since) || a.Drill() != "" || a.Rule.Mode == rules.Observe && a.Held == "" {
			continue
		}
		account := by[a.Account]
		if account == nil {
			account = &spentAccounts{Account: a.Account}
			by[a.Account] = account
		}
		if a.Held != "" {
			out.Rules[at].Held++
			account.Held++
			continue
		}
		out.Rules[at].Alerts++
		account.Alerts++
	}
	for _, account := range by {
		out.Account = append(out.Account, *account)
	}
	slices.SortFunc(out.Account, func(a, b spentAccounts) int {
		return cmp.Or(b.Alerts-a.Alerts, b.Held-a.Held, cmp.Compare(a.Account, b.Account))
	})
	return out
}

func (s *spent) write(out io.Writer) error {
	var b strings.Builder
	total, held := 0, 0
	for i := range s.Rules {
		total, held = total+s.Rules[i].Alerts, held+s.Rules[i].Held
	}
	rate := float64(total) / float64(max(1, s.Accounts))
	fmt.Fprintf(&b, "%s of %s since %s: %.2f per account", plural(total, "alert", "alerts"), plural(s.Accounts, "account", "accounts"), s.Since.Format(time.DateOnly), rate)
	if s.Budget > 0 {
		fmt.Fprintf(&b, ", %.0f %% of the budget of %g per account and month", 100*rate/s.Budget, s.Budget)
	} else {
		b.WriteString("; no budget is set")
	}
	fmt.Fprintf(&b, "; %d held back\n\n", held)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SHARE\tALERTS\tPER ACCOUNT\tHELD BACK\tRULE")
	for i := range s.Rules {
		r := &s.Rules[i]
		share := "–"
		if r.Share > 0 {
			share = fmt.Sprintf("%.3g", r.Share)
		}
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%d\t%s\n", share, r.Alerts, r.Rate, r.Held, r.Title)
	}
	if len(s.Account) > 0 {
		fmt.Fprintln(w, "\nALERTS\tHELD BACK\tACCOUNT")
		for _, a := range s.Account {
			fmt.Fprintf(w, "%d\t%d\t%s\n", a.Alerts, a.Held, a.Account)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(out, b.String())
	return err
}
