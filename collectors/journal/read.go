package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Type is what a journal message carries.
type Type int

// Types of journal message.
const (
	Page Type = iota
	Bulk
	ControlMessage
	TickMessage
)

// Message is one journal message as read in partition order.
type Message struct {
	Type      Type
	Partition int
	Sequence  uint64
	Time      time.Time // the broker's timestamp, UTC
	Source    string    // subject tokens after the partition, encoded: identifies the page's source
	Data      []byte
	Pending   uint64 // messages of the partition after this one, when it was delivered
	// Missing counts the messages between the previous one and this that the
	// log no longer has although retention does not explain it: truncation,
	// damage, or a reader that came too late.
	Missing uint64
}

// Reader reads one partition in order from a given sequence. It is not for
// concurrent use.
type Reader struct {
	partition int
	prefix    string
	next      uint64
	it        jetstream.MessagesContext

	shortest time.Duration
	now      func() time.Time
	before   time.Time // the broker's timestamp of the message before next, zero if unknown
	cut      bool      // the log began after the sequence to read from
}

// Read opens a reader at the first message whose sequence is at least from
// (1 for the whole log). It reads through one unfiltered ordered consumer,
// which costs a fraction of a filtered one.
func (j *Journal) Read(ctx context.Context, partition int, from uint64) (*Reader, error) {
	from = max(from, 1)
	r := &Reader{
		partition: partition, prefix: fmt.Sprintf("%s%d.", subjectPrefix, partition), next: from,
		shortest: j.shortest, now: j.cfg.Now,
	}
	head, err := j.Head(ctx, partition)
	if err != nil {
		return nil, err
	}
	r.cut = head.First > from
	cons, err := j.js.OrderedConsumer(ctx, StreamName(partition), jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   from,
	})
	if err != nil {
		return nil, fmt.Errorf("read partition %d from %d: %w", partition, from, err)
	}
	if r.it, err = cons.Messages(jetstream.PullMaxMessages(1000)); err != nil {
		return nil, fmt.Errorf("read partition %d from %d: %w", partition, from, err)
	}
	return r, nil
}

// Close releases the reader.
func (r *Reader) Close() { r.it.Stop() }

// Next blocks for the next message until ctx ends. Passing faults of the
// connection are waited out inside; the data is valid until dropped.
func (r *Reader) Next(ctx context.Context) (Message, error) {
	for {
		msg, err := r.it.Next(jetstream.NextContext(ctx))
		switch {
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			continue // the consumer re-creates itself
		case err != nil:
			return Message{}, err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return Message{}, fmt.Errorf("read partition %d: %w", r.partition, err)
		}
		seq := meta.Sequence.Stream
		if seq < r.next {
			continue
		}
		m := Message{
			Partition: r.partition, Sequence: seq, Time: meta.Timestamp.UTC(),
			Data: msg.Data(), Pending: meta.NumPending,
		}
		if seq > r.next && !r.expired(m.Time) {
			m.Missing = seq - r.next
		}
		r.next, r.before, r.cut = seq+1, m.Time, false
		m.Type, m.Source = split(strings.TrimPrefix(msg.Subject(), r.prefix))
		return m, nil
	}
}

// expired tells whether retention may have taken the messages before one that
// was appended at the given time: the oldest of them, which is no older than
// the message before them, may have reached the shortest retention. Where the
// message before is not known, all of them must have.
//
// Messages before the beginning of the log are not for it to explain: a reader
// that wanted them was away for too long, and does not know what they said.
func (r *Reader) expired(after time.Time) bool {
	if r.cut || r.shortest == 0 {
		return false
	}
	oldest := r.before
	if oldest.IsZero() {
		oldest = after
	}
	return r.now().Sub(oldest) >= r.shortest-clockError(r.shortest)
}

// clockError is how far the server's clock may be from this one's before what
// it expires counts as lost.
func clockError(retention time.Duration) time.Duration { return min(retention/10, time.Hour) }

func split(rest string) (Type, string) {
	switch rest {
	case "bulk":
		return Bulk, ""
	case "control":
		return ControlMessage, ""
	case "tick":
		return TickMessage, ""
	}
	return Page, rest
}

// Head describes a partition's stream now.
type Head struct {
	Created     time.Time // creation of the stream: another one is another log
	First, Last uint64    // sequences; Last is 0 for an empty log
}

// Head returns the state of a partition's stream.
func (j *Journal) Head(ctx context.Context, partition int) (Head, error) {
	s, err := j.js.Stream(ctx, StreamName(partition))
	if err != nil {
		return Head{}, fmt.Errorf("head of partition %d: %w", partition, err)
	}
	info := s.CachedInfo()
	return Head{Created: info.Created.UTC(), First: info.State.FirstSeq, Last: info.State.LastSeq}, nil
}

// Mark identifies one message of a partition's log: a checkpoint keeps the
// mark of the last message that it covers.
type Mark struct {
	Created  time.Time `json:"created"`
	Sequence uint64    `json:"sequence"`
	Time     time.Time `json:"time"`
	Hash     string    `json:"hash"` // SHA-256 of subject rest and payload, hex
}

// MarkOf returns the mark of a message just read.
func MarkOf(created time.Time, m *Message) Mark {
	return Mark{Created: created, Sequence: m.Sequence, Time: m.Time, Hash: hashOf(m.Type, m.Source, m.Data)}
}

func hashOf(t Type, source string, data []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s\n", t, source)
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// Errors of Verify.
var (
	// ErrTruncated: the log ends before the mark, or holds another message at
	// its place: the log was cut, restored from an older copy, or replaced.
	ErrTruncated = errors.New("log truncated")
	// ErrRetained: retention has taken messages after the mark that nobody had
	// read.
	ErrRetained = errors.New("log gap")
)

// Verify tells whether reading may go on after a mark: same stream, same
// message at its sequence (or retention took it), nothing missing after it.
func (j *Journal) Verify(ctx context.Context, partition int, m Mark) error {
	head, err := j.Head(ctx, partition)
	if err != nil {
		return err
	}
	if !head.Created.Equal(m.Created) {
		return fmt.Errorf("%w: the stream was created %s, the checkpoint is of one created %s", ErrTruncated, head.Created.Format(time.RFC3339Nano), m.Created.Format(time.RFC3339Nano))
	}
	if head.Last < m.Sequence {
		return fmt.Errorf("%w: the log ends at %d, the checkpoint covers %d", ErrTruncated, head.Last, m.Sequence)
	}
	if head.First > m.Sequence+1 {
		return fmt.Errorf("%w: messages %d to %d are gone before they were read", ErrRetained, m.Sequence+1, head.First-1)
	}
	if head.First == m.Sequence+1 {
		return nil
	}
	s, err := j.js.Stream(ctx, StreamName(partition))
	if err != nil {
		return err
	}
	raw, err := s.GetMsg(ctx, m.Sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // deleted on its own; what follows is what counts
	}
	if err != nil {
		return fmt.Errorf("verify partition %d at %d: %w", partition, m.Sequence, err)
	}
	t, source := split(strings.TrimPrefix(raw.Subject, fmt.Sprintf("%s%d.", subjectPrefix, partition)))
	if !raw.Time.UTC().Equal(m.Time) || hashOf(t, source, raw.Data) != m.Hash {
		return fmt.Errorf("%w: message %d is not the one that the checkpoint covers", ErrTruncated, m.Sequence)
	}
	return nil
}
