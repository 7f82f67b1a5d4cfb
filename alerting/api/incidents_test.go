package api

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
)

// TestActOn: a deed on an incident is one on each of its alerts that it is meant
// for, and the answer says what became of each.
func TestActOn(t *testing.T) {
	const incident = "/v1/incidents/IN-000001/"
	before := func(states ...alerting.State) func(f *few) {
		return func(f *few) {
			f.known = map[string]alerting.State{}
			for i, id := range ids(f) {
				f.known[id] = states[i]
			}
		}
	}
	for _, tt := range []struct {
		name, deed, body string
		prepare          func(f *few)
		status           int
		want             []string // number, state or code of the problem
		problem          string
	}{
		{name: "acknowledge", deed: "ack", body: `{"reason":"on it"}`, status: 200, want: []string{"PK-000001 acknowledged", "PK-000002 acknowledged", "PK-000003 acknowledged"}},
		{
			name: "acknowledge where somebody is on one", deed: "ack", prepare: before(alerting.Firing, alerting.Acknowledged, alerting.Resolved),
			status: 200, want: []string{"PK-000001 acknowledged"},
		},
		{
			name: "resolve what is open", deed: "resolve", body: `{"verdict":"expected"}`, prepare: before(alerting.Firing, alerting.Acknowledged, alerting.Resolved),
			status: 200, want: []string{"PK-000001 resolved", "PK-000002 resolved"},
		},
		{name: "assign", deed: "assign", body: `{"to":"tom"}`, status: 200, want: []string{"PK-000001 firing", "PK-000002 firing", "PK-000003 firing"}},
		{
			name: "one was resolved meanwhile", deed: "ack", prepare: func(f *few) { f.resolve(t, 1) },
			status: 200, want: []string{"PK-000001 acknowledged", "PK-000002 state", "PK-000003 acknowledged"},
		},
		{
			name: "all were resolved meanwhile", deed: "ack", prepare: func(f *few) { f.resolve(t, 0, 1, 2) },
			status: 409, problem: "ack IN-000001: no alert of it: ack PK-000001: the alert's state does not allow it: it is resolved",
		},
		{name: "it is over", deed: "ack", prepare: before(alerting.Resolved, alerting.Resolved, alerting.Resolved), status: 409, problem: "ack IN-000001: the alert's state does not allow it"},
		{name: "assign to nobody", deed: "assign", body: `{}`, status: 422, problem: "name a person"},
		{name: "told to nobody yet", deed: "ack", prepare: func(f *few) { f.untold = errors.New("its subscribers wait") }, status: 200, want: []string{"PK-000001 acknowledged its subscribers wait", "PK-000002 acknowledged its subscribers wait", "PK-000003 acknowledged its subscribers wait"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFew()
			if tt.prepare != nil {
				tt.prepare(f)
			}
			f.deeds = nil
			status, _, body := ask(t, handler(f), "POST", incident+tt.deed, annSecret, tt.body)
			if status != tt.status || !strings.Contains(body, tt.problem) {
				t.Fatalf("%d %s; want %d with %s", status, body, tt.status, tt.problem)
			}
			var out Outcome
			if status != 200 {
				return
			}
			if err := json.Unmarshal([]byte(body), &out); err != nil {
				t.Fatal(err)
			}
			var got []string
			failed := 0
			for _, d := range out.Alerts {
				line := d.Number + " " + string(d.State)
				if d.Problem != nil {
					line, failed = d.Number+" "+d.Problem.Code, failed+1
				}
				got = append(got, strings.TrimSpace(line+" "+d.Warning))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || out.Failed != failed {
				t.Errorf("%d failed (-want +got):\n%s", out.Failed, diff)
			}
			for _, d := range f.deeds {
				if d.Actor != "ann" || string(d.Action) != tt.deed {
					t.Errorf("deed %+v, want %s by ann", d, tt.deed)
				}
			}
		})
	}
	if status, _, _ := ask(t, handler(newFew()), "POST", incident+"ack", screenSecret, ""); status != 403 {
		t.Errorf("whoever may only read acts: %d", status)
	}
	if status, _, body := ask(t, handler(newFew()), "POST", incident+"ack", annSecret, `{"to":"tom"}`); status != 400 {
		t.Errorf("a field of another action: %d %s", status, body)
	}
}

func ids(f *few) []string {
	var out []string
	for id := range f.alerts {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// resolve resolves alerts behind the incident's back.
func (f *few) resolve(t *testing.T, places ...int) {
	t.Helper()
	for _, i := range places {
		if _, err := f.Act(t.Context(), ids(f)[i], alerting.Deed{Action: alerting.ActionResolve, Actor: "tom"}); err != nil {
			t.Fatal(err)
		}
	}
}
