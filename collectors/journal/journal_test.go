package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// A client that is closed while the goroutine behind its first
		// asynchronous publish starts leaves it waiting on a nil channel
		// (nats.go 1.55).
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"),
		// The server's global rate limiter of internal log lines never ends.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).startRateLimitLogExpiration"))
}

func post(account string, n int) activity.Activity {
	network, _, _ := strings.Cut(account, "/")
	return activity.Activity{
		ID: fmt.Sprint(n), Network: network, Account: account, Kind: activity.KindPost,
		Time: time.Date(2026, 3, 1, 12, 0, n, 0, time.UTC), Text: fmt.Sprintf("post %d", n),
	}
}

func open(t testing.TB, js jetstream.JetStream, cfg journal.Config) *journal.Journal {
	t.Helper()
	if cfg.Partitions == 0 {
		cfg.Partitions = 1
	}
	j, err := journal.Open(t.Context(), js, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j
}

func openLog(t testing.TB, j *journal.Journal, source string) collectors.Log {
	t.Helper()
	l, err := j.Open(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// read returns the next n messages of a partition.
func read(t testing.TB, j *journal.Journal, partition int, from uint64, n int) []journal.Message {
	t.Helper()
	r, err := j.Read(t.Context(), partition, from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var out []journal.Message
	for len(out) < n {
		m, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("message %d of %d: %v", len(out)+1, n, err)
		}
		out = append(out, m)
	}
	return out
}

func decode(t testing.TB, m *journal.Message) activity.Batch {
	t.Helper()
	var d activity.Decoder
	var b activity.Batch
	if err := d.Batch(m.Data, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPartition(t *testing.T) {
	// Stored journals depend on these numbers.
	tests := []struct {
		account    string
		partitions int
		want       int
	}{
		{"x/acme", 1, 0}, {"x/acme", 16, 14}, {"okta/editor-2", 16, 15}, {"mastodon/brand@social.example", 16, 7},
	}
	for _, tt := range tests {
		if got := journal.Partition(tt.account, tt.partitions); got != tt.want {
			t.Errorf("Partition(%q, %d) = %d, want %d", tt.account, tt.partitions, got, tt.want)
		}
	}
}

func TestSubjectEncodesNames(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{})
	for _, account := range []string{"x/acme", "mastodon/brand@social.example", "x/a b*c>", "x/größe", "x/"} {
		subject := j.Subject(account)
		if n := strings.Count(subject, "."); n != 4 {
			t.Errorf("%q has subject %q with %d dots, want 4", account, subject, n)
		}
		if _, err := j.Open(t.Context(), account); err != nil {
			t.Error(err)
		}
		l := openLog(t, j, account)
		if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(`1`), Activities: []activity.Activity{post(account, 1)}}); err != nil {
			t.Errorf("append to %q: %v", account, err)
		}
	}
}

func TestPageCarriesItsCursor(t *testing.T) {
	dir := t.TempDir()
	srv := journaltest.Server(t, dir, nil)
	j := open(t, journaltest.Connect(t, srv), journal.Config{})
	l := openLog(t, j, "x/acme")
	page := &activity.Batch{Cursor: []byte(`{"since":"7"}`), Recent: []uint64{3, 9}, Activities: []activity.Activity{post("x/acme", 7)}}
	if err := l.Append(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	journaltest.Stop(srv)

	j = open(t, journaltest.Connect(t, journaltest.Server(t, dir, nil)), journal.Config{})
	l, err := j.Open(t.Context(), "x/acme")
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Cursor) != `{"since":"7"}` || len(got.Recent) != 2 || got.Recent[1] != 9 || got.Lost || got.LastTime.IsZero() {
		t.Errorf("checkpoint %+v after a restart", got)
	}
	m := read(t, j, 0, 1, 1)[0]
	if b := decode(t, &m); m.Type != journal.Page || m.Source != "x.acme" || len(b.Activities) != 1 || b.Activities[0].Text != "post 7" {
		t.Errorf("read %+v %+v", m, b)
	}
}

func TestStaleAppendIsFenced(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	a, b := open(t, js, journal.Config{}), open(t, js, journal.Config{})
	first, second := openLog(t, a, "x/acme"), openLog(t, b, "x/acme")
	if err := first.Append(t.Context(), &activity.Batch{Cursor: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	err := second.Append(t.Context(), &activity.Batch{Cursor: []byte(`2`)})
	var api *jetstream.APIError
	if !errors.Is(err, collectors.ErrFenced) || !errors.As(err, &api) || api.ErrorCode != 10071 {
		t.Fatalf("stale append: %v, want ErrFenced with err_code 10071", err)
	}
	if err := second.Append(t.Context(), &activity.Batch{Cursor: []byte(`2`)}); err == nil {
		t.Fatal("append goes on although the head was not read again")
	}
	if cp, err := second.Checkpoint(t.Context()); err != nil || string(cp.Cursor) != "1" {
		t.Fatalf("re-read %s, %v", cp.Cursor, err)
	}
	if err := second.Append(t.Context(), &activity.Batch{Cursor: []byte(`2`)}); err != nil {
		t.Errorf("append after re-reading: %v", err)
	}
}

func TestSourceOfManyAccountsRoutesToPartitions(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{Partitions: 4})
	l := openLog(t, j, "file/history")
	batch := &activity.Batch{Cursor: []byte(`"line 4"`), Backfill: true}
	want := map[int][]string{}
	for i := range 8 {
		a := post(fmt.Sprintf("x/account-%d", i), i)
		batch.Activities = append(batch.Activities, a)
		want[j.Partition(a.Account)] = append(want[j.Partition(a.Account)], a.Account)
	}
	if err := l.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	total := 0
	for p := range 4 {
		if len(want[p]) == 0 {
			continue
		}
		m := read(t, j, p, 1, 1)[0]
		b := decode(t, &m)
		var got []string
		for _, a := range b.Activities {
			got = append(got, a.Account)
		}
		if m.Type != journal.Bulk || !b.Backfill || fmt.Sprint(got) != fmt.Sprint(want[p]) {
			t.Errorf("partition %d: type %v backfill %v accounts %v, want bulk backfill %v", p, m.Type, b.Backfill, got, want[p])
		}
		total += len(got)
	}
	if total != 8 {
		t.Errorf("%d activities journaled, want 8", total)
	}
}

func TestApprovalReachesEveryPartition(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{Partitions: 3})
	ap := activity.Activity{
		ID: "a1", Network: "x", Account: "x/acme", Kind: activity.KindApproval,
		Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Approval: activity.Approval{Text: "hello"},
	}
	if errs := j.Submit(t.Context(), []activity.Activity{ap}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	for p := range 3 {
		m := read(t, j, p, 1, 1)[0]
		if b := decode(t, &m); len(b.Activities) != 1 || b.Activities[0].ID != "a1" {
			t.Errorf("partition %d got %+v", p, b.Activities)
		}
	}
}

func TestSubmitAnswersEach(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{})
	var in []activity.Activity
	for i := range 250 {
		in = append(in, post("x/acme", i))
	}
	in[17].ID = ""
	errs := j.Submit(t.Context(), in)
	for i, err := range errs {
		if bad := i == 17; bad != (err != nil) || bad && !errors.Is(err, collectors.ErrInvalid) {
			t.Errorf("item %d: %v", i, err)
		}
	}
	seen := 0
	for seen < 249 {
		r := read(t, j, 0, 1, 3)
		seen = 0
		for i := range r {
			n := len(decode(t, &r[i]).Activities)
			if n > 100 {
				t.Errorf("message of %d activities, want at most 100", n)
			}
			seen += n
		}
	}
	if seen != 249 {
		t.Errorf("%d activities journaled, want 249", seen)
	}
}

func TestNoRoomRefusesAllAndSaysSo(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	room := false
	j := open(t, js, journal.Config{Room: func() bool { return room }})
	l := openLog(t, j, "x/acme")
	if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(`1`)}); !errors.Is(err, collectors.ErrNoRoom) {
		t.Errorf("page: %v, want ErrNoRoom", err)
	}
	if errs := j.Submit(t.Context(), []activity.Activity{post("x/acme", 1)}); !errors.Is(errs[0], collectors.ErrNoRoom) {
		t.Errorf("bulk: %v, want ErrNoRoom", errs[0])
	}
	if err := j.Ticker(0).Tick(t.Context()); err != nil {
		t.Errorf("ticks go on within the reserve: %v", err)
	}
	room = true
	if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(`1`)}); err != nil {
		t.Errorf("page with room again: %v", err)
	}
}

func TestServerOutOfStorageIsNoRoom(t *testing.T) {
	srv := journaltest.Server(t, t.TempDir(), func(o *server.Options) { o.JetStreamMaxStore = 1 << 20 })
	j := open(t, journaltest.Connect(t, srv), journal.Config{})
	l := openLog(t, j, "x/acme")
	a := post("x/acme", 1)
	a.Text = strings.Repeat("x", 60<<10)
	var err error
	for i := 0; i < 40 && err == nil; i++ {
		err = l.Append(t.Context(), &activity.Batch{Cursor: []byte(`1`), Activities: []activity.Activity{a}})
	}
	if !errors.Is(err, collectors.ErrNoRoom) {
		t.Errorf("a full server answers %v, want ErrNoRoom", err)
	}
}

func TestTickIsFencedBetweenOwners(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{})
	a, b := j.Ticker(0), j.Ticker(0)
	if err := errors.Join(a.Tick(t.Context()), a.Tick(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := b.Tick(t.Context()); err != nil {
		t.Fatalf("a new owner ticks on: %v", err)
	}
	if err := a.Tick(t.Context()); !errors.Is(err, collectors.ErrFenced) {
		t.Errorf("the old owner's tick: %v, want ErrFenced", err)
	}
	if m := read(t, j, 0, 1, 3)[2]; m.Type != journal.TickMessage {
		t.Errorf("third message has type %v, want tick", m.Type)
	}
}

func TestActivateOnce(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{})
	set := []byte(strings.Repeat("rules ", 400_000)) // larger than one message
	if err := j.StoreProgram(t.Context(), "sha256:aa", set); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := j.Activate(t.Context(), 0, "sha256:aa"); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Activate(t.Context(), 0, "sha256:bb"); err != nil {
		t.Fatal(err)
	}
	if got, err := j.FirstProgram(t.Context(), 0); err != nil || got != "sha256:aa" {
		t.Errorf("first program %q, %v; want aa", got, err)
	}
	msgs := read(t, j, 0, 1, 2)
	first, err := journal.ParseControl(msgs[0].Data)
	second, err2 := journal.ParseControl(msgs[1].Data)
	if err != nil || err2 != nil || first.Program != "sha256:aa" || second.Program != "sha256:bb" {
		t.Errorf("control messages %+v %+v (%v, %v), want aa once, then bb", first, second, err, err2)
	}
	if got, err := j.Program(t.Context(), "sha256:aa"); err != nil || string(got) != string(set) {
		t.Errorf("program: %d bytes, %v; want %d", len(got), err, len(set))
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, js jetstream.JetStream)
		want    string
	}{
		{"fewer partitions than created", func(t *testing.T, js jetstream.JetStream) { open(t, js, journal.Config{Partitions: 4}) }, "was created with 4 partitions, the configuration says 2"},
		{"more partitions than created", func(t *testing.T, js jetstream.JetStream) { open(t, js, journal.Config{Partitions: 1}) }, "was created with 1 partitions, the configuration says 2"},
		{"asynchronous persistence", func(t *testing.T, js jetstream.JetStream) {
			_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
				Name: "ACTIVITY_0", Subjects: []string{"picket.activity.0.>"}, PersistMode: jetstream.AsyncPersistMode,
				Metadata: map[string]string{"picket.partitions": "2", "picket.version": "1"},
			})
			if err != nil {
				t.Fatal(err)
			}
		}, "persist_mode async, under which acknowledged messages are lost"},
		{"a newer layout", func(t *testing.T, js jetstream.JetStream) {
			_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
				Name: "ACTIVITY_0", Subjects: []string{"picket.activity.0.>"},
				Metadata: map[string]string{"picket.partitions": "2", "picket.version": "2"},
			})
			if err != nil {
				t.Fatal(err)
			}
		}, `has layout version "2", this Picket writes "1"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
			tt.prepare(t, js)
			_, err := journal.Open(t.Context(), js, journal.Config{Partitions: 2}, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open: %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestRetentionTookTheLastMessage(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{Kept: func(source string) (collectors.Checkpoint, bool) {
		return collectors.Checkpoint{Cursor: []byte(`"kept"`)}, source == "x/acme"
	}})
	l := openLog(t, j, "x/acme")
	if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(`"old"`)}); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "ACTIVITY_0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	cp, err := l.Checkpoint(t.Context())
	if err != nil || string(cp.Cursor) != `"kept"` || !cp.Lost {
		t.Fatalf("checkpoint %+v, %v; want the kept cursor, marked lost", cp, err)
	}
	if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(`"new"`)}); err != nil {
		t.Errorf("append with expected sequence 0: %v", err)
	}
}

func TestMissingMessagesAreNoticed(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{})
	l := openLog(t, j, "x/acme")
	for i := range 6 {
		if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(`1`), Activities: []activity.Activity{post("x/acme", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := js.Stream(t.Context(), "ACTIVITY_0")
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{3, 4} {
		if err := s.DeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, m := range read(t, j, 0, 1, 4) {
		got = append(got, fmt.Sprintf("%d-%d", m.Sequence, m.Missing))
	}
	if want := "[1-0 2-0 5-2 6-0]"; fmt.Sprint(got) != want {
		t.Errorf("sequence-missing %v, want %s: JetStream itself skips silently", got, want)
	}
}

func TestVerify(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, js jetstream.JetStream, m *journal.Mark)
		want   error
	}{
		{"untouched", func(*testing.T, jetstream.JetStream, *journal.Mark) {}, nil},
		{"retention behind the mark", func(t *testing.T, js jetstream.JetStream, _ *journal.Mark) { purge(t, js, 3) }, nil},
		{"retention up to the mark", func(t *testing.T, js jetstream.JetStream, _ *journal.Mark) { purge(t, js, 4) }, nil},
		{"retention beyond the mark", func(t *testing.T, js jetstream.JetStream, _ *journal.Mark) { purge(t, js, 5) }, journal.ErrRetained},
		{"the log ends before it", func(_ *testing.T, _ jetstream.JetStream, m *journal.Mark) { m.Sequence = 9 }, journal.ErrTruncated},
		{"another message there", func(_ *testing.T, _ jetstream.JetStream, m *journal.Mark) { m.Hash = "00" }, journal.ErrTruncated},
		{"another time there", func(_ *testing.T, _ jetstream.JetStream, m *journal.Mark) { m.Time = m.Time.Add(1) }, journal.ErrTruncated},
		{"another stream of that name", func(t *testing.T, js jetstream.JetStream, _ *journal.Mark) {
			if err := js.DeleteStream(t.Context(), "ACTIVITY_0"); err != nil {
				t.Fatal(err)
			}
			j := open(t, js, journal.Config{})
			l := openLog(t, j, "x/acme")
			for range 6 {
				if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(`1`)}); err != nil {
					t.Fatal(err)
				}
			}
		}, journal.ErrTruncated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
			j := open(t, js, journal.Config{})
			l := openLog(t, j, "x/acme")
			for range 6 {
				if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(`1`)}); err != nil {
					t.Fatal(err)
				}
			}
			head, err := j.Head(t.Context(), 0)
			if err != nil || head.Last != 6 {
				t.Fatalf("head %+v, %v", head, err)
			}
			msg := read(t, j, 0, 4, 1)[0]
			mark := journal.MarkOf(head.Created, &msg)
			tt.damage(t, js, &mark)
			if err := j.Verify(t.Context(), 0, mark); !errors.Is(err, tt.want) {
				t.Errorf("Verify: %v, want %v", err, tt.want)
			}
		})
	}
}

// purge drops the messages up to and including seq.
func purge(t *testing.T, js jetstream.JetStream, seq uint64) {
	t.Helper()
	s, err := js.Stream(t.Context(), "ACTIVITY_0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context(), jetstream.WithPurgeSequence(seq+1)); err != nil {
		t.Fatal(err)
	}
}
