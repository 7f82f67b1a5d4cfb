package natspub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
)

// Stream is the name of the stream that holds alerts.
const Stream = "ALERTS"

// DuplicateWindow is how long the stream recognises a copy that is published
// again.
const DuplicateWindow = time.Hour

const (
	statePrefix = "picket.alertstate."
	copyPrefix  = "picket.alert."

	revisionsKept = 200
	layoutVersion = "1"
	metaVersion   = "picket.version"
)

// StreamOptions fix how alerts are kept. The zero value is one replica on
// disk for two years.
type StreamOptions struct {
	Replicas  int                   // 0 means 1
	Retention time.Duration         // 0 means two years
	Storage   jetstream.StorageType // the zero value is FileStorage
}

// defaultRetention is two years.
const defaultRetention = 2 * 365 * 24 * time.Hour

// Ensure creates the stream or brings it to the options. It refuses a stream
// of a newer layout, and one whose settings can lose acknowledged messages.
// Storage cannot be changed later.
func Ensure(ctx context.Context, js jetstream.JetStream, opts StreamOptions) error {
	want := streamConfig(opts)
	if want.MaxAge < DuplicateWindow {
		return fmt.Errorf("alerts: retention %s is shorter than %s, the time in which copies are recognised: make it longer", want.MaxAge, DuplicateWindow)
	}
	return ensure(ctx, js, want)
}

// ensure creates a stream or brings the one that is there to want.
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
	case have.Metadata[metaVersion] != want.Metadata[metaVersion]:
		return fmt.Errorf("stream %s has layout version %q, this Picket writes %q: use the version of Picket that created it", want.Name, have.Metadata[metaVersion], want.Metadata[metaVersion])
	case have.PersistMode == jetstream.AsyncPersistMode:
		return fmt.Errorf("stream %s has persist_mode async, under which acknowledged messages are lost on a crash: recreate it with persist_mode default", want.Name)
	case have.Storage != want.Storage:
		return fmt.Errorf("stream %s is kept in %s storage, the configuration says %s: storage is fixed when the stream is created", want.Name, have.Storage, want.Storage)
	}
	have.Subjects, have.MaxAge, have.Replicas = want.Subjects, want.MaxAge, want.Replicas
	have.Duplicates, have.MaxMsgsPerSubject, have.AllowDirect = want.Duplicates, want.MaxMsgsPerSubject, want.AllowDirect
	have.Discard, have.MaxBytes, have.MaxMsgs = want.Discard, want.MaxBytes, want.MaxMsgs
	if _, err := js.UpdateStream(ctx, have); err != nil {
		return fmt.Errorf("update stream %s: %w", want.Name, err)
	}
	return nil
}

func streamConfig(opts StreamOptions) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              Stream,
		Description:       "Picket alerts: states and public copies",
		Subjects:          []string{statePrefix + "*", copyPrefix + "*.*.*.*"},
		Storage:           opts.Storage,
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardOld,
		MaxAge:            orDefault(opts.Retention, defaultRetention),
		MaxBytes:          -1,
		MaxMsgs:           -1,
		MaxMsgsPerSubject: revisionsKept,
		Replicas:          orDefault(opts.Replicas, 1),
		Duplicates:        DuplicateWindow,
		// A read decides what the next write expects, so it asks the leader.
		AllowDirect: false,
		Metadata:    map[string]string{metaVersion: layoutVersion},
	}
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// StateSubject returns the subject of an alert's state.
func StateSubject(id string) string { return statePrefix + activity.EncodeToken(id) }

// CopySubject returns the subject of an alert's public copy.
func CopySubject(a *alerting.Alert) string {
	name := a.Account
	if n := len(a.Network); n > 0 && len(name) > n && name[:n] == a.Network && name[n] == '/' {
		name = name[n+1:]
	}
	return copyPrefix + activity.EncodeToken(string(a.Rule.Level)) + "." + activity.EncodeToken(a.Network) +
		"." + activity.EncodeToken(name) + "." + activity.EncodeToken(a.Rule.ID)
}

// CopyFilter returns the subjects of the public copies of an account's alerts,
// of every level and rule.
func CopyFilter(account string) string {
	network, name, _ := strings.Cut(account, "/")
	return copyPrefix + "*." + activity.EncodeToken(network) + "." + activity.EncodeToken(name) + ".*"
}
