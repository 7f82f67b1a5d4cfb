package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
)

// Bucket is the object store that holds copies.
const Bucket = "PICKET_EVIDENCE"

// Defaults of Options and Config.
const (
	DefaultRetention = 2 * 365 * 24 * time.Hour // as long as alerts
	DefaultMaxBytes  = 16 << 20
)

const (
	perAlert   = 8    // copies of each alert
	waiting    = 64   // alerts that wait to be copied
	remembered = 1024 // alerts of which it is known what was asked for
)

// Options fix how long copies are kept, and on how many servers; zero means
// the default, and 1.
type Options struct {
	Retention time.Duration
	Replicas  int
}

// Open makes the bucket or brings it to the options.
func Open(ctx context.Context, js jetstream.JetStream, o Options) (jetstream.ObjectStore, error) {
	if o.Retention == 0 {
		o.Retention = DefaultRetention
	}
	store, err := js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{
		Bucket: Bucket, Description: "Picket: copies of media of flagged posts", TTL: o.Retention, Replicas: max(o.Replicas, 1),
	})
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", Bucket, err)
	}
	return store, nil
}

// Config is what a Keeper works with. Store is required.
type Config struct {
	Store    jetstream.ObjectStore
	Client   *http.Client // nil: Client()
	MaxBytes int64        // of each copy; 0: DefaultMaxBytes
	Room     func() bool  // whether there is room for copies; nil: always
	Log      *zap.Logger  // nil: silent
}

// Keeper copies the media of alerts. It is safe for concurrent use.
type Keeper struct {
	cfg   Config
	queue chan wanted
	again []wanted // what could not be copied yet; Run's own

	mu    sync.Mutex
	asked map[string][]string // names of objects, by alert
	order []string            // alerts, oldest first
}

// wanted is what is to be copied for an alert.
type wanted struct {
	alert string // id
	at    []address

	tries int
	end   time.Time // not tried again from then on; zero: not tried yet
	due   time.Time // of the next try
}

// NewKeeper returns a Keeper; see Run.
func NewKeeper(cfg Config) *Keeper {
	if cfg.Client == nil {
		cfg.Client = Client()
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	return &Keeper{cfg: cfg, queue: make(chan wanted, waiting), asked: map[string][]string{}}
}

// Want asks for copies of an alert's media and returns at once. Called again as
// the alert grows, it asks for what was not asked for before, as far as that is
// remembered, eight in all each time that it begins. In a storm alerts beyond
// those that can wait are left out, which is logged.
func (k *Keeper) Want(a *alerting.Alert) {
	fresh := k.fresh(a)
	if len(fresh) == 0 {
		return
	}
	select {
	case k.queue <- wanted{alert: a.ID, at: fresh}:
	default:
		k.cfg.Log.Warn("media of an alert not copied: too many wait", zap.String("alert", a.Number()))
	}
}

// fresh returns the media of an alert that were not asked for, and notes that they
// are now.
func (k *Keeper) fresh(a *alerting.Alert) []address {
	all := addresses(a)
	if len(all) == 0 {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	names, known := k.asked[a.ID]
	if !known {
		if k.order = append(k.order, a.ID); len(k.order) > remembered {
			delete(k.asked, k.order[0])
			k.order = slices.Delete(k.order, 0, 1)
		}
	}
	if a.Change == alerting.ChangeReopened { // what it shows now is new
		names = nil
	}
	var out []address
	for _, at := range all {
		if name := at.name(a.ID); len(names) < perAlert && !slices.Contains(names, name) {
			names, out = append(names, name), append(out, at)
		}
	}
	k.asked[a.ID] = names
	return out
}

// Run copies what is wanted until ctx ends. What fails and may pass, as where a
// network limits how often it is asked, is tried again for an hour.
func (k *Keeper) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select { // what is new goes first: it may be deleted soon
		case w := <-k.queue:
			k.try(ctx, w)
			continue
		default:
		}
		if i := k.next(); i >= 0 {
			timer.Reset(max(time.Until(k.again[i].due), 0))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return
		case w := <-k.queue:
			k.try(ctx, w)
		case <-timer.C:
			if i := k.next(); i >= 0 && !time.Now().Before(k.again[i].due) {
				w := k.again[i]
				k.again = slices.Delete(k.again, i, i+1)
				k.try(ctx, w)
			}
		}
	}
}

var errNoRoom = errors.New("the disk is nearly full, and seeing goes before copies: make room, or keep copies for a shorter time (evidence.retention)")

// Keep copies the media of an alert that are not kept yet, at most eight, and
// returns what went wrong with some of them.
func (k *Keeper) Keep(ctx context.Context, a *alerting.Alert) error {
	_, err := k.keep(ctx, a.ID, addresses(a))
	return err
}

// keep copies what is not kept yet, and returns what failed and may pass.
func (k *Keeper) keep(ctx context.Context, alert string, all []address) (left []address, err error) {
	var faults []error
	for i, at := range all {
		name := at.name(alert)
		if _, err := k.cfg.Store.GetInfo(ctx, name); err == nil {
			continue
		}
		if k.cfg.Room != nil && !k.cfg.Room() {
			return append(left, all[i:]...), errors.Join(append(faults, &passing{err: errNoRoom})...)
		}
		data, kind, err := k.fetch(ctx, at.url)
		if err == nil {
			if _, err = k.cfg.Store.Put(ctx, jetstream.ObjectMeta{Name: name, Metadata: map[string]string{
				"type": kind, "sha256": digest(data), "post": at.post,
			}}, bytes.NewReader(data)); err != nil {
				err = &passing{err: err}
			}
		}
		if err == nil {
			continue
		}
		faults = append(faults, fmt.Errorf("attachment %d of post %s: %w", at.number, at.post, err))
		if _, ok := errors.AsType[*passing](err); ok {
			left = append(left, at)
		}
	}
	return left, errors.Join(faults...)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// address is where one attachment of a post is.
type address struct {
	url, post string
	number    int // of the post's attachments, from 1
}

// name is that of the attachment's object.
func (at address) name(alert string) string { return alert + "/" + digest([]byte(at.url))[:16] }

// addresses returns the media of an alert, those of its newest activity first.
func addresses(a *alerting.Alert) []address {
	var out []address
	for i := range slices.Backward(a.Evidence) {
		post := &a.Evidence[i]
		for j, m := range post.Media {
			at := address{m.URL, post.ID, j + 1}
			if m.URL != "" && !slices.ContainsFunc(out, func(o address) bool { return o.url == at.url }) {
				out = append(out, at)
			}
		}
	}
	return out[:min(len(out), perAlert)]
}

// Copy is one attachment that is kept.
type Copy struct {
	Name   string    // of the object
	Post   string    // native id of the post
	Type   string    // media type, by its bytes: "image/png"
	SHA256 string    // hex
	Bytes  uint64    // size
	Kept   time.Time // when it was copied, UTC
}

// File returns a name for a file: the beginning of the hash and an ending that
// goes with the type.
func (c *Copy) File() string {
	ending := ""
	if all, err := mime.ExtensionsByType(c.Type); err == nil && len(all) > 0 {
		ending = all[0]
	}
	return c.SHA256[:min(len(c.SHA256), 16)] + ending
}

// List returns the copies of an alert, by name.
func List(ctx context.Context, store jetstream.ObjectStore, id string) ([]Copy, error) {
	all, err := store.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil, fmt.Errorf("list copies of alert %s: %w", id, err)
	}
	var out []Copy
	for _, o := range all {
		if strings.HasPrefix(o.Name, id+"/") {
			out = append(out, Copy{o.Name, o.Metadata["post"], o.Metadata["type"], o.Metadata["sha256"], o.Size, o.ModTime.UTC()})
		}
	}
	slices.SortFunc(out, func(a, b Copy) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Read returns the bytes of a copy, which must still have its hash.
func Read(ctx context.Context, store jetstream.ObjectStore, c *Copy) ([]byte, error) {
	data, err := store.GetBytes(ctx, c.Name)
	if err != nil {
		return nil, fmt.Errorf("read copy %s: %w", c.Name, err)
	}
	if got := digest(data); got != c.SHA256 {
		return nil, fmt.Errorf("read copy %s: its SHA-256 is %s, and was %s when it was copied", c.Name, got, c.SHA256)
	}
	return data, nil
}

// Count returns how many of an alert's media are kept; those whose state cannot
// be read are not counted.
func Count(ctx context.Context, store jetstream.ObjectStore, a *alerting.Alert) int {
	n := 0
	for _, at := range addresses(a) {
		if _, err := store.GetInfo(ctx, at.name(a.ID)); err == nil {
			n++
		}
	}
	return n
}
