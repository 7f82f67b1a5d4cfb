package natsin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
	"github.com/picketd/picket/collectors/natsin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// journal keeps what it is given, but for texts that ask for a refusal.
type journal struct {
	mu   sync.Mutex
	kept []string
	hold chan struct{} // where set, Submit waits for it to be closed or its context to end
	in   chan struct{} // where set, told when Submit is entered
}

func (j *journal) Submit(ctx context.Context, activities []activity.Activity) []error {
	errs := make([]error, len(activities))
	if j.in != nil {
		j.in <- struct{}{}
	}
	if j.hold != nil {
		select {
		case <-j.hold:
		case <-ctx.Done():
			for i := range errs {
				errs[i] = ctx.Err()
			}
			return errs
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range activities {
		switch a := activities[i].Clone(); {
		case a.Network != "x":
			errs[i] = fmt.Errorf("account %q: %w", a.Account, collectors.ErrUnknownAccount)
		case a.Text == "no room":
			errs[i] = collectors.ErrNoRoom
		default:
			j.kept = append(j.kept, a.ID)
		}
	}
	return errs
}

func (j *journal) ids() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.kept, " ")
}

type tally struct {
	mu       sync.Mutex
	accepted int
	refused  map[string]int
	changed  chan struct{} // told after each refusal, if somebody listens
}

func newTally() *tally { return &tally{refused: map[string]int{}, changed: make(chan struct{}, 1000)} }

func (t *tally) Accepted(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted += n
}

func (t *tally) Refused(reason string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused[reason] += n
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

func (t *tally) of(reason string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused[reason]
}

// bench is an input on a server of its own.
type bench struct {
	t       *testing.T
	client  *nats.Conn // of a sender
	nc      *nats.Conn // of the input
	input   *natsin.Input
	journal *journal
	counts  *tally
	logs    *observer.ObservedLogs
}

func newBench(t *testing.T, cfg natsin.Config, j *journal) *bench {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	core, logs := observer.New(zapcore.DebugLevel)
	b := &bench{t: t, client: connect(t, s), nc: connect(t, s), journal: j, counts: newTally(), logs: logs}
	b.input, err = natsin.New(cfg, b.nc, j, natsin.Deps{Log: zap.New(core), Now: noon, Metrics: b.counts})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return b
}

func connect(t *testing.T, s *server.Server) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func (b *bench) stop() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := b.input.Stop(ctx); err != nil {
		b.t.Error(err)
	}
}

// ask sends a message and waits for the answer.
func (b *bench) ask(subject, body string, headers ...string) *nats.Msg {
	b.t.Helper()
	msg := nats.NewMsg(subject)
	msg.Data = []byte(body)
	for i := 0; i < len(headers); i += 2 {
		msg.Header.Set(headers[i], headers[i+1])
	}
	reply, err := b.client.RequestMsg(msg, 30*time.Second)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply
}

func post(id string) string {
	return `{"id":"` + id + `","account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z","text":"hi"}`
}

func TestRequestReply(t *testing.T) {
	for _, row := range []struct {
		name, subject, body string
		headers             []string
		want, header, ids   string
		reason              string
	}{
		{name: "one", body: post("1"), want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted"}]}`, ids: "1"},
		{name: "array", body: "[" + post("1") + "," + post("2") + "]", want: `{"accepted":2,"refused":0,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"accepted"}]}`, ids: "1 2"},
		{name: "lines", body: post("1") + "\n" + post("2"), headers: []string{"Content-Type", "application/x-ndjson"}, want: `{"accepted":2,"refused":0,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"accepted"}]}`, ids: "1 2"},
		{name: "approval", subject: "picket.intake.approvals", body: `{"account":"x/acme","text":"Hi","id":"c7"}`, want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted","id":"c7"}]}`, ids: "c7"},
		{
			name: "some refused", body: "[" + post("1") + ",{\"id\":3}," + post("3") + "]", ids: "1 3", reason: "malformed",
			want:   `{"accepted":2,"refused":1,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"refused","error":"byte 6: id: expected text in double quotes, found a number","field":"id"},{"index":2,"status":"accepted"}]}`,
			header: "1 of 3 refused; item 1: byte 6: id: expected text in double quotes, found a number",
		},
		{
			name: "unknown account", body: strings.ReplaceAll(post("1"), "x/", "y/"), reason: "unknown_account",
			want:   `{"accepted":0,"refused":1,"results":[{"index":0,"status":"refused","error":"account \"y/acme\": account is not in the configuration","field":"account"}]}`,
			header: `1 of 1 refused; item 0: account "y/acme": account is not in the configuration`,
		},
		{
			name: "no room", body: strings.ReplaceAll(post("1"), `"hi"`, `"no room"`), reason: "no_room",
			want:   `{"accepted":0,"refused":1,"results":[{"index":0,"status":"refused","error":"journal has no room","retry":true}]}`,
			header: "1 of 1 refused; item 0: journal has no room",
		},
		{name: "empty", body: "", want: `{"accepted":0,"refused":0,"results":[],"error":"line 1:1: body is empty; expected an object, an array of objects, or one object a line"}`, header: "line 1:1: body is empty; expected an object, an array of objects, or one object a line", reason: "form"},
		{name: "cut short", body: "[" + post("1"), want: `{"accepted":0,"refused":0,"results":[],"error":"line 1:87: the input ends inside an item"}`, header: "line 1:87: the input ends inside an item", reason: "form"},
		{name: "another type", body: "a,b", headers: []string{"Content-Type", "text/csv"}, want: `{"accepted":0,"refused":0,"results":[],"error":"media type is not supported: Content-Type \"text/csv\"; send application/json or application/x-ndjson"}`, header: `media type is not supported: Content-Type "text/csv"; send application/json or application/x-ndjson`, reason: "media_type"},
		{name: "another encoding", body: "a", headers: []string{"Content-Encoding", "zstd"}, want: `{"accepted":0,"refused":0,"results":[],"error":"media type is not supported: Content-Encoding \"zstd\"; send gzip or none"}`, header: `media type is not supported: Content-Encoding "zstd"; send gzip or none`, reason: "media_type"},
		{
			name: "line break in what an error quotes", body: `{"id":"1","account":"x/a\nb","kind":"post","time":"2026-03-01T11:00:00Z"}`, reason: "invalid",
			want:   `{"accepted":0,"refused":1,"results":[{"index":0,"status":"refused","error":"account: byte 3 of \"x/a\\nb\" is not part of a printable character; expected visible UTF-8 text without control or formatting characters","field":"account"}]}`,
			header: `1 of 1 refused; item 0: account: byte 3 of "x/a\nb" is not part of a printable character; expected visible UTF-8 text without control or formatting characters`,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t, natsin.Config{}, &journal{})
			defer b.stop()
			subject := row.subject
			if subject == "" {
				subject = "picket.intake.activities"
			}
			reply := b.ask(subject, row.body, row.headers...)
			if got := string(reply.Data); got != row.want {
				t.Errorf("answer\n%s\nwant\n%s", got, row.want)
			}
			if got := reply.Header.Get(natsin.ErrorHeader); got != row.header {
				t.Errorf("header %q\n  want %q", got, row.header)
			}
			if got := b.journal.ids(); got != row.ids {
				t.Errorf("journal holds %q, want %q", got, row.ids)
			}
			if row.reason != "" && b.counts.of(row.reason) != 1 {
				t.Errorf("counted %v, want one %s", b.counts.refused, row.reason)
			}
		})
	}
}

func TestOtherSubjectAndQueue(t *testing.T) {
	b := newBench(t, natsin.Config{Activities: "acme.in.activities", Approvals: "acme.in.approvals", Queue: "q"}, &journal{})
	second, err := natsin.New(natsin.Config{Activities: "acme.in.activities", Approvals: "acme.in.approvals", Queue: "q"}, b.nc, b.journal, natsin.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		b.ask("acme.in.activities", post(fmt.Sprint(i)))
	}
	b.stop()
	if err := second.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(strings.Fields(b.journal.ids())); n != 20 {
		t.Errorf("journal holds %d activities, want each of 20 once", n)
	}
}

// TestWithoutReply holds that a message which wants no answer is taken, and
// that its refusals are logged, without text or address.
func TestWithoutReply(t *testing.T) {
	b := newBench(t, natsin.Config{}, &journal{})
	for _, body := range []string{post("1"), `{"id":"2","account":"x/acme","kind":"login","time":"2026-03-01T11:00:00Z","ip":"192.0.2.999"}`, "nonsense"} {
		if err := b.client.Publish("picket.intake.activities", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.client.Flush(); err != nil {
		t.Fatal(err)
	}
	b.stop()
	if got := b.journal.ids(); got != "1" || b.counts.accepted != 1 {
		t.Errorf("journal holds %q, counted %d", got, b.counts.accepted)
	}
	var refused []string
	for _, entry := range b.logs.All() {
		line := fmt.Sprint(entry.Message, " ", entry.ContextMap())
		if strings.Contains(line, "192.0.2") || strings.Contains(line, "nonsense") {
			t.Errorf("log shows content: %s", line)
		}
		if entry.Level == zapcore.WarnLevel {
			refused = append(refused, fmt.Sprint(entry.ContextMap()["reason"], " ", entry.ContextMap()["replied"]))
		}
	}
	if len(refused) != 2 || b.counts.of("invalid") != 1 || b.counts.of("form") != 1 {
		t.Errorf("logged %q, counted %v; want one invalid and one form", refused, b.counts.refused)
	}
}

// TestReplyGoesToInboxesOnly holds that a sender cannot have Picket publish on a
// subject of the sender's choice, and that what it sends is taken all the same.
func TestReplyGoesToInboxesOnly(t *testing.T) {
	b := newBench(t, natsin.Config{}, &journal{})
	heard, err := b.client.SubscribeSync("picket.alert.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.client.PublishRequest("picket.intake.activities", "picket.alert.critical.x.acme.forged", []byte(post("1"))); err != nil {
		t.Fatal(err)
	}
	b.ask("picket.intake.activities", post("2"))
	b.stop()
	if err := b.client.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, _, err := heard.Pending(); err != nil || n != 0 {
		t.Errorf("%d replies outside of inboxes (%v), want none", n, err)
	}
	if got := b.journal.ids(); got != "1 2" && got != "2 1" {
		t.Errorf("journal holds %q, want 1 and 2", got)
	}
}

// TestAnswerFitsTheServer holds that the answer to many items is never larger
// than the server allows.
func TestAnswerFitsTheServer(t *testing.T) {
	b := newBench(t, natsin.Config{}, &journal{})
	defer b.stop()
	body := post("1") + strings.Repeat("\n{}", 9_999)
	reply := b.ask("picket.intake.activities", body)
	var answer intake.Answer
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		t.Fatal(err)
	}
	if int64(len(reply.Data)) > b.nc.MaxPayload() || answer.Accepted != 1 || answer.Refused != 9_999 || answer.LeftOut == 0 || len(answer.Results)+answer.LeftOut != 10_000 {
		t.Errorf("%d bytes, %d accepted, %d refused, %d results, %d left out", len(reply.Data), answer.Accepted, answer.Refused, len(answer.Results), answer.LeftOut)
	}
}

// TestStopDrains holds that what has arrived is answered before Stop returns,
// and that nothing is taken afterwards.
func TestStopDrains(t *testing.T) {
	const messages = 40
	j := &journal{hold: make(chan struct{}), in: make(chan struct{}, messages)}
	b := newBench(t, natsin.Config{Workers: 2}, j)
	inbox := b.client.NewInbox()
	replies, err := b.client.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		if err := b.client.PublishRequest("picket.intake.activities", inbox, []byte(post(fmt.Sprint(i)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.client.Flush(), b.nc.Flush()); err != nil {
		t.Fatal(err)
	}
	<-j.in
	<-j.in // both workers are at work, 38 messages wait
	stopped := make(chan struct{})
	go func() {
		b.stop()
		close(stopped)
	}()
	close(j.hold)
	<-stopped
	for i := range messages {
		if _, err := replies.NextMsg(30 * time.Second); err != nil {
			t.Fatalf("reply %d: %v", i, err)
		}
	}
	if n := len(strings.Fields(j.ids())); n != messages {
		t.Errorf("journal holds %d activities, want %d", n, messages)
	}
	if _, err := b.client.Request("picket.intake.activities", []byte(post("late")), 30*time.Second); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("after Stop: %v, want no responders", err)
	}
}

// TestStopGivesUp holds that Stop ends with its context, and that what was at
// work is answered as a passing fault.
func TestStopGivesUp(t *testing.T) {
	j := &journal{hold: make(chan struct{}), in: make(chan struct{}, 10)}
	b := newBench(t, natsin.Config{Workers: 1}, j)
	answered := make(chan string, 1)
	go func() {
		reply, err := b.client.Request("picket.intake.activities", []byte(post("1")), 30*time.Second)
		if err != nil {
			answered <- err.Error()
			return
		}
		answered <- string(reply.Data)
	}()
	<-j.in
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.input.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop: %v, want that it was cancelled", err)
	}
	const want = `{"accepted":0,"refused":1,"results":[{"index":0,"status":"refused","error":"context canceled","retry":true}]}`
	if got := <-answered; got != want {
		t.Errorf("answer %s, want %s", got, want)
	}
}

func TestStopAfterTheConnectionIsGone(t *testing.T) {
	b := newBench(t, natsin.Config{}, &journal{})
	b.ask("picket.intake.activities", post("1"))
	b.nc.Close()
	b.stop()
}

// TestSlowConsumer holds that messages which the client drops are counted
// while no worker gets on, and after.
func TestSlowConsumer(t *testing.T) {
	const sent = 200
	j := &journal{hold: make(chan struct{}), in: make(chan struct{}, sent)}
	b := newBench(t, natsin.Config{Workers: 1, Pending: 5}, j)
	for i := range sent {
		if err := b.client.Publish("picket.intake.activities", []byte(post(fmt.Sprint(i)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.client.Flush(), b.nc.Flush()); err != nil {
		t.Fatal(err)
	}
	for b.counts.of(intake.ReasonSlowConsumer) == 0 {
		<-b.counts.changed
	}
	close(j.hold)
	b.stop()
	kept := len(strings.Fields(j.ids()))
	if dropped := b.counts.of(intake.ReasonSlowConsumer); kept == 0 || kept+dropped != sent {
		t.Errorf("%d kept and %d counted as dropped, want %d together", kept, dropped, sent)
	}
}

func TestConfigFaults(t *testing.T) {
	b := newBench(t, natsin.Config{}, &journal{})
	defer b.stop()
	for want, cfg := range map[string]natsin.Config{
		"nats intake: workers -1, pending 4096; expected positive numbers, or 0 for the default": {Workers: -1},
		"nats intake: subscribe to a b: nats: invalid subject":                                   {Activities: "a b"},
	} {
		if _, err := natsin.New(cfg, b.nc, b.journal, natsin.Deps{}); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
