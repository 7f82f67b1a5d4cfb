package evidence

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/alerting"
)

// shelf is as much of an object store as a Keeper needs, for a bubble of fake
// time.
type shelf struct {
	jetstream.ObjectStore

	mu   sync.Mutex
	kept map[string]bool
}

func (s *shelf) GetInfo(_ context.Context, name string, _ ...jetstream.GetObjectInfoOpt) (*jetstream.ObjectInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.kept[name] {
		return nil, jetstream.ErrObjectNotFound
	}
	return &jetstream.ObjectInfo{}, nil
}

func (s *shelf) Put(_ context.Context, m jetstream.ObjectMeta, _ io.Reader) (*jetstream.ObjectInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[m.Name] = true
	return &jetstream.ObjectInfo{}, nil
}

// site answers for each path, and notes when it was asked.
type site struct {
	began  time.Time
	answer func(path string, after time.Duration) (status int, header http.Header, err error)

	mu    sync.Mutex
	asked []string // "/path 15s"
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	after := time.Since(s.began)
	s.asked = append(s.asked, r.URL.Path+" "+after.String())
	status, header, err := s.answer(r.URL.Path, after)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: header, Request: r, ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(png)),
	}, nil
}

// TestTriedAgain: what a network does not give at once is tried again within an
// hour, and only that.
func TestTriedAgain(t *testing.T) {
	until := func(end time.Duration, status int, header http.Header) func(string, time.Duration) (int, http.Header, error) {
		return func(path string, after time.Duration) (int, http.Header, error) {
			if path == "/good" || after >= end {
				return http.StatusOK, nil, nil
			}
			return status, header, nil
		}
	}
	day := http.Header{"Date": {"Wed, 01 May 2019 12:00:00 GMT"}, "Retry-After": {"Wed, 01 May 2019 12:07:00 GMT"}}
	for _, tt := range []struct {
		name   string
		answer func(path string, after time.Duration) (int, http.Header, error)
		asked  []string
		kept   int
		log    string // the last word
	}{
		{
			"limited for two minutes", until(2*time.Minute, http.StatusTooManyRequests, nil),
			[]string{"/late 0s", "/good 0s", "/late 15s", "/late 45s", "/late 1m45s", "/late 3m45s"},
			2, "media of an alert not copied yet; trying again",
		},
		{
			"limited, and it says for how long", until(5*time.Minute, http.StatusTooManyRequests, http.Header{"Retry-After": {"400"}}),
			[]string{"/late 0s", "/good 0s", "/late 6m40s"},
			2, "media of an alert not copied yet; trying again",
		},
		{
			"limited until a date", until(5*time.Minute, http.StatusServiceUnavailable, day),
			[]string{"/late 0s", "/good 0s", "/late 7m0s"},
			2, "media of an alert not copied yet; trying again",
		},
		{
			"limited for longer than an hour", until(5*time.Hour, http.StatusTooManyRequests, http.Header{"Retry-After": {"4000"}}),
			[]string{"/late 0s", "/good 0s"},
			1, "media of an alert not copied, and not tried again: its time is over",
		},
		{
			"away for hours", until(5*time.Hour, http.StatusBadGateway, nil),
			[]string{
				"/late 0s", "/good 0s", "/late 15s", "/late 45s", "/late 1m45s", "/late 3m45s", "/late 7m45s", "/late 15m45s", "/late 25m45s",
				"/late 35m45s", "/late 45m45s", "/late 55m45s",
			},
			1, "media of an alert not copied, and not tried again: its time is over",
		},
		{
			"no connection", func(path string, after time.Duration) (int, http.Header, error) {
				if path == "/late" && after == 0 {
					return 0, nil, errors.New("connection reset")
				}
				return http.StatusOK, nil, nil
			},
			[]string{"/late 0s", "/good 0s", "/late 15s"},
			2, "media of an alert not copied yet; trying again",
		},
		{
			"gone", until(5*time.Hour, http.StatusNotFound, nil),
			[]string{"/late 0s", "/good 0s"},
			1, "media of an alert not copied",
		},
		{
			"moved out of https", until(5*time.Hour, http.StatusFound, http.Header{"Location": {"http://img.example/late"}}),
			[]string{"/late 0s", "/good 0s"},
			1, "media of an alert not copied",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &site{began: time.Now(), answer: tt.answer}
				store := &shelf{kept: map[string]bool{}}
				client := Client()
				client.Transport = s
				core, logs := observer.New(zap.InfoLevel)
				k := NewKeeper(Config{Store: store, Client: client, Log: zap.New(core)})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { k.Run(ctx); close(done) }()
				k.Want(alert("https://img.example/late", "https://img.example/good"))
				time.Sleep(6 * time.Hour)
				cancel()
				<-done
				if d := cmp.Diff(tt.asked, s.asked); d != "" {
					t.Errorf("asked (-want +got):\n%s", d)
				}
				if len(store.kept) != tt.kept {
					t.Errorf("%d copies, want %d", len(store.kept), tt.kept)
				}
				all := logs.All()
				if len(all) == 0 || all[len(all)-1].Message != tt.log {
					t.Errorf("the log ends with %v, want %q", all, tt.log)
				}
			})
		})
	}
}

// TestNewGoesFirst: what is tried again keeps nothing new waiting, and is bounded.
func TestNewGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{began: time.Now(), answer: func(path string, _ time.Duration) (int, http.Header, error) {
			if path == "/good" {
				return http.StatusOK, nil, nil
			}
			return http.StatusTooManyRequests, nil, nil
		}}
		store := &shelf{kept: map[string]bool{}}
		client := Client()
		client.Transport = s
		k := NewKeeper(Config{Store: store, Client: client})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { k.Run(ctx); close(done) }()
		one := func(id, url string) *alerting.Alert {
			a := alert(url)
			a.ID = id
			return a
		}
		for i := range 2 * waiting {
			k.Want(one(strings.Repeat("a", i+1), "https://img.example/late"))
			synctest.Wait()
		}
		k.Want(one("b", "https://img.example/good"))
		synctest.Wait()
		if len(store.kept) != 1 || len(k.again) != waiting || time.Since(s.began) != 0 {
			t.Errorf("%d copies, %d wait; want 1 and %d", len(store.kept), len(k.again), waiting)
		}
		cancel()
		<-done
	})
}
