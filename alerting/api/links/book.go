package links

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	keyBucket  = "PICKET_LINKS_KEY"
	usedBucket = "PICKET_LINKS_USED"
	keyName    = "hmac"
	keyBytes   = 32
)

// Book keeps the key of all links and which of them were used.
type Book struct {
	key  []byte
	used jetstream.KeyValue
}

// Open opens the book, and makes it and its key where there is none. Replicas
// below 1 mean 1.
func Open(ctx context.Context, js jetstream.JetStream, replicas int) (*Book, error) {
	replicas = max(replicas, 1)
	keys, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: keyBucket, Description: "Picket: key of the links in messages", Replicas: replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", keyBucket, err)
	}
	used, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: usedBucket, Description: "Picket: links in messages that were used", Replicas: replicas,
		TTL: Validity + time.Hour, // the hour is for clocks that differ
	})
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", usedBucket, err)
	}
	key, err := commonKey(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", keyBucket, err)
	}
	return &Book{key, used}, nil
}

// commonKey returns the key that whoever came first has made.
func commonKey(ctx context.Context, keys jetstream.KeyValue) ([]byte, error) {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	_, err := keys.Create(ctx, keyName, key)
	if err == nil {
		return key, nil
	}
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return nil, err
	}
	entry, err := keys.Get(ctx, keyName)
	if err != nil {
		return nil, err
	}
	if len(entry.Value()) != keyBytes {
		return nil, fmt.Errorf("key %s has %d bytes, want %d: delete it, a new one is made at the next start", keyName, len(entry.Value()), keyBytes)
	}
	return entry.Value(), nil
}

// take marks a link as used and reports whether it was not before.
func (b *Book) take(ctx context.Context, nonce string) (bool, error) {
	_, err := b.used.Create(ctx, nonce, nil)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, jetstream.ErrKeyExists):
		return false, nil
	}
	return false, fmt.Errorf("mark link as used: %w", err)
}

// giveBack makes a link usable again that had no effect.
func (b *Book) giveBack(ctx context.Context, nonce string) error {
	if err := b.used.Delete(ctx, nonce); err != nil {
		return fmt.Errorf("make link usable again: %w", err)
	}
	return nil
}

// taken reports when a link was used; false where it was not.
func (b *Book) taken(ctx context.Context, nonce string) (time.Time, bool, error) {
	entry, err := b.used.Get(ctx, nonce)
	switch {
	case err == nil:
		return entry.Created(), true, nil
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return time.Time{}, false, nil
	}
	return time.Time{}, false, fmt.Errorf("look whether link was used: %w", err)
}
