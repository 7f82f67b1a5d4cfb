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
	missing := map[string]bool{}
	for _, name := range names {
		missing[name] = true
	}
	if cfg != nil {
		for i := range cfg.Accounts {
			delete(missing, cfg.Accounts[i].Name)
		}
	}
	if len(missing) == 0 {
		return src
	}
	return approving{src, missing}
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
	names := strings.Join(slices.Sorted(maps.Keys(a.missing)), ", ")
	if len(a.missing) == 1 {
		return m, fmt.Errorf("--approvals %s: no activity is of it, and no configuration names it", names)
	}
	return m, fmt.Errorf("--approvals %s: no activity is of them, and no configuration names them", names)
}

// Partitions implements replay.Parted.
func (a approving) Partitions() int { return replay.Partitions(a.Source) }

// Since implements replay.Dated.
func (a approving) Since() time.Time { return replay.Since(a.Source) }
