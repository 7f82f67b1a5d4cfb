package delivery

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting/notify"
)

// TestDamagedRecords: what cannot be read of what a receiver was told, of its
// condition and of its dead letters stops no message, and is told.
func TestDamagedRecords(t *testing.T) {
	js := open(t)
	var subjects []string
	for _, harm := range []struct{ subject, body string }{
		{RecordSubject("ops", "i.1"), "no JSON"},
		{RecordSubject("ops", "i.2"), `{"v":0}`},
		{ConditionSubject("ops"), `"failing"`},
		{DeadSubject("ops"), `{"v":"one"}`},
		{QueueSubject("ops", "i.0"), `{"receiver":""}`},
	} {
		if _, err := js.Publish(t.Context(), harm.subject, []byte(harm.body)); err != nil {
			t.Fatal(err)
		}
		subjects = append(subjects, harm.subject)
	}
	var mu sync.Mutex
	var told []string
	p := newPhone(nil)
	d := onServer(t, js, &Receiver{Name: "ops", Notifier: p})
	d.cfg.Damaged = func(stream, subject string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if !strings.HasPrefix(err.Error(), fmt.Sprintf("stream %s, sequence ", stream)) {
			t.Errorf("the complaint of %s does not say where: %v", subject, err)
		}
		told = append(told, subject)
	}
	d.ledger.(*natsLedger).damaged = d.cfg.Damaged
	d.look(t.Context(), &running{courier: &courier{name: "ops"}, receiver: d.receivers[0]}, nil)
	stop := run(t, d)
	defer stop()
	want := map[string][]string{}
	for i := range 3 {
		incident, key := fmt.Sprint("i.", i), fmt.Sprint("k", i)
		want[incident] = []string{key}
		if err := NewOutbox(js).Queue(t.Context(), []notify.Message{message("ops", incident, key, notify.Opened)}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "delivery", func() bool { return taken(t, p) == 3 })
	if diff := cmp.Diff(want, keysOf(p.calls(t))); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	eventually(t, "all complaints", func() bool { mu.Lock(); defer mu.Unlock(); return len(told) == len(subjects) })
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(told)
	slices.Sort(subjects)
	if diff := cmp.Diff(subjects, told); diff != "" {
		t.Errorf("complained of (-want +got):\n%s", diff)
	}
	if letters, err := NewOutbox(js).Letters(t.Context(), ""); err != nil || len(letters) > 0 {
		t.Errorf("dead letters %v, %v; want none, and no error", letters, err)
	}
}

// TestNewerRecord: what a newer Picket wrote is not taken for damaged.
func TestNewerRecord(t *testing.T) {
	js := open(t)
	if _, err := js.Publish(t.Context(), RecordSubject("ops", "i.1"), []byte(`{"v":2}`)); err != nil {
		t.Fatal(err)
	}
	l, err := openLedger(t.Context(), js, func(_, subject string, err error) { t.Errorf("%s: %v", subject, err) })
	if err != nil {
		t.Fatal(err)
	}
	const want = "record of version 2, this Picket writes 1: use the version of Picket that wrote it"
	if _, err := l.record(t.Context(), "ops", "i.1"); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
