package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
)

// HistoryImport appends the history of one account to the journal. Make one
// with OpenImport, or with LookImport to see only what the journal holds of it.
type HistoryImport struct {
	// Running says that a daemon has the journal open, so that it learns at
	// once what is appended; else the next one does.
	Running bool
	// Unpolled says that the account is polled, but has not been yet: its first
	// poll will read newest posts that an export may hold, too.
	Unpolled bool

	account string
	journal *journal.Journal
	held    *journal.Held
	places  places
	close   []func()
}

// OpenImport opens the journal that cfg names to import the history of an
// account, and reads what it holds of it: through the running daemon, or, where
// none runs, by itself, in which case a journal that is not there yet is made.
// One on an external server must be there.
func OpenImport(ctx context.Context, cfg *config.Config, account string) (*HistoryImport, error) {
	return openImport(ctx, cfg, account, true)
}

// LookImport is OpenImport for whoever appends nothing: a journal that is not
// there yet is not made, and holds nothing.
func LookImport(ctx context.Context, cfg *config.Config, account string) (*HistoryImport, error) {
	return openImport(ctx, cfg, account, false)
}

func openImport(ctx context.Context, cfg *config.Config, account string, create bool) (*HistoryImport, error) {
	h := &HistoryImport{account: account, Unpolled: isPolled(cfg, account)}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "jetstream")); cfg.NATS.Embedded() && errors.Is(err, fs.ErrNotExist) && !create {
		return h, nil
	}
	if err := h.open(ctx, cfg, create); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

func (h *HistoryImport) open(ctx context.Context, cfg *config.Config, create bool) error {
	nc, err := h.connect(cfg)
	if err != nil {
		return err
	}
	h.close = append(h.close, nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	jcfg := journal.Config{
		Partitions: cfg.Journal.Partitions, Replicas: cfg.Journal.Replicas,
		Retention: journal.Retention(cfg.Journal.Retention), MaxBytes: cfg.Journal.MaxBytes, Log: zap.NewNop(),
	}
	if cfg.NATS.Embedded() {
		jcfg.Room = (&disk{path: cfg.DataDir, reserve: cfg.Journal.Reserve, log: zap.NewNop()}).room
	}
	if create && !h.Running {
		h.journal, err = journal.Open(ctx, js, jcfg, nil)
	} else if h.journal, err = journal.OpenBeside(ctx, js, jcfg); errors.Is(err, jetstream.ErrStreamNotFound) {
		if !create {
			return nil
		}
		err = fmt.Errorf("%w: has `picket run` run with this configuration?", err)
	}
	if err != nil {
		return err
	}
	h.close = append(h.close, h.journal.Close)
	if err := h.checkCursor(ctx); err != nil {
		return err
	}
	h.held = h.journal.Held(h.account)
	if err := h.places.open(cfg.Enrich, zap.NewNop()); err != nil {
		return err
	}
	return h.held.Update(ctx)
}

// connect reaches the server of a running daemon, or starts one over its data
// directory, without a listener.
func (h *HistoryImport) connect(cfg *config.Config) (*nats.Conn, error) {
	h.Running = true
	if !cfg.NATS.Embedded() {
		return connectExternal(cfg)
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	unlock, err := lock(cfg.DataDir)
	if err != nil {
		return Dial(cfg) // a daemon has it
	}
	h.Running = false
	h.close = append(h.close, unlock)
	embedded, err := StartEmbedded(EmbeddedOptions{
		DataDir: cfg.DataDir, Listen: "off", Power: cfg.Journal.Durability == config.Power, Log: zap.NewNop(),
	})
	if err != nil {
		return nil, err
	}
	h.close = append(h.close, embedded.Close)
	return embedded.Connect()
}

// checkCursor refuses an account that is polled and whose last message retention
// has taken: a daemon then goes on from the cursor that its checkpoint keeps, as
// long as nothing else stands at the head of the account's log.
func (h *HistoryImport) checkCursor(ctx context.Context) error {
	if !h.Unpolled {
		return nil
	}
	log, err := h.journal.Open(ctx, h.account)
	if err != nil {
		return err
	}
	cp, err := log.Checkpoint(ctx)
	if err != nil {
		return err
	}
	polled, err := cp.Polled()
	if err != nil {
		return err
	}
	h.Unpolled = !polled
	head, err := h.journal.Head(ctx, h.journal.Partition(h.account))
	if err != nil {
		return err
	}
	if cp.LastTime.IsZero() && head.First > 1 {
		return fmt.Errorf("the journal no longer holds where polling of %s stands: let `picket run` poll it once, then import", h.account)
	}
	return nil
}

func isPolled(cfg *config.Config, account string) bool {
	return slices.ContainsFunc(cfg.Accounts, func(a config.Account) bool { return a.Name == account && a.Credential != "" })
}

// Covers reports whether an activity whose export does not tell its id is of a
// time of which the journal holds others of the account; see journal.Held.
func (h *HistoryImport) Covers(a *activity.Activity) bool { return h.held != nil && h.held.Covers(a) }

// Has reports whether the journal holds an activity of the account, or covers it.
func (h *HistoryImport) Has(a *activity.Activity) bool { return h.held != nil && h.held.Has(a) }

// Newest returns when the newest activity of a class happened that the journal
// holds of the account, zero if it holds none.
func (h *HistoryImport) Newest(c activity.Class) time.Time {
	if h.held == nil {
		return time.Time{}
	}
	return h.held.Newest(c)
}

// Append appends a history to what OpenImport opened, with places and sentiment as of what is polled; see
// collectors.Import.
func (h *HistoryImport) Append(ctx context.Context, next func() (activity.Activity, error), progress func(int)) (collectors.Imported, error) {
	log, err := h.journal.Open(ctx, h.account)
	if err != nil {
		return collectors.Imported{}, err
	}
	return collectors.Import(ctx, collectors.Importing{
		Account: h.account, Log: log, Held: h.held, Now: time.Now, Progress: progress,
		Next: func() (activity.Activity, error) {
			a, err := next()
			if err != nil {
				return a, err
			}
			one := [1]activity.Activity{a}
			h.places.add(one[:])
			return one[0], nil
		},
	})
}

// Close lets go of everything, in reverse order.
func (h *HistoryImport) Close() {
	for _, v := range slices.Backward(h.close) {
		v()
	}
	h.close = nil
}
