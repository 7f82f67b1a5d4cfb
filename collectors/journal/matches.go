package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// What partitions pass on to the second stage, which counts across accounts.
//
// One stream, MATCH_0, with a subject for each partition:
//
//	picket.match.0.<p>   what the messages of partition p up to a sequence gave; compare-and-set
//
// The messages are the JSON of Steps. The last message of a subject says how far
// its partition has come, so that whoever reads the partition anew, after a
// crash or in another daemon, knows what is here already. The stream is made
// when the first rule set with a rule across accounts is in force, and is kept
// for MatchRetention: memory of the second stage is in its checkpoints.

const (
	matchStream  = "MATCH_0"
	matchPrefix  = "picket.match.0."
	stepsVersion = 1
	// MatchRetention is how long matches are kept at most: no longer than any
	// activity is.
	MatchRetention = 7 * 24 * time.Hour
)

// Steps are what some messages of a partition's log, one after the other, gave
// the second stage.
type Steps struct {
	Version int       `json:"v"`
	Log     time.Time `json:"log"` // when the partition's stream was created: another one is another log
	// Program is in force before the first step; empty where the partition has
	// passed on nothing before.
	Program string `json:"program,omitempty"`
	After   uint64 `json:"after"` // the message of the log up to which the Steps before these came
	Steps   []Step `json:"steps,omitempty"`
	// Until is the message of the log up to which these come, and Time the log
	// time there. Messages that gave nothing have no step.
	Until uint64    `json:"until"`
	Time  time.Time `json:"time"`
}

// Step is what one message gave.
type Step struct {
	Sequence uint64      `json:"seq"`
	Time     time.Time   `json:"time"`              // log time
	Program  string      `json:"program,omitempty"` // in force from here on; empty where nothing changes
	Matches  []StepMatch `json:"matches,omitempty"`
}

// StepMatch is an activity with the ids of the rules that it matched.
type StepMatch struct {
	Rules    []string
	Backfill bool
	Activity activity.Activity
}

type wireMatch struct {
	Rules    []string        `json:"rules"`
	Backfill bool            `json:"backfill,omitempty"`
	Activity json.RawMessage `json:"activity"`
}

// MarshalJSON writes the activity in its wire form.
func (m StepMatch) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireMatch{m.Rules, m.Backfill, activity.AppendActivity(nil, &m.Activity)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *StepMatch) UnmarshalJSON(data []byte) error {
	var w wireMatch
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	var d activity.Decoder
	var a activity.Activity
	if err := d.Activity(w.Activity, &a); err != nil {
		return err
	}
	*m = StepMatch{w.Rules, w.Backfill, a.Clone()}
	return nil
}

// InForce returns the program that is in force after the steps.
func (s *Steps) InForce() string {
	program := s.Program
	for i := range s.Steps {
		if p := s.Steps[i].Program; p != "" {
			program = p
		}
	}
	return program
}

// ErrSteps says that a message of matches is not one that this version reads.
var ErrSteps = errors.New("matches not readable")

func parseSteps(data []byte) (Steps, error) {
	var s Steps
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%w: %w", ErrSteps, err)
	}
	if s.Version != stepsVersion {
		return s, fmt.Errorf("%w: version %d, this Picket reads %d", ErrSteps, s.Version, stepsVersion)
	}
	return s, nil
}

// EnsureMatches creates the stream of matches or makes the one there fit the
// configuration.
func (j *Journal) EnsureMatches(ctx context.Context) error {
	age := shorter(MatchRetention, j.cfg.Retention.shortest())
	want := jetstream.StreamConfig{
		Name: matchStream, Description: "Picket matches for rules across accounts", Subjects: []string{matchPrefix + "*"},
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		MaxAge: age, MaxBytes: -1, Replicas: j.cfg.Replicas, Duplicates: min(age, 2*time.Minute),
		// A read decides what the next write expects, so it asks the leader.
		AllowDirect: false,
		Metadata:    map[string]string{metaParts: strconv.Itoa(j.cfg.Partitions), metaVersion: layoutVersion},
	}
	s, err := j.js.Stream(ctx, matchStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = j.js.CreateStream(ctx, want)
	}
	if err != nil {
		return fmt.Errorf("open stream %s: %w", matchStream, classify(err))
	}
	have := s.CachedInfo().Config
	switch {
	case have.Metadata[metaVersion] != layoutVersion:
		return fmt.Errorf("stream %s has layout version %q, this Picket writes %q: use the version of Picket that created it", matchStream, have.Metadata[metaVersion], layoutVersion)
	case have.PersistMode == jetstream.AsyncPersistMode:
		return fmt.Errorf("stream %s has persist_mode async, under which acknowledged matches are lost on a crash: recreate it with persist_mode default", matchStream)
	case have.MaxAge == age && have.Replicas == want.Replicas:
		return nil
	}
	have.MaxAge, have.Duplicates, have.Replicas = age, want.Duplicates, want.Replicas
	if _, err := j.js.UpdateStream(ctx, have); err != nil {
		return fmt.Errorf("update stream %s: %w", matchStream, err)
	}
	return nil
}

// MatchHead describes the stream of matches; false where there is none, because
// no rule has counted across accounts yet.
func (j *Journal) MatchHead(ctx context.Context) (head Head, ok bool, err error) {
	s, err := j.js.Stream(ctx, matchStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return Head{}, false, nil
	}
	if err != nil {
		return Head{}, false, fmt.Errorf("head of %s: %w", matchStream, err)
	}
	info := s.CachedInfo()
	return Head{Created: info.Created.UTC(), First: info.State.FirstSeq, Last: info.State.LastSeq}, true, nil
}

// MatchLog appends the matches of one partition, for its owner. It is not for
// concurrent use.
type MatchLog struct {
	j       *Journal
	subject string
	last    uint64
	read    bool
}

// Matches returns the log of a partition's matches.
func (j *Journal) Matches(partition int) *MatchLog {
	return &MatchLog{j: j, subject: matchPrefix + strconv.Itoa(partition)}
}

// Last reads what was passed on last, by whomever; the zero Steps where nothing
// was. The next Append goes after it.
func (l *MatchLog) Last(ctx context.Context) (Steps, error) {
	l.last, l.read = 0, false
	msg, err := l.j.lastMessage(ctx, matchStream, l.subject)
	if err != nil {
		return Steps{}, fmt.Errorf("last matches: %w", err)
	}
	l.read = true
	if msg == nil {
		return Steps{}, nil
	}
	l.last = msg.Sequence
	return parseSteps(msg.Data)
}

// Append stores steps under the fence, also where the disk has no room for more
// intake: what was taken in is to be told of. After an error, which may be
// collectors.ErrFenced, the steps may be stored or not, or another's: read Last
// and pass on what is missing.
func (l *MatchLog) Append(ctx context.Context, s Steps) error {
	if !l.read {
		return errors.New("append matches: what was passed on last has not been read")
	}
	s.Version = stepsVersion
	data, err := json.Marshal(&s)
	if err != nil {
		return fmt.Errorf("encode matches: %w", err)
	}
	seq, err := l.j.publish(ctx, l.subject, data, jetstream.WithExpectLastSequencePerSubject(l.last))
	if err != nil {
		l.read = false
		if errors.Is(err, collectors.ErrFenced) {
			l.j.obs.Fenced()
		}
		return fmt.Errorf("append matches: %w", err)
	}
	l.last = seq
	return nil
}

// MatchMessage is one message of matches as read.
type MatchMessage struct {
	Sequence uint64 // in the stream of matches
	Steps    Steps
	Pending  uint64 // messages of the partition after this one, when it was delivered
}

// MatchReader reads the matches of one partition in order. It is not for
// concurrent use.
type MatchReader struct {
	it   jetstream.MessagesContext
	next uint64
}

// matchBatch bounds the messages that a reader fetches ahead: the merge waits
// for the slowest partition.
const matchBatch = 100

// ReadMatches opens a reader at the first message of a partition whose sequence
// is at least from. Each partition is read by itself, so that one that is far
// ahead waits on disk and not in memory.
func (j *Journal) ReadMatches(ctx context.Context, partition int, from uint64) (*MatchReader, error) {
	cons, err := j.js.OrderedConsumer(ctx, matchStream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, 1),
		FilterSubjects: []string{matchPrefix + strconv.Itoa(partition)},
	})
	var it jetstream.MessagesContext
	if err == nil {
		it, err = cons.Messages(jetstream.PullMaxMessages(matchBatch))
	}
	if err != nil {
		return nil, fmt.Errorf("read matches of partition %d from %d: %w", partition, from, err)
	}
	return &MatchReader{it, max(from, 1)}, nil
}

// Close releases the reader.
func (r *MatchReader) Close() { r.it.Stop() }

// Next blocks for the next message until ctx ends. A message that cannot be read
// is returned with its sequence and an ErrSteps.
func (r *MatchReader) Next(ctx context.Context) (MatchMessage, error) {
	for {
		msg, err := r.it.Next(jetstream.NextContext(ctx))
		switch {
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			continue // the consumer re-creates itself
		case err != nil:
			return MatchMessage{}, err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return MatchMessage{}, fmt.Errorf("read matches: %w", err)
		}
		if meta.Sequence.Stream < r.next {
			continue
		}
		r.next = meta.Sequence.Stream + 1
		m := MatchMessage{Sequence: meta.Sequence.Stream, Pending: meta.NumPending}
		m.Steps, err = parseSteps(msg.Data())
		return m, err
	}
}
