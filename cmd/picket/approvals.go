package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/file"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
)

// approve has the posts of accounts need an approval, beside what a
// configuration says of these accounts.
func approve(accounts []detector.Account, names []string) []detector.Account {
	for _, name := range names {
		i := slices.IndexFunc(accounts, func(a detector.Account) bool { return a.Name == name })
		if i < 0 {
			accounts = append(accounts, detector.Account{Name: name, Approvals: true})
			continue
		}
		accounts[i].Approvals = true
	}
	return accounts
}

// approving is a source that ends with an error where accounts of --approvals
// were nowhere: a name that is spelt wrong would find nothing, silently.
type approving struct {
	replay.Source
	missing map[string]bool
}

// withApprovals returns src, watched for the accounts of --approvals that cfg,
// which may be nil, does not name.
func withApprovals(src replay.Source, names []string, cfg *config.Config) replay.Source {
	missing := unconfigured(names, cfg)
	if len(missing) == 0 {
		return src
	}
	return approving{src, missing}
}

// unconfigured returns those of names that cfg, which may be nil, does not name.
func unconfigured(names []string, cfg *config.Config) map[string]bool {
	missing := map[string]bool{}
	for _, name := range names {
		missing[name] = true
	}
	if cfg != nil {
		for i := range cfg.Accounts {
			delete(missing, cfg.Accounts[i].Name)
		}
	}
	return missing
}

// seekApprovals looks through files for the accounts of --approvals, so that one
// that is nowhere is told of before a long replay rather than after it. It reads
// until all are found.
func seekApprovals(ctx context.Context, files []string, account string, missing map[string]bool) error {
	for _, path := range files {
		if len(missing) == 0 {
			return nil
		}
		if err := seekIn(ctx, path, account, missing); err != nil {
			return err
		}
	}
	return nowhere(missing)
}

// seekIn takes the accounts of a file out of missing, until none is left.
func seekIn(ctx context.Context, path, account string, missing map[string]bool) error {
	h, err := file.OpenHistory(ctx, path, file.Options{Account: account})
	if err != nil {
		return err
	}
	defer h.Close()
	for len(missing) > 0 {
		a, err := h.Next()
		_, unreadable := errors.AsType[*file.ItemError](err)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			delete(missing, a.Account)
		case errors.Is(err, io.EOF):
			return nil
		case !unreadable: // one is told of by the replay
			return err
		}
	}
	return nil
}

// nowhere tells of accounts of --approvals that are nowhere; nil for none.
func nowhere(missing map[string]bool) error {
	names := strings.Join(slices.Sorted(maps.Keys(missing)), ", ")
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("--approvals %s: no activity is of it, and no configuration names it", names)
	}
	return fmt.Errorf("--approvals %s: no activity is of them, and no configuration names them", names)
}

// Next implements replay.Source.
func (a approving) Next(ctx context.Context) (replay.Message, error) {
	m, err := a.Source.Next(ctx)
	if m.Batch != nil && len(a.missing) > 0 {
		for i := range m.Batch.Activities {
			delete(a.missing, m.Batch.Activities[i].Account)
		}
	}
	if !errors.Is(err, io.EOF) || len(a.missing) == 0 {
		return m, err
	}
	return m, nowhere(a.missing)
}

// Partitions implements replay.Parted.
func (a approving) Partitions() int { return replay.Partitions(a.Source) }

// Since implements replay.Dated.
func (a approving) Since() time.Time { return replay.Since(a.Source) }
