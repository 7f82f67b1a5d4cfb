package collectors_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
)

var okHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })

// get sends one request and reads its answer.
func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func TestClientRefusesWhatIsUnsafe(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    string // in the error; empty: no error
	}{
		{"fits", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, big) }, ""},
		{"too large", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, big+"x") }, "answer is larger than 1048576 bytes"},
		{"redirect on the host", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/there" {
				http.Redirect(w, r, "https://x.test/there", http.StatusFound)
			}
		}, ""},
		{"redirect to another host", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.test/", http.StatusFound)
		}, "x.test redirects to another host, evil.test; credentials are not sent there"},
		{"redirect to http", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://x.test/", http.StatusFound)
		}, "x.test redirects from https to http"},
		{"redirect loop", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://x.test/again", http.StatusFound)
		}, "more than 5 redirects"},
		{"hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no complete answer within 30s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Host != "x.test" {
						t.Errorf("request reached %s", r.Host)
					}
					want(t, "user agent", r.UserAgent(), "picket/test")
					c.handler(w, r)
				})
				client := collectors.NewClient(nil, collectors.ClientOptions{
					Base: collectortest.Transport(handler), MaxBody: 1 << 20, UserAgent: "picket/test",
				})
				// Libraries build their own client around the transport.
				for _, client := range []*http.Client{client, {Transport: client.Transport}} {
					err := get(t.Context(), client, "https://x.test/")
					switch {
					case c.want == "" && err != nil:
						t.Errorf("error %v, want none", err)
					case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
						t.Errorf("error %v, want one with %q", err, c.want)
					}
				}
			})
		})
	}
}

func TestClientNeverSendsWhatIsNotAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		reset := time.Now().Add(10 * time.Minute)
		budget := collectors.NewBudget("main", collectors.BudgetOptions{
			Endpoint: func(r *http.Request) string { return r.Method + " " + r.URL.Path },
		})
		client := collectors.NewClient(budget, collectors.ClientOptions{Base: collectortest.Transport(http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) {
				sent++
				w.Header().Set("X-RateLimit-Limit", "2")
				w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(2-sent))
				w.Header().Set("X-RateLimit-Reset", strconv.Itoa(int(reset.Unix())))
			}))})
		for range 2 {
			if err := get(t.Context(), client, "https://x.test/posts"); err != nil {
				t.Fatal(err)
			}
		}
		err := get(t.Context(), client, "https://x.test/posts")
		var limited *collectors.RateLimited
		if !errors.As(err, &limited) {
			t.Fatalf("error %v, want *RateLimited", err)
		}
		want(t, "told until the reset", limited.Until.Sub(reset).Abs() < 2*time.Second, true)
		want(t, "requests sent", sent, 2)
		want(t, "status", budget.Status().Endpoints[0].Remaining, 0)
		sent = 1
		if err := get(t.Context(), client, "https://x.test/mentions"); err != nil {
			t.Errorf("another endpoint: %v", err)
		}
		time.Sleep(9*time.Minute + 55*time.Second)
		sent, reset = 0, reset.Add(15*time.Minute)
		if err := get(t.Context(), client, "https://x.test/posts"); err != nil {
			t.Errorf("five seconds before the reset, which is worth waiting for: %v", err)
		}
	})
}

func TestClientOverSockets(t *testing.T) {
	server := httptest.NewServer(okHandler)
	defer server.Close()
	client := collectors.NewClient(nil, collectors.ClientOptions{})
	defer client.CloseIdleConnections()
	for range 3 {
		if err := get(t.Context(), client, server.URL); err != nil {
			t.Fatal(err)
		}
	}
}

func TestClientWaitsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := collectors.NewBudget("main", collectors.BudgetOptions{Requests: 1, Per: time.Minute})
		client := collectors.NewClient(budget, collectors.ClientOptions{Base: collectortest.Transport(okHandler), MaxWait: time.Hour})
		if err := get(t.Context(), client, "https://x.test/"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := get(ctx, client, "https://x.test/"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		began := time.Now()
		if err := get(t.Context(), client, "https://x.test/"); err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d < 58*time.Second || d > 62*time.Second {
			t.Errorf("waited %s, want until a minute after the first request", d)
		}
	})
}
