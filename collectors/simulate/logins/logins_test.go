package logins

import (
	"reflect"
	"testing"
	"time"
)

func config() Config {
	return Config{Seed: 7, People: 60, Start: time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC), Days: 200, Quiet: 30, AttacksPerYear: 6}
}

func all(t *testing.T, c Config) []Login {
	t.Helper()
	out, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSameSeedSameLogins(t *testing.T) {
	a, b := all(t, config()), all(t, config())
	if !reflect.DeepEqual(a, b) {
		t.Error("two populations of one seed differ")
	}
	c := config()
	c.Seed++
	if reflect.DeepEqual(a[:10], all(t, c)[:10]) {
		t.Error("another seed gives the same logins")
	}
}

// TestIntrudersChangeNobody holds that people live the same with intruders as
// without.
func TestIntrudersChangeNobody(t *testing.T) {
	with := all(t, config())
	c := config()
	c.AttacksPerYear = 0
	without := all(t, c)
	i := 0
	for k := range with {
		if with[k].Attack != "" {
			continue
		}
		if a, b := with[k].Activity, without[i].Activity; a.Account != b.Account || !a.Time.Equal(b.Time) || a.IP != b.IP {
			t.Fatalf("login %d differs: %s %s and %s %s", i, a.Account, a.Time, b.Account, b.Time)
		}
		i++
	}
	if i != len(without) {
		t.Errorf("%d logins with intruders, %d without", i, len(without))
	}
}

// TestTruth holds what the labels say.
func TestTruth(t *testing.T) {
	logins := all(t, config())
	last := map[string]*Login{}
	kinds, why, jumps := map[Attack]int{}, map[string]int{}, 0
	for i := range logins {
		l := &logins[i]
		if err := l.Activity.Validate(); err != nil {
			t.Fatalf("login %d: %v", i, err)
		}
		if i > 0 && l.Activity.Time.Before(logins[i-1].Activity.Time) {
			t.Fatalf("login %d is before the one before", i)
		}
		kinds[l.Attack]++
		before := last[l.Activity.Account]
		if l.Attack == "" {
			why[l.Why]++
			last[l.Activity.Account] = l
			continue
		}
		if l.Incident == 0 || l.Activity.Time.Before(config().Start.AddDate(0, 0, 30)) {
			t.Errorf("intruder %s at %s has number %d", l.Attack, l.Activity.Time, l.Incident)
		}
		if l.Jump {
			jumps++
			a, b := before.Activity.Geo, l.Activity.Geo
			if km := distance(a.Lat.V, a.Lon.V, b.Lat.V, b.Lon.V); km <= 1000 || l.Activity.Time.Sub(before.Activity.Time) > 30*time.Minute {
				t.Errorf("a jump of %.0f km in %s", km, l.Activity.Time.Sub(before.Activity.Time))
			}
			if l.Attack.Abroad() && a.Country == b.Country && before.Why == "" {
				t.Errorf("%s is in the victim's country", l.Attack)
			}
		}
	}
	for _, k := range Attacks() {
		if kinds[k] < 10 {
			t.Errorf("%d logins of %s", kinds[k], k)
		}
	}
	for _, w := range []string{"", "phone", "trip", "vpn", "company vpn", "flight", "café", "roaming"} {
		if why[w] == 0 {
			t.Errorf("no login because of %q", w)
		}
	}
	if jumps < 5 {
		t.Errorf("%d jumps", jumps)
	}
}

// TestNobodyIsInTwoPlaces holds that people do not jump themselves, where their
// logins tell where they are.
func TestNobodyIsInTwoPlaces(t *testing.T) {
	last := map[string]*Login{}
	logins := all(t, config())
	for i := range logins {
		l := &logins[i]
		if l.Attack != "" || l.veiled() {
			continue
		}
		if before := last[l.Activity.Account]; before != nil {
			a, b := before.Activity.Geo, l.Activity.Geo
			km := distance(a.Lat.V, a.Lon.V, b.Lat.V, b.Lon.V) - a.Radius.V - b.Radius.V
			if took := l.Activity.Time.Sub(before.Activity.Time); km > 100 && km/took.Hours() > 900 {
				t.Errorf("%s: %s to %s, %.0f km in %s", l.Activity.Account, a.City, b.City, km, took)
			}
		}
		last[l.Activity.Account] = l
	}
}

func TestBadConfig(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"nobody", func(c *Config) { c.People = 0 }, "logins: People is 0, want 1 to 1048576"},
		{"no day", func(c *Config) { c.Days = 0 }, "logins: Days is 0, want 1 to 36500"},
		{"no start", func(c *Config) { c.Start = time.Time{} }, "logins: Start is not set"},
		{"too many intruders", func(c *Config) { c.AttacksPerYear = -1 }, "logins: AttacksPerYear is -1, want 0 to 1000"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := config()
			row.change(&c)
			if _, err := New(c); err == nil || err.Error() != row.want {
				t.Errorf("error %v, want %s", err, row.want)
			}
		})
	}
}
