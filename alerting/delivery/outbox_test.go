package delivery

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting/notify"
)

// stored returns subject, message id and key of all that is queued.
func stored(t *testing.T, js jetstream.JetStream) []string {
	t.Helper()
	s, err := js.Stream(t.Context(), Stream)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
		msg, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		m, err := decode(msg.Data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, msg.Subject+" "+msg.Header.Get(jetstream.MsgIDHeader)+" "+m.Key)
	}
	return out
}

func TestQueue(t *testing.T) {
	js := open(t)
	o := NewOutbox(js)
	one := []notify.Message{message("on.call", "i 1", "k1", notify.Opened), message("on.call", "i 1", "k2", notify.Resolved)}
	for range 2 { // as after an answer that was lost
		if err := o.Queue(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Queue(t.Context(), []notify.Message{message("chat", "i 1", "k1", notify.Opened)}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"picket.notify.on%2Ecall.i%201 on.call/k1 k1",
		"picket.notify.on%2Ecall.i%201 on.call/k2 k2",
		"picket.notify.chat.i%201 chat/k1 k1", // the same key for another receiver
	}
	if d := cmp.Diff(want, stored(t, js)); d != "" {
		t.Errorf("stored (-want +got):\n%s", d)
	}
}

func TestQueueRefuses(t *testing.T) {
	js := open(t)
	for _, tt := range []struct {
		name   string
		change func(m *notify.Message)
		want   string
	}{
		{"no receiver", func(m *notify.Message) { m.Receiver = "" }, `queue message "k": it names no receiver`},
		{"no incident", func(m *notify.Message) { m.Incident = "" }, `queue message "k": it names no incident`},
		{"no key", func(m *notify.Message) { m.Key = "" }, `queue message "": its key is not 1 to 128 letters, digits, ".", "_" or "-"`},
		{"a key of other characters", func(m *notify.Message) { m.Key = "a b" }, `queue message "a b": its key is not 1 to 128 letters, digits, ".", "_" or "-"`},
		{"a key that is too long", func(m *notify.Message) { m.Key = strings.Repeat("k", 129) }, "its key is not 1 to 128 letters"},
		{"another version", func(m *notify.Message) { m.V = 2 }, `queue message "k": its version is 2; expected 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := message("chat", "i", "k", notify.Opened)
			tt.change(&bad)
			err := NewOutbox(js).Queue(t.Context(), []notify.Message{message("chat", "i", "good", notify.Opened), bad})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if got := stored(t, js); len(got) != 0 {
		t.Errorf("%v is stored beside a refused message", got)
	}
}

func TestEnsureRefusesNewerLayout(t *testing.T) {
	js := open(t)
	s, err := js.Stream(t.Context(), DeadName)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.Metadata[metaVersion] = "2"
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	err = Ensure(t.Context(), js, StreamOptions{})
	if err == nil || !strings.Contains(err.Error(), `stream DEADLETTER has layout version "2", this Picket writes "1"`) {
		t.Errorf("got %v", err)
	}
}
