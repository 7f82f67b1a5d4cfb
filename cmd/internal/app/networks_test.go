package app

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
	"github.com/picketd/picket/collectors/okta/oktatest"
)

// networks are a fake organisation and a fake server, with a configuration that
// reads both.
type networks struct {
	okta     *oktatest.Server
	mastodon *mastodontest.Server
	more     string // of a site
}

func newNetworks(t *testing.T) *networks {
	t.Helper()
	const token = "00-read-only-administrator"
	t.Setenv("PICKET_TEST_OKTA", token)
	n := &networks{okta: oktatest.New(oktatest.Options{Token: token, Limit: 100_000}), mastodon: mastodontest.New(mastodontest.Options{Limit: 100_000})}
	n.mastodon.AddAccount(mastodontest.Profile{Name: "acme", Followers: 7})
	n.mastodon.Post("acme", mastodontest.Status{Text: "Good morning!"})
	log, server := httptest.NewServer(n.okta), httptest.NewServer(n.mastodon)
	t.Cleanup(log.Close)
	t.Cleanup(server.Close)
	n.more = fmt.Sprintf(`- {account: mastodon/acme@social.example, credential: social, username: acme, every: 1s, owner: Jane Roe, importance: critical}
credentials:
  social: {collector: mastodon, server: "%s"}
  org: {collector: okta, base_url: "%s", token: {env: PICKET_TEST_OKTA}}
sources:
  - {name: org, collector: okta, credential: org, every: 100ms, backfill: 30d}
identities:
  - {identity: okta/editor-2, guards: [mastodon/acme@social.example, x/acme], name: Ed Itor, contact: "+49 30 654321"}
`, server.URL, log.URL)
	return n
}

// login logs one of a person, some days ago.
func (n *networks) login(who, country string, days int) {
	n.okta.Add(oktatest.Event{
		Type: "user.session.start", Actor: who + "@acme.example", IP: "198.51.100.7", Country: country,
		Published: time.Now().Add(-time.Duration(days) * 24 * time.Hour),
	})
}

// TestNetworksEndToEnd polls both: an odd login of somebody who guards accounts
// is an alert of that person, and of others nothing is kept.
func TestNetworksEndToEnd(t *testing.T) {
	n := newNetworks(t)
	for i := range 25 {
		n.login("editor-2", "Germany", 1+i)
	}
	for i := range 3 {
		n.login("accountant", "Germany", i)
	}
	s := newSite(t, n.more)
	r := s.launch(t).works()
	r.metric(`picket_collected_activities_total{network="okta"} 26`) // and that it is complete
	r.metric(`picket_dropped_activities_total{network="okta",reason="unguarded"} 3`)
	r.metric(`picket_accounts{network="mastodon",state="complete"} 1`)

	n.login("accountant", "Romania", 0)
	n.login("editor-2", "Romania", 0)
	a := r.alerts("login_new_country", 1)[0]
	if a.Account != "okta/editor-2" || a.Count != 1 || a.Trigger().Geo.Country != "RO" {
		t.Errorf("alert of %s, %d logins, from %q; want okta/editor-2, 1, RO", a.Account, a.Count, a.Trigger().Geo.Country)
	}
	r.metric(`picket_dropped_activities_total{network="okta",reason="unguarded"} 4`)

	if err := n.mastodon.SetProfile("acme", func(p *mastodontest.Profile) { p.DisplayName = "Official giveaway" }); err != nil {
		t.Fatal(err)
	}
	if a := r.alerts("profile_changed", 1)[0]; a.Account != "mastodon/acme@social.example" {
		t.Errorf("the profile of %s changed", a.Account)
	}

	cfg, err := loadSite(s)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := NewDirectory(cfg).Account("okta/editor-2")
	if info.Owner != "Ed Itor" || info.Contact != "+49 30 654321" || info.Importance != "critical" || len(info.Guards) != 2 {
		t.Errorf("of okta/editor-2 is known %+v", info)
	}
}

// TestReloadKeepsPolling changes who guards what: what is polled stays as it
// is, and a new identity is taken from then on.
func TestReloadKeepsPolling(t *testing.T) {
	n := newNetworks(t)
	r := newSite(t, n.more).launch(t).works()
	before := r.site.text(t)
	r.metric(`picket_accounts{network="okta",state="complete"} 1`)
	r.site.write(t, strings.Replace(before, "- {identity: okta/editor-2,", "- {identity: okta/accountant, guards: [x/acme]}\n  - {identity: okta/editor-2,", 1))
	r.logged(logReloaded, 1)
	n.login("accountant", "Germany", 0)
	r.metric(`picket_collected_activities_total{network="okta"} 2`)
	r.metric(`picket_dropped_activities_total{network="okta",reason="unguarded"} 0`)
}

// TestPlacesAreAddedToWhatIsPushed pushes a post, which gets the host names of
// its links before it is journaled, and says which geo file is not there.
func TestPlacesAreAddedToWhatIsPushed(t *testing.T) {
	s := newSite(t, "enrich: {location: geo/city.mmdb}\nrules: {packs: [], dirs: [rules]}\n")
	s.put(t, map[string]string{"rules/link.yml": `
title: A link to a lure
id: 0b6c8b5e-3d3f-4a53-8f5a-3f0d4f0e7c11
name: lure
level: high
logsource: {product: picket, category: post}
detection: {lure: {link_domains: lure.example}, condition: lure}
`})
	r := s.launch(t).works()
	r.push(activity.Activity{ID: "1", Network: "x", Account: "x/acme", Kind: activity.KindPost, Time: time.Now().UTC(), Text: "Giving back!", Links: []string{"https://Lure.example/now"}})
	r.alerts("lure", 1)
	r.metric(`picket_geo_file_ready{use="location"} 0`)
	if e := r.logged("geo file cannot be used; what the provider tells stays as it is", 1); e.ContextMap()["path"] != filepath.Join(s.dir, "geo", "city.mmdb") {
		t.Errorf("the log names %v", e.ContextMap())
	}
	s.write(t, strings.Replace(s.text(t), "location: geo/city.mmdb", "asn: geo/asn.mmdb", 1))
	r.logged(logReloaded, 1)
	r.metric(`picket_geo_file_ready{use="asn"} 0`)
}

// TestSplitJournalIsTold warns of what several partitions cost.
func TestSplitJournalIsTold(t *testing.T) {
	s := newSite(t, "")
	s.write(t, strings.Replace(s.text(t), "journal: {", "journal: {partitions: 2, ", 1))
	r := s.launch(t).works()
	r.logged("journal.partitions is above 1: a login is joined with what happens on the accounts that it guards only where both are in one partition; use 1 partition to join all", 1)
}
