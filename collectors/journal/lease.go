package journal

import (
	"context"
	"errors"
	"fmt"
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
	wanted map[string]context.CancelFunc
	wg     sync.WaitGroup
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
	return &Leases{js: js, kv: kv, holder: holder, log: log, held: map[string]bool{}, wanted: map[string]context.CancelFunc{}}, nil
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

func (l *Leases) set(name string, held bool) {
	l.mu.Lock()
	was := l.held[name]
	l.held[name] = held
	l.mu.Unlock()
	if was != held {
		l.log.Info("lease", zap.String("lease", name), zap.Bool("held", held))
	}
}

// compete takes the lease when it is free and renews it at a third of its
// life. A holder that cannot renew lets go before the lease expires.
func (l *Leases) compete(ctx context.Context, name string) {
	every := LeaseTime / 3
	var renewed time.Time
	for {
		started := time.Now()
		call, cancel := context.WithTimeout(ctx, every)
		ok, err := l.take(call, name)
		cancel()
		switch {
		case err == nil && ok:
			renewed = started
			l.set(name, true)
		case err == nil || time.Since(renewed) > LeaseTime-every:
			l.set(name, false)
		}
		if err != nil && ctx.Err() == nil {
			l.log.Warn("lease not renewed", zap.String("lease", name), zap.Error(err))
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
