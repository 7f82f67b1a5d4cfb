package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors/activity"
)

// The streams; see the package comment.
const (
	Stream      = "NOTIFY"
	RecordsName = "NOTIFIED"
	DeadName    = "DEADLETTER"
)

// HeaderVersion is the header with the version of the layout.
const HeaderVersion = "Picket-Version"

const (
	queuePrefix     = "picket.notify."
	recordPrefix    = "picket.notified."
	conditionPrefix = "picket.receiver."
	deadPrefix      = "picket.deadletter."

	layoutVersion = "1"
	metaVersion   = "picket.version"
	metaReceiver  = "picket.receiver"

	day = 24 * time.Hour
	// keptQueued is longer than any deadline may be.
	keptQueued = 7 * day
	keptOther  = 90 * day
	// duplicateWindow is how long a message that is queued again is recognised
	// by the stream; records recognise it for longer.
	duplicateWindow = day
	// timeout bounds one call whose context has no deadline.
	timeout = 10 * time.Second
)

// MaxDeadline is the longest time that a message may be tried for: well below
// the time that the stream keeps it.
const MaxDeadline = 5 * day

// StreamOptions fix how messages are kept. The zero value is one replica on
// disk.
type StreamOptions struct {
	Replicas int                   // 0 means 1
	Storage  jetstream.StorageType // the zero value is FileStorage
}

// Ensure creates the streams or brings them to the options. It refuses streams
// of a newer layout, and ones whose settings can lose acknowledged messages.
func Ensure(ctx context.Context, js jetstream.JetStream, opts StreamOptions) error {
	for _, want := range streamConfigs(opts) {
		if err := ensure(ctx, js, want); err != nil {
			return err
		}
	}
	return nil
}

func streamConfigs(opts StreamOptions) []jetstream.StreamConfig {
	kept := func(name, description string, age, duplicates time.Duration, perSubject int64, subjects ...string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Description: description, Subjects: subjects,
			Storage: opts.Storage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
			MaxAge: age, MaxBytes: -1, MaxMsgs: -1, MaxMsgsPerSubject: perSubject,
			Replicas: max(opts.Replicas, 1), Duplicates: duplicates,
			Metadata: map[string]string{metaVersion: layoutVersion},
		}
	}
	return []jetstream.StreamConfig{
		kept(Stream, "Picket notifications: what receivers are to be told", keptQueued, duplicateWindow, -1, queuePrefix+"*.*"),
		kept(RecordsName, "Picket notifications: what receivers were told", keptOther, time.Minute, 1, recordPrefix+"*.*", conditionPrefix+"*"),
		kept(DeadName, "Picket notifications: what was given up", keptOther, time.Hour, -1, deadPrefix+"*"),
	}
}

func ensure(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	s, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if _, err := js.CreateStream(ctx, want); err != nil {
			return fmt.Errorf("create stream %s: %w", want.Name, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("open stream %s: %w", want.Name, err)
	}
	have := s.CachedInfo().Config
	switch {
	case have.Metadata[metaVersion] != layoutVersion:
		return fmt.Errorf("stream %s has layout version %q, this Picket writes %q: use the version of Picket that created it", want.Name, have.Metadata[metaVersion], layoutVersion)
	case have.PersistMode == jetstream.AsyncPersistMode:
		return fmt.Errorf("stream %s has persist_mode async, under which acknowledged messages are lost on a crash: recreate it with persist_mode default", want.Name)
	case have.Storage != want.Storage:
		return fmt.Errorf("stream %s is kept in %s storage, the configuration says %s: storage is fixed when the stream is created", want.Name, have.Storage, want.Storage)
	}
	have.Subjects, have.MaxAge, have.Replicas = want.Subjects, want.MaxAge, want.Replicas
	have.Duplicates, have.MaxMsgsPerSubject = want.Duplicates, want.MaxMsgsPerSubject
	have.Discard, have.MaxBytes, have.MaxMsgs = want.Discard, want.MaxBytes, want.MaxMsgs
	if _, err := js.UpdateStream(ctx, have); err != nil {
		return fmt.Errorf("update stream %s: %w", want.Name, err)
	}
	return nil
}

// QueueSubject returns the subject of what a receiver is told of an incident.
func QueueSubject(receiver, incident string) string {
	return queuePrefix + activity.EncodeToken(receiver) + "." + activity.EncodeToken(incident)
}

// RecordSubject returns the subject of the record of an incident at a receiver.
func RecordSubject(receiver, incident string) string {
	return recordPrefix + activity.EncodeToken(receiver) + "." + activity.EncodeToken(incident)
}

// ConditionSubject returns the subject of a receiver's condition.
func ConditionSubject(receiver string) string {
	return conditionPrefix + activity.EncodeToken(receiver)
}

// DeadSubject returns the subject of a receiver's dead letters.
func DeadSubject(receiver string) string { return deadPrefix + activity.EncodeToken(receiver) }

// consumerName names a receiver's durable consumer. Names hold no "%".
func consumerName(receiver string) string {
	return "notify_" + strings.ReplaceAll(activity.EncodeToken(receiver), "%", "=")
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout)
}
