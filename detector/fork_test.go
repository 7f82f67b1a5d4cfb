package detector_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// TestFork: a fork goes on as its origin would, and neither notices the other.
func TestFork(t *testing.T) {
	before := func(l *log) {
		for i := range 5 {
			l.put(time.Duration(i)*4*day, login("DE"))
		}
		l.put(16*day, approve("Hello"))
		for i := range 2 {
			l.put(17*day+time.Duration(i)*time.Minute, post("Hello"))
		}
		l.put(17*day+3*time.Minute, login("RO")) // an episode that is open
	}
	after := func(l *log) {
		l.put(17*day+4*time.Minute, post("Hello")) // the third in ten minutes
		l.put(17*day+5*time.Minute, login("FR"))
		l.tick(18 * day)
		l.put(18*day, login("RO"))
	}
	undisturbed := newLog(t, detector.Account{Name: "x/acme", Approvals: true})
	before(undisturbed)
	n := len(undisturbed.lines)
	memory := func(e *detector.Engine) []byte {
		data, err := e.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}

	forked := newLog(t, detector.Account{Name: "x/acme", Approvals: true})
	before(forked)
	was := memory(forked.e)
	fork, err := forked.e.Fork("x/acme", "x/nobody")
	if err != nil {
		t.Fatal(err)
	}
	attack := &log{e: fork, seq: forked.seq}
	after(attack)
	if !bytes.Equal(was, memory(forked.e)) {
		t.Error("what a fork was given changed its origin's memory")
	}

	after(undisturbed)
	after(forked)
	if d := cmp.Diff(undisturbed.lines[n:], attack.lines); d != "" {
		t.Errorf("findings of the fork (-origin's +fork's):\n%s", d)
	}
	if d := cmp.Diff(undisturbed.lines, forked.lines); d != "" {
		t.Errorf("findings of the origin after a fork (-undisturbed +forked):\n%s", d)
	}
}

// TestForkKnowsTheNamedOnly: another account's memory is not in it.
func TestForkKnowsTheNamedOnly(t *testing.T) {
	l := settled(t)
	fork, err := l.e.Fork("x/other")
	if err != nil {
		t.Fatal(err)
	}
	if got := fork.Baselines("x/acme", ""); got != nil {
		t.Errorf("a fork of another account knows %+v", got)
	}
}

func BenchmarkFork(b *testing.B) {
	l := newLog(b)
	for i := range 2000 {
		a := activity.Activity{Kind: activity.KindPost, Text: fmt.Sprint("post ", i), App: fmt.Sprint("app ", i%7), LinkDomains: []string{fmt.Sprint("host", i%50, ".example")}}
		l.put(time.Duration(i)*time.Hour, a)
	}
	for b.Loop() {
		if _, err := l.e.Fork("x/acme"); err != nil {
			b.Fatal(err)
		}
	}
}
