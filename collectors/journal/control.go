package journal

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors"
)

// Control is the payload of a control message: from here on the partition is
// judged by this program.
type Control struct {
	Version int `json:"v"` // 1
	// Program is the SHA-256 of the program set (rules, tunes, account facts),
	// "sha256:<hex>"; the set itself is stored by that name.
	Program string `json:"program"`
	// Before is the program that was in force until here, empty for the first:
	// activities may outlive the control message that they were judged under.
	Before string `json:"before,omitempty"`
}

// Tick is the payload of a tick message.
type Tick struct {
	Version int `json:"v"` // 1
}

const programBucket = "picket_programs"

// StoreProgram keeps a program set under its hash; storing it again changes
// nothing.
func (j *Journal) StoreProgram(ctx context.Context, hash string, set []byte) error {
	store, err := j.programs(ctx)
	if err != nil {
		return err
	}
	if info, err := store.GetInfo(ctx, hash); err == nil && info.Size == uint64(len(set)) {
		return nil
	}
	if _, err := store.PutBytes(ctx, hash, set); err != nil {
		return fmt.Errorf("store program %s: %w", hash, classify(err))
	}
	return nil
}

// Program returns the program set stored under hash.
func (j *Journal) Program(ctx context.Context, hash string) ([]byte, error) {
	store, err := j.programs(ctx)
	if err != nil {
		return nil, err
	}
	set, err := store.GetBytes(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("read program %s: %w", hash, err)
	}
	return set, nil
}

func (j *Journal) programs(ctx context.Context) (jetstream.ObjectStore, error) {
	store, err := j.js.ObjectStore(ctx, programBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		store, err = j.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: programBucket, Description: "Picket rule programs by hash", Replicas: j.cfg.Replicas,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open program store: %w", err)
	}
	return store, nil
}

// Activate appends a control message that puts a stored program in force in
// one partition, unless it is in force there already.
// Of several daemons that activate at once, one appends.
func (j *Journal) Activate(ctx context.Context, partition int, program string) error {
	for {
		err := j.activate(ctx, partition, program)
		if errors.Is(err, collectors.ErrFenced) {
			continue
		}
		if err != nil {
			return fmt.Errorf("activate program in partition %d: %w", partition, err)
		}
		return nil
	}
}

func (j *Journal) activate(ctx context.Context, partition int, program string) error {
	s, err := j.js.Stream(ctx, StreamName(partition))
	if err != nil {
		return err
	}
	subject := subjectPrefix + strconv.Itoa(partition) + ".control"
	msg, err := j.lastMessage(ctx, StreamName(partition), subject)
	if err != nil {
		return err
	}
	cfg := s.CachedInfo().Config
	before, last := cfg.Metadata[metaProgram], uint64(0)
	if msg != nil {
		last = msg.Sequence
		if c, err := ParseControl(msg.Data); err == nil {
			before = c.Program
		}
	}
	if before != program {
		data, err := json.Marshal(Control{Version: 1, Program: program, Before: before})
		if err != nil {
			return err
		}
		if _, err := j.publish(ctx, subject, data, jetstream.WithExpectLastSequencePerSubject(last)); err != nil {
			return err
		}
	}
	return j.remember(ctx, cfg, program)
}

// remember keeps the program in force where no retention takes it. It comes
// after the control message, and again with the next activation should a crash
// come between.
func (j *Journal) remember(ctx context.Context, cfg jetstream.StreamConfig, program string) error {
	if cfg.Metadata[metaProgram] == program {
		return nil
	}
	cfg.Metadata = maps.Clone(cfg.Metadata)
	cfg.Metadata[metaProgram] = program
	_, err := j.js.UpdateStream(ctx, cfg)
	return err
}

// FirstProgram returns the program that was in force where the log begins now;
// it is empty where the log does not say.
func (j *Journal) FirstProgram(ctx context.Context, partition int) (string, error) {
	s, err := j.js.Stream(ctx, StreamName(partition))
	if err != nil {
		return "", fmt.Errorf("first program: %w", err)
	}
	subject := subjectPrefix + strconv.Itoa(partition) + ".control"
	msg, err := s.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return s.CachedInfo().Config.Metadata[metaProgram], nil
	}
	if err != nil {
		return "", fmt.Errorf("first program: %w", err)
	}
	c, err := ParseControl(msg.Data)
	return cmp.Or(c.Before, c.Program), err
}

// LastProgram returns the program that is in force at the end of the log, which
// is empty where none ever was.
func (j *Journal) LastProgram(ctx context.Context, partition int) (string, error) {
	s, err := j.js.Stream(ctx, StreamName(partition))
	if err != nil {
		return "", fmt.Errorf("last program: %w", err)
	}
	msg, err := j.lastMessage(ctx, StreamName(partition), subjectPrefix+strconv.Itoa(partition)+".control")
	if err != nil {
		return "", fmt.Errorf("last program: %w", err)
	}
	if msg != nil {
		if c, err := ParseControl(msg.Data); err == nil {
			return c.Program, nil
		}
	}
	return s.CachedInfo().Config.Metadata[metaProgram], nil
}

// Ticker appends tick messages to one partition for its owner.
type Ticker struct {
	j       *Journal
	stream  string
	subject string
	last    uint64
	read    bool
}

// Ticker returns the ticker of a partition.
func (j *Journal) Ticker(partition int) *Ticker {
	return &Ticker{j: j, stream: StreamName(partition), subject: subjectPrefix + strconv.Itoa(partition) + ".tick"}
}

// Tick appends one tick under the fence, so that two owners of a partition do
// not both tick; it returns collectors.ErrFenced when another one has. Log time
// also moves with every other message, so the caller ticks only when nothing
// else came. It is not for concurrent use.
func (t *Ticker) Tick(ctx context.Context) error {
	if !t.read {
		msg, err := t.j.lastMessage(ctx, t.stream, t.subject)
		if err != nil {
			return fmt.Errorf("tick: %w", err)
		}
		t.last = 0
		if msg != nil {
			t.last = msg.Sequence
		}
		t.read = true
	}
	seq, err := t.j.publish(ctx, t.subject, []byte(`{"v":1}`), jetstream.WithExpectLastSequencePerSubject(t.last))
	if err != nil {
		t.read = false
		return fmt.Errorf("tick: %w", err)
	}
	t.last = seq
	return nil
}

// ErrControl says that a control message is not one that this version reads.
var ErrControl = errors.New("control message not readable")

// ParseControl reads a control message.
func ParseControl(data []byte) (Control, error) {
	var c Control
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("%w: %w", ErrControl, err)
	}
	if c.Version != 1 || c.Program == "" {
		return c, fmt.Errorf("%w: version %d, program %q: want version 1 and a program hash", ErrControl, c.Version, c.Program)
	}
	return c, nil
}
