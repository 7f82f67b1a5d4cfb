package app

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/alerting/silence"
)

// silencedUntil returns what the newest public copy of x/acme's alerts says.
func (r *running) silencedUntil() time.Time {
	r.t.Helper()
	s, err := r.js().Stream(r.t.Context(), natspub.Stream)
	if err != nil {
		r.t.Fatal(err)
	}
	msg, err := s.GetLastMsgForSubject(r.t.Context(), natspub.CopyFilter("x/acme"))
	if err != nil {
		r.t.Fatal(err)
	}
	var event natspub.Event
	if err := json.Unmarshal(msg.Data, &event); err != nil {
		r.t.Fatal(err)
	}
	return event.Silenced
}

// copySays pushes deletions from n on until the newest copy says that people are
// told, or not told, and returns the next n.
func (r *running) copySays(silenced bool, n int) int {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for r.silencedUntil().IsZero() == silenced {
		if time.Now().After(deadline) {
			r.t.Fatalf("the newest copy says silenced until %s, want silenced: %v", r.silencedUntil(), silenced)
		}
		r.push(deletion(n))
		n++
		time.Sleep(100 * time.Millisecond)
	}
	return n
}

// TestSilencesReachTheDaemon has a silence that was there at the start, its end
// while the daemon runs, and a window that a reload brings.
func TestSilencesReachTheDaemon(t *testing.T) {
	s := newSite(t, "")
	r := s.run(t)
	store, err := natspub.OpenSilences(t.Context(), r.js())
	if err != nil {
		t.Fatal(err)
	}
	m, err := match.Parse(`account="x/acme", level!="critical"`)
	if err != nil {
		t.Fatal(err)
	}
	book := silence.Book{Store: store, Now: time.Now}
	one, err := book.Add(t.Context(), silence.Request{Matchers: m, Author: "jane", Reason: "campaign"})
	if err != nil {
		t.Fatal(err)
	}
	r.end()

	r = s.run(t)
	for n := range 10 {
		r.push(deletion(n))
	}
	r.alerts("many_deletions", 1)
	n := r.copySays(true, 10)
	if got := r.silencedUntil(); !got.Equal(one.End) {
		t.Errorf("silenced until %s, want %s", got, one.End)
	}

	if store, err = natspub.OpenSilences(t.Context(), r.js()); err != nil {
		t.Fatal(err)
	}
	book.Store = store
	if _, err := book.Expire(t.Context(), one.ID, "tom", "over"); err != nil {
		t.Fatal(err)
	}
	n = r.copySays(false, n)

	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	const window = "maintenance: [{name: always, matchers: 'level!=critical', author: jane, reason: r, start: 2026-01-01, rule: FREQ=DAILY, lasts: 2d}]\n"
	if err := os.WriteFile(s.config, append(text, window...), 0o600); err != nil {
		t.Fatal(err)
	}
	r.copySays(true, n)
}
