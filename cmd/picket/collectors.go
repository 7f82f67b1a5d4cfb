package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
)

type collectorsCmd struct {
	withConfig
	Source  string `arg:"" optional:"" help:"One account or source, such as x/acme or okta/acme; all unless given."`
	Network string `help:"Only those of this network."`
	Failing bool   `help:"Only those that are not read as they should be."`
	JSON    bool   `help:"Print JSON: collectors, with whole cursors, and credentials."`
}

// Run asks the daemons how polled accounts and sources are doing.
func (c *collectorsCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return err
	}
	nc, err := app.Dial(cfg)
	if err != nil {
		return err
	}
	defer nc.Close()
	all, credentials, err := app.AskCollectors(e.ctx, nc, app.CollectorsRequest{Source: c.Source, Network: c.Network, Failing: c.Failing})
	switch {
	case err != nil:
		return err
	case len(all) == 0 && c.Source != "" && !c.Failing && c.Network == "":
		return fmt.Errorf("%s: the daemon does not poll it: expected an account that has a credential, or collector and name of a source such as okta/acme", c.Source)
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			Collectors  []app.CollectorStatus  `json:"collectors"`
			Credentials []app.CredentialStatus `json:"credentials"`
		}{all, credentials})
	}
	if len(all) == 0 && c.Failing {
		_, err := fmt.Fprintln(e.out, "none is failing")
		return err
	}
	_, err = io.WriteString(e.out, collectorsText(all, credentials, time.Now()))
	return err
}

// collectorsText words how collectors are doing for a person: a line for each,
// what is wrong with some, and what is left of their credentials.
func collectorsText(all []app.CollectorStatus, credentials []app.CredentialStatus, now time.Time) string {
	if len(all) == 0 {
		return "nothing is polled\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tSTATE\tLAST OK\tLAG\tNEXT\tCREDENTIAL\tCURSOR")
	for i := range all {
		c := &all[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Source, c.State, ago(c.LastOK, now), lagOf(c), nextOf(c, now), or(c.Credential), shortCursor(c.Cursor))
	}
	_ = w.Flush() // into memory
	for i := range all {
		writeFault(&b, &all[i], now)
	}
	writeCredentials(&b, credentials, now)
	return b.String()
}

// writeFault tells what is wrong with one, and what mends it.
func writeFault(b *strings.Builder, c *app.CollectorStatus, now time.Time) {
	if !c.Failing() {
		return
	}
	fmt.Fprintf(b, "\n%s is %s", c.Source, c.State)
	if c.Since != nil {
		fmt.Fprintf(b, " since %s, for %s", c.Since.Format("2006-01-02 15:04Z"), span(now.Sub(*c.Since)))
	}
	b.WriteString("\n")
	if c.Error != "" {
		fmt.Fprintf(b, "  %s: %s\n", ago(c.ErrorAt, now), c.Error)
	}
	if c.Held != nil {
		fmt.Fprintf(b, "  its credential waits until %s\n", c.Held.Format("2006-01-02 15:04:05Z"))
	}
	if c.Mend != "" {
		fmt.Fprintf(b, "  → %s\n", c.Mend)
	}
}

// writeCredentials tells what is left of each quota.
func writeCredentials(b *strings.Builder, credentials []app.CredentialStatus, now time.Time) {
	var lines []string
	for i := range credentials {
		c := &credentials[i]
		for _, q := range c.Quotas {
			left := fmt.Sprint(q.Remaining)
			if q.Limit > 0 {
				left = fmt.Sprintf("%d of %d", q.Remaining, q.Limit)
			}
			lines = append(lines, fmt.Sprintf("%s\t%s\t%s\t%s", c.Name, quotaName(q.Endpoint), left, until(q.Reset, now)))
		}
		if c.Dollars > 0 {
			lines = append(lines, fmt.Sprintf("%s\tdollars\t$%.2f of $%.2f\t%s", c.Name, max(0, c.Dollars-spentIn(c, now)), c.Dollars, until(nextMonth(now), now)))
		}
	}
	if len(lines) == 0 {
		return
	}
	b.WriteString("\n")
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CREDENTIAL\tQUOTA\tLEFT\tANEW")
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
	_ = w.Flush() // into memory
}

func quotaName(endpoint string) string {
	switch endpoint {
	case "":
		return "requests"
	case "configured":
		return "requests, as configured"
	}
	return endpoint
}

// spentIn is what was spent in the month that now is in: a sum of another is
// over.
func spentIn(c *app.CredentialStatus, now time.Time) float64 {
	if c.Month != now.UTC().Format("2006-01") {
		return 0
	}
	return c.Spent
}

func nextMonth(now time.Time) *time.Time {
	now = now.UTC()
	next := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	return &next
}

// ago is how long a time is past, "never" for none.
func ago(t *time.Time, now time.Time) string {
	if t == nil {
		return "never"
	}
	return span(now.Sub(*t)) + " ago"
}

// until is how far a time is ahead, a dash for none.
func until(t *time.Time, now time.Time) string {
	switch {
	case t == nil:
		return "-"
	case !t.After(now):
		return "now"
	}
	return "in " + span(t.Sub(now))
}

func nextOf(c *app.CollectorStatus, now time.Time) string {
	switch {
	case c.State == "standby":
		return "-"
	case c.NextPoll == nil:
		return "polls now"
	}
	return until(c.NextPoll, now)
}

func lagOf(c *app.CollectorStatus) string {
	if c.Lag == nil {
		return "-"
	}
	return span(time.Duration(*c.Lag * float64(time.Second)))
}

// span is a duration in its two largest units at most: "3d 4h", "12s".
func span(d time.Duration) string {
	d = max(0, d)
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return two(int(d.Minutes()), "m", int(d.Seconds())%60, "s")
	case d < 24*time.Hour:
		return two(int(d.Hours()), "h", int(d.Minutes())%60, "m")
	}
	return two(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
}

func two(a int, unit string, b int, lesser string) string {
	if b == 0 {
		return fmt.Sprint(a, unit)
	}
	return fmt.Sprint(a, unit, " ", b, lesser)
}

func or(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// cursorWidth is how much of a cursor a line has room for, in characters.
const cursorWidth = 48

// shortCursor writes the beginning of a cursor as key=value, with keys of
// objects in objects joined by dots.
func shortCursor(cursor json.RawMessage) string {
	if len(cursor) == 0 {
		return "-"
	}
	dec := json.NewDecoder(bytes.NewReader(cursor))
	dec.UseNumber() // ids are longer than a float is exact
	var v any
	if err := dec.Decode(&v); err != nil {
		return "not JSON"
	}
	var parts []string
	flatten("", v, &parts)
	text := []rune(strings.Join(parts, " "))
	switch {
	case len(text) == 0:
		return "-"
	case len(text) > cursorWidth:
		return string(text[:cursorWidth-1]) + "…"
	}
	return string(text)
}

func flatten(name string, v any, parts *[]string) {
	switch v := v.(type) {
	case map[string]any:
		if name != "" {
			name += "."
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			flatten(name+key, v[key], parts)
		}
		return
	case []any:
		*parts = append(*parts, strings.TrimPrefix(name+"="+plural(len(v), "item", "items"), "="))
		return
	case string:
		*parts = append(*parts, strings.TrimPrefix(name+"="+readable(v), "="))
		return
	}
	*parts = append(*parts, strings.TrimPrefix(fmt.Sprintf("%s=%v", name, v), "="))
}

// readable takes from a text what would spoil a terminal or a table.
func readable(text string) string {
	return strings.Trim(strconv.Quote(text), `"`)
}
