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

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
)

type incidentsCmd struct {
	Ls   incidentsLsCmd   `cmd:"" help:"List incidents, newest first."`
	Show incidentsShowCmd `cmd:"" help:"Show what happened in one, and who was told."`

	Ack     incidentsAckCmd     `cmd:"" help:"Acknowledge all alerts of one that are firing: you are on it."`
	Assign  incidentsAssignCmd  `cmd:"" help:"Make all open alerts of one somebody's matter."`
	Resolve incidentsResolveCmd `cmd:"" help:"Resolve all open alerts of one and say what they were."`
}

// openIncidents connects to the daemon's incidents.
func openIncidents(e *env, path string) (*dispatch.StreamStore, func(), error) {
	cfg, err := config.Load(path, e.getenv)
	if err != nil {
		return nil, nil, err
	}
	nc, err := app.Dial(cfg)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	if err == nil {
		var store *dispatch.StreamStore
		if store, err = dispatch.Open(e.ctx, js); err == nil {
			return store, nc.Close, nil
		}
	}
	nc.Close()
	return nil, nil, err
}

type incidentsLsCmd struct {
	withConfig
	State []string `help:"Only incidents in these states." enum:"firing,acknowledged,resolved" default:"firing,acknowledged"`
	Limit int      `help:"At most so many." default:"100"`
	JSON  bool     `help:"Print JSON lines."`
}

// Run lists incidents.
func (c *incidentsLsCmd) Run(e *env) error {
	store, done, err := openIncidents(e, c.Config)
	if err != nil {
		return err
	}
	defer done()
	heads, err := store.Heads(e.ctx)
	if err != nil {
		return err
	}
	heads = slices.DeleteFunc(heads, func(h dispatch.Head) bool { return !slices.Contains(c.State, string(h.State)) })
	slices.SortFunc(heads, func(a, b dispatch.Head) int { return cmp.Or(b.Opened.Compare(a.Opened), cmp.Compare(a.ID, b.ID)) })
	var records []dispatch.Record
	for _, h := range heads[:min(len(heads), c.Limit)] {
		r, err := store.Get(e.ctx, h.ID)
		if err != nil {
			return err
		}
		records = append(records, r)
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		for i := range records {
			if err := enc.Encode(&records[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return listIncidents(e.out, records)
}

func listIncidents(out io.Writer, records []dispatch.Record) error {
	if len(records) == 0 {
		_, err := fmt.Fprintln(out, "no incidents")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "INCIDENT\tLEVEL\tSTATE\tOPENED\tALERTS\tABOUT\tTOLD\tTITLE")
	for i := range records {
		in := records[i].Incident
		lead := in.Lead()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", in.Number(), in.Level, in.State, in.Opened.UTC().Format("2006-01-02 15:04Z"),
			len(in.Members), lead.Subject, toldOf(&records[i]), marked(in.Drill, lead.Title))
	}
	return w.Flush()
}

// marked says of a title where nothing real is behind it.
func marked(drill, title string) string {
	switch drill {
	case "":
		return title
	case alerting.TestDrill:
		return "TEST: " + title
	}
	return "DRILL: " + title
}

// toldOf names the receivers that know of an incident.
func toldOf(r *dispatch.Record) string {
	var names []string
	for i := range r.Told {
		switch t := &r.Told[i]; {
		case t.N > 0:
			names = append(names, t.Receiver)
		case !t.Held.IsZero():
			names = append(names, t.Receiver+" (summary)")
		case !t.Digest.IsZero():
			names = append(names, t.Receiver+" (digest)")
		}
	}
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ",")
}

type incidentsShowCmd struct {
	withConfig
	Incident string `arg:"" help:"Number (IN-1A2B3C) or id of the incident, or that of the alert that it began with."`
	JSON     bool   `help:"Print the stored state as JSON."`
}

// Run shows one incident.
func (c *incidentsShowCmd) Run(e *env) error {
	store, done, err := openIncidents(e, c.Config)
	if err != nil {
		return err
	}
	defer done()
	id, err := store.Find(e.ctx, c.Incident)
	if err != nil {
		return err
	}
	r, err := store.Get(e.ctx, id)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		enc.SetIndent("", "  ")
		return enc.Encode(&r)
	}
	return showIncident(e.out, &r)
}

func showIncident(out io.Writer, r *dispatch.Record) error {
	in := r.Incident
	const form = "2006-01-02 15:04:05Z"
	fmt.Fprintf(out, "%s  %s %s: %s\n", in.Number(), strings.ToUpper(string(in.Level)), in.State, marked(in.Drill, in.Lead().Title))
	fmt.Fprintf(out, "opened %s", in.Opened.UTC().Format(form))
	if !in.Ended.IsZero() {
		fmt.Fprintf(out, ", ended %s", in.Ended.UTC().Format(form))
	}
	if in.Reopened > 0 {
		fmt.Fprintf(out, ", came again %d times", in.Reopened)
	}
	fmt.Fprintf(out, "\non     %s\ntold   %s\n\n", strings.Join(in.Accounts(), ", "), toldOf(r))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ALERT\tLEVEL\tSTATE\tWHO\tABOUT\tTITLE")
	for i := range in.Members {
		m := &in.Members[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", alerting.Number(m.Alert), m.Level, m.State, cmp.Or(m.By, "-"), m.Subject, m.Title)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for i, entry := range in.Timeline {
		if i == 1 && in.Forgotten > 0 {
			fmt.Fprintf(out, "… %d more\n", in.Forgotten)
		}
		fmt.Fprintln(out, line(entry.At, entry.What, entry.Text, entry.By, entry.Reason))
	}
	return nil
}

func line(at time.Time, what, text, by, reason string) string {
	s := fmt.Sprintf("%s  %-12s  %s", at.UTC().Format("2006-01-02 15:04:05Z"), what, text)
	if by != "" {
		s += " by " + alerting.Name(by)
	}
	if reason != "" {
		s += ": " + alerting.Name(reason)
	}
	return s
}
