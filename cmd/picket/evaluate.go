package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/picketd/picket/cmd/internal/page"
	"github.com/picketd/picket/detector/evaluate"
	"github.com/picketd/picket/detector/hijack"
)

type evaluateCmd struct {
	recording
	Donors  []string `help:"Recorded activity of other accounts, whose posts attackers send; the other accounts of the evaluated activity, or simulated ones, unless given." type:"existingpath" placeholder:"FILE" sep:"none"`
	Moments int      `help:"How often each attack is played on each account." default:"40"`
	Seed    uint64   `help:"Chooses moments and words; the same seed plays the same attacks." default:"1"`
	JSON    bool     `help:"Print one JSON object."`
	HTML    string   `help:"Write a page with plots to this file." placeholder:"FILE" type:"path"`
}

// maxMoments bounds how often an attack is played on each account: all of them are
// prepared beforehand, some 80 KB a moment.
const maxMoments = 1000

// Help is shown below the flags.
func (*evaluateCmd) Help() string {
	return `How would these rules have caught a takeover of your accounts? The history of
each account is judged in order, as the daemon would have. In its second half,
attacks are played on copies of what the rules knew at that moment: another
account's posts (splice) or the words of documented hijacks (campaign), both
also with the account's own client and hours (mimic), its own next posts from a
client that it never used, at its least used hour, or all at once. Alerts on its
real posts of the second half are counted as false.

An account needs more than 330 posts over more than two months.`
}

// Run plays attacks on recorded accounts and prints what the rules noticed.
func (c *evaluateCmd) Run(e *env) error {
	if c.Moments < 1 || c.Moments > maxMoments {
		return fmt.Errorf("--moments %d: expected 1 to %d", c.Moments, maxMoments)
	}
	in, err := c.open(e)
	if err != nil {
		return err
	}
	defer in.close()
	all, err := histories(e.ctx, in.src)
	if err != nil {
		return err
	}
	p := hijack.Standard()
	p.Moments, p.Seed = c.Moments, c.Seed
	donors, err := c.donors(e)
	if err != nil {
		return err
	}
	started := time.Now()
	report, err := evaluate.Run(e.ctx, in.plan, p, all, donors)
	if err != nil {
		return err
	}
	if c.HTML != "" {
		if err := writePage(c.HTML, evaluatePage(&report, &p)); err != nil {
			return err
		}
	}
	if c.JSON {
		err = json.NewEncoder(e.out).Encode(evaluated(&report, &p))
	} else {
		err = evaluateText(e.out, &report)
	}
	fmt.Fprintf(e.errOut, "%.2f s\n", time.Since(started).Seconds()) // not on standard output, which the same input makes the same
	return err
}

// donors returns whose posts attackers send.
func (c *evaluateCmd) donors(e *env) (evaluate.Donors, error) {
	out := evaluate.Donors{Made: sync.OnceValues(strangers)}
	if len(c.Donors) == 0 {
		return out, nil
	}
	in, err := (&recording{Files: c.Donors}).open(e)
	if err != nil {
		return out, err
	}
	defer in.close()
	if out.Named, err = histories(e.ctx, in.src); err != nil {
		return out, err
	}
	if len(out.Named) == 0 {
		return out, fmt.Errorf("--donors: no posts in %s; name histories of accounts that publish", strings.Join(c.Donors, ", "))
	}
	return out, nil
}

// evaluateText writes the tables for a person.
func evaluateText(out io.Writer, r *evaluate.Report) error {
	var b strings.Builder
	if err := r.Table.WriteText(&b); err != nil {
		return err
	}
	b.WriteByte('\n')
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "account\tmonths\tfalse\tper month\t")
	names := attackNames(r)
	for _, name := range names {
		fmt.Fprintf(w, "%s\t", name)
	}
	fmt.Fprintln(w)
	for i := range r.Accounts {
		a := &r.Accounts[i]
		fmt.Fprintf(w, "%s\t%.1f\t%d\t%.2f\t", a.Account, a.Months, a.Alerts, a.Rate())
		for _, name := range names {
			fmt.Fprintf(w, "%s\t", withinTen(a, name))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	b.WriteString("(noticed within ten posts)\n")
	for i, rule := range r.Rules {
		if i == 0 {
			b.WriteString("\nfalse alerts by rule\n")
		}
		fmt.Fprintf(&b, "%5d  %s\n", rule.Alerts, rule.Rule.Title)
	}
	if len(r.Short) > 0 {
		fmt.Fprintf(&b, "\ntoo short to be judged: %s\n", strings.Join(r.Short, ", "))
	}
	if len(r.Made) > 0 {
		fmt.Fprintf(&b, "\n%s\n", simulated(r))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// simulated says whose attackers sent made-up posts.
func simulated(r *evaluate.Report) string {
	on := ""
	if len(r.Made) < len(r.Accounts) {
		on = " on " + strings.Join(r.Made, ", ")
	}
	return "The attackers' posts" + on + " are simulated: name histories of other accounts with --donors to have real ones."
}

// attackNames returns the attacks that were played, in their order.
func attackNames(r *evaluate.Report) []string {
	var out []string
	seen := map[string]bool{}
	for i := range r.Table.Rows {
		if name := r.Table.Rows[i].Attack; !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

// withinTen is how much of an attack was noticed on an account within ten posts.
func withinTen(a *evaluate.Result, attack string) string {
	for i := range a.Attacks {
		if c := &a.Attacks[i]; c.Attack == attack && c.Played > 0 {
			return fmt.Sprintf("%.0f %%", 100*float64(c.Within[len(c.Within)-1])/float64(c.Played))
		}
	}
	return "–"
}

// evaluatedJSON is the report for programs. Shares are from 0 to 1, with 95 %
// confidence intervals.
type evaluatedJSON struct {
	Moments  int               `json:"moments"`
	Seed     uint64            `json:"seed"`
	Months   float64           `json:"account_months"`
	False    int               `json:"false_alerts"`
	Mean     float64           `json:"false_per_account_month"` // mean over accounts
	Worst    float64           `json:"worst_per_month,omitempty"`
	WorstOf  string            `json:"worst_account,omitempty"`
	Attacks  []attackJSON      `json:"attacks"`
	Accounts []accountJSON     `json:"accounts"`
	Rules    []falseByRuleJSON `json:"false_by_rule"`
	Short    []string          `json:"too_short,omitempty"`
	Made     []string          `json:"attacked_with_simulated_posts,omitempty"` // accounts
}

type attackJSON struct {
	Attack string      `json:"attack"`
	Played int         `json:"played"`
	Within []shareJSON `json:"within"`
}

type shareJSON struct {
	Posts int     `json:"posts"`
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

type accountJSON struct {
	Account string       `json:"account"`
	Months  float64      `json:"months"`
	Posts   int          `json:"posts"`
	False   int          `json:"false_alerts"`
	Rate    float64      `json:"false_per_month"`
	Attacks []attackJSON `json:"attacks"`
}

type falseByRuleJSON struct {
	Rule   string `json:"rule"`
	Title  string `json:"title"`
	Alerts int    `json:"alerts"`
}

func evaluated(r *evaluate.Report, p *hijack.Protocol) evaluatedJSON {
	out := evaluatedJSON{
		Moments: p.Moments, Seed: p.Seed, Months: r.Table.Months, False: r.Table.Alerts, Mean: r.Table.Mean,
		Worst: r.Table.Worst, WorstOf: r.Table.WorstAccount, Rules: []falseByRuleJSON{}, Short: r.Short, Made: r.Made,
	}
	for i := range r.Table.Rows {
		row := &r.Table.Rows[i]
		out.Attacks = append(out.Attacks, attackOf(rowName(row), row.Played, row.Within))
	}
	for i := range r.Accounts {
		a := &r.Accounts[i]
		one := accountJSON{Account: a.Account, Months: a.Months, Posts: a.Posts, False: a.Alerts, Rate: a.Rate()}
		for _, c := range a.Attacks {
			if c.Played == 0 {
				continue
			}
			var within [3]hijack.Share
			for k := range within {
				within[k] = hijack.ShareOf(c.Within[k], c.Played)
			}
			one.Attacks = append(one.Attacks, attackOf(c.Attack, c.Played, within))
		}
		out.Accounts = append(out.Accounts, one)
	}
	for _, rule := range r.Rules {
		out.Rules = append(out.Rules, falseByRuleJSON{cmp.Or(rule.Rule.Name, rule.Rule.ID), rule.Rule.Title, rule.Alerts})
	}
	return out
}

func attackOf(name string, played int, within [3]hijack.Share) attackJSON {
	out := attackJSON{Attack: name, Played: played}
	for k, depth := range hijack.Depths() {
		out.Within = append(out.Within, shareJSON{depth, within[k].Value, within[k].Low, within[k].High})
	}
	return out
}

// evaluatePage is the report as a page.
func evaluatePage(r *evaluate.Report, p *hijack.Protocol) *page.Page {
	out := &page.Page{
		Title: "How these rules would have caught a takeover",
		Lead: []string{
			fmt.Sprintf("%d accounts, %.0f account-months judged, %d attacks of each kind on each account. %d alerts on real posts: %.2f per account-month on average.",
				r.Table.Accounts, r.Table.Months, p.Moments, r.Table.Alerts, r.Table.Mean),
		},
		Parts: []page.Part{attacksPart(r.Table.Rows), falsePart(r)},
	}
	if r.Table.WorstAccount != "" {
		out.Lead[0] += fmt.Sprintf(" Worst: %.2f (%s), of accounts judged for %d months.", r.Table.Worst, r.Table.WorstAccount, hijack.LongMonths)
	}
	if len(r.Rules) > 0 {
		out.Parts = append(out.Parts, rulesPart(r))
	}
	if len(r.Short) > 0 {
		out.Lead = append(out.Lead, "Too short to be judged: "+strings.Join(r.Short, ", ")+".")
	}
	if len(r.Made) > 0 {
		out.Lead = append(out.Lead, simulated(r))
	}
	return out
}

// rulesPart lists which rules raised the alerts on real posts.
func rulesPart(r *evaluate.Report) page.Part {
	table := &page.Table{Head: []string{"rule", "false alerts"}}
	for _, rule := range r.Rules {
		table.Rows = append(table.Rows, page.Row{Cells: []string{rule.Rule.Title, fmt.Sprint(rule.Alerts)}})
	}
	return page.Part{Title: "False alerts by rule", Table: table}
}

// attacksPart plots and lists what was noticed of each attack.
func attacksPart(rows []hijack.Row) page.Part {
	plot := &page.Plot{X: "attack", Y: "share noticed, with 95 % interval", Top: 1}
	table := &page.Table{Head: []string{"attack", "played"}}
	for k, depth := range hijack.Depths() {
		s := page.Series{Name: fmt.Sprintf("within %d", depth)}
		for i := range rows {
			w := rows[i].Within[k]
			s.Points = append(s.Points, page.Point{Y: w.Value, Low: w.Low, High: w.High})
		}
		plot.Series = append(plot.Series, s)
		table.Head = append(table.Head, s.Name+" "+word(depth, "post", "posts"))
	}
	for i := range rows {
		plot.Names = append(plot.Names, rowName(&rows[i]))
		cells := []string{rowName(&rows[i]), fmt.Sprint(rows[i].Played)}
		for _, w := range rows[i].Within {
			cells = append(cells, percent(w))
		}
		table.Rows = append(table.Rows, page.Row{Cells: cells})
	}
	return page.Part{Title: "Attacks noticed", Plot: plot, Table: table}
}

// falsePart plots and lists the alerts on real posts of each account.
func falsePart(r *evaluate.Report) page.Part {
	plot := &page.Plot{X: "account", Y: "false alerts per month", Limit: 1, Series: []page.Series{{Name: "false alerts per month"}}}
	table := &page.Table{Head: []string{"account", "months", "false alerts", "per month"}}
	names := attackNames(r)
	for _, name := range names {
		table.Head = append(table.Head, name+" within 10")
	}
	for i := range r.Accounts {
		a := &r.Accounts[i]
		plot.Names = append(plot.Names, a.Account)
		plot.Series[0].Points = append(plot.Series[0].Points, page.Point{Y: a.Rate()})
		cells := []string{a.Account, fmt.Sprintf("%.1f", a.Months), fmt.Sprint(a.Alerts), fmt.Sprintf("%.2f", a.Rate())}
		for _, name := range names {
			cells = append(cells, withinTen(a, name))
		}
		table.Rows = append(table.Rows, page.Row{Cells: cells})
	}
	return page.Part{Title: "Alerts on real posts", Note: "The dashed line is one alert per account and month.", Plot: plot, Table: table}
}
