package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

// short is a retention of which a test can wait for one end. JetStream counts
// lives in whole seconds.
func short() journal.Retention {
	return journal.Retention{Logins: time.Hour, Posts: 2 * time.Hour, Mentions: time.Second}
}

// kinds returns items of an account; letters name their kinds.
func kinds(account, letters string) []activity.Activity {
	var out []activity.Activity
	for i, c := range letters {
		a := post(account, i)
		switch c {
		case 'm':
			a.Kind = activity.KindMention
		case 'l':
			a.Kind = activity.KindLogin
		case 'f':
			a.Kind = activity.KindFollowers
		case 't':
			a.Kind = activity.KindTokenGrant
		}
		out = append(out, a)
	}
	return out
}

// sketch writes messages as their sequence and the first letters of what they
// hold, and what is missing before them.
func sketch(t *testing.T, msgs []journal.Message) string {
	t.Helper()
	var parts []string
	for i := range msgs {
		m := &msgs[i]
		text := fmt.Sprint(m.Sequence, " ")
		switch m.Type {
		case journal.Page, journal.Bulk:
			for _, a := range decode(t, m).Activities {
				text += string(a.Kind[:1])
			}
		case journal.ControlMessage:
			text += "control"
		case journal.TickMessage:
			text += "tick"
		}
		if m.Missing > 0 {
			text += fmt.Sprint(" after ", m.Missing, " missing")
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// whole returns the messages of a partition that are left.
func whole(t *testing.T, js jetstream.JetStream, j *journal.Journal, partition int) []journal.Message {
	t.Helper()
	s, err := js.Stream(t.Context(), journal.StreamName(partition))
	if err != nil {
		t.Fatal(err)
	}
	if s.CachedInfo().State.Msgs == 0 {
		return nil
	}
	r, err := j.Read(t.Context(), partition, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out []journal.Message
	for {
		m, err := next(t, r)
		switch {
		case errors.Is(err, context.DeadlineExceeded) && t.Context().Err() == nil:
			return out // what was pending has expired: the caller looks again
		case err != nil:
			t.Fatalf("message %d: %v", len(out)+1, err)
		}
		if out = append(out, m); m.Pending == 0 {
			return out
		}
	}
}

func next(t *testing.T, r *journal.Reader) (journal.Message, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	return r.Next(ctx)
}

// awaitCount waits until the stream holds n messages.
func awaitCount(t *testing.T, js jetstream.JetStream, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		s, err := js.Stream(t.Context(), "ACTIVITY_0")
		if err != nil {
			t.Fatal(err)
		}
		got := s.CachedInfo().State.Msgs
		if int(got) == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log still holds %d messages, want %d", got, n)
		}
	}
}

// restart ends srv and starts another server over the same store.
func restart(t *testing.T, stop func(), dir string) jetstream.JetStream {
	t.Helper()
	stop()
	return journaltest.Connect(t, journaltest.Server(t, dir, nil))
}

// letters joins what messages hold, however many there are.
func letters(t *testing.T, msgs []journal.Message) string {
	t.Helper()
	var text strings.Builder
	for i := range msgs {
		m := &msgs[i]
		if m.Missing > 0 {
			t.Errorf("%d messages count as lost before %d", m.Missing, m.Sequence)
		}
		_, what, _ := strings.Cut(sketch(t, msgs[i:i+1]), " ")
		text.WriteString(what)
	}
	return text.String()
}

func TestEachClassIsKeptForItsTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		retention journal.Retention
		left      string
	}{
		{"mentions go first", journal.Retention{Logins: time.Hour, Posts: 2 * time.Hour, Mentions: time.Second}, "control" + "ppplltf" + "pl" + "tick"},
		{"logins and mentions go first", journal.Retention{Logins: time.Second, Posts: 2 * time.Hour, Mentions: time.Second}, "control" + "pppf" + "p" + "tick"},
		{"posts go first", journal.Retention{Logins: 2 * time.Hour, Posts: time.Second, Mentions: time.Hour}, "control" + "mmlltm" + "ml" + "tick"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			srv := journaltest.Server(t, dir, nil)
			js := journaltest.Connect(t, srv)
			j := open(t, js, journal.Config{Retention: tt.retention})
			if err := j.Activate(t.Context(), 0, "sha256:aa"); err != nil {
				t.Fatal(err)
			}
			for i, err := range j.Submit(t.Context(), kinds("x/acme", "ppmmplltmf")) {
				if err != nil {
					t.Fatalf("item %d: %v", i, err)
				}
			}
			l := openLog(t, j, "x/acme")
			for i, items := range []string{"p", "m", "l"} {
				err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(fmt.Sprint(i)), Activities: kinds("x/acme", items)})
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Ticker(0).Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
			js = restart(t, func() { journaltest.Stop(srv) }, dir)
			j = open(t, js, journal.Config{Retention: tt.retention})
			await(t, tt.left, func() string { return letters(t, whole(t, js, j, 0)) })
		})
	}
}

// await waits until get returns want.
func await(t *testing.T, want string, get func() string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := get()
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log still holds %q, want %q", got, want)
		}
	}
}

// What is missing counts as expired only once something before it, or all
// where nothing is before it, may have reached the shortest retention.
func TestHolesThatRetentionExplains(t *testing.T) {
	const retention = 100 * time.Hour // of mentions, the shortest
	for _, tt := range []struct {
		name string
		age  time.Duration // how long ago the log was written
		from uint64
		drop []uint64
		want string
	}{
		{"young", 99*time.Hour - 2*time.Minute, 1, []uint64{3, 4}, "1 p, 2 p, 5 p after 2 missing, 6 p"},
		{"old enough", 99*time.Hour + 2*time.Minute, 1, []uint64{3, 4}, "1 p, 2 p, 5 p, 6 p"},
		{"young, first to be read", 0, 3, []uint64{3, 4}, "5 p after 2 missing, 6 p"},
		{"old enough, first to be read", 99*time.Hour + 2*time.Minute, 3, []uint64{3, 4}, "5 p, 6 p"},
		{"the log begins later", 200 * time.Hour, 3, []uint64{1, 2, 3, 4}, "5 p after 2 missing, 6 p"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
			j := open(t, js, journal.Config{
				Retention: journal.Retention{Logins: 2 * retention, Posts: 3 * retention, Mentions: retention},
				Now:       func() time.Time { return time.Now().Add(tt.age) },
			})
			l := openLog(t, j, "x/acme")
			for range 6 {
				if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(`1`), Activities: kinds("x/acme", "p")}); err != nil {
					t.Fatal(err)
				}
			}
			s, err := js.Stream(t.Context(), "ACTIVITY_0")
			if err != nil {
				t.Fatal(err)
			}
			for _, seq := range tt.drop {
				if err := s.DeleteMsg(t.Context(), seq); err != nil {
					t.Fatal(err)
				}
			}
			if got := sketch(t, read(t, j, 0, tt.from, strings.Count(tt.want, ",")+1)); got != tt.want {
				t.Errorf("read %s, want %s", got, tt.want)
			}
		})
	}
}

// Messages keep the life that they were given, so the shortest retention ever
// in force explains what is missing.
func TestLongerRetentionExplainsOlderHoles(t *testing.T) {
	t.Parallel()
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{Retention: short()})
	l := openLog(t, j, "x/acme")
	for _, items := range []string{"p", "m", "p"} {
		if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte("1"), Activities: kinds("x/acme", items)}); err != nil {
			t.Fatal(err)
		}
	}
	awaitCount(t, js, 2)
	j = open(t, js, journal.Config{Retention: journal.Retention{Logins: time.Hour, Posts: time.Hour, Mentions: time.Hour}})
	if got := sketch(t, whole(t, js, j, 0)); got != "1 p, 3 p" {
		t.Errorf("read %s, want nothing to be missing", got)
	}
	reader, err := journal.OpenReader(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	if got := sketch(t, whole(t, js, reader, 0)); got != "1 p, 3 p" {
		t.Errorf("whoever only reads sees %s, want nothing to be missing", got)
	}
}

// When retention takes a source's last page before older ones, the state is
// that of the older one, and writing goes on behind it.
func TestLastPageExpiresBeforeOlderOnes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := journaltest.Server(t, dir, nil)
	js := journaltest.Connect(t, srv)
	retention := short()
	retention.Mentions = 3 * time.Second // time to read it before
	j := open(t, js, journal.Config{Retention: retention})
	l := openLog(t, j, "x/acme")
	for i, items := range []string{"p", "m"} {
		err := l.Append(t.Context(), &activity.Batch{Cursor: []byte(fmt.Sprint(i)), Recent: []uint64{uint64(i)}, Activities: kinds("x/acme", items)})
		if err != nil {
			t.Fatal(err)
		}
	}
	head, err := j.Head(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	last := read(t, j, 0, 2, 1)[0]
	mark := journal.MarkOf(head.Created, &last)
	awaitCount(t, js, 1)
	for _, when := range []string{"at once", "after a restart"} {
		if when == "after a restart" {
			js = restart(t, func() { journaltest.Stop(srv) }, dir)
			j = open(t, js, journal.Config{Retention: short()})
		}
		if err := j.Verify(t.Context(), 0, mark); err != nil {
			t.Errorf("%s: the mark of the message that expired: %v", when, err)
		}
		cp, err := openLog(t, j, "x/acme").Checkpoint(t.Context())
		if err != nil || string(cp.Cursor) != "0" || cp.Lost || cp.Recent[0] != 0 {
			t.Errorf("%s: checkpoint %+v, %v; want that of the page before", when, cp, err)
		}
	}
	l = openLog(t, j, "x/acme")
	if err := l.Append(t.Context(), &activity.Batch{Cursor: []byte("2"), Activities: kinds("x/acme", "p")}); err != nil {
		t.Fatal(err)
	}
	if got := sketch(t, whole(t, js, j, 0)); got != "1 p, 3 p" {
		t.Errorf("the log holds %s, want 1 p, 3 p", got)
	}
}

// The program under which the oldest activities were judged is known although
// retention takes the control message before them.
func TestFirstProgramOutlivesItsMessage(t *testing.T) {
	dir := t.TempDir()
	srv := journaltest.Server(t, dir, nil)
	js := journaltest.Connect(t, srv)
	j := open(t, js, journal.Config{})
	first := func(want string) {
		t.Helper()
		if got, err := j.FirstProgram(t.Context(), 0); err != nil || got != want {
			t.Errorf("first program %q, %v; want %q", got, err, want)
		}
	}
	activate := func(program string) {
		t.Helper()
		if err := j.Activate(t.Context(), 0, program); err != nil {
			t.Fatal(err)
		}
	}
	first("")
	activate("sha256:aa")
	first("sha256:aa")
	activate("sha256:bb")
	first("sha256:aa")
	purge(t, js, 1)
	first("sha256:aa") // what was judged before bb's message may be there still
	purge(t, js, 2)
	first("sha256:bb")
	js = restart(t, func() { journaltest.Stop(srv) }, dir)
	j = open(t, js, journal.Config{})
	first("sha256:bb")
	activate("sha256:bb")
	if msgs := whole(t, js, j, 0); len(msgs) != 0 {
		t.Errorf("a program in force was activated again: %s", sketch(t, msgs))
	}
	activate("sha256:cc")
	first("sha256:bb")
}

func TestOpenAddsLivesToAStreamWithout(t *testing.T) {
	t.Parallel()
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "ACTIVITY_0", Subjects: []string{"picket.activity.0.>"}, MaxAge: 90 * 24 * time.Hour,
		Metadata: map[string]string{"picket.partitions": "1", "picket.version": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	j := open(t, js, journal.Config{Retention: short()})
	for i, err := range j.Submit(t.Context(), kinds("x/acme", "pm")) {
		if err != nil {
			t.Fatalf("item %d: %v", i, err)
		}
	}
	awaitCount(t, js, 1)
	s, err := js.Stream(t.Context(), "ACTIVITY_0")
	if err != nil {
		t.Fatal(err)
	}
	if age := s.CachedInfo().Config.MaxAge; age != 2*time.Hour {
		t.Errorf("the stream keeps messages for %s, want the longest retention, 2h", age)
	}
}

func TestAgeLimitOfRetention(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name string
		in   journal.Retention
		want time.Duration
	}{
		{"the longest", journal.Retention{Logins: 90 * day, Posts: 180 * day, Mentions: 30 * day}, 180 * day},
		{"one without end", journal.Retention{Logins: 90 * day, Posts: 0, Mentions: 30 * day}, 0},
		{"none", journal.Retention{}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
			open(t, js, journal.Config{Retention: tt.in})
			s, err := js.Stream(t.Context(), "ACTIVITY_0")
			if err != nil {
				t.Fatal(err)
			}
			if age := s.CachedInfo().Config.MaxAge; age != tt.want {
				t.Errorf("the stream keeps messages for %s, want %s", age, tt.want)
			}
		})
	}
}
