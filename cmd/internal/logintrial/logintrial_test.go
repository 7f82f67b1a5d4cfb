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
	doc := "title: Exits of our VPNs\nplaceholders:\n  own_exits: [\"" + strings.Join(append(logins.Exits(c), "192.0.2.1"), "/32\", \"") + "/32\"]\n"
	return append(files, rules.File{Name: "exits.yml", Data: []byte(doc)})
}

func config(seed uint64) logins.Config {
	return logins.Config{Seed: seed, People: 200, Start: time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC), Days: 365, Quiet: 45, AttacksPerYear: 1.5}
}

func TestDebug(t *testing.T) {
	Debug = func(l, b *logins.Login) {
		x, y := &l.Activity, &b.Activity
		t.Logf("%-8s→%-8s %s %s AS%.0f %s r%.0f %s | %v | %s AS%.0f r%.0f %s", b.Why, l.Why, x.Account, x.Geo.City, x.Geo.ASN.V, x.Geo.Proxy, x.Geo.Radius.V, x.Device, x.Time.Sub(y.Time), y.Geo.City, y.Geo.ASN.V, y.Geo.Radius.V, b.Attack)
	}
	r, err := Play(config(3), pack(t, config(3)), 45)
	Debug = nil
	if err != nil {
		t.Fatal(err)
	}
	r.Print(os.Stdout)
}

func TestRiskDebug(t *testing.T) {
	all, _ := logins.New(config(3))
	truth := map[string]*logins.Login{}
	for i := range all {
		truth[all[i].Activity.ID] = &all[i]
	}
	detector.DebugRisk = func(a *activity.Activity, s string, score float64) {
		l := truth[a.ID]
		if l.Attack.Abroad() && score < 0 || l.Attack == "" && score > 400 {
			t.Logf("%-9s %-8s %5.1f %s %s %s", l.Attack, l.Why, score, a.Account, a.Geo.Country, s)
		}
	}
	defer func() { detector.DebugRisk = nil }()
	if _, err := Play(config(3), pack(t, config(3)), 45); err != nil {
		t.Fatal(err)
	}
}

func TestSweep(t *testing.T) {
	for _, odds := range []string{"0.3", "0.5"} {
		for seed := uint64(1); seed <= 4; seed++ {
			f := pack(t, config(seed))
			for i := range f {
				f[i].Data = []byte(strings.ReplaceAll(string(f[i].Data), "odds: 1", "odds: "+odds))
			}
			r, err := Play(config(seed), f, 45)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("odds %s seed %d challenged %.2f alerts %.3f abroad %.1f jumps %v veiled %v false %.4f", odds, seed, r.Challenged(), float64(r.Alerts)/r.Months, r.Abroad().Percent(), r.Jumps, r.Veiled, r.FalseJumps())
		}
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

func TestMissed(t *testing.T) {
	all, _ := logins.New(config(3))
	Debug = func(l, b *logins.Login) {
		if l.Attack == "" {
			return
		}
		for i := range all {
			a := &all[i].Activity
			if a.Account == l.Activity.Account && a.Time.After(l.Activity.Time.AddDate(0, 0, -40)) && !a.Time.After(l.Activity.Time) {
				t.Logf("%s %s %s %s AS%.0f r%.0f %s %s %s", a.Time.Format("01-02 15:04"), all[i].Why, all[i].Attack, a.Geo.City, a.Geo.ASN.V, a.Geo.Radius.V, a.Geo.Proxy, a.Device, a.IP)
			}
		}
	}
	Play(config(3), pack(t, config(3)), 45)
}
