package collectortest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFeedKeepsTheContract(t *testing.T) {
	collectortest.Run(t, collectortest.Harness{Source: "feed/acme", Lag: feedOverlap, Open: open(50, 100)})
}

// A page of 130 items of 5 KB takes three batches; the process dies before and
// after each of them.
func TestPagesOfSeveralBatches(t *testing.T) {
	h := collectortest.Harness{Source: "feed/acme", Lag: feedOverlap, Open: open(400, 5000)}
	for _, fate := range []collectortest.Fate{collectortest.Fail, collectortest.StoreAndFail} {
		n := collectortest.KillAtAppends(t, h, fate)
		if n < 7 {
			t.Errorf("%d appends in a run, want several batches for a page", n)
		}
	}
}

// A page of posts and mentions is appended in its order, a batch for each run
// of items that are kept equally long; the process dies before and after each
// of them.
func TestPagesOfSeveralClasses(t *testing.T) {
	h := collectortest.Harness{Source: "feed/acme", Lag: feedOverlap, Open: openFeed(50, 100, true)}
	for _, fate := range []collectortest.Fate{collectortest.Fail, collectortest.StoreAndFail} {
		n := collectortest.KillAtAppends(t, h, fate)
		if n < 40 {
			t.Errorf("%d appends in a run, want several batches for a page", n)
		}
	}
}

// The contract is worth something only if what breaks it fails. Each bug runs
// one subtest in a process of its own.
func TestContractCatches(t *testing.T) {
	for _, c := range []struct{ bug, subtest, message string }{
		{"keeps its own cursor", "again", "one cursor gave"},
		{"does not tell its overlap", "overlap", "want once"},
		{"does not look back", "late", "is 0 times in the journal"},
		{"hides what it cannot read", "malformed", "Page.Malformed stayed empty"},
		{"stops at the first page", "pages", "is 0 times in the journal"},
		{"speaks of another account", "form", "is of account feed/other, want feed/acme"},
		{"takes half an answer for none", "failing/cut", "is complete, want failing"},
		{"does not look back", "soak", "is 0 times in the journal"},
		{"does not tell its overlap", "soak", "want once"},
		{"knows no refusal", "forbidden", "want forbidden"},
	} {
		t.Run(c.bug+"/"+c.subtest, func(t *testing.T) {
			pattern := "^TestFeedKeepsTheContract$/^" + strings.ReplaceAll(c.subtest, "/", "$/^") + "$"
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern)
			child.Env = append(os.Environ(), bugEnv+"="+c.bug)
			out, err := child.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.message) {
				t.Errorf("a collector that %s passes %s: %v\n%s", c.bug, c.subtest, err, out)
			}
		})
	}
}

// Two daemons without leases poll the same account: the fence keeps the
// journal right.
func TestTwoDaemons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(24 * time.Hour)
		fake, logs := open(50, 100)(t), collectortest.NewLogs()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		for range 2 {
			client := collectors.NewClient(nil, collectors.ClientOptions{Base: collectortest.Transport(fake.Handler)})
			c, err := fake.New(collectors.Deps{HTTP: client, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			s := collectors.NewScheduler(collectors.Options{Logs: logs})
			if err := s.Set([]collectors.Task{{Source: "feed/acme", Network: "feed", Collector: c, Every: time.Minute}}); err != nil {
				t.Fatal(err)
			}
			go func() { done <- s.Run(ctx) }()
		}
		published := 0
		for range 40 {
			published += len(fake.Publish(4)) + len(fake.Late(1))
			time.Sleep(90 * time.Second)
		}
		time.Sleep(5 * time.Minute)
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		seen := map[string]int{}
		for _, a := range logs.Activities("feed/acme") {
			seen[fmt.Sprint(a.Kind, " ", a.ID)]++
		}
		items := 0
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s is %d times in the journal", id, n)
			}
			if strings.HasPrefix(id, string(activity.KindPost)) {
				items++
			}
		}
		if items != published || published != 200 {
			t.Errorf("%d items in the journal of %d published, want 200", items, published)
		}
	})
}
