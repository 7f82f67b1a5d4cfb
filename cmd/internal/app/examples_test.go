package app

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/okta/oktatest"
	"github.com/picketd/picket/collectors/x/xtest"
	"github.com/picketd/picket/rules/packs"
)

var update = flag.Bool("update", false, "write the golden texts")

// TestAlertExamples lets an intruder in through the identity of an editor and
// publish what nobody approved. It holds both alerts, as the daemon tells them,
// against goldens: every line must answer its question from what was collected.
// Moments are taken out of the texts, since the daemon's clock is the real one.
func TestAlertExamples(t *testing.T) {
	in := newIntrusion(t)
	r := in.site.launch(t).works()
	r.metric(`picket_accounts{network="x",state="complete"} 2`)
	r.metric(`picket_collected_activities_total{network="okta"} 61`) // and that it is complete
	for i := range 12 {
		r.push(activity.Activity{
			ID: fmt.Sprint("a", i), Network: "x", Account: "x/acme", Kind: activity.KindApproval, Time: time.Now().UTC(),
			Approval: activity.Approval{Text: fmt.Sprintf("Visit our %s in hall %d", []string{"stand", "lounge", "talk"}[i%3], i), Approvers: []string{"ann"}},
		})
	}
	in.login(time.Now().Add(-41*time.Minute), "Germany", "Berlin", 52.52, 13.4, "laptop")
	r.metric(`picket_collected_activities_total{network="okta"} 62`)

	in.login(time.Now(), "Romania", "Cluj", 46.77, 23.6, "phone")
	login := r.told("login_new_country", func(a *alerting.Alert) bool { return a.Since != nil })
	in.golden(t, "login", login)

	in.x.Post("acme", xtest.Post{
		Text: "Giving back! https://acme-gift.example/", Media: []xtest.Media{{Type: "photo", URL: "https://pbs.example/1.jpg"}},
	})
	takeover := r.told("takeover", func(*alerting.Alert) bool { return true })
	in.golden(t, "post", r.told("message_not_approved", func(*alerting.Alert) bool { return true }))
	in.golden(t, "login-since", r.told("login_new_country", func(a *alerting.Alert) bool { return a.Since.Count > 0 }))
	in.golden(t, "takeover", takeover)
}

// intrusion is a company with an account on X that approves its posts, and an
// editor behind it.
type intrusion struct {
	site *site
	x    *xtest.Server
	okta *oktatest.Server
}

func newIntrusion(t *testing.T) *intrusion {
	t.Helper()
	const token = "00-read-only-administrator"
	t.Setenv("PICKET_TEST_TOKEN", token)
	in := &intrusion{x: xtest.New(xtest.Options{Bearer: token, Limits: map[string]int{"users/tweets": 100_000, "tweets": 100_000, "users": 100_000}}), okta: oktatest.New(oktatest.Options{Token: token, Limit: 100_000})}
	in.x.AddAccount(xtest.Profile{Handle: "acme", Name: "Acme"})
	in.x.AddAccount(xtest.Profile{Handle: "acme_help", Name: "Acme Help"})
	now := time.Now()
	for day := 60; day > 1; day-- { // five hours from now on the clock, whatever the time zone
		for i := range 3 {
			in.x.Post("acme", xtest.Post{Text: fmt.Sprintf("Day %d, news %d https://acme.example/", day, i), At: now.AddDate(0, 0, -day).Add(time.Duration(5+i) * time.Hour)})
		}
	}
	for day := 61; day > 1; day-- {
		country, city, lat, lon := "Germany", "Berlin", 52.52, 13.4
		if day%7 == 0 {
			country, city, lat, lon = "Austria", "Vienna", 48.2, 16.37
		}
		in.login(now.AddDate(0, 0, -day), country, city, lat, lon, "laptop")
	}
	x, okta := httptest.NewServer(in.x), httptest.NewServer(in.okta)
	t.Cleanup(x.Close)
	t.Cleanup(okta.Close)
	in.site = newSite(t, fmt.Sprintf(`- {account: x/acme_help, credential: acme-x, every: 1s}
- {account: x/acme_shop}
rules: {packs: [], dirs: [rules]}
credentials:
  acme-x: {collector: x, base_url: "%s", bearer_token: {env: PICKET_TEST_TOKEN}}
  acme-okta: {collector: okta, base_url: "%s", token: {env: PICKET_TEST_TOKEN}}
sources:
- {name: acme, collector: okta, credential: acme-okta, every: 200ms, backfill: 80d}
identities:
- {identity: okta/editor-2, guards: [x/acme, x/acme_help, x/acme_shop], name: Tom Berg, contact: "+49 30 555 0101"}
`, x.URL, okta.URL))
	in.site.write(t, strings.Replace(in.site.text(t), "- {account: x/acme, guarded_by: [okta/ann]}",
		`- {account: x/acme, credential: acme-x, every: 1s, backfill: 400, approvals: required, importance: critical, owner: Jana Roth, contact: "+49 30 555 0100", time_zone: Europe/Berlin, working_hours: "Mon-Sun 00:00-24:00"}`, 1))
	files, err := packs.Load("social")
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]string{}
	for _, f := range files { // the built-in rules, but a grace that a test can wait for
		rules["rules/"+filepath.Base(f.Name)] = strings.ReplaceAll(string(f.Data), "grace: 2m", "grace: 1s")
	}
	in.site.put(t, rules)
	return in
}

// told waits until an alert of a rule is as a person must be told.
func (r *watchedRun) told(rule string, right func(*alerting.Alert) bool) alerting.Alert {
	r.t.Helper()
	cfg, err := loadSite(r.site)
	if err != nil {
		r.t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		store, err := natspub.Open(r.t.Context(), r.js())
		if err != nil {
			r.t.Fatal(err)
		}
		m, err := alerting.New(alerting.Config{Store: store, Publisher: natspub.NewPublisher(r.js(), natspub.PublisherOptions{}), Directory: NewDirectory(cfg)})
		if err != nil {
			r.t.Fatal(err)
		}
		found, err := m.List(r.t.Context(), alerting.Filter{Rule: rule})
		if err == nil && len(found) > 0 && right(&found[0]) {
			a, err := m.Look(r.t.Context(), found[0].ID)
			if err != nil {
				r.t.Fatal(err)
			}
			return a
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("no such alert of %s (%d, %v)\n%s", rule, len(found), err, r.log())
		}
	}
}

func (in *intrusion) login(at time.Time, country, city string, lat, lon float64, device string) {
	in.okta.Add(oktatest.Event{
		Type: "user.session.start", Actor: "editor-2@acme.example", IP: "198.51.100.7", Device: device,
		Country: country, City: city, Lat: &lat, Lon: &lon, ASN: 64500, ASOrg: "Example Net", Proxy: new(false), Published: at,
	})
}

// golden compares an alert's text with a file, moments and numbers taken out.
func (in *intrusion) golden(t *testing.T, name string, a alerting.Alert) {
	t.Helper()
	cfg, err := loadSite(in.site)
	if err != nil {
		t.Fatal(err)
	}
	got := timeless(alerting.TextAt(a, NewDirectory(cfg), a.Updated))
	path := filepath.Join("testdata", "examples", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got); go test -update writes it:\n%s", name, d)
	}
}

// timeless takes moments and alert numbers out of a text.
func timeless(s string) string {
	for _, r := range []struct{ from, to string }{
		{`\d{4}-\d\d-\d\d \d\d:\d\d`, "hh:mm"},
		{`\d\d:\d\dZ`, "hh:mmZ"},
		{`\b\d\d:\d\d\b`, "hh:mm"},
		{`\b\d\d to \d\d h\b`, "hh to hh h"},
		{`= [\d,]+(\s+)km/h`, "= N${1}km/h"},
		{`\d+ % of logins`, "N % of logins"},
		{`PK-[0-9A-F]{6}`, "PK-NNNNNN"},
		{`then (at once|[1-9]s later)`, "then soon"}, // a loaded machine is slower
	} {
		s = regexp.MustCompile(r.from).ReplaceAllString(s, r.to)
	}
	return s
}
