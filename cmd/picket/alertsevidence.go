package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/evidence"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
)

type alertsEvidenceCmd struct {
	withConfig
	Alert string `arg:"" help:"Number (PK-1A2B3C) or id of the alert."`
	Out   string `short:"o" help:"Also save them into this folder." type:"path" placeholder:"DIR"`
}

// Run lists the copies of an alert's media, and saves them.
func (c *alertsEvidenceCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return err
	}
	nc, err := app.Dial(cfg)
	if err != nil {
		return err
	}
	defer nc.Close()
	m, err := managerOn(e, nc, cfg, app.NewDirectory(cfg))
	if err != nil {
		return err
	}
	id, err := m.Find(e.ctx, c.Alert)
	if err != nil {
		return err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	var copies []evidence.Copy
	store, err := js.ObjectStore(e.ctx, evidence.Bucket)
	if err == nil {
		copies, err = evidence.List(e.ctx, store, id)
	}
	if err != nil && !errors.Is(err, jetstream.ErrBucketNotFound) { // no daemon has kept any
		return err
	}
	if len(copies) == 0 {
		_, err := fmt.Fprintln(e.out, "no copies")
		return err
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FILE\tTYPE\tBYTES\tKEPT\tPOST\tSHA-256")
	for i := range copies {
		k := &copies[i]
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", k.File(), k.Type, k.Bytes, k.Kept.Format("2006-01-02 15:04Z"), alerting.Plain(k.Post), k.SHA256)
	}
	if err := w.Flush(); err != nil || c.Out == "" {
		return err
	}
	return saveCopies(e.ctx, store, copies, c.Out)
}

// saveCopies writes copies into a folder, over nothing that is there already.
// What several posts show is one file.
func saveCopies(ctx context.Context, store jetstream.ObjectStore, copies []evidence.Copy, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	saved := map[string]bool{}
	for i := range copies {
		if saved[copies[i].SHA256] {
			continue
		}
		saved[copies[i].SHA256] = true
		data, err := evidence.Read(ctx, store, &copies[i])
		if err != nil {
			return err
		}
		f, err := os.OpenFile(filepath.Join(dir, copies[i].File()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// keptOn counts the copies that the daemon behind js keeps.
func keptOn(js jetstream.JetStream) func(context.Context, *alerting.Alert) int {
	return func(ctx context.Context, a *alerting.Alert) int {
		store, err := js.ObjectStore(ctx, evidence.Bucket)
		if err != nil { // none is kept, or nobody knows
			return 0
		}
		return evidence.Count(ctx, store, a)
	}
}
