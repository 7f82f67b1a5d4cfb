package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/api"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

const annToken = "token-of-ann-in-this-test"

// door is one of the ways to act on alerts.
type door struct {
	name string
	// anybody says that whoever knocks says who acts; else it is always ann.
	anybody bool
	act     func(t *testing.T, reference string, d alerting.Deed) answer
	show    func(t *testing.T, reference string) (a alerting.Alert, text string)
	list    func(t *testing.T, account string) []string // ids
}

// answer is what came of a deed: what it was refused with, if anything. The
// command line tells no status and no field.
type answer struct {
	Refused string
	Status  string
	Field   string
}

// story is deeds in a row, and what is to come of them. Nothing in it
// differs between doors, so that all that is left of it can be compared.
type story struct {
	name      string
	deeds     []alerting.Deed
	reference string // instead of the alert's own id
	named     bool   // only through doors that let name the actor
	want      answer // of the last deed
	state     alerting.State
	history   []string
}

func stories(until time.Time) []story {
	ack := alerting.Deed{Action: alerting.ActionAck, Actor: "ann", Reason: "on it"}
	assign := alerting.Deed{Action: alerting.ActionAssign, Actor: "ann", To: "tom", Reason: "your account"}
	resolve := alerting.Deed{Action: alerting.ActionResolve, Actor: "ann", Verdict: alerting.VerdictTrue, Reason: "taken over"}
	expected := alerting.Deed{Action: alerting.ActionResolve, Actor: "ann", Verdict: alerting.VerdictExpected, Until: until}
	plain := alerting.Deed{Action: alerting.ActionResolve, Actor: "ann"}
	const firing, acked = "→ firing by picket: ", "firing → acknowledged by ann: on it"
	return []story{
		{name: "acknowledge", deeds: []alerting.Deed{ack}, state: alerting.Acknowledged, history: []string{firing, acked}},
		{
			name: "acknowledge twice", deeds: []alerting.Deed{ack, ack}, state: alerting.Acknowledged, history: []string{firing, acked},
			want: answer{"ack PK-N: the alert's state does not allow it: it is acknowledged since T by ann", "409", ""},
		},
		{name: "assign", deeds: []alerting.Deed{assign}, state: alerting.Firing, history: []string{firing}},
		{
			name: "assign to nobody", deeds: []alerting.Deed{{Action: alerting.ActionAssign, Actor: "ann"}}, state: alerting.Firing, history: []string{firing},
			want: answer{`assign PK-N: assigned to ""; name a person to assign, and to nothing else`, "422", "to"},
		},
		{
			name: "resolve with a verdict", deeds: []alerting.Deed{ack, resolve}, state: alerting.Resolved,
			history: []string{firing, acked, "acknowledged → resolved by ann: taken over"},
		},
		{name: "expected for a while", deeds: []alerting.Deed{expected}, state: alerting.Resolved, history: []string{firing, "firing → resolved by ann: "}},
		{
			name: "false with an end", state: alerting.Firing, history: []string{firing},
			deeds: []alerting.Deed{{Action: alerting.ActionResolve, Actor: "ann", Verdict: alerting.VerdictFalse, Until: until}},
			want:  answer{"resolve PK-N: an end is given with the verdict expected alone", "422", "until"},
		},
		{
			name: "a verdict afterwards", deeds: []alerting.Deed{plain, resolve}, state: alerting.Resolved,
			history: []string{firing, "firing → resolved by ann: "},
		},
		{
			name: "resolve twice", deeds: []alerting.Deed{plain, plain}, state: alerting.Resolved, history: []string{firing, "firing → resolved by ann: "},
			want: answer{"resolve PK-N: the alert's state does not allow it: it is resolved since T by ann", "409", ""},
		},
		{
			name: "acknowledge what is over", deeds: []alerting.Deed{plain, ack}, state: alerting.Resolved, history: []string{firing, "firing → resolved by ann: "},
			want: answer{"ack PK-N: the alert's state does not allow it: it is resolved since T by ann", "409", ""},
		},
		{
			name: "unknown", deeds: []alerting.Deed{ack}, reference: "PK-FFFFFF", state: alerting.Firing, history: []string{firing},
			want: answer{`alert "PK-FFFFFF": no such alert`, "404", ""},
		},
		{
			name: "too short", deeds: []alerting.Deed{ack}, reference: "PK-1", state: alerting.Firing, history: []string{firing},
			want: answer{`alert "PK-1": expected a number such as PK-3FA29C or at least 4 digits of an id`, "422", "alert"},
		},
		{
			name: "ambiguous", deeds: []alerting.Deed{ack}, reference: "PK-EEEEEE", state: alerting.Firing, history: []string{firing},
			want: answer{fmt.Sprintf(`alert "PK-EEEEEE": it names several alerts, 2 in all: give the whole id, one of %s, %s`, twin(1), twin(2)), "409", ""},
		},
		{
			name: "in Picket's name", deeds: []alerting.Deed{{Action: alerting.ActionAck, Actor: "Picket"}}, named: true, state: alerting.Firing, history: []string{firing},
			want: answer{`ack PK-N: actor is not acceptable: "Picket"; name the person who acts`, "422", "by"},
		},
	}
}

// TestDoors does the same through the command line, HTTP and NATS, each on
// alerts of its own that are alike, and compares all that comes of it.
func TestDoors(t *testing.T) {
	t.Parallel()
	s := newDoorSite(t)
	doors := []door{s.commandLine(), s.overHTTP(), s.overNATS(t)}
	all := stories(time.Now().Add(time.Hour).UTC().Truncate(time.Second))
	ids := s.raise(t, len(all)*len(doors))
	for i, tale := range all {
		t.Run(tale.name, func(t *testing.T) {
			var first alerting.Alert
			for j, d := range doors {
				if tale.named && !d.anybody {
					continue
				}
				id := ids[i*len(doors)+j]
				tale.play(t, d, id)
				a := sameEverywhere(t, doors, id)
				a = bare(a)
				if first.State == "" {
					first = a
				} else if diff := cmp.Diff(first, a); diff != "" {
					t.Errorf("%s left another alert than %s (-first +this)\n%s", d.name, doors[0].name, diff)
				}
			}
		})
	}
	t.Run("refused to those who only listen", func(t *testing.T) { s.refuses(t) })
}

// play does a story through one door.
func (s *story) play(t *testing.T, d door, id string) {
	t.Helper()
	var got answer
	for i, deed := range s.deeds {
		reference := id
		if s.reference != "" {
			reference = s.reference
		}
		got = d.act(t, reference, deed)
		if got.Refused != "" && i < len(s.deeds)-1 {
			t.Fatalf("%s: deed %d: %+v", d.name, i, got)
		}
	}
	got.Refused = moment.ReplaceAllString(strings.ReplaceAll(got.Refused, alerting.Number(id), "PK-N"), "T")
	want := s.want
	if got.Status == "" {
		want.Status, want.Field = "", ""
	}
	if got != want {
		t.Errorf("%s answers\n got %+v\nwant %+v", d.name, got, want)
	}
	a, _ := d.show(t, id)
	var history []string
	for _, h := range a.History {
		history = append(history, strings.TrimSpace(string(h.From)+" → "+string(h.To))+" by "+h.By+": "+h.Reason)
	}
	if a.State != s.state || !slices.Equal(history, s.history) {
		t.Errorf("%s: %s with history %q, want %s with %q", d.name, a.State, history, s.state, s.history)
	}
}

// sameEverywhere returns an alert, which every door must show alike.
func sameEverywhere(t *testing.T, doors []door, id string) alerting.Alert {
	t.Helper()
	a, text := doors[0].show(t, id)
	for _, d := range doors[1:] {
		b, said := d.show(t, id)
		if diff := cmp.Diff(a, b); diff != "" || text != said {
			t.Errorf("%s shows another alert than %s\n%s\n%s\n%s", d.name, doors[0].name, diff, text, said)
		}
	}
	for _, d := range doors {
		if got, open := d.list(t, a.Account), a.State != alerting.Resolved; slices.Contains(got, id) != open {
			t.Errorf("%s lists %q, and %s is %s", d.name, got, id, a.State)
		}
	}
	return a
}

// bare takes out of an alert what differs between alerts that are alike.
func bare(a alerting.Alert) alerting.Alert {
	a.ID, a.Account, a.Updated = "", "", time.Time{}
	a.Evidence, a.Applied = nil, detector.Position{}
	mark := func(m *alerting.Mark) *alerting.Mark {
		if m == nil {
			return nil
		}
		return &alerting.Mark{By: m.By, Reason: m.Reason}
	}
	a.Ack, a.Resolution = mark(a.Ack), mark(a.Resolution)
	if a.Assigned != nil {
		a.Assigned = &alerting.Assignment{To: a.Assigned.To, By: a.Assigned.By, Reason: a.Assigned.Reason}
	}
	if a.Judged != nil {
		j := *a.Judged
		j.At = time.Time{}
		a.Judged = &j
	}
	a.History = slices.Clone(a.History)
	for i := range a.History {
		a.History[i].At = time.Time{}
	}
	return a
}

var moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// newDoorSite starts a daemon that watches nothing of its own.
func newDoorSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	s.write(t, "ann", annToken)
	s.write(t, "picket.yaml", `
data_dir: ./data
nats: {listen: 127.0.0.1:0}
journal: {durability: process, reserve: 1MiB}
http:
  listen: 127.0.0.1:0
  api: {tokens: [{name: ann, token: {file: ./ann}, can: [read, act]}]}
rules: {packs: []}
accounts: [{account: x/acme}]
`)
	s.start(t)
	return s
}

// twin is one of two alerts that share their number.
func twin(n int) string { return fmt.Sprintf("eeeeee%026x", n) }

// raise stores n alerts that are alike, each of its own account, and waits
// until the daemon has heard of them.
func (s *site) raise(t *testing.T, n int) []string {
	t.Helper()
	js, err := jetstream.New(s.listenAs(t, "admin", nats.CustomInboxPrefix("_PICKET")))
	if err != nil {
		t.Fatal(err)
	}
	store, err := natspub.Open(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	m, err := alerting.New(alerting.Config{Store: store, Publisher: natspub.NewPublisher(js, natspub.PublisherOptions{Version: "0.1.0"})})
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, n, n+2)
	for i := range ids {
		ids[i] = fmt.Sprintf("a%05x%026x", i, i)
	}
	at := time.Now().UTC().Truncate(time.Second)
	rule := &rules.Rule{
		ID: "7c1c3f0e-64a1-4c6e-9d52-7f4f6f1f0a01", Name: "posting_burst", Title: "Posting burst",
		Level: rules.High, Mode: rules.Enforce, Type: rules.TypeEventCount, Version: "0123456789ab", Response: []string{"phone the owner"},
	}
	var findings []detector.Finding
	for i, id := range append(ids, twin(1), twin(2)) {
		account := fmt.Sprintf("x/n%d", i)
		findings = append(findings, detector.Finding{
			Episode: id, Phase: detector.Open, Rule: rule, Network: "x", Account: account,
			Position: detector.Position{Sequence: uint64(i + 1)}, LogTime: at, First: at, Last: at, Count: 12,
			Reasons:  []detector.Reason{{Seen: "12 posts in 10m", Expected: "fewer than 12"}},
			Evidence: []activity.Activity{{ID: "p", Network: "x", Account: account, Kind: activity.KindPost, Time: at, Text: "hi"}},
		})
	}
	if err := m.Report(t.Context(), findings); err != nil {
		t.Fatal(err)
	}
	s.await(t, fmt.Sprintf(`^picket_alerts_open\{level="high",state="firing"\} %d$`, n+2))
	return ids
}

func (s *site) commandLine() door {
	ids := func(t *testing.T, account string) []string {
		t.Helper()
		var out []string
		for line := range strings.Lines(s.picket(t, "alerts", "ls", "--json", "--account", account)) {
			var a alerting.Alert
			if err := json.Unmarshal([]byte(line), &a); err != nil && !strings.HasPrefix(line, "no alerts") {
				t.Fatal(err)
			}
			out = append(out, a.ID)
		}
		return out
	}
	return door{
		name: "the command line", anybody: true, list: ids,
		act: func(t *testing.T, reference string, d alerting.Deed) answer {
			t.Helper()
			args := []string{"alerts", string(d.Action), reference}
			if d.Action == alerting.ActionAssign {
				args = append(args, d.To)
			}
			args = append(args, "--by", d.Actor, "-m", d.Reason)
			if d.Verdict != "" {
				args = append(args, "-v", string(d.Verdict))
			}
			if !d.Until.IsZero() {
				args = append(args, "--until", d.Until.Format(time.RFC3339))
			}
			cmd := exec.Command("picket", args...)
			cmd.Dir = s.dir
			out, err := cmd.CombinedOutput()
			if err == nil {
				return answer{}
			}
			return answer{Refused: strings.TrimSpace(strings.TrimPrefix(string(out), "picket: "+reference+": "))}
		},
		show: func(t *testing.T, reference string) (a alerting.Alert, text string) {
			t.Helper()
			if err := json.Unmarshal([]byte(s.picket(t, "alerts", "show", "--json", reference)), &a); err != nil {
				t.Fatal(err)
			}
			return a, s.picket(t, "alerts", "show", reference)
		},
	}
}

func (s *site) overHTTP() door {
	ask := func(t *testing.T, method, path string, body, into any) answer {
		t.Helper()
		var data []byte
		if body != nil {
			data, _ = json.Marshal(body) //nolint:errchkjson // maps of strings
		}
		req, err := http.NewRequestWithContext(t.Context(), method, s.http+path, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+annToken)
		req.Header.Set("Content-Type", "application/json")
		resp, err := web().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return read(t, fmt.Sprint(resp.StatusCode), said, into)
	}
	return door{
		name: "HTTP",
		act: func(t *testing.T, reference string, d alerting.Deed) answer {
			t.Helper()
			body := map[string]any{"reason": d.Reason}
			if d.Action == alerting.ActionAssign {
				body["to"] = d.To
			}
			if d.Verdict != "" {
				body["verdict"] = d.Verdict
			}
			if !d.Until.IsZero() {
				body["until"] = d.Until
			}
			return ask(t, http.MethodPost, "/v1/alerts/"+reference+"/"+string(d.Action), body, new(api.Entry))
		},
		show: func(t *testing.T, reference string) (alerting.Alert, string) {
			t.Helper()
			var e api.Entry
			ask(t, http.MethodGet, "/v1/alerts/"+reference, nil, &e)
			return e.Alert, e.Text
		},
		list: func(t *testing.T, account string) []string {
			t.Helper()
			var l api.List
			ask(t, http.MethodGet, "/v1/alerts?account="+account, nil, &l)
			return idsOf(l)
		},
	}
}

func (s *site) overNATS(t *testing.T) door {
	t.Helper()
	nc := s.listenAs(t, "admin", nats.CustomInboxPrefix("_PICKET"))
	ask := func(t *testing.T, endpoint string, request, into any) answer {
		t.Helper()
		data, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		msg, err := nc.Request(api.Prefix+"."+endpoint, data, patience)
		if err != nil {
			t.Fatal(err)
		}
		status := msg.Header.Get(micro.ErrorCodeHeader)
		if status == "" {
			status = "200"
		}
		return read(t, status, msg.Data, into)
	}
	return door{
		name: "NATS", anybody: true,
		act: func(t *testing.T, reference string, d alerting.Deed) answer {
			t.Helper()
			return ask(t, string(d.Action), api.Deed{
				Alert: reference, By: d.Actor, Reason: d.Reason, To: d.To, Verdict: d.Verdict, Until: d.Until,
			}, new(api.Entry))
		},
		show: func(t *testing.T, reference string) (alerting.Alert, string) {
			t.Helper()
			var e api.Entry
			ask(t, "get", api.Reference{Alert: reference}, &e)
			return e.Alert, e.Text
		},
		list: func(t *testing.T, account string) []string {
			t.Helper()
			var l api.List
			ask(t, "list", api.Query{Account: account}, &l)
			return idsOf(l)
		},
	}
}

// read takes an answer apart.
func read(t *testing.T, status string, said []byte, into any) answer {
	t.Helper()
	var p api.Problem
	if status != "200" {
		into = &p
	}
	if err := json.Unmarshal(said, into); err != nil {
		t.Fatalf("%s: %v\n%s", status, err, said)
	}
	if status == "200" {
		return answer{}
	}
	return answer{Refused: p.Detail, Status: status, Field: p.Field}
}

func idsOf(l api.List) []string {
	var out []string
	for i := range l.Alerts {
		out = append(out, l.Alerts[i].Alert.ID)
	}
	return out
}

// refuses holds the embedded server to its permissions: users for listening and
// for intake cannot act.
func (s *site) refuses(t *testing.T) {
	t.Helper()
	for _, user := range []string{"alerts", "intake"} {
		denied := make(chan error, 8)
		nc := s.listenAs(t, user, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err }))
		for _, subject := range []string{api.Prefix + ".ack", api.IncidentPrefix + ".ack", app.CollectorsSubject} {
			if err := errors.Join(nc.Publish(subject, []byte(`{"alert":"`+twin(1)+`","by":"eve"}`)), nc.Flush()); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-denied:
				if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), subject) {
					t.Errorf("%s: %v", user, err)
				}
			case <-time.After(patience):
				t.Errorf("user %s may publish to %s", user, subject)
			}
		}
	}
	if a, _ := s.overHTTP().show(t, twin(1)); a.State != alerting.Firing {
		t.Errorf("the alert is %s", a.State)
	}
}
