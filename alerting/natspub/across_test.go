package natspub

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// TestEventAcrossAccounts: an alert across accounts has a subject of no account,
// and its event names the accounts as resources.
func TestEventAcrossAccounts(t *testing.T) {
	f := finding("5fa01c22", detector.Open, 1, 5)
	f.Network, f.Account, f.Group = "", "", []activity.Field{{Name: "ip", Value: "198.51.100.7"}}
	f.Accounts, f.AccountCount = []string{"x/acme", "okta/editor-2"}, 40
	a, _ := alerting.Apply(alerting.Alert{}, f)
	a.Change, a.Revision = alerting.ChangeOpened, 1
	if got, want := CopySubject(&a), "picket.alert."+string(a.Rule.Level)+"._._."+activity.EncodeToken(a.Rule.ID); got != want {
		t.Errorf("subject %q, want %q", got, want)
	}
	ev := newEvent(PublisherOptions{}, &a)
	want := []Resource{
		{UID: "x/acme", Name: "acme", Type: "Social Media Account"},
		{UID: "okta/editor-2", Name: "editor-2", Type: "Social Media Account"},
	}
	if d := cmp.Diff(want, ev.Data.Resources); d != "" {
		t.Errorf("resources (-want +got):\n%s", d)
	}
	p := ev.Data.Unmapped.Picket
	if ev.Subject != "" || p.Account != "" || p.AccountCount != 40 || !cmp.Equal(p.Accounts, f.Accounts) || len(p.Group) != 1 || p.Group[0].Value != "198.51.100.7" {
		t.Errorf("event of %q, about %q %v, %q of %d", ev.Subject, p.Account, p.Group, p.Accounts, p.AccountCount)
	}
	var uids []string
	for _, o := range ev.Data.Observables {
		if o.TypeID == 10 {
			uids = append(uids, o.Value)
		}
	}
	if d := cmp.Diff(f.Accounts, uids); d != "" {
		t.Errorf("observed accounts (-want +got):\n%s", d)
	}
}
