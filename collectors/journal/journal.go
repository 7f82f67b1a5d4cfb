// Package journal is the durable activity log over NATS JetStream: append a
// page with its cursor under a fence, append pushed activities in bulk, record
// which rules are in force, tick when nothing happens, and read one partition
// in order. It knows nothing of networks (collectors) and judges nothing
// (detector).
//
// # Layout, version 1
//
// There is one stream per partition, ACTIVITY_<p>, p from 0. The number of
// partitions is fixed when the store is created and kept in the metadata of
// every stream (picket.partitions). An account belongs to partition
//
//	FNV-1a-64(account) mod partitions
//
// computed by the writer over the UTF-8 bytes of the account, "x/acme".
// Account names are written into subjects with activity.EncodeToken.
//
//	picket.activity.<p>.<network>.<account>  one page of one polled source, at most 256 KiB,
//	                                         with its cursor; compare-and-set per subject
//	picket.activity.<p>.bulk                 up to 100 pushed activities, or 5 ms of them
//	picket.activity.<p>.control              the program in force from here on; compare-and-set
//	picket.activity.<p>.tick                 log time moved on and nothing else came; compare-and-set
//
// Every message holds activities that are kept equally long (see Retention):
// the oldest messages leave by the stream's age limit, and those that are kept
// for less by a life of their own, in the header Nats-TTL. A hole in the
// sequences is therefore nothing odd once its messages may have reached the
// shortest retention that was ever in force, which is kept in the metadata
// (picket.shortest); a younger one is a loss.
//
// A control message leaves before the last activities that it put under its
// program, so each names the program before it, too, and the metadata
// (picket.program) the one in force.
//
// Pages and bulk messages are activity.Batch JSON (see collectors/activity).
// Control and tick messages are the JSON of Control and Tick. The last message
// of an account's subject is its state: its cursor cannot disagree with its
// data, and of two writers one is refused (JetStream err_code 10071).
//
// What the partitions pass on to the rules across accounts is in a stream of its
// own, MATCH_0, under picket.match.0.<p>; see Steps.
//
// Log time is the running maximum of the broker's message timestamps.
//
// Approvals are the one kind that every partition needs, to tell a post that
// was approved for another account: they are appended to the bulk subject of
// every partition.
package journal

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// MaxMessage bounds one journal message's payload in bytes.
const MaxMessage = 256 << 10

const (
	subjectPrefix = "picket.activity."
	metaParts     = "picket.partitions"
	metaVersion   = "picket.version"
	metaShortest  = "picket.shortest" // the shortest Retention ever in force, a Go duration
	metaProgram   = "picket.program"  // named by the last control message, which may have expired
	layoutVersion = "1"
)

// Config fixes how a journal is stored.
type Config struct {
	Partitions int // fixed at creation; at least 1
	Replicas   int // 1, 3 or 5
	Retention  Retention
	MaxBytes   int64 // per partition; 0 is unbounded
	// Room reports whether the disk that holds the journal has room for more
	// intake; nil means always (an external server guards its own disk).
	Room func() bool
	// Kept returns what the detector's checkpoint remembers of a source whose
	// last message retention has taken; nil means nothing is remembered.
	Kept func(source string) (collectors.Checkpoint, bool)
	Log  *zap.Logger
	Now  func() time.Time
}

// Journal is an open activity log. It is safe for concurrent use.
type Journal struct {
	cfg     Config
	js      jetstream.JetStream
	streams []string
	bulk    []*bulkWriter
	obs     Observer
	// shortest is the shortest retention that messages of the log may have had.
	shortest time.Duration
}

// Observer is told what the journal does; metrics implement it.
type Observer interface {
	// Appended is called for each durable message with its activities and bytes.
	Appended(activities, bytes int)
	// Refused is called for activities that were not accepted, with a bounded reason.
	Refused(reason string, activities int)
	// Fenced is called when another writer was ahead.
	Fenced()
}

type noObserver struct{}

func (noObserver) Appended(int, int)   {}
func (noObserver) Refused(string, int) {}
func (noObserver) Fenced()             {}

// Open creates or opens the journal on the server behind js. It refuses a
// store that was created with another number of partitions or a newer layout,
// and settings under which acknowledged messages can be lost.
func Open(ctx context.Context, js jetstream.JetStream, cfg Config, obs Observer) (*Journal, error) {
	if cfg.Partitions < 1 {
		return nil, fmt.Errorf("journal: %d partitions, want at least 1", cfg.Partitions)
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Replicas == 0 {
		cfg.Replicas = 1
	}
	if obs == nil {
		obs = noObserver{}
	}
	j := &Journal{cfg: cfg, js: js, obs: obs}
	for p := range cfg.Partitions {
		if err := j.ensureStream(ctx, p); err != nil {
			return nil, err
		}
		j.streams = append(j.streams, StreamName(p))
	}
	if _, err := js.Stream(ctx, StreamName(cfg.Partitions)); err == nil {
		return nil, fmt.Errorf("journal: the store has more than the %d partitions configured: set journal.partitions to the number it was created with", cfg.Partitions)
	}
	for p := range cfg.Partitions {
		j.bulk = append(j.bulk, newBulkWriter(j, p))
	}
	return j, nil
}

// OpenReader opens an existing journal for reading: it creates and changes
// nothing, and appends nothing. The number of partitions is the store's own.
func OpenReader(ctx context.Context, js jetstream.JetStream) (*Journal, error) {
	return openStored(ctx, js, Config{})
}

// OpenBeside opens an existing journal to append to the logs of single sources
// beside the daemon whose it is: like OpenReader it creates and changes nothing.
// Of cfg it needs Retention, Room and Kept. It takes nothing in bulk: Submit is
// not for it, nor activities of other accounts than a log's own.
func OpenBeside(ctx context.Context, js jetstream.JetStream, cfg Config) (*Journal, error) {
	return openStored(ctx, js, cfg)
}

func openStored(ctx context.Context, js jetstream.JetStream, cfg Config) (*Journal, error) {
	s, err := js.Stream(ctx, StreamName(0))
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	meta := s.CachedInfo().Config.Metadata
	if meta[metaVersion] != layoutVersion {
		return nil, fmt.Errorf("journal has layout version %q, this Picket reads %q", meta[metaVersion], layoutVersion)
	}
	if cfg.Partitions, err = strconv.Atoi(meta[metaParts]); err != nil || cfg.Partitions < 1 {
		return nil, fmt.Errorf("journal says it has %q partitions, want a number", meta[metaParts])
	}
	shortest, err := shortestIn(meta)
	if err != nil {
		return nil, err
	}
	cfg.Log, cfg.Now = zap.NewNop(), time.Now
	return &Journal{cfg: cfg, js: js, obs: noObserver{}, shortest: shortest}, nil
}

// Close stops the bulk writers after what they hold is durable or refused.
func (j *Journal) Close() {
	for _, w := range j.bulk {
		w.close()
	}
}

// StreamName returns the name of a partition's stream.
func StreamName(partition int) string { return "ACTIVITY_" + strconv.Itoa(partition) }

// Partitions returns how many partitions the journal has.
func (j *Journal) Partitions() int { return j.cfg.Partitions }

// Partition returns the partition that an account belongs to.
func (j *Journal) Partition(account string) int { return Partition(account, j.cfg.Partitions) }

// Partition is the documented hash: FNV-1a-64(account) mod partitions.
func Partition(account string, partitions int) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(account))
	return int(h.Sum64() % uint64(partitions))
}

// Subject returns the subject of a polled source's pages.
func (j *Journal) Subject(source string) string {
	network, name, _ := strings.Cut(source, "/")
	return subjectPrefix + strconv.Itoa(j.Partition(source)) + "." + activity.EncodeToken(network) + "." + activity.EncodeToken(name)
}

// publish appends one message and tells what went wrong in the terms of
// collectors: ErrFenced, ErrNoRoom, or a passing fault.
func (j *Journal) publish(ctx context.Context, subject string, data []byte, opts ...jetstream.PublishOpt) (uint64, error) {
	ack, err := j.js.Publish(ctx, subject, data, opts...)
	if err != nil {
		return 0, classify(err)
	}
	return ack.Sequence, nil
}

// JetStream error codes that the client library does not name.
const (
	codeWrongLastSequence = 10071
	codeInsufficient      = 10023
	codeMemory            = 10028
	codeStorage           = 10047
	codeStoreFailed       = 10077
	codeStreamOffline     = 10118
)

func classify(err error) error {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch int(api.ErrorCode) {
		case codeWrongLastSequence:
			return fmt.Errorf("%w: %w", collectors.ErrFenced, err)
		case codeInsufficient, codeMemory, codeStorage, codeStoreFailed:
			return fmt.Errorf("%w: %w", collectors.ErrNoRoom, err)
		}
	}
	return err
}

// ambiguous reports whether a message may have been stored although its
// publisher saw an error: no acknowledgement came.
func ambiguous(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrDisconnected) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse)
}

func (j *Journal) room() error {
	if j.cfg.Room != nil && !j.cfg.Room() {
		return fmt.Errorf("%w: free disk space is below journal.reserve; make room, intake goes on by itself", collectors.ErrNoRoom)
	}
	return nil
}
