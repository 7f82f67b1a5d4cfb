package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv(fakeEnv) != "" { // the network, in a process of its own
		if err := servePolls(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "fake network:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestPolls is a short version of the measurement, with both kinds of journal:
// what it counts is there. How fast it is is not judged, since the machine of a
// test does other work.
func TestPolls(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"in memory", "in JetStream on disk"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r, err := pollFeeds(t.Context(), pollsOptions{
				accounts: 40, credentials: 2, every: time.Second, warm: time.Second, during: 3 * time.Second,
				bare: 100 * time.Millisecond, jetstream: kind != "in memory",
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.kind != kind || r.polls < 40 || r.failed != 0 || r.bare <= 0 || r.cpu <= 0 || r.resident <= 0 {
				t.Errorf("%+v, want 40 polls or more, none failed, and each figure more than nothing", r)
			}
		})
	}
}

func TestPollsGoals(t *testing.T) {
	good := pollsResult{polls: 100_000, took: time.Minute, p99: time.Second, peak: 1 << 30, bare: 3000}
	for _, tt := range []struct {
		name   string
		change func(*pollsResult)
		want   string // the error
	}{
		{"met", func(*pollsResult) {}, ""},
		{"some failed", func(r *pollsResult) { r.failed = 3 }, "3 polls failed"},
		{"too few", func(r *pollsResult) { r.polls = 60_000 }, "1000 polls a second; want 1667"},
		{"too late", func(r *pollsResult) { r.p99 = 6 * time.Second }, "polls began up to 6s late at p99; want 5s at most"},
		{"too large", func(r *pollsResult) { r.peak = 5 << 30 }, "5120 MiB of memory; want 4096 at most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := good
			tt.change(&r)
			var out strings.Builder
			got := ""
			if err := r.print(&out, pollsOptions{accounts: 100_000, credentials: 10, every: time.Minute}); err != nil {
				got = err.Error()
			}
			if got != tt.want || !strings.Contains(out.String(), "HTTP client    3000 requests/s") {
				t.Errorf("error %q, want %q, after\n%s", got, tt.want, out.String())
			}
		})
	}
	if _, err := idleCost(2000); err != nil {
		t.Error(err)
	}
}
