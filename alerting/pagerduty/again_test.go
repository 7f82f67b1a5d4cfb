package pagerduty_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/notifytest"
)

// TestWaitsAgain: what waits for somebody again after it was acknowledged is a
// new alert in PagerDuty, which would page nobody for one that is acknowledged;
// the end ends all of them.
func TestWaitsAgain(t *testing.T) {
	var got []string
	fails := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e struct {
			Action string `json:"event_action"`
			Dedup  string `json:"dedup_key"`
		}
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		got = append(got, e.Action+" "+e.Dedup)
		if fails && e.Dedup != "in" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		taken(w, r)
	}))
	defer server.Close()
	o := output(t, server.URL, server.Client())
	receipt := ""
	for _, tt := range []struct {
		kind  notify.Kind
		fails bool
		want  []string
	}{
		{notify.Opened, false, []string{"trigger in"}},
		{notify.Updated, false, []string{"trigger in"}},
		{notify.Acknowledged, false, []string{"acknowledge in"}},
		{notify.Updated, false, []string{"trigger in.2"}},
		{notify.Escalated, false, []string{"trigger in.2"}},
		{notify.Acknowledged, false, []string{"acknowledge in.2"}},
		{notify.Acknowledged, false, []string{"acknowledge in.2"}},
		{notify.Updated, false, []string{"trigger in.3"}},
		{notify.Resolved, true, []string{"resolve in", "resolve in.2"}},
		{notify.Resolved, false, []string{"resolve in", "resolve in.2", "resolve in.3"}},
		{notify.Opened, false, []string{"trigger in"}},
		{notify.Resolved, false, []string{"resolve in"}},
	} {
		m := notifytest.Message(tt.kind)
		m.Incident, m.Receipt = "in", receipt
		got, fails = nil, tt.fails
		next, err := o.Notify(t.Context(), m)
		if (err != nil) != tt.fails {
			t.Fatalf("%s: %v", tt.kind, err)
		}
		if next != "" { // as delivery does
			receipt = next
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.kind, d)
		}
	}
	for _, strange := range []string{"x", "-1", "999999999999999999999", "17", "0 done", "1 acked more"} {
		m := notifytest.Message(notify.Updated)
		m.Incident, m.Receipt, got, fails = "in", strange, nil, false
		if _, err := o.Notify(t.Context(), m); err != nil || cmp.Diff([]string{"trigger in"}, got) != "" {
			t.Errorf("with the receipt %q: %q, %v", strange, got, err)
		}
	}
}
