package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/okta/oktatest"
)

// Whatever is personal in these tests holds one of these.
const (
	secretWord    = "sesame"
	secretNetwork = "203.0.113."
)

// confidential is an activity that is personal wherever it can be.
func confidential(id string, kind activity.Kind) activity.Activity {
	return activity.Activity{
		ID: id, Network: "x", Account: "x/acme", Kind: kind, Time: time.Now().UTC(),
		Actor: "sesame.actor@acme.example", IP: secretNetwork + "77", UserAgent: "SesameBrowser/1.0",
		Geo:  activity.Geo{Country: "DE", City: "Sesame City"},
		Text: "open sesame", Raw: []byte(`{"client":{"ipAddress":"203.0.113.77"},"name":"sesame"}`),
	}
}

// spoiled are items with one thing wrong in each, as others may send them.
func spoiled() []string {
	const head = `{"account":"x/acme","kind":"post","time":"2026-03-01T12:00:00Z",`
	return []string{
		head + `"id":"s1","ip":"203.0.113.78:4711"}`,
		head + `"id":"s2","geo":{"country":"sesame land"}}`,
		head + `"id":"s3","text":"open "sesame" now"}`,
		head + `"id":"s4","text":sesame}`,
		head + `"id":"s5","raw":"203.0.113.79 sesame"}`,
		head + `"id":"s6","text":"\ud800 sesame"}`,
		head + `"id":"s7","actor":"sesame","text":7}`,
		head + `"id":"s8","ip":203.0.113.80}`,
		head + `"id":"s9","text":"a","text":"sesame"}`,
	}
}

// TestLogIsNotPersonal sends personal things on every way in, whole and
// spoiled, until there are alerts about them, and reads all that is logged, at
// level debug, too.
func TestLogIsNotPersonal(t *testing.T) {
	for _, tt := range []struct {
		name, more string
		personal   bool
	}{
		{"by default", "", false},
		{"log.personal", "log: {personal: true}\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNetworks(t)
			more := strings.Replace(n.more, "sources:\n", "sources:\n  - {name: lines, collector: file, path: in.jsonl, every: 1s}\n", 1)
			s := newSite(t, more+tt.more)
			s.put(t, map[string]string{"in.jsonl": lines(t)})
			n.okta.Add(oktatest.Event{
				Type: "user.session.start", Actor: "editor-2@acme.example", ActorName: "Sesame", IP: secretNetwork + "81:443", UserAgent: "Sesame",
			})
			r := s.launchAt(t, zapcore.DebugLevel).works()
			for _, item := range spoiled() {
				r.refused("picket.intake.activities", item)
			}
			r.refused("picket.intake.approvals", `{"account":"x/acme","text":"open sesame","until":"sesame"}`)
			r.refused("picket.intake.approvals", `{"account":"x/acme","text":sesame}`)
			for _, damaged := range spoiled() {
				if _, err := r.js().Publish(t.Context(), "picket.activity.0.bulk", []byte(`{"v":1,"activities":[`+damaged+`]}`)); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 10 {
				a := confidential(string(rune('a'+i)), activity.KindDelete)
				a.Object = a.ID
				r.push(a)
			}
			r.push(confidential("p", activity.KindPost), confidential("l", activity.KindLogin))
			r.alerts("many_deletions", 1)
			for message, atLeast := range map[string]int{
				"alert": 1, "alert revised": 1, "nats items accepted": 11,
				"nats items refused": 3, // one of each kind; others like it are left out
				"item not understood; the rest of its page stands": 9, "polled": 1,
				"journal message cannot be read; it is passed over": 7,
			} {
				r.logged(message, atLeast)
			}
			r.end()
			for _, e := range r.logs.All() {
				line := strings.ToLower(strings.Join(append(fieldsOf(e.ContextMap()), e.Message), " "))
				for _, secret := range []string{secretWord, secretNetwork} {
					if strings.Contains(line, secret) && !(tt.personal && e.Message == "alert") {
						t.Errorf("the log has %q: %s %v", secret, e.Message, e.ContextMap())
					}
				}
			}
			if told := strings.Contains(r.log(), "open sesame"); told != tt.personal {
				t.Errorf("a text is in the log: %v, want %v", told, tt.personal)
			}
		})
	}
}

// refused pushes something that must be refused.
func (r *running) refused(subject, item string) {
	r.t.Helper()
	reply, err := r.js().Conn().Request(subject, []byte(item), patience)
	if err != nil || reply.Header.Get("Picket-Error") == "" {
		r.t.Fatalf("%s: %v, want a refusal", item, err)
	}
}

// lines is a file of items, whole and spoiled.
func lines(t *testing.T) string {
	t.Helper()
	a := confidential("f", activity.KindPost)
	return strings.Join(append(spoiled(), string(activity.AppendActivity(nil, &a))), "\n") + "\n"
}

// fieldsOf writes the fields of a log line.
func fieldsOf(context map[string]any) []string {
	var out []string
	for k, v := range context {
		out = append(out, fmt.Sprintf("%s=%+v", k, v))
	}
	return out
}
