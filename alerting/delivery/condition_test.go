package delivery

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

var update = flag.Bool("update", false, "write the golden messages")

// notices returns what a phone was told of receivers, "name kind".
func notices(t *testing.T, p *phone) []string {
	t.Helper()
	var out []string
	for _, c := range p.calls(t) {
		if name, ok := strings.CutPrefix(c.incident, "picket-receiver-"); ok {
			out = append(out, name+" "+string(c.kind))
		}
	}
	return out
}

func TestFailingIsToldToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down, refuses atomic.Bool
		ill := newPhone(func(*notify.Message) error {
			switch {
			case down.Load():
				return errDown
			case refuses.Load():
				return notify.Permanent(errors.New("401"))
			}
			return nil
		})
		well := newPhone(nil)
		m := newMemory(time.Now)
		receivers := []*Receiver{
			{Name: "ill", Notifier: ill, Fallbacks: []string{"ill", "well", "nobody"}},
			{Name: "well", Notifier: well, Fallbacks: []string{"ill"}},
		}
		stop := run(t, m.delivery(t, Config{}, receivers...))
		want := func(when string, want ...string) {
			t.Helper()
			if d := cmp.Diff(want, notices(t, well)); d != "" {
				t.Errorf("%s (-want +got):\n%s", when, d)
			}
		}
		down.Store(true)
		put(t, m, "ill", rules.High, "i", "k1")
		time.Sleep(5 * time.Minute)
		want("open for less than five minutes")
		time.Sleep(2 * time.Minute)
		want("open for longer", "ill opened")
		stop() // a restart tells nothing again
		stop = run(t, m.delivery(t, Config{}, receivers...))
		time.Sleep(20 * time.Minute)
		want("after a restart", "ill opened")
		down.Store(false)
		time.Sleep(3 * time.Minute)
		want("it works again", "ill opened", "ill resolved")
		refuses.Store(true)
		put(t, m, "ill", rules.High, "i", "k2", "j", "k3", "l", "k4")
		time.Sleep(time.Minute)
		want("messages died", "ill opened", "ill resolved", "ill opened")
		refuses.Store(false)
		put(t, m, "ill", rules.High, "i", "k5")
		time.Sleep(5 * time.Minute)
		want("it may fail again soon", "ill opened", "ill resolved", "ill opened")
		time.Sleep(6 * time.Minute)
		want("it was calm", "ill opened", "ill resolved", "ill opened", "ill resolved")
		stop()
		if got := notices(t, ill); len(got) != 0 {
			t.Errorf("the receiver was told of itself: %v", got)
		}
	})
}

// TestDenied: a key that is rotated for some minutes costs no message, others
// hear of it early, and a message that is denied for too long is a dead letter.
func TestDenied(t *testing.T) {
	for _, tt := range []struct {
		name    string
		level   rules.Level
		own     time.Duration // deadline of the level; 0: the usual one
		refused time.Duration // for how long the key is refused
		told    []string      // to the other receiver, some time later
		dead    time.Duration // after which the message was given up; 0: it was told
	}{
		{"for half a minute", rules.Critical, 0, 30 * time.Second, nil, 0},
		{"for some minutes", rules.Critical, 0, 10 * time.Minute, []string{"pd opened", "pd resolved"}, 0},
		{"nearly for an hour", rules.Critical, 0, 55 * time.Minute, []string{"pd opened", "pd resolved"}, 0},
		{"for hours", rules.Critical, 0, 5 * time.Hour, []string{"pd opened"}, time.Hour},
		{"beyond a short deadline", rules.Low, 20 * time.Minute, 5 * time.Hour, []string{"pd opened"}, 20 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				pd := newPhone(func(*notify.Message) error {
					if time.Since(began) < tt.refused {
						return notify.Denied(errors.New("pagerduty: answered 401 Unauthorized"))
					}
					return nil
				})
				chat := newPhone(nil)
				m := newMemory(time.Now)
				receivers := []*Receiver{
					{Name: "pd", Notifier: pd, Fallbacks: []string{"chat"}, Deadlines: Deadlines{Low: tt.own}},
					{Name: "chat", Notifier: chat},
				}
				stop := run(t, m.delivery(t, Config{}, receivers...))
				put(t, m, "pd", tt.level, "i", "k1", "i", "k2")
				time.Sleep(15 * time.Second)
				stop() // a restart begins no new hour
				stop = run(t, m.delivery(t, Config{}, receivers...))
				defer stop()
				if tt.told != nil {
					time.Sleep(75 * time.Second)
					if d := cmp.Diff(tt.told[:1], notices(t, chat)); d != "" {
						t.Errorf("told early (-want +got):\n%s", d)
					}
				}
				time.Sleep(90*time.Minute - time.Since(began))
				if d := cmp.Diff(tt.told, notices(t, chat)); d != "" {
					t.Errorf("told (-want +got):\n%s", d)
				}
				if tt.dead == 0 {
					if d := cmp.Diff(map[string][]string{"i": {"k1", "k2"}}, keysOf(pd.calls(t))); d != "" || len(m.dead()) != 0 {
						t.Errorf("%d dead letters; told (-want +got):\n%s", len(m.dead()), d)
					}
					return
				}
				if len(m.dead()) == 0 {
					t.Fatal("nothing was given up")
				}
				letter := m.dead()[0]
				if took := letter.Died.Sub(letter.Queued).Truncate(time.Minute); took != tt.dead || letter.Error != "pagerduty: answered 401 Unauthorized" {
					t.Errorf("given up after %s for %q, want %s", took, letter.Error, tt.dead)
				}
			})
		})
	}
}

// TestDiedBeforeRestart: a message that died just before the daemon did is told
// to the others by the next one, once.
func TestDiedBeforeRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(time.Now)
		well := newPhone(nil)
		receivers := []*Receiver{
			{Name: "ill", Notifier: newPhone(func(*notify.Message) error { return notify.Permanent(errors.New("401")) }), Fallbacks: []string{"well"}},
			{Name: "well", Notifier: well},
		}
		stop := run(t, m.delivery(t, Config{}, receivers...))
		put(t, m, "ill", rules.High, "i", "k1")
		time.Sleep(time.Second)
		stop()
		if len(m.dead()) != 1 || len(notices(t, well)) != 0 {
			t.Fatalf("%d dead letters, told %v", len(m.dead()), notices(t, well))
		}
		for range 2 {
			stop = run(t, m.delivery(t, Config{}, receivers...))
			time.Sleep(time.Minute)
			stop()
			if d := cmp.Diff([]string{"ill opened"}, notices(t, well)); d != "" {
				t.Errorf("told (-want +got):\n%s", d)
			}
		}
	})
}

// TestOthersFailToo: where those that are to be told do not work either, those
// of the last resort are told, and hear of each that works again.
func TestOthersFailToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		away.Store(true)
		refuse := func(*notify.Message) error {
			if away.Load() {
				return notify.Permanent(errors.New("proxy: 403"))
			}
			return nil
		}
		chat := newPhone(nil)
		m := newMemory(time.Now)
		stop := run(t, m.delivery(t, Config{},
			&Receiver{Name: "pd", Notifier: newPhone(refuse), Fallbacks: []string{"am"}, LastResort: []string{"chat"}},
			&Receiver{Name: "am", Notifier: newPhone(refuse), Fallbacks: []string{"pd"}, LastResort: []string{"chat"}},
			&Receiver{Name: "chat", Notifier: chat, Fallbacks: []string{"pd", "am"}}))
		defer stop()
		put(t, m, "pd", rules.Critical, "i", "k1")
		put(t, m, "am", rules.Critical, "i", "k2")
		time.Sleep(time.Minute)
		if d := cmp.Diff([]string{"am opened", "pd opened"}, slices.Sorted(slices.Values(notices(t, chat)))); d != "" {
			t.Errorf("told (-want +got):\n%s", d)
		}
		away.Store(false)
		put(t, m, "pd", rules.Critical, "i", "k3")
		put(t, m, "am", rules.Critical, "i", "k4")
		time.Sleep(20 * time.Minute)
		if d := cmp.Diff([]string{"am opened", "am resolved", "pd opened", "pd resolved"}, slices.Sorted(slices.Values(notices(t, chat)))); d != "" {
			t.Errorf("told (-want +got):\n%s", d)
		}
	})
}

// TestNobodyWorks: when all receivers fail, each is told of the others once,
// and what is told of them raises nothing more.
func TestNobodyWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := func(*notify.Message) error { return notify.Permanent(errors.New("401")) }
		a, b, c := newPhone(refuse), newPhone(refuse), newPhone(refuse)
		m := newMemory(time.Now)
		stop := run(t, m.delivery(t, Config{},
			&Receiver{Name: "a", Notifier: a, Fallbacks: []string{"b", "c"}},
			&Receiver{Name: "b", Notifier: b, Fallbacks: []string{"a", "c"}},
			&Receiver{Name: "c", Notifier: c, Fallbacks: []string{"a", "b"}}))
		defer stop()
		put(t, m, "a", rules.High, "i", "k1")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := len(m.queued); n != 1+3*2 {
			t.Errorf("%d messages, want the first and two about each receiver", n)
		}
	})
}

func TestFailingMessageGoldens(t *testing.T) {
	r := &Receiver{Name: "on_call", Type: "pagerduty"}
	began := Condition{}.step(r.Name, start(), health{Opened: start().Add(-time.Hour), Fault: "dial tcp:\nconnection \x1b[31mrefused"}, []string{"chat", "gone"})
	paid := began
	paid.Owed = false
	over := paid.step(r.Name, start().Add(time.Hour), health{Worked: start().Add(50 * time.Minute)}, nil)
	lost := Condition{}.step(r.Name, start(), health{Died: start().Add(-time.Second), Fault: "401 Unauthorized"}, []string{"chat"})
	denied := Condition{}.step(r.Name, start(), health{Denied: start().Add(-time.Minute), Fault: "pagerduty: answered 403 Forbidden"}, []string{"chat"})
	known := func(name string) bool { return name != "gone" }
	for _, tt := range []struct {
		name string
		c    Condition
	}{{"failing", began}, {"works", over}, {"lost", lost}, {"denied", denied}} {
		t.Run(tt.name, func(t *testing.T) {
			messages := tt.c.messages(r, known)
			for i := range messages {
				if err := valid(&messages[i]); err != nil {
					t.Error(err)
				}
			}
			got, err := json.MarshalIndent(messages, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", tt.name+".json")
			if *update {
				if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)+"\n"); d != "" {
				t.Errorf("messages differ (-want +got); go test -update writes them:\n%s", d)
			}
		})
	}
}
