package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
	"github.com/picketd/picket/collectors/builtin"
	"github.com/picketd/picket/collectors/entra/entratest"
)

// TestEntraEndToEnd polls a tenant: an odd login of somebody who guards an account
// is an alert of that person, and of others nothing is kept.
func TestEntraEndToEnd(t *testing.T) {
	t.Setenv("PICKET_TEST_ENTRA", entratest.ClientSecret)
	tenant := entratest.New(entratest.Options{})
	login := func(who, country string, ago time.Duration) {
		tenant.SignIn(entratest.SignIn{User: who + "@acme.example", IP: "198.51.100.7", Country: country, Time: time.Now().Add(-ago)})
	}
	for i := range 25 {
		login("Editor-2", "DE", time.Duration(2+i)*2*time.Hour) // before the overlap
	}
	login("accountant", "DE", 4*time.Hour)
	web := httptest.NewServer(tenant)
	t.Cleanup(web.Close)
	r := newSite(t, fmt.Sprintf(`credentials:
  tenant: {collector: entra, tenant: %s, client_id: %s, client_secret: {env: PICKET_TEST_ENTRA}, base_url: %q, login_url: %q}
sources:
  - {name: acme, collector: entra, credential: tenant, every: 5s, backfill: 60h}
identities:
  - {identity: entra/editor-2, guards: [x/acme], name: Ed Itor}
rules: {packs: [], dirs: [rules]}
`, entratest.Tenant, entratest.ClientID, web.URL, web.URL))
	r.put(t, map[string]string{"rules/abroad.yml": `
title: A login from abroad
id: 6f0d2a53-6f4b-4b6a-9a0e-3b1d6c1f2e90
name: abroad
level: high
logsource: {product: picket, category: login}
detection: {login: {kind: login}, home: {geo.country: DE}, condition: login and not home}
`})
	d := r.launch(t).works()
	d.metric(`picket_collected_activities_total{network="entra"} 26`) // and that it is complete
	d.metric(`picket_dropped_activities_total{network="entra",reason="unguarded"} 1`)
	login("accountant", "RO", 0)
	login("editor-2", "RO", 0)
	a := d.alerts("abroad", 1)[0]
	if a.Account != "entra/editor-2" || a.Count != 1 || a.Trigger().Geo.Country != "RO" {
		t.Errorf("alert of %s, %d logins, from %q; want entra/editor-2, 1, RO", a.Account, a.Count, a.Trigger().Geo.Country)
	}
	d.metric(`picket_dropped_activities_total{network="entra",reason="unguarded"} 2`)
	if n := tenant.Over(); n != 0 {
		t.Errorf("%d requests were beyond Microsoft's limit", n)
	}
}

// TestBlueskyEndToEnd polls an account whose profile is changed: what was there at
// first raises nothing.
func TestBlueskyEndToEnd(t *testing.T) {
	const did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
	profile := func(name string) string {
		return fmt.Sprintf(`{"$type":"app.bsky.actor.profile","displayName":%q}`, name)
	}
	var pds atomic.Pointer[blueskytest.Server]
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pds.Load().ServeHTTP(w, r) }))
	t.Cleanup(web.Close)
	srv := blueskytest.New(blueskytest.Options{URL: web.URL, Limit: 100_000})
	pds.Store(srv)
	t.Cleanup(srv.CloseStreams)
	srv.AddAccount(did, "acme.test", "the account's own")
	srv.Put(did, "app.bsky.actor.profile", "self", profile("Acme"))
	srv.Put(did, "app.bsky.feed.post", "", blueskytest.Post("Good morning!", time.Now().Add(-time.Hour)))
	d := newSite(t, fmt.Sprintf(`- {account: bluesky/acme.test, credential: pds, every: 1s}
credentials:
  pds: {collector: bluesky, base_url: %q, app_view: none}
`, web.URL)).launch(t).works()
	d.metric(`picket_accounts{network="bluesky",state="complete"} 1`)
	if found := d.alerts("profile_changed", 0); len(found) != 0 {
		t.Errorf("alerts of what was there: %v", found)
	}
	srv.Put(did, "app.bsky.actor.profile", "self", profile("Official giveaway"))
	if a := d.alerts("profile_changed", 1)[0]; a.Account != "bluesky/acme.test" {
		t.Errorf("the profile of %s changed", a.Account)
	}
}

// TestNetworkNames holds that alerts call each network as its collector does.
func TestNetworkNames(t *testing.T) {
	for _, spec := range builtin.Specs() {
		if got := alerting.NetworkName(spec.Name); got != spec.Title {
			t.Errorf("alerts call %s %q, want %q", spec.Name, got, spec.Title)
		}
	}
}
