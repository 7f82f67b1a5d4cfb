package collectors

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestNoWindowOutlastsTheLongestHold: a network, or a proxy before it, says once
// that nothing may be sent for years, or our clock was years ahead when it
// answered. The credential must not be blind for as long.
func TestNoWindowOutlastsTheLongestHold(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name    string
		header  string
		value   string
		step    time.Duration // of our clock, after the answer
		refused time.Duration // still not sent this long after the answer, by the clock that was set
		sent    time.Duration // sent again this long after it
	}{
		{"an hour", "Retry-After", "3600", 0, 59 * time.Minute, time.Hour},
		{"a day", "Retry-After", "86400", 0, 23 * time.Hour, 24 * time.Hour},
		{"ten years", "Retry-After", "315360000", 0, 23 * time.Hour, 24 * time.Hour},
		{"until 2036", "X-RateLimit-Reset", "2087985600", 0, 23 * time.Hour, 24 * time.Hour},
		{"an hour, and our clock goes back by ten", "Retry-After", "3600", -10 * time.Hour, 0, 11 * time.Hour},
		{"an hour, and our clock goes back by years", "Retry-After", "3600", -87600 * time.Hour, -1, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			now, asked := start, 0
			client := NewClient(NewBudget("main", BudgetOptions{Now: func() time.Time { return now }}), ClientOptions{Base: transportFunc(func(*http.Request) (*http.Response, error) {
				asked++
				resp := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
				resp.Header.Set("Date", now.Format(http.TimeFormat))
				resp.Header.Set(row.header, row.value)
				resp.Header.Set("X-RateLimit-Remaining", "0")
				return resp, nil
			})})
			ask := func() error {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example/posts", nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := client.Do(req)
				if err == nil {
					err = resp.Body.Close()
				}
				return err
			}
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			set := start.Add(row.step)
			if row.refused >= 0 {
				now = set.Add(row.refused)
				limited, ok := errors.AsType[*RateLimited](ask())
				if !ok || asked != 1 {
					t.Fatalf("%s after the answer: asked %d times, want once", row.refused, asked)
				}
				if most := now.Add(longestHold); limited.Until.After(most) {
					t.Errorf("to be asked again at %s, want %s at the latest", limited.Until, most)
				}
			}
			now = set.Add(row.sent)
			if err := ask(); err != nil || asked != 2 {
				t.Errorf("%s after the answer: asked %d times (%v), want twice", row.sent, asked, err)
			}
		})
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestQuotasAfterTheClockIsSetBack: what was used while our clock was ahead was used
// just now, whatever that clock said. It is given back when its span or day has
// passed by the clock that was set.
func TestQuotasAfterTheClockIsSetBack(t *testing.T) {
	for _, row := range []struct {
		name    string
		opts    BudgetOptions
		refused time.Duration // after the clock was set
		sent    time.Duration
	}{
		{"requests in a span", BudgetOptions{Requests: 3, Per: time.Minute}, 59 * time.Second, 2 * time.Minute},
		{"units of a day", BudgetOptions{Units: 3}, 59 * time.Minute, 47 * time.Hour}, // they count on the day that was shown, too
	} {
		for _, back := range []time.Duration{2 * time.Hour, 50 * time.Hour, 87600 * time.Hour} {
			t.Run(row.name+" "+back.String(), func(t *testing.T) {
				now := time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)
				store := &memorySpend{sums: map[string]float64{}}
				row.opts.Now, row.opts.Spend = func() time.Time { return now }, store
				b := NewBudget("main", row.opts)
				for range 3 {
					if err := fetchWith(t.Context(), b, "/list"); err != nil {
						t.Fatal(err)
					}
				}
				if err := b.Save(t.Context()); err != nil {
					t.Fatal(err)
				}
				set := now.Add(-back)
				now = set.Add(row.refused)
				if _, limited := errors.AsType[*RateLimited](fetchWith(t.Context(), b, "/list")); !limited {
					t.Errorf("sent %s after the clock was set back, although all was used", row.refused)
				}
				if day := "main units-" + set.Format(time.DateOnly); row.opts.Units > 0 && store.sums[day] != 3 {
					t.Errorf("kept %v, want the 3 units in the day that it truly is", store.sums)
				}
				now = set.Add(row.sent)
				for range 3 {
					if err := fetchWith(t.Context(), b, "/list"); err != nil {
						t.Errorf("%s after the clock was set back: %v", row.sent, err)
					}
				}
			})
		}
	}
}
