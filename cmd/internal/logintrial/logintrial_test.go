package logintrial

import (
	"os"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"time"

	"github.com/picketd/picket/collectors/simulate/logins"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

func pack(t testing.TB, c logins.Config) []rules.File {
	t.Helper()
	files, err := packs.Load("social")
	if err != nil {
		t.Fatal(err)
	}
	doc := "title: Exits of our VPNs\nplaceholders:\n  own_exits: [\"" + strings.Join(logins.Exits(c), "/32\", \"") + "/32\"]\n"
	return append(files, rules.File{Name: "exits.yml", Data: []byte(doc)})
}

func config(seed uint64) logins.Config {
	return logins.Config{Seed: seed, People: 150, Start: time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC), Days: 365, Quiet: 45, AttacksPerYear: 4}
}

func TestDebug(t *testing.T) {
	Debug = func(l, b *logins.Login) {
		x, y := &l.Activity, &b.Activity
		t.Logf("%-8s→%-8s %s %s AS%.0f %s r%.0f %s | %v | %s AS%.0f r%.0f %s", b.Why, l.Why, x.Account, x.Geo.City, x.Geo.ASN.V, x.Geo.Proxy, x.Geo.Radius.V, x.Device, x.Time.Sub(y.Time), y.Geo.City, y.Geo.ASN.V, y.Geo.Radius.V, b.Attack)
	}
	r, err := Play(config(1), pack(t, config(1)), 45)
	Debug = nil
	if err != nil {
		t.Fatal(err)
	}
	r.Print(os.Stdout)
}

func TestRiskDebug(t *testing.T) {
	all, _ := logins.New(config(1))
	truth := map[string]*logins.Login{}
	for i := range all {
		truth[all[i].Activity.ID] = &all[i]
	}
	detector.DebugRisk = func(a *activity.Activity, s string, score float64) {
		l := truth[a.ID]
		if l.Attack.Abroad() && score < 4.6 || l.Attack == "" && score > 3 {
			t.Logf("%-9s %-8s %5.1f %s %s %s", l.Attack, l.Why, score, a.Account, a.Geo.Country, s)
		}
	}
	defer func() { detector.DebugRisk = nil }()
	if _, err := Play(config(1), pack(t, config(1)), 45); err != nil {
		t.Fatal(err)
	}
}

func TestSweep(t *testing.T) {
	for _, odds := range []string{"1", "2", "3", "5", "10", "20", "50"} {
		f := pack(t, config(1))
		for i := range f {
			f[i].Data = []byte(strings.ReplaceAll(string(f[i].Data), "odds: 100", "odds: "+odds))
		}
		r, err := Play(config(1), f, 45)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("odds %s challenged %.2f abroad %.1f all %v", odds, r.Challenged(), 100*r.Abroad().share(), r.Intruder)
	}
}

func TestLogins(t *testing.T) {
	for seed := range uint64(2) {
		r, err := Play(config(seed+1), pack(t, config(seed+1)), 45)
		if err != nil {
			t.Fatal(err)
		}
		r.Print(os.Stdout)
	}
}
