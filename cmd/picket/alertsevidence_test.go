package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting/evidence"
)

// shelf is a store of copies by name, to read from alone.
type shelf struct {
	jetstream.ObjectStore

	of map[string]string
}

func (s shelf) GetBytes(_ context.Context, name string, _ ...jetstream.GetObjectOpt) ([]byte, error) {
	return []byte(s.of[name]), nil
}

// TestSameMediaTwice: the posts of a burst often show the same picture, which is
// one file; what comes after it is written all the same.
func TestSameMediaTwice(t *testing.T) {
	store := shelf{of: map[string]string{"a1/1": "same", "a1/2": "same", "a1/3": "other"}}
	var copies []evidence.Copy
	for _, name := range []string{"a1/1", "a1/2", "a1/3"} {
		sum := sha256.Sum256([]byte(store.of[name]))
		copies = append(copies, evidence.Copy{Name: name, Type: "image/png", SHA256: hex.EncodeToString(sum[:])})
	}
	dir := t.TempDir()
	if err := saveCopies(t.Context(), store, copies, dir); err != nil {
		t.Error(err)
	}
	for i := range copies {
		if got, err := os.ReadFile(filepath.Join(dir, copies[i].File())); err != nil || string(got) != store.of[copies[i].Name] {
			t.Errorf("file of copy %d: %q, %v", i+1, got, err)
		}
	}
	if err := saveCopies(t.Context(), store, copies, dir); err == nil {
		t.Error("written over what was there")
	}
}
