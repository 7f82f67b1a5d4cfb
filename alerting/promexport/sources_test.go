package promexport

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

func TestSetCollectorsReplacesAll(t *testing.T) {
	m, reg := newTest(t)
	m.SetCollectors(map[string]Collectors{"x": {OldestSuccess: start(), Accounts: map[string]int{"failing": 1}, Sight: map[Sight]int{SightBlind: 1}}})
	m.SetCollectors(map[string]Collectors{"mastodon": {OldestSuccess: start(), Accounts: map[string]int{"complete": 1}, Sight: map[Sight]int{SightLate: 1}}})
	expect(t, reg, `
# HELP picket_account_sight Polled accounts and feeds by whether Picket sees them.
# TYPE picket_account_sight gauge
picket_account_sight{network="mastodon",sight="blind"} 0
picket_account_sight{network="mastodon",sight="late"} 1
picket_account_sight{network="mastodon",sight="ok"} 0
picket_account_sight{network="mastodon",sight="standby"} 0
picket_account_sight{network="mastodon",sight="starting"} 0
picket_account_sight{network="okta",sight="blind"} 0
picket_account_sight{network="okta",sight="late"} 0
picket_account_sight{network="okta",sight="ok"} 0
picket_account_sight{network="okta",sight="standby"} 0
picket_account_sight{network="okta",sight="starting"} 0
picket_account_sight{network="x",sight="blind"} 0
picket_account_sight{network="x",sight="late"} 0
picket_account_sight{network="x",sight="ok"} 0
picket_account_sight{network="x",sight="standby"} 0
picket_account_sight{network="x",sight="starting"} 0
# HELP picket_accounts Polled accounts and feeds by the state of their collector.
# TYPE picket_accounts gauge
picket_accounts{network="mastodon",state="complete"} 1
# HELP picket_collector_last_success_timestamp_seconds When the account or feed that was read longest ago was last read; one that never was counts from when Picket began to try.
# TYPE picket_collector_last_success_timestamp_seconds gauge
picket_collector_last_success_timestamp_seconds{network="mastodon"} 1.77345432e+09
`, "picket_account_sight", "picket_accounts", "picket_collector_last_success_timestamp_seconds")
}

// Networks beyond the limit share a label: what is known of them adds up.
func TestCollectorsBeyondTheLimitAddUp(t *testing.T) {
	m, reg := newTest(t)
	all := map[string]Collectors{}
	for i := range maxNetworks + 5 {
		all[strings.Repeat("n", i+1)] = Collectors{OldestSuccess: start().Add(time.Duration(i) * time.Second), Accounts: map[string]int{"complete": 1}, Sight: map[Sight]int{SightOK: 1}}
	}
	m.SetCollectors(all)
	accounts, sights := 0.0, 0.0
	for name, v := range values(t, reg) {
		if strings.HasPrefix(name, "picket_accounts{") {
			accounts += v
		}
		if strings.HasPrefix(name, "picket_account_sight{") {
			sights += v
		}
	}
	if want := float64(maxNetworks + 5); accounts != want || sights != want {
		t.Errorf("%v accounts, %v by sight, want %v", accounts, sights, want)
	}
}

func TestNetworkReadByOthersHasNoLastSuccess(t *testing.T) {
	m, reg := newTest(t)
	m.SetCollectors(map[string]Collectors{"x": {Accounts: map[string]int{"standby": 1}, Sight: map[Sight]int{SightStandby: 1}}})
	if n, err := testutil.GatherAndCount(reg, "picket_collector_last_success_timestamp_seconds"); n != 0 || err != nil {
		t.Errorf("%d series of the last success (%v), want none", n, err)
	}
}

func TestCredentials(t *testing.T) {
	for _, row := range []struct {
		name string
		in   Credential
		want map[string]float64
	}{
		{"nothing known", Credential{}, map[string]float64{}},
		{"requests", Credential{Requests: 3, RequestLimit: 900}, map[string]float64{"picket_api_quota_remaining_requests{main}": 3, "picket_api_quota_limit_requests{main}": 900}},
		{"nothing spent", Credential{DollarLimit: 50}, map[string]float64{"picket_credential_dollars_remaining{main}": 50, "picket_credential_dollars_limit{main}": 50}},
		{"some spent", Credential{Spent: 20, DollarLimit: 50}, map[string]float64{"picket_credential_dollars_remaining{main}": 30, "picket_credential_dollars_limit{main}": 50}},
		{"units", Credential{Units: 9400, UnitLimit: 10000}, map[string]float64{"picket_credential_units_remaining{main}": 600, "picket_credential_units_limit{main}": 10000}},
		{"more than all units", Credential{Units: 10001, UnitLimit: 10000}, map[string]float64{"picket_credential_units_remaining{main}": 0, "picket_credential_units_limit{main}": 10000}},
		{"soon used up", Credential{UsedUp: time.UnixMilli(1_790_000_000_500)}, map[string]float64{"picket_credential_used_up_timestamp_seconds{main}": 1_790_000_000.5}},
		{"more than all spent", Credential{Spent: 51, DollarLimit: 50}, map[string]float64{"picket_credential_dollars_remaining{main}": 0, "picket_credential_dollars_limit{main}": 50}},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, reg := newTest(t)
			m.SetCredentials(map[string]Credential{"gone": {Requests: 1, RequestLimit: 2, DollarLimit: 3}})
			m.SetCredentials(map[string]Credential{"main": row.in})
			got := map[string]float64{}
			for name, v := range values(t, reg) {
				if strings.HasPrefix(name, "picket_api_quota") || strings.HasPrefix(name, "picket_credential") {
					got[name] = v
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiskIsAbsentUntilTold(t *testing.T) {
	m, reg := newTest(t)
	if n, err := testutil.GatherAndCount(reg, "picket_disk_free_bytes", "picket_disk_reserve_bytes"); n != 0 || err != nil {
		t.Errorf("%d series before the disk is known (%v), want none", n, err)
	}
	m.SetDisk(300, 100)
	got := values(t, reg)
	if got["picket_disk_free_bytes{}"] != 300 || got["picket_disk_reserve_bytes{}"] != 100 {
		t.Errorf("free %v, reserve %v, want 300 and 100", got["picket_disk_free_bytes{}"], got["picket_disk_reserve_bytes{}"])
	}
}

func TestCoverage(t *testing.T) {
	m, reg := newTest(t)
	burst, login, off := testRule("burst", rules.High), testRule("login", rules.Low), testRule("off", rules.Low)
	off.Mode = rules.Off
	m.RulesLoaded([]*rules.Rule{burst, login, off, {ID: "silent", Silent: true}, {ID: "test", Tags: []string{rules.TagTest}}}, 0)
	const help = `
# HELP picket_coverage Accounts by how a rule covers them: active, learning, no_source or off.
# TYPE picket_coverage gauge
`
	expect(t, reg, help+coverageLines(map[string][4]int{"burst": {}, "login": {}, "off": {}}), "picket_coverage")

	of := func(r *rules.Rule, s detector.CoverageState) detector.Coverage {
		return detector.Coverage{Rule: r, State: s}
	}
	var one, two CoverageTally
	one.Add([]detector.Coverage{of(burst, detector.CoverageActive), of(login, detector.CoverageLearning), of(off, detector.CoverageOff)})
	one.Add([]detector.Coverage{of(burst, detector.CoverageActive), of(login, detector.CoverageActive), of(off, detector.CoverageOff)})
	two.Add([]detector.Coverage{of(burst, detector.CoverageActive), of(login, detector.CoverageNoSource), of(off, detector.CoverageOff)})
	m.SetCoverage(0, &one)
	m.SetCoverage(1, &two)
	expect(t, reg, help+coverageLines(map[string][4]int{"burst": {3, 0, 0, 0}, "login": {1, 1, 1, 0}, "off": {0, 0, 0, 3}})+`
# HELP picket_coverage_accounts Accounts with at least one rule in this state of coverage; most are in several.
# TYPE picket_coverage_accounts gauge
picket_coverage_accounts{state="active"} 3
picket_coverage_accounts{state="learning"} 1
picket_coverage_accounts{state="no_source"} 1
picket_coverage_accounts{state="off"} 3
`, "picket_coverage", "picket_coverage_accounts")

	// A partition that another daemon owns now, and rules that are gone.
	m.Release(0)
	m.RulesLoaded([]*rules.Rule{burst}, 0)
	var three CoverageTally
	three.Add([]detector.Coverage{of(burst, detector.CoverageOff)})
	m.SetCoverage(1, &three)
	expect(t, reg, help+coverageLines(map[string][4]int{"burst": {0, 0, 0, 1}}), "picket_coverage")
}

// coverageLines are the metric's lines of rules with so many accounts active,
// learning, without a source and off.
func coverageLines(byRule map[string][4]int) string {
	var b strings.Builder
	for rule, n := range byRule {
		for i, state := range []string{"active", "learning", "no_source", "off"} {
			b.WriteString("picket_coverage{rule=\"" + rule + "\",state=\"" + state + "\"} " + string(rune('0'+n[i])) + "\n")
		}
	}
	return b.String()
}

func expect(t *testing.T, reg *prometheus.Registry, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}
