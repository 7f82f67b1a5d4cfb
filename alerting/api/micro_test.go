package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/micro"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
)

func TestMicro(t *testing.T) {
	f := newFew()
	nc := connect(t)
	over, err := service(f).Serve(nc, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := over.Stop(); err != nil {
			t.Error(err)
		}
	}()
	for _, tt := range []struct {
		name, endpoint, request string
		status, field           string
		has                     string
	}{
		{"list", "list", "", "", "", `"number":"PK-000003"`},
		{"list, filtered", "list", `{"state":["resolved"],"limit":1}`, "", "", `"next":"3"`},
		{"list, wrong", "list", `{"state":["open"]}`, "422", "state", "expected one of"},
		{"list, unknown field", "list", `{"states":["firing"]}`, "400", "", "unknown field"},
		{"get", "get", `{"alert":"PK-000001"}`, "", "", `"text":"HIGH x/acme: posting burst [PK-000001]`},
		{"get nothing", "get", "", "404", "", "no such alert"},
		{"acknowledge", "ack", `{"alert":"PK-000001","by":"ann","reason":"on it"}`, "", "", `"state":"acknowledged"`},
		{"acknowledge again", "ack", `{"alert":"PK-000001","by":"tom"}`, "409", "", "acknowledged since"},
		{"by nobody", "ack", `{"alert":"PK-000002"}`, "422", "by", "name the person"},
		{"verdict with another action", "ack", `{"alert":"PK-000002","by":"ann","verdict":"true"}`, "422", "verdict", "is given with resolve"},
		{"assign", "assign", `{"alert":"PK-000002","by":"ann","to":"tom"}`, "", "", `"assigned":{"to":"tom"`},
		{"resolve", "resolve", `{"alert":"PK-000002","by":"ann","verdict":"false"}`, "", "", `"verdict":"false"`},
		{"history", "history", `{"alert":"PK-000002"}`, "", "", `"from":"firing","to":"resolved","by":"ann"`},
		{"incident, assign", "assign", `{"incident":"IN-000001","by":"ann","to":"tom"}`, "", "", `"failed":1,"incident":"000001-t","number":"IN-000001"`},
		{"incident, verdict with another action", "ack", `{"incident":"IN-000001","by":"ann","verdict":"true"}`, "422", "verdict", "is given with resolve"},
		{"incident, resolve", "resolve", `{"incident":"IN-000001","by":"ann","verdict":"true"}`, "", "", `"failed":0`},
		{"incident, none", "ack", `{"incident":"IN-00000F","by":"ann"}`, "404", "", "there is none"},
		{"incident, no number", "ack", `{"by":"ann"}`, "422", "incident", "expected a number such as IN-3FA29C"},
		{"not JSON", "resolve", "now", "400", "", "invalid character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			subject := Prefix + "." + tt.endpoint
			if strings.HasPrefix(tt.name, "incident") {
				subject = IncidentPrefix + "." + tt.endpoint
			}
			msg, err := nc.Request(subject, []byte(tt.request), 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if got := msg.Header.Get(micro.ErrorCodeHeader); got != tt.status || !strings.Contains(string(msg.Data), tt.has) {
				t.Fatalf("status %q: %s; want %q with %s", got, msg.Data, tt.status, tt.has)
			}
			if tt.status == "" {
				return
			}
			var p Problem
			if err := json.Unmarshal(msg.Data, &p); err != nil || p.Field != tt.field || p.Detail != msg.Header.Get(micro.ErrorHeader) {
				t.Errorf("%v %+v, header %q; want field %q", err, p, msg.Header.Get(micro.ErrorHeader), tt.field)
			}
		})
	}
	var names []string
	for _, e := range over.Info().Endpoints {
		names = append(names, e.Subject)
	}
	const want = "picket.api.alerts.list picket.api.alerts.get picket.api.alerts.history picket.api.alerts.ack picket.api.alerts.assign picket.api.alerts.resolve " +
		"picket.api.incidents.ack picket.api.incidents.assign picket.api.incidents.resolve"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("endpoints %s, want %s", got, want)
	}
	for _, e := range over.Stats().Endpoints {
		if e.Name == "ack" && (e.NumRequests != 4 || e.NumErrors != 3) {
			t.Errorf("ack: %d requests, %d errors; want 4 and 3", e.NumRequests, e.NumErrors)
		}
	}
}

// TestTooMuch: what the server would not pass on is refused with what to do.
func TestTooMuch(t *testing.T) {
	f := newFew()
	for id, a := range f.alerts {
		a.Rule.Description = strings.Repeat("x", 600<<10)
		f.alerts[id] = a
	}
	nc := connect(t)
	over, err := service(f).Serve(nc, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = over.Stop() }()
	msg, err := nc.Request(Prefix+".list", nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got := msg.Header.Get(micro.ErrorCodeHeader); got != "413" || !strings.Contains(string(msg.Data), "ask for less with limit") {
		t.Errorf("%q %.200s", got, msg.Data)
	}
	if f.filters[0].Limit != DefaultLimit || f.filters[0].States[0] != alerting.Firing {
		t.Errorf("asked for %+v", f.filters[0])
	}
}
