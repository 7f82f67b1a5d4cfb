package app

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// The storm at its full size takes a minute, and another until its summary:
//
//	go test ./cmd/internal/app -run TestStorm -v -storm-accounts 1000 -storm-rounds 100 -storm-for 60s -storm-summary
var (
	stormAccounts = flag.Int("storm-accounts", 100, "accounts of TestStorm")
	stormRounds   = flag.Int("storm-rounds", 20, "findings of each account of TestStorm")
	stormFor      = flag.Duration("storm-for", 2*time.Second, "how long the findings of TestStorm take")
	stormSummary  = flag.Bool("storm-summary", false, "let TestStorm wait for the summary page")
)

const stormPages = 10 // that the budget allows

// TestStorm lets many accounts be odd at once: every alert is kept with all that
// was found, people get as many pages as the budget allows, and then a summary.
func TestStorm(t *testing.T) {
	told := &tellings{}
	hook := httptest.NewServer(told)
	t.Cleanup(hook.Close)
	t.Setenv("HOOK_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	t.Setenv("API_TOKEN", "0123456789abcdef0123456789abcdef")
	s := newSite(t, fmt.Sprintf("receivers: [{name: hook, type: webhook, url: %q, secrets: [{env: HOOK_KEY}]}]\nnotifications: {budget: {pages: %d}}\n", hook.URL, stormPages))
	s.changeHTTP(t, "api: {tokens: [{name: ops, token: {env: API_TOKEN}, can: [read]}]}, ")
	r := s.run(t)
	m := managerBeside(t, r.js())

	asking := make(chan struct{})
	var took []time.Duration
	var asked sync.WaitGroup
	asked.Go(func() { took = askDuring(t, r, asking) })
	began := time.Now()
	for round := range *stormRounds {
		time.Sleep(time.Until(began.Add(*stormFor * time.Duration(round) / time.Duration(*stormRounds))))
		reportStorm(t, m, round)
	}
	if err := m.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	last := time.Since(began)
	close(asking)
	asked.Wait()
	checkStorm(t, m, last)
	if *stormSummary {
		eventually(t, "the summary", func() bool { return told.of(notify.Summary) > 0 })
		told.checkSummary(t)
	}
	eventually(t, "the pages", func() bool { return told.of(notify.Opened) >= min(stormPages, *stormAccounts) })
	if n := told.of(notify.Opened); n > stormPages {
		t.Errorf("%d pages, want at most %d", n, stormPages)
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	slices.Sort(took)
	t.Logf("%d findings of %d accounts in %v; %d lists of open alerts, median %v, p99 %v; heap %d MiB",
		*stormAccounts**stormRounds, *stormAccounts, last.Round(time.Millisecond), len(took), took[len(took)/2].Round(100*time.Microsecond),
		took[len(took)*99/100].Round(100*time.Microsecond), mem.HeapInuse>>20)
}

func stormID(account int) string { return fmt.Sprintf("%08x000000000000000000000000", account+1) }

// reportStorm finds something on every account.
func reportStorm(t *testing.T, m *alerting.Manager, round int) {
	t.Helper()
	rule := &rules.Rule{ID: "burst", Title: "Posting burst", Level: rules.High, Mode: rules.Enforce}
	at := time.Now().UTC()
	var batch []detector.Finding
	for i := range *stormAccounts {
		phase := detector.Update
		if round == 0 {
			phase = detector.Open
		}
		batch = append(batch, detector.Finding{
			Episode: stormID(i), Phase: phase, Network: "x", Account: fmt.Sprintf("x/storm-%d", i), Rule: rule,
			LogTime: at, First: at, Last: at, Count: round + 1, Position: detector.Position{Sequence: uint64(round + 1), Index: i},
		})
	}
	for part := range slices.Chunk(batch, 100) {
		if err := m.Report(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
}

// askDuring lists open alerts over HTTP until stop, and returns how long each
// answer took.
func askDuring(t *testing.T, r *running, stop <-chan struct{}) (took []time.Duration) {
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.at.HTTP+"/v1/alerts?limit=50", nil)
		if err != nil {
			t.Error(err)
			return took
		}
		req.Header.Set("Authorization", "Bearer 0123456789abcdef0123456789abcdef")
		began := time.Now()
		resp, err := new(http.Client).Do(req)
		if err != nil {
			t.Error(err)
			return took
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("list: %s, %v", resp.Status, err)
		}
		resp.Body.Close()
		took = append(took, time.Since(began))
		select {
		case <-stop:
			return took
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// checkStorm holds that an alert has one revision a second at most, over the
// time that the storm took: a busy machine takes longer than was asked for.
func checkStorm(t *testing.T, m *alerting.Manager, took time.Duration) {
	t.Helper()
	most := uint64(took.Seconds()) + 3
	all, err := m.List(t.Context(), alerting.Filter{})
	if err != nil || len(all) != *stormAccounts {
		t.Fatalf("%d alerts, %v; want %d", len(all), err, *stormAccounts)
	}
	for i := range all {
		a := &all[i]
		if a.Count != *stormRounds || a.Revision > most {
			t.Errorf("alert %s of %s counts %d in %d revisions, want %d in at most %d", a.ID, a.Account, a.Count, a.Revision, *stormRounds, most)
		}
	}
}

// tellings are what a receiver was told.
type tellings struct {
	mu  sync.Mutex
	all []notify.Message
}

func (l *tellings) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m notify.Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, m)
}

func (l *tellings) of(k notify.Kind) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.all {
		if l.all[i].Kind == k {
			n++
		}
	}
	return n
}

// checkSummary holds the first summary to what is not told one by one.
func (l *tellings) checkSummary(t *testing.T) {
	t.Helper()
	n := *stormAccounts - stormPages
	want := fmt.Sprintf("%d incidents on %d accounts", n, n)
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.IndexFunc(l.all, func(m notify.Message) bool { return m.Kind == notify.Summary })
	if !strings.Contains(l.all[at].Title, want) {
		t.Errorf("the summary is %q, want one with %q", l.all[at].Title, want)
	}
	t.Log(l.all[at].Title)
}
