package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
)

type silenceCmd struct {
	Add     silenceAddCmd     `cmd:"" help:"Silence the alerts that matchers match, for 7 days unless told otherwise."`
	Ls      silenceLsCmd      `cmd:"" help:"List silences and maintenance windows, the first to end first."`
	Confirm silenceConfirmCmd `cmd:"" help:"Confirm a silence that takes a second person."`
	Expire  silenceExpireCmd  `cmd:"" help:"End silences now."`
	Preview silencePreviewCmd `cmd:"" help:"Show what matchers match now, and would have matched."`
}

// silencer is what commands about silences work with.
type silencer struct {
	book    silence.Book
	manager *alerting.Manager
	dir     alerting.Directory
	cfg     *config.Config
	done    func()
}

// silencer connects to the daemon's silences and alerts.
func (c withConfig) silencer(e *env) (*silencer, error) {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return nil, err
	}
	nc, err := app.Dial(cfg)
	if err != nil {
		return nil, err
	}
	s := &silencer{dir: app.NewDirectory(cfg), cfg: cfg, done: nc.Close}
	if s.manager, err = managerOn(e, nc, cfg, s.dir); err == nil {
		var js jetstream.JetStream
		if js, err = jetstream.New(nc); err == nil {
			s.book.Now = time.Now
			s.book.Store, err = natspub.OpenSilences(e.ctx, js)
		}
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return s, nil
}

// silencesOn returns what is silenced on a server; on one of an older Picket,
// what the configuration silences.
func silencesOn(e *env, js jetstream.JetStream, cfg *config.Config) (*silence.Set, error) {
	set := new(silence.Set)
	set.SetWindows(cfg.Maintenance)
	store, err := natspub.OpenSilences(e.ctx, js)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return set, nil
	}
	if err != nil {
		return nil, err
	}
	return set, app.FillSilences(e.ctx, store, set)
}

type silenceAddCmd struct {
	Matchers []string `arg:"" sep:"none" help:"What to silence, such as account=x/acme level=~\"low|medium\": all of them must match."`
	actFlags
	From  time.Time     `help:"From when (RFC 3339); at once unless given."`
	Until time.Time     `help:"Until when (RFC 3339)."`
	For   time.Duration `help:"For how long from its start, such as 12h or 14d."`
}

// Run makes a silence and says what it matches now.
func (c *silenceAddCmd) Run(e *env) error {
	m, err := match.Parse(strings.Join(c.Matchers, ","))
	if err != nil {
		return err
	}
	by, err := actor(c.By)
	if err != nil {
		return err
	}
	s, err := c.silencer(e)
	if err != nil {
		return err
	}
	defer s.done()
	one, err := s.book.Add(e.ctx, silence.Request{Matchers: m, Author: by, Reason: c.Reason, Start: c.From, End: c.Until, Span: c.For})
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, standingOf(&one, time.Now()))
	if one.Two {
		fmt.Fprintf(e.out, "It could match critical alerts (level!=\"critical\" would rule them out): somebody else confirms it with picket silence confirm %s\n", one.Number())
	}
	open, recent, err := s.preview(e, m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "matches %s now; would have matched %d in the last 7 days\n", counted(len(open), "open alert"), len(recent))
	return err
}

// standingOf tells a silence in one line.
func standingOf(s *silence.Silence, now time.Time) string {
	until := s.End.UTC().Format(time.RFC3339)
	switch s.State(now) {
	case silence.Awaiting:
		return fmt.Sprintf("%s awaits a second person, until %s: %s", s.Number(), until, s.Matchers)
	case silence.Scheduled:
		return fmt.Sprintf("%s scheduled from %s until %s: %s", s.Number(), s.From().UTC().Format(time.RFC3339), until, s.Matchers)
	case silence.Over:
		return fmt.Sprintf("%s over since %s: %s", s.Number(), until, s.Matchers)
	case silence.Active:
	}
	return fmt.Sprintf("%s active until %s: %s", s.Number(), until, s.Matchers)
}

// counted writes "1 open alert", "2 open alerts".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// preview says which alerts matchers match, see silence.Preview.
func (s *silencer) preview(e *env, m match.Matchers) (open, recent []alerting.Alert, err error) {
	since := time.Now().Add(-silence.PreviewSpan)
	alerts, err := s.manager.List(e.ctx, alerting.Filter{Since: since})
	if err != nil {
		return nil, nil, err
	}
	open, recent = silence.Preview(m, alerts, since)
	return open, recent, nil
}

type silenceLsCmd struct {
	withConfig
	State []string `help:"Only silences in these states." enum:"awaiting,scheduled,active,over" default:"awaiting,scheduled,active"`
	JSON  bool     `help:"Print JSON lines."`
}

// Run lists silences and the windows of the configuration.
func (c *silenceLsCmd) Run(e *env) error {
	s, err := c.silencer(e)
	if err != nil {
		return err
	}
	defer s.done()
	var states []silence.State
	for _, state := range c.State {
		states = append(states, silence.State(state))
	}
	all, err := s.book.List(e.ctx, states...)
	if err != nil {
		return err
	}
	now := time.Now()
	all = append(all, windowsOf(s.cfg.Maintenance, states, now)...)
	if c.JSON {
		enc := json.NewEncoder(e.out)
		for i := range all {
			if err := enc.Encode(&all[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return listSilences(e.out, all, now)
}

// windowsOf returns what maintenance windows are now, or else will be next.
func windowsOf(windows []silence.Window, states []silence.State, now time.Time) []silence.Silence {
	var out []silence.Silence
	for i := range windows {
		one, ok := windows[i].At(now)
		if !ok {
			next := windows[i].Next(now, silence.MaxSpan)
			if len(next) == 0 {
				continue
			}
			one = next[0]
		}
		if slices.Contains(states, one.State(now)) {
			out = append(out, one)
		}
	}
	return out
}

func listSilences(out io.Writer, all []silence.Silence, now time.Time) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "no silences")
		return err
	}
	const form = "2006-01-02 15:04Z"
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SILENCE\tSTATE\tFROM\tUNTIL\tBY\tCONFIRMED\tMATCHERS\tREASON")
	for i := range all {
		s := &all[i]
		number, confirmed := s.Number(), "-"
		if s.Window != "" {
			number = s.Window
		}
		if s.Confirmed != nil {
			confirmed = s.Confirmed.By
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", number, s.State(now), s.From().UTC().Format(form), s.End.UTC().Format(form),
			alerting.Plain(s.Author), alerting.Plain(confirmed), s.Matchers, alerting.Plain(s.Reason))
	}
	return w.Flush()
}

type silenceConfirmCmd struct {
	Silence []string `arg:"" help:"Numbers (SL-1A2B3C) or ids of silences."`
	actFlags
}

// Run confirms silences of somebody else.
func (c *silenceConfirmCmd) Run(e *env) error {
	return c.silences(e, c.Silence, func(s *silencer, id, by string) (silence.Silence, error) {
		return s.book.Confirm(e.ctx, id, by, c.Reason)
	})
}

type silenceExpireCmd struct {
	Silence []string `arg:"" help:"Numbers (SL-1A2B3C) or ids of silences."`
	actFlags
}

// Run ends silences.
func (c *silenceExpireCmd) Run(e *env) error {
	return c.silences(e, c.Silence, func(s *silencer, id, by string) (silence.Silence, error) {
		return s.book.Expire(e.ctx, id, by, c.Reason)
	})
}

// silences does one thing to each silence; one that fails does not stop the
// others.
func (c *actFlags) silences(e *env, references []string, do func(s *silencer, id, by string) (silence.Silence, error)) error {
	by, err := actor(c.By)
	if err != nil {
		return err
	}
	s, err := c.silencer(e)
	if err != nil {
		return err
	}
	defer s.done()
	var faults []error
	for _, reference := range references {
		one, err := s.book.Find(e.ctx, reference)
		if err == nil {
			if one, err = do(s, one.ID, by); err == nil {
				fmt.Fprintln(e.out, standingOf(&one, time.Now()))
			}
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", reference, err))
		}
	}
	return errors.Join(faults...)
}

type silencePreviewCmd struct {
	withConfig
	Matchers []string `arg:"" sep:"none" help:"Matchers as silence add takes them, or the number of a silence (SL-1A2B3C)."`
}

// Run shows what a silence would match.
func (c *silencePreviewCmd) Run(e *env) error {
	s, err := c.silencer(e)
	if err != nil {
		return err
	}
	defer s.done()
	m, err := c.matchers(e, s)
	if err != nil {
		return err
	}
	open, recent, err := s.preview(e, m)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "%s matches %s now\n", m, counted(len(open), "open alert"))
	if silence.Critical(m) {
		fmt.Fprintln(e.out, "could match critical alerts: takes a second person, or level!=\"critical\"")
	}
	if len(open) > 0 {
		if err := listAlerts(e.out, open, s.dir); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.out, "would have matched %s in the last 7 days\n", counted(len(recent), "alert"))
	if len(recent) == 0 {
		return nil
	}
	return listAlerts(e.out, recent, s.dir)
}

func (c *silencePreviewCmd) matchers(e *env, s *silencer) (match.Matchers, error) {
	if len(c.Matchers) == 1 && strings.HasPrefix(strings.ToUpper(c.Matchers[0]), "SL-") {
		one, err := s.book.Find(e.ctx, c.Matchers[0])
		return one.Matchers, err
	}
	return match.Parse(strings.Join(c.Matchers, ","))
}
