package hijack_test

import (
	"bufio"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/activity/recordedtest"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/evaluate"
	"github.com/picketd/picket/detector/hijack"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

var all = flag.Bool("all", false, "TestBesideCOMPA plays the whole protocol on all recorded accounts and prints the tables")

// recorded reads recorded accounts, by the names of their files without the ending.
func recorded(t *testing.T, names ...string) []*hijack.History {
	t.Helper()
	dir := recordedtest.Path(t, "data/accounts")
	var out []*hijack.History
	for _, name := range names {
		files, err := filepath.Glob(filepath.Join(dir, name+".jsonl.gz"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no recorded account %s (%v)", name, err)
		}
		for _, file := range files {
			out = append(out, read(t, file))
		}
	}
	return out
}

// read reads one account. Words of persons are hashed.
func read(t *testing.T, file string) *hijack.History {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var did []activity.Activity
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a activity.Activity
		if err := a.UnmarshalJSON(lines.Bytes()); err != nil {
			t.Fatal(err)
		}
		did = append(did, a)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return hijack.NewHistory(did[0].Account, strings.HasPrefix(filepath.Base(file), "person"), did)
}

// scripts prepares the attacks on those of some histories that are long enough,
// as evaluate.Run does: each may be sent the posts of any other. The same scripts
// are played on every detector.
func scripts(t *testing.T, p hijack.Protocol, histories []*hijack.History) (out []*hijack.Script, accounts []string) {
	t.Helper()
	long := slices.DeleteFunc(slices.Clone(histories), func(h *hijack.History) bool { return !p.Long(h) })
	for _, h := range long {
		script, err := p.Write(h, long)
		if err != nil {
			t.Fatal(err)
		}
		out, accounts = append(out, script), append(accounts, h.Account)
	}
	return out, accounts
}

// rated plays scripts on COMPA.
func rated(scripts []*hijack.Script, budget float64) []hijack.Result {
	subjects := make([]hijack.Subject, len(scripts))
	for i := range subjects {
		subjects[i] = newCOMPA(budget)
	}
	return hijack.Play(scripts, subjects)
}

// watched plays scripts on one engine with the built-in rules, as picket evaluate
// does, or with that of the profile alone.
func watched(t *testing.T, scripts []*hijack.Script, accounts []string, alone bool) []hijack.Result {
	t.Helper()
	files, err := packs.Load("social")
	if err != nil {
		t.Fatal(err)
	}
	set := detector.Set{Rules: files}
	plan, err := detector.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	if alone {
		for _, r := range plan.Rules() {
			if !r.Silent && r.Type != rules.TypeProfile {
				set.Overrides = append(set.Overrides, detector.Override{Rule: r.ID, Mode: rules.Off})
			}
		}
		if plan, err = detector.Compile(set); err != nil {
			t.Fatal(err)
		}
	}
	engine := evaluate.NewEngine(plan)
	subjects := make([]hijack.Subject, len(scripts))
	for i, name := range accounts {
		subjects[i] = engine.Account(name)
	}
	results := hijack.Play(scripts, subjects)
	if err := engine.Err(); err != nil {
		t.Fatal(err)
	}
	return results
}

// halfOf returns every other account: the first half, for which the profile's numbers
// were searched for, or with 1 the other one.
func halfOf(results []hijack.Result, first int) (out []hijack.Result) {
	for i := first; i < len(results); i += 2 {
		out = append(out, results[i])
	}
	return out
}

// column is what one detector reached.
type column struct {
	name  string
	table hijack.Table
}

// beside writes tables beside each other. They are of the same attacks.
func beside(columns ...column) string {
	var b strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&b, "%s: %d accounts, %.0f account-months, %d false alerts: mean %.2f per account-month, worst %.2f (%s)\n",
			c.name, c.table.Accounts, c.table.Months, c.table.Alerts, c.table.Mean, c.table.Worst, c.table.WorstAccount)
	}
	b.WriteByte('\n')
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "within 1 / 3 / 10 posts, %\tplayed\t")
	for _, c := range columns {
		fmt.Fprintf(w, "%s\t", c.name)
	}
	fmt.Fprintln(w)
	for i, row := range columns[0].table.Rows {
		fmt.Fprintf(w, "%s\t%d\t", strings.TrimSuffix(row.Attack+" ("+row.Texts+")", " ()"), row.Played)
		for _, c := range columns {
			in := c.table.Rows[i].Within
			fmt.Fprintf(w, "%.1f / %.1f / %.1f\t", 100*in[0].Value, 100*in[1].Value, 100*in[2].Value)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}

// TestBesideCOMPA plays the same attacks at the same moments on the built-in
// rules and on COMPA, by the same player. With -all it prints the tables of all
// recorded accounts, of COMPA also with the budget that gives it no fewer false
// alerts than the profile has, and those of both halves of the accounts; without, a
// few keep COMPA as it was measured.
func TestBesideCOMPA(t *testing.T) {
	p := hijack.Standard()
	names := []string{"*"}
	if !*all {
		p.Moments = 5
		names = []string{"bizweekgraphics", "person01", "person07"}
	}
	histories := recorded(t, names...)
	played, accounts := scripts(t, p, histories)
	byCOMPA := rated(played, 1)
	alone := watched(t, played, accounts, true)
	compa, profile := hijack.Summarise(byCOMPA), hijack.Summarise(alone)
	if *all {
		p.Attacks = nil
		calm, _ := scripts(t, p, histories)
		together, budget := watched(t, played, accounts, false), 1.0
		for hijack.Summarise(rated(calm, budget)).Mean < profile.Mean {
			budget += 0.05
		}
		t.Log("\n" + beside(
			column{"profile", profile}, column{"all rules", hijack.Summarise(together)},
			column{"COMPA", compa}, column{fmt.Sprintf("COMPA with %.2f", budget), hijack.Summarise(rated(played, budget))},
		))
		for half, name := range []string{"the half that numbers were searched for on", "the other half"} {
			t.Log("\n" + name + "\n" + beside(
				column{"all rules", hijack.Summarise(halfOf(together, half))}, column{"COMPA", hijack.Summarise(halfOf(byCOMPA, half))},
			))
		}
		return
	}
	t.Log("\n" + beside(column{"profile", profile}, column{"COMPA", compa}))
	got := map[string][4]int{}
	for i, row := range compa.Rows {
		if profile.Rows[i].Attack != row.Attack || profile.Rows[i].Played != row.Played {
			t.Errorf("%d of %s on COMPA, %d of %s on the profile", row.Played, row.Attack, profile.Rows[i].Played, profile.Rows[i].Attack)
		}
		w := row.Within
		got[row.Attack+" "+row.Texts] = [4]int{row.Played, w[0].Count, w[1].Count, w[2].Count}
	}
	want := map[string][4]int{
		"splice ": {15, 3, 4, 7}, "splice-mimic ": {15, 0, 0, 1}, "client-switch ": {15, 4, 4, 9}, "odd-hour ": {15, 0, 0, 1}, "burst ": {15, 0, 0, 1},
		"campaign in clear": {5, 1, 1, 1}, "campaign-mimic in clear": {5, 0, 0, 0}, "campaign hashed": {10, 1, 1, 1}, "campaign-mimic hashed": {10, 0, 0, 0},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("played, and noticed by COMPA within 1, 3 and 10 posts (-want +got):\n%s", d)
	}
	if compa.Alerts != 111 {
		t.Errorf("COMPA has %d false alerts, want 111 in 120 account-months", compa.Alerts)
	}
}
