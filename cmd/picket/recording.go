package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/cmd/internal/page"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/hijack"
	"github.com/picketd/picket/detector/replay"
)

// What commands share that measure rules on recorded activity.

// recording is embedded by commands that read recorded activity.
type recording struct {
	Files    []string `arg:"" optional:"" name:"file" help:"Recorded activity: JSON lines (plain or .gz), or an X archive (zip or folder)." type:"existingpath"`
	Journal  bool     `help:"Read the daemon's own journal instead of files; needs --config."`
	Config   string   `short:"c" help:"Configuration: its rules, overrides and accounts apply." type:"path"`
	Rules    []string `help:"Folders of rule documents to use instead of the built-in pack." type:"existingdir"`
	Pack     []string `help:"Built-in packs to use; social unless --rules is given."`
	Account  string   `help:"Whose history an X archive is, such as x/acme."`
	Approval []string `name:"approvals" help:"Accounts whose posts need an approval."`
}

// open opens the activity and the rules. One set of rules judges all of it.
func (c *recording) open(e *env) (*input, error) {
	r := replayCmd{
		Files: c.Files, Journal: c.Journal, Since: everything, Config: c.Config, Rules: c.Rules, Pack: c.Pack,
		Account: c.Account, Approval: c.Approval, byOne: true,
	}
	return r.input(e)
}

// histories reads all activity of accounts that publish, what comes twice once.
func histories(ctx context.Context, src replay.Source) ([]*hijack.History, error) {
	by := people{}
	before := map[int]*detector.Duplicates{} // by partition
	for {
		m, err := src.Next(ctx)
		var item *replay.ItemError
		switch {
		case errors.Is(err, io.EOF):
			return by.sorted(), nil
		case errors.As(err, &item):
			continue // told where it was read
		case err != nil:
			return nil, fmt.Errorf("read histories: %w", err)
		case m.Batch == nil:
			continue
		}
		if before[m.Partition] == nil {
			before[m.Partition] = &detector.Duplicates{}
		}
		for i := range m.Batch.Activities {
			if a := &m.Batch.Activities[i]; !before[m.Partition].Seen(a, m.Time) {
				by.add(a)
			}
		}
	}
}

// people gathers histories by account.
type people map[string]*hijack.History

func (p people) add(a *activity.Activity) {
	h := p[a.Account]
	if h == nil {
		h = hijack.NewHistory(a.Account, false, nil)
		p[h.Account] = h
	}
	h.Add(a)
}

// sorted returns the histories by account, those of accounts that published
// nothing left out.
func (p people) sorted() []*hijack.History {
	var out []*hijack.History
	for _, h := range p {
		if h.Sort(); h.Posts() > 0 {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b *hijack.History) int { return cmp.Compare(a.Account, b.Account) })
	return out
}

// donorDays and donorAccounts are how much of a made-up life attackers' posts are
// taken from where there is nobody else.
const (
	donorDays     = 30
	donorAccounts = 6
)

// strangers returns simulated accounts, whose posts an attacker can send where
// there is no other account to take them from: each as it is, for accounts whose
// network names the client of a post, and without its clients, for others.
func strangers() ([]*hijack.History, error) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	world, err := simulate.New(simulate.Config{Seed: 1, Accounts: donorAccounts, Start: start, End: start.AddDate(0, 0, donorDays)})
	if err != nil {
		return nil, fmt.Errorf("simulate attackers: %w", err)
	}
	by, bare := people{}, people{}
	for {
		a, _, ok := world.Next()
		if !ok {
			return slices.Concat(by.sorted(), bare.sorted()), nil
		}
		by.add(&a)
		a.App = ""
		bare.add(&a)
	}
}

// writePage writes a report as a page of its own.
func writePage(path string, p *page.Page) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(p.Write(f), f.Close())
}

// percent writes a share with its interval: "98 % (95–99)".
func percent(s hijack.Share) string {
	return fmt.Sprintf("%.1f %% (%.0f–%.0f)", 100*s.Value, 100*s.Low, 100*s.High)
}

// rowName is an attack as tables name it.
func rowName(r *hijack.Row) string {
	return strings.TrimSuffix(r.Attack+" ("+r.Texts+")", " ()")
}
