package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
)

// pollsOptions say what is polled.
type pollsOptions struct {
	accounts    int
	credentials int
	every       time.Duration
	warm        time.Duration // before it counts
	during      time.Duration
	bare        time.Duration // how long the HTTP client alone is measured
	jetstream   bool
	idle        int // accounts that are only scheduled, 0 to leave that out
}

// polls polls many accounts of a fake network in another process over HTTP,
// and prints how late polls began against their schedule and what it took.
func polls(ctx context.Context, o pollsOptions, out io.Writer) error {
	if o.idle > 0 {
		per, err := idleCost(o.idle)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d scheduled idle accounts: %d B each\n", o.idle, per)
	}
	r, err := pollFeeds(ctx, o)
	if err != nil {
		return err
	}
	return r.print(out, o)
}

// pollFeeds polls them and returns what came out.
func pollFeeds(ctx context.Context, o pollsOptions) (pollsResult, error) {
	addr, stop, err := startFake(ctx)
	if err != nil {
		return pollsResult{}, err
	}
	defer stop()
	rate, err := bareRate(ctx, addr, o.bare)
	if err != nil {
		return pollsResult{}, err
	}
	logs, kind, done, err := pollsLogs(ctx, o.jetstream)
	if err != nil {
		return pollsResult{}, err
	}
	defer done()
	m := &pollsMeter{outcomes: map[string]int{}}
	s := collectors.NewScheduler(collectors.Options{Logs: logs, Observer: m})
	if err := s.Set(feedTasks(addr, o)); err != nil {
		return pollsResult{}, err
	}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(run) }()
	if err := pause(ctx, o.warm); err != nil {
		return pollsResult{}, err
	}
	r, err := m.measure(ctx, o.during)
	cancel()
	r.kind, r.bare = kind, rate
	return r, errors.Join(err, <-ended)
}

// startFake starts the network in a process of its own.
func startFake(ctx context.Context) (addr string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), fakeEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { _ = in.Close(); _ = cmd.Wait() }
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("the fake network does not say where it is: %w", err)
	}
	return strings.TrimSpace(line), stop, nil
}

// fakeEnv has this program be the fake network.
const fakeEnv = "PICKET_SOAK_FAKE"

func feedTasks(addr string, o pollsOptions) []collectors.Task {
	budgets := make([]*collectors.Budget, o.credentials)
	clients := make([]*http.Client, o.credentials)
	for i := range budgets {
		budgets[i] = collectors.NewBudget(fmt.Sprint("credential-", i), collectors.BudgetOptions{})
		clients[i] = collectors.NewClient(budgets[i], collectors.ClientOptions{UserAgent: "picket/soak"})
	}
	tasks := make([]collectors.Task, o.accounts)
	for i := range tasks {
		name := fmt.Sprintf("%s/account%d", pollsNetwork, i)
		tasks[i] = collectors.Task{
			Source: name, Network: pollsNetwork, Every: o.every, Budget: budgets[i%o.credentials],
			Collector: &feedCollector{account: name, url: fmt.Sprintf("http://%s/?account=%d", addr, i), client: clients[i%o.credentials]},
		}
	}
	return tasks
}

// bareRate is how many requests a second the HTTP client alone makes of the
// same network, with nothing around it.
func bareRate(ctx context.Context, addr string, during time.Duration) (float64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, during)
	defer cancel()
	var n atomic.Int64
	var group sync.WaitGroup
	var once sync.Once
	var failed error
	began := time.Now()
	for i := range 64 {
		group.Go(func() {
			for ctx.Err() == nil {
				err := askOnce(ctx, client, fmt.Sprintf("http://%s/?account=%d&after=1", addr, i))
				if err != nil && ctx.Err() == nil {
					once.Do(func() { failed = err; cancel() })
				}
				n.Add(1)
			}
		})
	}
	group.Wait()
	return float64(n.Load()) / time.Since(began).Seconds(), failed
}

func askOnce(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
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

// pollsLogs opens what is written to: memory, or a journal on disk.
func pollsLogs(ctx context.Context, onDisk bool) (logs collectors.Logs, kind string, done func(), err error) {
	if !onDisk {
		return &heads{all: map[string]*head{}}, "in memory", func() {}, nil
	}
	dir, err := os.MkdirTemp("", "picket-polls-")
	if err != nil {
		return nil, "", nil, err
	}
	srv, err := app.StartEmbedded(app.EmbeddedOptions{DataDir: dir, Listen: "off", Log: zap.NewNop()})
	if err != nil {
		return nil, "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	nc, err := srv.Connect()
	if err != nil {
		srv.Close()
		return nil, "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	done = func() { nc.Close(); srv.Close(); _ = os.RemoveAll(dir) }
	js, err := jetstream.New(nc)
	if err == nil {
		logs, err = journal.Open(ctx, js, journal.Config{Partitions: 4, Replicas: 1}, nil)
	}
	if err != nil {
		done()
		return nil, "", nil, err
	}
	return logs, "in JetStream on disk", done, nil
}

// heads are logs of which only the last message is kept, encoded as the journal
// does and under its fence.
type heads struct {
	mu  sync.Mutex
	all map[string]*head
}

type head struct {
	logs *heads
	data []byte
	at   time.Time
}

// Open implements collectors.Logs.
func (h *heads) Open(_ context.Context, source string) (collectors.Log, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all[source] == nil {
		h.all[source] = &head{logs: h}
	}
	return h.all[source], nil
}

// Checkpoint implements collectors.Log.
func (h *head) Checkpoint(context.Context) (collectors.Checkpoint, error) {
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	if h.data == nil {
		return collectors.Checkpoint{}, nil
	}
	var dec activity.Decoder
	var b activity.Batch
	if err := dec.Batch(slices.Clone(h.data), &b); err != nil {
		return collectors.Checkpoint{}, err
	}
	return collectors.Checkpoint{Cursor: slices.Clone(b.Cursor), Recent: slices.Clone(b.Recent), LastTime: h.at}, nil
}

// Append implements collectors.Log.
func (h *head) Append(_ context.Context, b *activity.Batch) error {
	data := activity.AppendBatch(nil, b)
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	h.data, h.at = data, time.Now()
	return nil
}

// pollsMeter counts polls.
type pollsMeter struct {
	mu       sync.Mutex
	late     []time.Duration
	outcomes map[string]int
	items    int
}

// PollDone implements collectors.Observer.
func (m *pollsMeter) PollDone(_, outcome string, _, late time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.late = append(m.late, late)
	m.outcomes[outcome]++
}

// Activities implements collectors.Observer.
func (m *pollsMeter) Activities(_ string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items += n
}

// Dropped implements collectors.Observer.
func (*pollsMeter) Dropped(string, string, int) {}

// pollsResult is what came out.
type pollsResult struct {
	polls, failed, items int
	p50, p99, most       time.Duration
	cpu                  float64 // cores
	took                 time.Duration
	resident, peak       int64
	kind                 string  // of journal
	bare                 float64 // requests a second of the HTTP client alone
}

// measure counts for a while from now on.
func (m *pollsMeter) measure(ctx context.Context, during time.Duration) (pollsResult, error) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		return pollsResult{}, err
	}
	m.mu.Lock()
	m.late, m.outcomes, m.items = nil, map[string]int{}, 0
	m.mu.Unlock()
	began := time.Now()
	if err := pause(ctx, during); err != nil {
		return pollsResult{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := pollsResult{took: time.Since(began), polls: len(m.late), items: m.items}
	r.failed = r.polls - m.outcomes[collectors.OutcomeOK]
	if r.polls == 0 {
		return r, errors.New("there was no poll")
	}
	slices.Sort(m.late)
	at := func(q float64) time.Duration { return m.late[int(q*float64(r.polls-1))] }
	r.p50, r.p99, r.most = at(.5), at(.99), at(1)
	after, err := cpuTime(os.Getpid())
	if err != nil {
		return r, err
	}
	r.cpu = (after - before).Seconds() / r.took.Seconds()
	status, err := memory(os.Getpid())
	r.resident, r.peak = status["VmRSS"], status["VmHWM"]
	return r, err
}

// Goals of the measurement.
const (
	pollsLate = 5 * time.Second
	pollsRAM  = 4 << 30
	idleBytes = 300
)

// print writes the figures, and tells of goals that were missed.
func (r *pollsResult) print(out io.Writer, o pollsOptions) error {
	rate, wanted := float64(r.polls)/r.took.Seconds(), float64(o.accounts)/o.every.Seconds()
	fmt.Fprintf(out, `%d accounts of %d credentials, each polled every %s, journal %s, %d cores
polls          %d in %s: %.0f/s of %.0f scheduled; %d failed; %d activities
begun late by  p50 %s, p99 %s, most %s; goal p99 %s
memory         %.0f MiB resident, %.0f peak; goal %d
CPU            %.2f cores, of this process
HTTP client    %.0f requests/s with nothing around it; polls are %.2f of that
`, o.accounts, o.credentials, o.every, r.kind, runtime.GOMAXPROCS(0),
		r.polls, r.took.Round(time.Second), rate, wanted, r.failed, r.items,
		r.p50, r.p99, r.most, pollsLate,
		float64(r.resident)/(1<<20), float64(r.peak)/(1<<20), pollsRAM>>20,
		r.cpu, r.bare, rate/r.bare)
	switch {
	case r.failed > 0:
		return fmt.Errorf("%d polls failed", r.failed)
	case rate < 0.97*wanted:
		return fmt.Errorf("%.0f polls a second; want %.0f", rate, wanted)
	case r.p99 > pollsLate:
		return fmt.Errorf("polls began up to %s late at p99; want %s at most", r.p99, pollsLate)
	case r.peak > pollsRAM:
		return fmt.Errorf("%d MiB of memory; want %d at most", r.peak>>20, pollsRAM>>20)
	}
	return nil
}

// idleCost is what one account costs that is scheduled and waits, in bytes of
// the heap, beside its own name and collector.
func idleCost(n int) (int, error) {
	tasks := feedTasks("127.0.0.1:1", pollsOptions{accounts: n, credentials: 10, every: time.Minute})
	before := liveHeap()
	s := collectors.NewScheduler(collectors.Options{Logs: &heads{all: map[string]*head{}}})
	if err := s.Set(tasks); err != nil {
		return 0, err
	}
	per := int(liveHeap()-before) / n
	runtime.KeepAlive(s)
	runtime.KeepAlive(tasks)
	if per > idleBytes {
		return per, fmt.Errorf("%d B for each of %d scheduled idle accounts; want %d at most", per, n, idleBytes)
	}
	return cmp.Or(per, 1), nil
}

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
