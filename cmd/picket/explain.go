package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/file"
	"github.com/picketd/picket/rules"
)

type explainCmd struct {
	Rule   string   `arg:"" name:"rule|alert" help:"Name, id or title of a rule; or number (PK-1A2B3C) or id of an alert, without an activity."`
	Event  string   `arg:"" optional:"" help:"File with one activity as JSON, - for standard input, or with --in the id of an activity."`
	In     string   `help:"Recorded activity to find the id in: JSON lines, plain or gzip, or an archive." type:"existingfile" placeholder:"FILE"`
	Config string   `short:"c" help:"Configuration whose rules are meant; of an alert, that of the daemon, picket.yaml unless given." type:"path"`
	Rules  []string `help:"Files and folders of rules."`
	Pack   []string `help:"Built-in packs; social unless --rules or --config is given."`
	JSON   bool     `help:"Of an alert: print one JSON object."`
}

// Help is shown below the flags.
func (*explainCmd) Help() string {
	return `With a rule and an activity: why the one matches the other, or does not, node by
node. With an alert: the daemon's journal is replayed up to where it was raised,
by the rules that were in force, and what the rule knew just before is printed
with the reasons and the evidence.`
}

// Run prints what a rule makes of an activity, node by node, or why an alert was
// raised.
func (c *explainCmd) Run(e *env) error {
	if c.Event == "" {
		return c.alert(e)
	}
	if c.JSON {
		return errors.New("--json goes with an alert")
	}
	files, err := c.files(e)
	if err != nil {
		return err
	}
	explainer, err := rules.NewExplainer(files)
	if err != nil {
		fmt.Fprintln(e.errOut, err)
		return errReported
	}
	rule, err := explainer.Find(c.Rule)
	if err != nil {
		return err
	}
	events, err := c.events(e)
	if err != nil {
		return err
	}
	for i := range events {
		a := &events[i]
		x, err := explainer.Explain(rule, a)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(e.out, "%s of %s, %s, id %s\n%s", a.Kind, a.Account, a.Time.UTC().Format("2006-01-02 15:04:05Z"), a.ID, x); err != nil {
			return err
		}
	}
	return nil
}

// files returns the rules that are meant.
func (c *explainCmd) files(e *env) ([]rules.File, error) {
	packs, dirs := c.Pack, c.Rules
	switch {
	case len(packs)+len(dirs) > 0:
	case c.Config == "":
		packs = []string{"social"}
	default:
		cfg, err := config.Load(c.Config, e.getenv)
		if err != nil {
			return nil, err
		}
		packs, dirs = cfg.Rules.Packs, cfg.Rules.Dirs
	}
	return app.RuleFiles(packs, dirs)
}

// events returns the activity that is meant; several where several kinds of
// activity have the id.
func (c *explainCmd) events(e *env) ([]activity.Activity, error) {
	if c.In != "" {
		return c.find(e)
	}
	name := c.Event
	var data []byte
	var err error
	if name == "-" {
		name = "standard input"
		data, err = io.ReadAll(io.LimitReader(e.in, activity.MaxEncoded+1))
	} else {
		data, err = os.ReadFile(name)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s; to look for an activity by its id, say where with --in", name)
	}
	if err != nil {
		return nil, err
	}
	decoder := activity.Decoder{Strict: true}
	var a activity.Activity
	if err := decoder.Activity(data, &a); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := a.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return []activity.Activity{a}, nil
}

// find looks for an id in recorded activity.
func (c *explainCmd) find(e *env) ([]activity.Activity, error) {
	history, err := file.OpenHistory(e.ctx, c.In, file.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = history.Close() }() // was only read
	var out []activity.Activity
	for {
		a, err := history.Next()
		switch {
		case errors.Is(err, io.EOF) && len(out) == 0:
			return nil, fmt.Errorf("%s: no activity has the id %q", c.In, c.Event)
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			if _, item := errors.AsType[*file.ItemError](err); !item {
				return nil, err
			}
		case a.ID == c.Event:
			out = append(out, a.Clone())
		}
	}
}
