package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector/replay"
)

// JournalReplay reads a daemon's journal from its start to where it ends now,
// all partitions together in the order of log time. It implements
// replay.Source.
type JournalReplay struct {
	cfg      *config.Config
	since    time.Time
	recorded bool
	journal  *journal.Journal
	plans    *planStore
	close    []func()

	parts []*replayPart
	total int64
	done  int64
	batch activity.Batch
}

// replayPart is one partition being read.
type replayPart struct {
	reader *journal.Reader
	next   *journal.Message
	last   uint64
	dec    activity.Decoder
}

// OpenJournalReplay opens the journal that cfg names: through the running
// daemon, or, where none runs, by itself. Findings count from since on; see
// replay.Dated. With recorded, each stretch is judged by the rules that were
// in force there; else one plan judges all.
func OpenJournalReplay(ctx context.Context, cfg *config.Config, since time.Time, recorded bool) (*JournalReplay, error) {
	r := &JournalReplay{cfg: cfg, since: since, recorded: recorded}
	if err := r.open(ctx); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *JournalReplay) open(ctx context.Context) error {
	nc, err := r.connect()
	if err != nil {
		return err
	}
	r.close = append(r.close, nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	if r.journal, err = journal.OpenReader(ctx, js); err != nil {
		return fmt.Errorf("%w: has `picket run` run with this configuration?", err)
	}
	r.plans = newPlanStore(r.journal)
	for p := range r.journal.Partitions() {
		head, err := r.journal.Head(ctx, p)
		if err != nil {
			return err
		}
		if head.Last == 0 || head.First > head.Last {
			continue
		}
		reader, err := r.journal.Read(ctx, p, head.First)
		if err != nil {
			return err
		}
		r.close = append(r.close, reader.Close)
		r.parts = append(r.parts, &replayPart{reader: reader, last: head.Last})
		r.total += int64(head.Last - head.First + 1)
	}
	return nil
}

// connect reaches the server of a running daemon, or starts one over its data
// directory, without a listener.
func (r *JournalReplay) connect() (*nats.Conn, error) {
	if !r.cfg.NATS.Embedded() {
		return connectExternal(r.cfg)
	}
	if _, err := os.Stat(r.cfg.DataDir); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	unlock, err := lock(r.cfg.DataDir)
	if err != nil {
		return Dial(r.cfg) // a daemon has it
	}
	r.close = append(r.close, unlock)
	embedded, err := StartEmbedded(EmbeddedOptions{DataDir: r.cfg.DataDir, Listen: "off", Log: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	r.close = append(r.close, embedded.Close)
	return embedded.Connect()
}

// Close lets go of everything, in reverse order.
func (r *JournalReplay) Close() {
	for _, v := range slices.Backward(r.close) {
		v()
	}
	r.close = nil
}

// Progress returns messages read and messages in all.
func (r *JournalReplay) Progress() (done, total int64) { return r.done, r.total }

// Since implements replay.Dated.
func (r *JournalReplay) Since() time.Time { return r.since }

// Partitions implements replay.Parted.
func (r *JournalReplay) Partitions() int { return r.journal.Partitions() }

// Next implements replay.Source.
func (r *JournalReplay) Next(ctx context.Context) (replay.Message, error) {
	part, err := r.earliest(ctx)
	if err != nil {
		return replay.Message{}, err
	}
	m := part.next
	part.next = nil
	r.done++
	out := replay.Message{Partition: m.Partition, Time: m.Time}
	switch m.Type {
	case journal.TickMessage:
	case journal.ControlMessage:
		if !r.recorded {
			break
		}
		c, err := journal.ParseControl(m.Data)
		if err == nil {
			out.Plan, err = r.plans.get(ctx, c.Program)
		}
		if err != nil {
			return out, &replay.ItemError{Err: err}
		}
	case journal.Page, journal.Bulk:
		if err := part.dec.Batch(m.Data, &r.batch); err != nil {
			return out, &replay.ItemError{Err: fmt.Errorf("partition %d, sequence %d: %w", m.Partition, m.Sequence, err)}
		}
		out.Batch = &r.batch
	}
	return out, nil
}

// earliest returns the partition whose next message has the earliest log time.
func (r *JournalReplay) earliest(ctx context.Context) (*replayPart, error) {
	var first *replayPart
	for _, p := range r.parts {
		if p.next == nil && p.last > 0 {
			m, err := p.reader.Next(ctx)
			if err != nil {
				return nil, fmt.Errorf("read the journal: %w", err)
			}
			if m.Sequence >= p.last || m.Pending == 0 { // retention may have taken the last one
				p.last = 0 // the end as it was when the replay began
			}
			p.next = &m
		}
		if p.next != nil && (first == nil || p.next.Time.Before(first.next.Time)) {
			first = p
		}
	}
	if first == nil {
		return nil, io.EOF
	}
	return first, nil
}
