package hijack

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// Table is what all accounts together gave.
type Table struct {
	Accounts int
	Months   float64 // account-months of the second halves
	Alerts   int     // false ones
	// Mean is the mean over the accounts of false alerts per account-month.
	Mean float64
	// Worst is the highest rate of an account whose second half lasted at
	// least LongMonths, and WorstAccount that account; "" where there is none.
	Worst        float64
	WorstAccount string
	Rows         []Row
}

// LongMonths is how long a second half must be for its rate to say something
// about one account, in months.
const LongMonths = 6

// Row is one attack over all accounts.
type Row struct {
	Attack string
	// Texts tells campaign rows apart: "in clear" or "hashed"; "" for others.
	Texts  string
	Played int
	Within [3]Share // by Depths
}

// Share is a part of a number, with its 95 % confidence interval.
type Share struct {
	Count     int
	Value     float64 // 0 to 1; 0 of nothing is 0
	Low, High float64
}

// Rate returns the account's false alerts per account-month.
func (r *Result) Rate() float64 { return float64(r.Alerts) / r.Months }

// Summarise makes the table of some accounts' results. Rows are in the order
// in which their attacks were played; campaigns have a row for texts in clear
// and one for hashed ones.
func Summarise(results []Result) Table {
	t := Table{Accounts: len(results)}
	for i := range results {
		r := &results[i]
		t.Months += r.Months
		t.Alerts += r.Alerts
		t.Mean += r.Rate() / float64(len(results))
		if r.Months >= LongMonths && (t.WorstAccount == "" || r.Rate() > t.Worst) {
			t.Worst, t.WorstAccount = r.Rate(), r.Account
		}
		for k := range r.Attacks {
			t.add(r, &r.Attacks[k])
		}
	}
	for i := range t.Rows {
		row := &t.Rows[i]
		for k := range row.Within {
			row.Within[k] = ShareOf(row.Within[k].Count, row.Played)
		}
	}
	t.Rows = slices.DeleteFunc(t.Rows, func(r Row) bool { return r.Played == 0 })
	return t
}

func (t *Table) add(r *Result, c *Counts) {
	texts := ""
	if c.Campaign {
		texts = "in clear"
		if r.Hashed {
			texts = "hashed"
		}
	}
	i := slices.IndexFunc(t.Rows, func(row Row) bool { return row.Attack == c.Attack && row.Texts == texts })
	if i < 0 {
		i = len(t.Rows)
		t.Rows = append(t.Rows, Row{Attack: c.Attack, Texts: texts})
	}
	t.Rows[i].Played += c.Played
	for k := range c.Within {
		t.Rows[i].Within[k].Count += c.Within[k]
	}
}

// ShareOf returns count of n with the Wilson score interval (Wilson 1927:
// "Probable Inference, the Law of Succession, and Statistical Inference").
// Moments of one account are not quite independent, so that the interval is
// narrower than the truth.
func ShareOf(count, n int) Share {
	if n == 0 {
		return Share{High: 1}
	}
	const z = 1.959964 // 97.5 % of the normal distribution
	size, p := float64(n), float64(count)/float64(n)
	centre := (p + z*z/(2*size)) / (1 + z*z/size)
	half := float64(z / (1 + z*z/size) * math.Sqrt(p*(1-p)/size+z*z/(4*size*size)))
	return Share{Count: count, Value: p, Low: max(0, centre-half), High: min(1, centre+half)}
}

// WriteText writes the table for people.
func (t *Table) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%d accounts, %.0f account-months judged, %d false alerts: mean %.2f per account-month", t.Accounts, t.Months, t.Alerts, t.Mean)
	if t.WorstAccount != "" {
		fmt.Fprintf(w, ", worst %.2f (%s)", t.Worst, t.WorstAccount)
	}
	fmt.Fprint(w, "\n\n")
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tab, "attack\tplayed\t")
	for _, d := range Depths() {
		fmt.Fprintf(tab, "within %d\t95 %%\t", d)
	}
	fmt.Fprintln(tab)
	for i := range t.Rows {
		row := &t.Rows[i]
		name := row.Attack
		if row.Texts != "" {
			name += " (" + row.Texts + ")"
		}
		fmt.Fprintf(tab, "%s\t%d\t", name, row.Played)
		for _, s := range row.Within {
			fmt.Fprintf(tab, "%.1f %%\t%.0f–%.0f\t", 100*s.Value, 100*s.Low, 100*s.High)
		}
		fmt.Fprintln(tab)
	}
	return tab.Flush()
}
