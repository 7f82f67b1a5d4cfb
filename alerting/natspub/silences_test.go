package natspub

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/silence"
)

func openSilences(tb testing.TB, js jetstream.JetStream) *Silences {
	tb.Helper()
	if err := EnsureSilences(tb.Context(), js, StreamOptions{}); err != nil {
		tb.Fatal(err)
	}
	s, err := OpenSilences(tb.Context(), js)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func request(tb testing.TB, matchers string) silence.Request {
	tb.Helper()
	m, err := match.Parse(matchers)
	if err != nil {
		tb.Fatal(err)
	}
	return silence.Request{Matchers: m, Author: "jane", Reason: "campaign"}
}

func TestEnsureSilences(t *testing.T) {
	_, js := connect(t, false)
	if _, err := OpenSilences(t.Context(), js); err == nil || !strings.Contains(err.Error(), "start picket run once") {
		t.Errorf("without a stream: %v", err)
	}
	for range 2 {
		openSilences(t, js)
	}
	s, err := js.Stream(t.Context(), SilenceStream)
	if err != nil {
		t.Fatal(err)
	}
	if cfg := s.CachedInfo().Config; cfg.MaxAge != 17520*time.Hour || cfg.MaxMsgsPerSubject != 16 || cfg.AllowDirect {
		t.Errorf("stream has age %s, %d per subject, direct %t", cfg.MaxAge, cfg.MaxMsgsPerSubject, cfg.AllowDirect)
	}
	if err := EnsureSilences(t.Context(), js, StreamOptions{Retention: 24 * time.Hour}); err == nil || !strings.Contains(err.Error(), "make it longer") {
		t.Errorf("a retention shorter than a silence: %v", err)
	}
}

func TestSilencesLife(t *testing.T) {
	_, js := connect(t, false)
	ctx, now := t.Context(), start()
	store := openSilences(t, js)
	book := silence.Book{Store: store, Now: func() time.Time { return now }}
	if all, err := book.List(ctx); err != nil || len(all) != 0 {
		t.Fatalf("an empty stream lists %v, %v", all, err)
	}
	first, err := book.Add(ctx, request(t, `account="x/acme"`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.Add(ctx, request(t, `level="low"`)); err != nil {
		t.Fatal(err)
	}
	// The very same one again would be its first revision twice.
	if _, err := book.Add(ctx, request(t, `account="x/acme"`)); !errors.Is(err, alerting.ErrConflict) {
		t.Errorf("added twice: %v, want ErrConflict", err)
	}
	now = now.Add(time.Hour)
	confirmed, err := book.Confirm(ctx, first.ID, "tom", "right")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := store.Get(ctx, first.ID); err != nil || got.Silence.Revision != 2 || got.Silence.Confirmed.By != "tom" || got.Silence.State(now) != silence.Active {
		t.Errorf("stored %+v, %v; want revision 2, active, confirmed by tom", got, err)
	}
	if _, err := store.Put(ctx, confirmed, 1); !errors.Is(err, alerting.ErrConflict) {
		t.Errorf("a writer who was late: %v, want ErrConflict", err)
	}
	found, err := book.Find(ctx, strings.ToLower(first.Number()))
	if err != nil || found.ID != first.ID {
		t.Errorf("found %v, %v by number", found.ID, err)
	}
	if _, err := book.Expire(ctx, first.ID, "jane", ""); err != nil {
		t.Fatal(err)
	}
	all, err := book.List(ctx, silence.Active)
	if err != nil || len(all) != 1 || all[0].Matchers.String() != `{level="low"}` {
		t.Errorf("active ones: %v, %v; want that of level low", all, err)
	}
	if _, err := book.Expire(ctx, "none", "jane", ""); !errors.Is(err, silence.ErrNotFound) {
		t.Errorf("expired one that is not there: %v", err)
	}
	for _, reference := range []string{"SL-", "SL-ZZZZZZ"} {
		if _, err := book.Find(ctx, reference); err == nil {
			t.Errorf("found %s", reference)
		}
	}
}

// TestSilencesConcurrent lets many confirm and expire one silence: each deed
// that succeeds is a revision of its own.
func TestSilencesConcurrent(t *testing.T) {
	_, js := connect(t, false)
	store := openSilences(t, js)
	book := silence.Book{Store: store, Now: start}
	s, err := book.Add(t.Context(), request(t, `account="x/acme"`))
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu   sync.Mutex
		done int
		g    errgroup.Group
	)
	for range 8 {
		g.Go(func() error {
			_, err := book.Confirm(t.Context(), s.ID, "tom", "")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case !errors.Is(err, silence.ErrState):
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	got, err := store.Get(t.Context(), s.ID)
	if err != nil || done != 1 || got.Silence.Revision != 2 {
		t.Errorf("%d confirmed it, revision %d, %v; want 1 and revision 2", done, got.Silence.Revision, err)
	}
}

func TestSilencesWatch(t *testing.T) {
	_, js := connect(t, false)
	store := openSilences(t, js)
	var damaged []string
	store.Damaged = func(subject string, _ error) { damaged = append(damaged, subject) }
	book := silence.Book{Store: store, Now: start}
	old, err := book.Add(t.Context(), request(t, `account="x/acme"`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), SilenceSubject("forged"), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen, ready := make(chan silence.Silence, 8), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- store.Watch(ctx, func(s silence.Silence) { seen <- s }, func() { close(ready) })
	}()
	<-ready
	if s := <-seen; s.ID != old.ID || s.Revision != 1 {
		t.Errorf("first seen %+v, want the one that was there", s)
	}
	if _, err := book.Confirm(t.Context(), old.ID, "tom", ""); err != nil {
		t.Fatal(err)
	}
	if s := <-seen; s.ID != old.ID || s.Change != silence.ChangeConfirmed {
		t.Errorf("then seen %+v, want its confirmation", s)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("watch ended with %v, want the context's error", err)
	}
	if !slices.Equal(damaged, []string{"picket.silence.forged"}) {
		t.Errorf("damaged %v, want the forged one", damaged)
	}
}
