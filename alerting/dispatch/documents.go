package dispatch

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/picketd/picket/alerting/notify"
)

// Document is something to be stored: one of the three.
type Document struct {
	Record *Record
	Desk   *Desk
	Mark   uint64 // of the alert store, where the others are nil
}

// Stored is what a Store holds that may still change.
type Stored struct {
	Records []Record // those that are not closed
	Desks   []Desk
	Mark    uint64
	// Created is when the store was made: what was over by then was never its
	// matter.
	Created time.Time
	// Fence is what the next Put must give.
	Fence uint64
	// Lost are the incidents whose documents cannot be read, with a number that is
	// above how often each was stored, LostDesks the receivers likewise. Unmarked
	// says the same of Mark.
	Lost, LostDesks map[string]uint64
	Unmarked        bool
}

// Store keeps documents. Of several writers only one that has seen everything
// the others wrote can write. It is safe for concurrent use.
type Store interface {
	Load(ctx context.Context) (Stored, error)
	// Put stores documents in their order and returns the fence for the next
	// Put. Where another writer was ahead it stores nothing and its error is
	// alerting.ErrConflict. After any other error the first of the documents may
	// be stored and the rest not: Load again.
	Put(ctx context.Context, docs []Document, fence uint64) (uint64, error)
}

// Outbox takes messages for good; delivery implements it.
type Outbox interface {
	// Queue makes messages durable, in their order. One whose receiver and key
	// were queued before is dropped.
	Queue(ctx context.Context, messages []notify.Message) error
}

// Dirty returns the documents that have changed since, copies in the order in
// which they are to be stored: a receiver's budget is spent before a message is
// decided, so that a crash in between cannot exceed it. What is pending in them
// is queued once they are stored.
func (c *Core) Dirty() []Document {
	if len(c.dirty) == 0 {
		return nil
	}
	var docs []Document
	for _, key := range slices.Sorted(maps.Keys(c.dirty)) {
		switch id := key[1:]; key[:1] {
		case ofDesk:
			docs = append(docs, Document{Desk: c.desks[id].clone()})
		case ofIncident:
			if r := c.records[id]; r != nil {
				docs = append(docs, Document{Record: r.clone()})
			}
		}
	}
	clear(c.dirty)
	if c.mark == 0 { // nothing is applied to the end yet, and what is stored may say so
		return docs
	}
	return append(docs, Document{Mark: c.mark})
}

// Queued says that documents which Dirty or Load gave are stored, and what was
// pending in them is queued. That it is no longer pending is to be stored at some
// time.
func (c *Core) Queued(docs []Document) {
	for _, doc := range docs {
		switch {
		case doc.Desk != nil:
			d := c.desks[doc.Desk.Receiver]
			if n := len(doc.Desk.Pending); n > 0 {
				d.Pending = slices.Delete(d.Pending, 0, n)
				c.dirty[ofDesk+d.Receiver] = struct{}{}
			}
		case doc.Record != nil:
			c.recordQueued(doc.Record)
		}
	}
}

func (c *Core) recordQueued(stored *Record) {
	id := stored.Incident.ID
	r := c.records[id]
	if r == nil {
		return
	}
	if stored.Closed {
		c.close(r)
		return
	}
	if n := len(stored.Pending); n > 0 {
		r.Pending = slices.Delete(r.Pending, 0, n)
		c.dirty[ofIncident+id] = struct{}{}
		c.touched[id] = struct{}{}
	}
}

// Unqueued returns what may not be queued yet of what was loaded, as documents
// for Queued.
func (c *Core) Unqueued() []Document {
	var docs []Document
	for _, name := range slices.Sorted(maps.Keys(c.desks)) {
		if d := c.desks[name]; len(d.Pending) > 0 {
			docs = append(docs, Document{Desk: d.clone()})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.records)) {
		if r := c.records[id]; len(r.Pending) > 0 {
			docs = append(docs, Document{Record: r.clone()})
		}
	}
	return docs
}

// pending returns what is pending in documents, in their order.
func pending(docs []Document) []notify.Message {
	var out []notify.Message
	for _, doc := range docs {
		switch {
		case doc.Desk != nil:
			out = append(out, doc.Desk.Pending...)
		case doc.Record != nil:
			out = append(out, doc.Record.Pending...)
		}
	}
	return out
}
