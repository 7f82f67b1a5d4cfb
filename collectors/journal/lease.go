package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/activity"
)

const leaseBucket = "picket_leases"

// LeaseTime is how long a lease outlives its last renewal: the longest time in
// which nobody polls a credential or reads a partition after its holder died.
// JetStream counts message lives in whole seconds.
const LeaseTime = 5 * time.Second

// warnEvery is how often it is logged of one lease that it cannot be had: it is
// tried every second or two, and there is one for each credential.
const warnEvery = time.Minute

// Leases decides which of several daemons does a job that must be done once:
// poll a credential, own a partition. A lease is one key of a JetStream KV
// bucket whose value names its holder and which expires unless renewed. A
// lease saves double work; it is no fence: the journal's compare-and-set is.
type Leases struct {
	js     jetstream.JetStream
	kv     jetstream.KeyValue
	holder string
	log    *zap.Logger

	mu     sync.Mutex
	held   map[string]bool
	faults map[string]fault // of leases whose last try got no answer, and that are not held
	wanted map[string]context.CancelFunc
	wg     sync.WaitGroup
}

// fault is why a lease cannot be had, and since when.
type fault struct {
	since time.Time
	err   error
}

// OpenLeases opens the bucket. Holder names this daemon and survives its
// restart, so that a restarted daemon goes on with the leases it had.
func OpenLeases(ctx context.Context, js jetstream.JetStream, holder string, replicas int, log *zap.Logger) (*Leases, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: leaseBucket, Description: "who polls and who detects", History: 1,
		LimitMarkerTTL: LeaseTime, Replicas: max(replicas, 1),
	})
	if err != nil {
		return nil, fmt.Errorf("open leases: %w", err)
	}
	return &Leases{js: js, kv: kv, holder: holder, log: log, held: map[string]bool{}, faults: map[string]fault{}, wanted: map[string]context.CancelFunc{}}, nil
}

// Held reports whether this daemon holds the lease now. The first call for a
// name starts to compete for it, in the background, until Close.
func (l *Leases) Held(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.wanted[name]; !ok {
		ctx, cancel := context.WithCancel(context.Background())
		l.wanted[name] = cancel
		l.wg.Go(func() { l.compete(ctx, name) })
	}
	return l.held[name]
}

// Fault says why this daemon cannot do its part, and since when: its server does
// not give or renew leases. The error is nil where another daemon holds them.
func (l *Leases) Fault() (since time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(l.faults)) {
		f := l.faults[name]
		if err == nil {
			err = fmt.Errorf("%d of %d leases cannot be had, so nobody here does what they are for: %w", len(l.faults), len(l.wanted), f.err)
		}
		if since.IsZero() || f.since.Before(since) {
			since = f.since
		}
	}
	return since, err
}

// Close gives all leases up so that another daemon can take them at once.
func (l *Leases) Close(ctx context.Context) {
	l.mu.Lock()
	for _, cancel := range l.wanted {
		cancel()
	}
	l.mu.Unlock()
	l.wg.Wait()
	for name, held := range l.held {
		if held {
			if err := l.release(ctx, name); err != nil {
				l.log.Warn("lease not released; it expires by itself", zap.String("lease", name), zap.Error(err))
			}
		}
	}
}

// release deletes the lease if it is still ours.
func (l *Leases) release(ctx context.Context, name string) error {
	entry, err := l.kv.Get(ctx, leaseKey(name))
	if err != nil || string(entry.Value()) != l.holder {
		return err
	}
	return l.kv.Delete(ctx, leaseKey(name), jetstream.LastRevision(entry.Revision()))
}

// leaseKey writes a lease's name in the letters that KV keys allow.
func leaseKey(name string) string { return strings.ReplaceAll(activity.EncodeToken(name), "%", "=") }

// set notes whether a lease is held, and where it is not, the error of the last
// try for it.
func (l *Leases) set(name string, held bool, err error) {
	l.mu.Lock()
	was := l.held[name]
	l.held[name] = held
	f, failing := l.faults[name]
	switch {
	case err == nil:
		delete(l.faults, name)
	case failing:
		l.faults[name] = fault{f.since, err}
	default:
		l.faults[name] = fault{time.Now(), err}
	}
	l.mu.Unlock()
	if was != held {
		l.log.Info("lease", zap.String("lease", name), zap.Bool("held", held))
	}
}

// compete takes the lease when it is free and renews it at a third of its
// life. A holder that cannot renew lets go before the lease expires.
func (l *Leases) compete(ctx context.Context, name string) {
	every := LeaseTime / 3
	var renewed, warned time.Time
	failed := 0 // tries in a row
	for {
		started := time.Now()
		call, cancel := context.WithTimeout(ctx, every)
		ok, err := l.take(call, name)
		cancel()
		switch {
		case err == nil && ok:
			renewed = started
			l.set(name, true, nil)
		case ctx.Err() != nil:
			return
		case err == nil || time.Since(renewed) > LeaseTime-every:
			l.set(name, false, err)
		}
		if failed++; err == nil {
			failed, warned = 0, time.Time{}
		} else if warned.IsZero() || time.Since(warned) >= warnEvery {
			l.log.Warn("lease not renewed", zap.String("lease", name), zap.Int("tries", failed), zap.Error(err))
			warned = time.Now()
		}
		wait := every
		if !ok {
			wait = every / 4 // somebody else's, perhaps about to expire
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// take creates or renews the lease; false means that somebody else has it.
func (l *Leases) take(ctx context.Context, name string) (bool, error) {
	key := leaseKey(name)
	_, err := l.kv.Create(ctx, key, []byte(l.holder), jetstream.KeyTTL(LeaseTime))
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return false, fmt.Errorf("take lease %s: %w", name, err)
	}
	entry, err := l.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read lease %s: %w", name, err)
	}
	if string(entry.Value()) != l.holder {
		return false, nil
	}
	// KeyValue.Update would drop the expiry, so renewing publishes the
	// compare-and-set itself.
	msg := nats.NewMsg("$KV." + leaseBucket + "." + key)
	msg.Data = []byte(l.holder)
	msg.Header.Set(jetstream.MsgTTLHeader, strconv.Itoa(int(LeaseTime/time.Second))+"s")
	_, err = l.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(entry.Revision()))
	if err != nil {
		return false, fmt.Errorf("renew lease %s: %w", name, err)
	}
	return true, nil
}
