package natspub

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

var update = flag.Bool("update", false, "write the golden events")

// lives returns the revisions of an alert's life as they were published.
func lives(t *testing.T) []alerting.Alert {
	t.Helper()
	firing, _ := alerting.Apply(alerting.Alert{}, finding("3fa29c51", detector.Open, 1, 12))
	firing.Change, firing.Revision = alerting.ChangeOpened, 1
	acked, err := alerting.Act(firing, alerting.Deed{Action: alerting.ActionAck, Actor: "jana", Reason: "on it"}, start().Add(60e9))
	if err != nil {
		t.Fatal(err)
	}
	acked.Change, acked.Revision = alerting.ChangeAcknowledged, 2
	more := finding("3fa29c51", detector.Update, 70, 13)
	more.Evidence[0].Seen = more.Evidence[0].Time.Add(20 * time.Minute)
	more.Usual = []detector.Reason{{Field: "hour", Seen: "hour (6 % of posts)"}}
	more.Related = []detector.Related{{Episode: "b071d2e4", Rule: "login_new_country", Title: "New-country login", Account: "okta/editor-2", Time: start(), Words: "country RO"}}
	more.Since = &detector.Since{AsOf: start()}
	updated, _ := alerting.Apply(acked, more)
	updated.Assigned = &alerting.Assignment{To: "tom", By: "jana", At: start()}
	other := firing
	other.ID = "00c0ffee"
	updated.Around = alerting.Around{
		Beside:   []alerting.Head{alerting.HeadOf(&other, 7, start())},
		Verdicts: alerting.Tally{True: 3, False: 1},
	}
	updated.Change, updated.Revision = alerting.ChangeUpdated, 3
	closed, _ := alerting.Apply(updated, finding("3fa29c51", detector.Close, 900, 13))
	closed.Change, closed.Revision = alerting.ChangeResolved, 4
	closed.Judged = &alerting.Judgement{Verdict: alerting.VerdictExpected, By: "jana", At: start()}
	return []alerting.Alert{firing, acked, updated, closed}
}

func TestEventGoldens(t *testing.T) {
	for _, a := range lives(t) {
		name := string(a.Change)
		t.Run(name, func(t *testing.T) {
			data, err := encodeEvent(PublisherOptions{Version: "0.1.0", Instance: "ber 1"}, &a)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, data, "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("event differs (-want +got); go test -update writes it:\n%s", diff)
			}
		})
	}
}

func TestOCSFNumbers(t *testing.T) {
	type numbers struct{ Activity, Type, Status int }
	want := map[alerting.Change]numbers{
		alerting.ChangeOpened:       {1, 200401, 1},
		alerting.ChangeAcknowledged: {2, 200402, 2},
		alerting.ChangeUpdated:      {2, 200402, 2},
		alerting.ChangeResolved:     {3, 200403, 4},
	}
	for _, a := range lives(t) {
		f := newFinding(PublisherOptions{}, &a)
		if got := (numbers{f.ActivityID, f.TypeUID, f.StatusID}); got != want[a.Change] {
			t.Errorf("%s: %+v, want %+v", a.Change, got, want[a.Change])
		}
	}
	levels := map[rules.Level]int{
		rules.Informational: 1, rules.Low: 2, rules.Medium: 3, rules.High: 4, rules.Critical: 5, "": 0,
	}
	for level, want := range levels {
		if got, _ := ocsfSeverity(level); got != want {
			t.Errorf("severity of %q = %d, want %d", level, got, want)
		}
	}
}

func TestPublishedCopy(t *testing.T) {
	nc, js := connect(t, false)
	s, p := open(t, js)
	sub, err := nc.SubscribeSync("picket.alert.>")
	if err != nil {
		t.Fatal(err)
	}
	quiet := finding("e2", detector.Open, 1, 1)
	quiet.Rule.Mode = rules.Observe
	m := manager(t, s, p)
	if err := m.Report(t.Context(), []detector.Finding{quiet, finding("e1", detector.Open, 1, 1)}); err != nil {
		t.Fatal(err)
	}
	msg, err := sub.NextMsgWithContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := "picket.alert.high.x.acme%2Enews.7c1c3f0e-64a1-4c6e-9d52-7f4f6f1f0a01"; msg.Subject != want {
		t.Errorf("subject %q, want %q", msg.Subject, want)
	}
	if id, ct := msg.Header.Get("Nats-Msg-Id"), msg.Header.Get("Content-Type"); id != "e1.1" || ct != "application/cloudevents+json" {
		t.Errorf("headers: id %q, content type %q", id, ct)
	}
	var ev Event
	if err := json.Unmarshal(msg.Data, &ev); err != nil {
		t.Fatal(err)
	}
	if ev.Type != "io.picket.alert.firing" || ev.Subject != "x/acme.news" || ev.ID != "e1.1" || ev.Data.ClassUID != 2004 {
		t.Errorf("event %+v", ev)
	}
	if got := msg.Header.Get("Picket-Urgency"); got != "page" || ev.Urgency != "page" {
		t.Errorf("urgency %q in the header, %q in the event, want page", got, ev.Urgency)
	}
	if _, there := msg.Header["Picket-Drill"]; there || ev.Drill != "" || ev.LateSeconds != 0 {
		t.Errorf("a real alert in time is a drill or late: %v, %+v", msg.Header, ev)
	}
	if n := len(copies(t, js)); n != 1 {
		t.Errorf("%d copies, want 1: an observing rule pages nobody", n)
	}
}

// atNight knows an account whose people are asleep.
type atNight struct{}

func (atNight) Account(string) (alerting.AccountInfo, bool) {
	return alerting.AccountInfo{WorkingHours: "Mon-Fri 09:00-18:00", Working: func(time.Time) bool { return false }}, true
}

func TestUrgencyAndDrillAreTold(t *testing.T) {
	nc, js := connect(t, false)
	open(t, js)
	sub, err := nc.SubscribeSync("picket.alert.>")
	if err != nil {
		t.Fatal(err)
	}
	f := finding("e1", detector.Open, 1, 1)
	f.Evidence[0].Drill = "spring 2026"
	a, _ := alerting.Apply(alerting.Alert{}, f)
	if err := NewPublisher(js, PublisherOptions{Directory: atNight{}}).Publish(t.Context(), []alerting.Alert{a}); err != nil {
		t.Fatal(err)
	}
	msg, err := sub.NextMsgWithContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ev Event
	if err := json.Unmarshal(msg.Data, &ev); err != nil {
		t.Fatal(err)
	}
	if u, d := msg.Header.Get("Picket-Urgency"), msg.Header.Get("Picket-Drill"); u != "hours" || d != "spring%202026" {
		t.Errorf("headers: urgency %q, drill %q, want hours, spring%%202026", u, d)
	}
	if ev.Urgency != alerting.UrgencyHours || ev.Drill != "spring 2026" {
		t.Errorf("event: urgency %q, drill %q", ev.Urgency, ev.Drill)
	}
	if !strings.HasPrefix(ev.Data.Message, "DRILL HIGH ") || !strings.Contains(ev.Data.Message, "\nNext   drill spring 2026: waits for working hours (Mon-Fri 09:00-18:00)\n") {
		t.Errorf("text:\n%s", ev.Data.Message)
	}
}

func TestCopySubject(t *testing.T) {
	tests := []struct{ name, network, account, rule, want string }{
		{"plain", "x", "x/acme", "r1", "picket.alert.high.x.acme.r1"},
		{"no account", "", "", "r1", "picket.alert.high._._.r1"},
		{"network only", "x", "", "r1", "picket.alert.high.x._.r1"},
		{"account of another network", "x", "okta/jo", "r1", "picket.alert.high.x.okta%2Fjo.r1"},
		{"account that is the network", "x", "x", "r1", "picket.alert.high.x.x.r1"},
		{"hostile", "*", "*/>. ", "a b", "picket.alert.high.%2A.%3E%2E%20.a%20b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := alerting.Alert{Network: tt.network, Account: tt.account, Rule: alerting.Rule{ID: tt.rule, Level: rules.High}}
			if got := CopySubject(&a); got != tt.want {
				t.Errorf("subject %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCopyFilter(t *testing.T) {
	for account, want := range map[string]string{
		"x/acme": "picket.alert.*.x.acme.*", "x/acme.news": "picket.alert.*.x.acme%2Enews.*", "x": "picket.alert.*.x._.*",
	} {
		if got := CopyFilter(account); got != want {
			t.Errorf("CopyFilter(%q) = %q, want %q", account, got, want)
		}
	}
}

func FuzzCopySubject(f *testing.F) {
	f.Add("high", "x", "x/acme", "7c1c3f0e")
	f.Add("", "", "", "")
	f.Add(">", "*", "*/a.b c", "\x00\xff")
	f.Fuzz(func(t *testing.T, level, network, account, rule string) {
		a := alerting.Alert{Network: network, Account: account, Rule: alerting.Rule{ID: rule, Level: rules.Level(level)}}
		tokens := strings.Split(CopySubject(&a), ".")
		if len(tokens) != 6 {
			t.Fatalf("%d tokens in %q, want 6", len(tokens), CopySubject(&a))
		}
		for i, want := range map[int]string{2: level, 3: network, 5: rule} {
			if got, err := activity.DecodeToken(tokens[i]); err != nil || got != want {
				t.Fatalf("token %d is %q, %v, want %q", i, got, err, want)
			}
		}
		name, err := activity.DecodeToken(tokens[4])
		if err != nil || name != account && network+"/"+name != account {
			t.Fatalf("account token is %q, %v, want that of %q", name, err, account)
		}
	})
}

func TestEventIsBounded(t *testing.T) {
	f := finding("e1", detector.Open, 1, 1)
	links := make([]string, 16)
	for i := range links {
		links[i] = strings.Repeat("\x01", 512)
	}
	for range 7 {
		f.Evidence = append(f.Evidence, activity.Activity{
			ID: "1", Network: "x", Account: "x/acme", Kind: activity.KindPost, Links: links, Mentions: links, Hashtags: links, LinkDomains: links,
		})
	}
	a, _ := alerting.Apply(alerting.Alert{}, f)
	data, err := encodeEvent(PublisherOptions{}, &a)
	if err != nil || len(data) > maxEvent {
		t.Fatalf("event has %d bytes (%v), want at most %d", len(data), err, maxEvent)
	}
	var ev Event
	if err := json.Unmarshal(data, &ev); err != nil || len(ev.Data.Evidences) == 0 || len(ev.Data.Evidences) == 8 {
		t.Errorf("%d evidences (%v), want some left out", len(ev.Data.Evidences), err)
	}
	f.Since = &detector.Since{Count: 9}
	for range detector.MaxSince {
		heavy := f.Evidence[1].Clone()
		heavy.Changed, heavy.Approval.Links, heavy.Approval.Media = links, links, links
		f.Since.Activities = append(f.Since.Activities, heavy)
	}
	a, _ = alerting.Apply(alerting.Alert{}, f)
	if data, err = encodeEvent(PublisherOptions{}, &a); err != nil || len(data) > maxEvent {
		t.Fatalf("event with what happened since has %d bytes (%v), want at most %d", len(data), err, maxEvent)
	}
	ev = Event{}
	if err := json.Unmarshal(data, &ev); err != nil || ev.Data.Unmapped.Picket.Since.Count != 9 {
		t.Errorf("since %+v (%v), want its count kept", ev.Data.Unmapped.Picket.Since, err)
	}
}
