package app

import (
	"context"
	"encoding/json"
	"io"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/enrich"
	"github.com/picketd/picket/collectors/enrich/sentiment"
)

// places adds where IP addresses are to everything that comes in, and the
// sentiment of what others say, before it is journaled. Which files tell places
// changes with the configuration.
type places struct {
	enricher atomic.Pointer[enrich.Enricher]
}

// open reads the files of a configuration. One that is absent or damaged is told
// in the log, and taken when it comes.
func (p *places) open(cfg config.Enrich, log *zap.Logger) error {
	e, err := enrich.New(enrich.Config{Location: cfg.Location, ASN: cfg.ASN, Anonymous: cfg.Anonymous, Log: log})
	if err == nil {
		p.enricher.Store(e)
	}
	return err
}

func (p *places) add(activities []activity.Activity) {
	sentiment.Add(activities)
	e := p.enricher.Load()
	if e == nil {
		return
	}
	for i := range activities {
		e.Enrich(&activities[i])
	}
}

// ready says of every configured file, by its use, whether it is in use as it is
// on disk.
func (p *places) ready() map[string]bool {
	ready := map[string]bool{}
	if e := p.enricher.Load(); e != nil {
		for _, f := range e.Status() {
			ready[f.Use] = f.State == enrich.Ready
		}
	}
	return ready
}

// placed is a collector with places added to what it brings. Of a collector
// that leaves out what is of identities that guard nothing it counts them.
type placed struct {
	collectors.Collector
	places *places
	// left returns how many activities the collector has left out so far, and
	// count is told of more; both are nil where it leaves out nothing.
	left  func() uint64
	count func(n int)
	told  uint64
}

// Poll implements collectors.Collector.
func (c *placed) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	page, err := c.Collector.Poll(ctx, cursor)
	c.places.add(page.Activities)
	if c.left != nil {
		left := c.left()
		c.count(int(left - c.told))
		c.told = left
	}
	return page, err
}

// Inner returns the collector behind it.
func (c *placed) Inner() collectors.Collector { return c.Collector }

// Close lets go of what the collector holds open.
func (c *placed) Close() error {
	if closer, ok := c.Collector.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}
