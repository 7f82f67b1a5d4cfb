package enrich

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors/activity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an Enricher over files in a directory of its own, with a clock.
type rig struct {
	t    testing.TB
	dir  string
	cfg  Config
	logs *observer.ObservedLogs
	*Enricher

	mu  sync.Mutex
	now time.Time
}

func newRig(t testing.TB, change ...func(*rig)) *rig {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	r := &rig{t: t, dir: t.TempDir(), logs: logs, now: time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)}
	r.cfg = Config{
		Location: r.path("city"), ASN: r.path("asn"), Anonymous: r.path("anonymous"),
		Now: r.clock, Log: zap.New(core),
	}
	for _, c := range change {
		c(r)
	}
	e, err := New(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Enricher = e
	return r
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name+".mmdb") }

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// put moves a file into place, as download tools do.
func (r *rig) put(name string, data []byte) {
	r.t.Helper()
	tmp := r.path(name + ".tmp")
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(tmp, r.path(name)); err != nil {
		r.t.Fatal(err)
	}
}

// overwrite writes a file in place, as cp does.
func (r *rig) overwrite(name string, data []byte) {
	r.t.Helper()
	if err := os.WriteFile(r.path(name), data, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func allFiles(r *rig) {
	r.put("city", cityFile(r.t))
	r.put("asn", asnFile(r.t))
	r.put("anonymous", anonymousFile(r.t))
}

func (r *rig) geo(ip string, had activity.Geo) activity.Geo {
	a := activity.Activity{IP: ip, Geo: had}
	r.Enrich(&a)
	return a.Geo
}

func (r *rig) state(use string) FileStatus {
	r.t.Helper()
	for _, st := range r.Status() {
		if st.Use == use {
			return st
		}
	}
	r.t.Fatalf("no status of %s", use)
	return FileStatus{}
}

func berlin() activity.Geo {
	return activity.Geo{
		Country: "DE", Region: "DE-BE", City: "Berlin", Lat: activity.Some(52.52), Lon: activity.Some(13.405), Radius: activity.Some(20),
		ASN: activity.Some(3320), ASOrg: "Deutsche Telekom AG", Proxy: "none",
	}
}

func TestEnrich(t *testing.T) {
	m247 := func(g activity.Geo) activity.Geo {
		g.ASN, g.ASOrg = activity.Some(9009), "M247 Europe SRL"
		return g
	}
	bucharest := m247(activity.Geo{Country: "RO", Region: "RO-B", City: "Bucharest", Lat: activity.Some(44.43), Lon: activity.Some(26.1), Radius: activity.Some(20)})
	at := func(proxy string) activity.Geo {
		g := bucharest
		g.Proxy = proxy
		return g
	}
	rows := []struct {
		name string
		ip   string
		had  activity.Geo
		want activity.Geo
	}{
		{"nothing known", "81.2.69.142", activity.Geo{}, berlin()},
		{"IPv4 in IPv6", "::ffff:81.2.69.142", activity.Geo{}, berlin()},
		{"IPv6, and an ASN file of IPv4", "2001:480::7", activity.Geo{}, activity.Geo{
			Country: "US", Region: "US-CA", City: "San Diego", Lat: activity.Some(32.7), Lon: activity.Some(-117.1), Radius: activity.Some(20), Proxy: "none",
		}},
		{"country only", "89.160.200.1", activity.Geo{}, m247(activity.Geo{Country: "RO", Proxy: "none"})},
		{"vpn before hosting", "89.160.1.1", activity.Geo{}, at("vpn")},
		{"tor before vpn", "89.160.2.1", activity.Geo{}, at("tor")},
		{"hosting", "89.160.3.1", activity.Geo{}, at("hosting")},
		{"residential proxy", "89.160.4.1", activity.Geo{}, at("proxy")},
		{"public proxy", "89.160.5.1", activity.Geo{}, at("proxy")},
		{"anonymous otherwise", "89.160.6.1", activity.Geo{}, at("proxy")},
		{"listed as not anonymous", "89.160.7.1", activity.Geo{}, at("none")},
		{"not in the files", "198.51.100.7", activity.Geo{}, activity.Geo{Proxy: "none"}},
		{"the provider's country differs", "81.2.69.142", activity.Geo{Country: "FR"}, activity.Geo{
			Country: "FR", ASN: activity.Some(3320), ASOrg: "Deutsche Telekom AG", Proxy: "none",
		}},
		{"the provider's city differs", "81.2.69.142", activity.Geo{Country: "DE", City: "Potsdam"}, activity.Geo{
			Country: "DE", City: "Potsdam", ASN: activity.Some(3320), ASOrg: "Deutsche Telekom AG", Proxy: "none",
		}},
		{"the provider's city is the same", "81.2.69.142", activity.Geo{City: "BERLIN"}, func() activity.Geo {
			g := berlin()
			g.City = "BERLIN"
			return g
		}()},
		{"the provider's region is a name", "81.2.69.142", activity.Geo{Country: "DE", Region: "Bavaria"}, activity.Geo{
			Country: "DE", Region: "Bavaria", ASN: activity.Some(3320), ASOrg: "Deutsche Telekom AG", Proxy: "none",
		}},
		{"the provider's coordinates differ", "81.2.69.142", activity.Geo{Lat: activity.Some(1), Lon: activity.Some(2)}, activity.Geo{
			Country: "DE", Lat: activity.Some(1), Lon: activity.Some(2), ASN: activity.Some(3320), ASOrg: "Deutsche Telekom AG", Proxy: "none",
		}},
		{"the provider's network differs", "81.2.69.142", activity.Geo{ASN: activity.Some(1), Proxy: "proxy"}, func() activity.Geo {
			g := berlin()
			g.ASN, g.ASOrg, g.Proxy = activity.Some(1), "", "proxy"
			return g
		}()},
		{"the provider names the network only", "81.2.69.142", activity.Geo{ASOrg: "Telekom"}, func() activity.Geo {
			g := berlin()
			g.ASOrg = "Telekom"
			return g
		}()},
		{"private", "10.1.2.3", activity.Geo{}, activity.Geo{}},
		{"private IPv6", "fd00::1", activity.Geo{}, activity.Geo{}},
		{"loopback", "127.0.0.1", activity.Geo{}, activity.Geo{}},
		{"no address", "", activity.Geo{City: "X"}, activity.Geo{City: "X"}},
		{"not an address", "81.2.69", activity.Geo{}, activity.Geo{}},
	}
	r := newRig(t, allFiles)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := r.geo(row.ip, row.had)
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
			if again := r.geo(row.ip, got); again != got {
				t.Errorf("a second call made %+v of it", again)
			}
		})
	}
}

func TestOverride(t *testing.T) {
	r := newRig(t, allFiles, func(r *rig) { r.cfg.Override = true })
	had := activity.Geo{Country: "FR", Region: "Île-de-France", City: "Paris", ASN: activity.Some(1), ASOrg: "X", Proxy: "proxy"}
	got := r.geo("81.2.69.142", had)
	if got != berlin() {
		t.Errorf("got %+v, want Berlin", got)
	}
	if again := r.geo("81.2.69.142", got); again != got {
		t.Errorf("a second call made %+v of it", again)
	}
	if got := r.geo("198.51.100.7", had); got.City != "Paris" || got.ASN != activity.Some(1) || got.Proxy != "none" {
		t.Errorf("got %+v: what the files do not know was to stay", got)
	}
	// The file knows the country only: the provider's city in it stays.
	if got := r.geo("89.160.200.1", activity.Geo{Country: "RO", City: "Cluj"}); got.City != "Cluj" {
		t.Errorf("got %+v, want the city to stay", got)
	}
	if got := r.geo("89.160.200.1", activity.Geo{Country: "FR", City: "Paris"}); got.City != "" || got.Country != "RO" {
		t.Errorf("got %+v, want Romania without a city", got)
	}
}

func TestLinkDomains(t *testing.T) {
	r := newRig(t)
	links := []string{
		"https://Acme.example/a?b=1", "https://acme.example.:8443/", "http://user:pw@Other.example#x", "mailto:a@b.example",
		"https://[2001:db8::7]:443/", "/relative", "https://evil.example\\@acme.example/", "https://", "https://bücher.example/ü",
	}
	a := activity.Activity{Links: links}
	r.Enrich(&a)
	want := []string{"acme.example", "other.example", "2001:db8::7", "evil.example", "bücher.example"}
	if diff := cmp.Diff(want, a.LinkDomains); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	b := activity.Activity{Links: links, LinkDomains: []string{"kept.example"}}
	r.Enrich(&b)
	if !slices.Equal(b.LinkDomains, []string{"kept.example"}) {
		t.Errorf("link_domains %q, want what was there", b.LinkDomains)
	}
}

func TestAbsentFileComesLater(t *testing.T) {
	r := newRig(t)
	had := activity.Geo{Country: "RO", City: "Cluj", Proxy: "proxy"}
	if got := r.geo("81.2.69.142", had); got != had {
		t.Errorf("without files %+v became %+v", had, got)
	}
	st := r.state("location")
	if st.State != Missing || !strings.Contains(st.Problem, "put a MaxMind DB file there") || st.Type != "" {
		t.Errorf("status %+v, want missing and how to mend it", st)
	}
	if n := r.logs.FilterMessageSnippet("what the provider tells stays").Len(); n != 3 {
		t.Errorf("%d lines that files are missing, want one for each of 3", n)
	}
	allFiles(r)
	if got := r.geo("81.2.69.142", activity.Geo{}); got != (activity.Geo{}) {
		t.Errorf("files were looked at before the interval had passed: %+v", got)
	}
	r.pass(DefaultCheck)
	if got := r.geo("81.2.69.142", activity.Geo{}); got != berlin() {
		t.Errorf("got %+v, want Berlin", got)
	}
	st = r.state("location")
	want := FileStatus{
		Use: "location", Path: r.path("city"), State: Ready, Type: "GeoLite2-City",
		Built: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Loaded: r.clock(),
	}
	if diff := cmp.Diff(want, st); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// TestClockSetBack: files are looked at although our clock was ahead at the last look.
func TestClockSetBack(t *testing.T) {
	r := newRig(t)
	r.pass(-2 * time.Hour)
	r.geo("81.2.69.142", activity.Geo{})
	allFiles(r)
	r.pass(DefaultCheck)
	if got := r.geo("81.2.69.142", activity.Geo{}); got != berlin() {
		t.Errorf("got %+v, want Berlin", got)
	}
}

func TestReplacedFile(t *testing.T) {
	r := newRig(t, allFiles)
	moved := newMMDB("GeoLite2-City", 4).add(t, "81.2.0.0/16", city("PL", "", "Warsaw", 52.2, 21)).bytes()
	torn := moved[:len(moved)/2]
	country := func() string { return r.geo("81.2.69.142", activity.Geo{}).Country }
	warnings := func() int { return r.logs.FilterLevelExact(zapcore.WarnLevel).Len() }

	if got := country(); got != "DE" {
		t.Fatalf("country %s, want DE", got)
	}
	for name, write := range map[string]func(string, []byte){"moved": r.put, "in place": r.overwrite} {
		t.Run(name, func(t *testing.T) {
			r.put("city", cityFile(t))
			r.pass(DefaultCheck)
			country()
			before := warnings()
			write("city", torn)
			for range 5 {
				r.pass(DefaultCheck)
				if got := country(); got != "DE" {
					t.Errorf("country %s with a torn file, want the old DE", got)
				}
			}
			st := r.state("location")
			if st.State != Stale || st.Type != "GeoLite2-City" || !strings.Contains(st.Problem, "download it again") {
				t.Errorf("status %+v, want stale and how to mend it", st)
			}
			if n := warnings() - before; n != 1 {
				t.Errorf("%d warnings in five looks, want 1", n)
			}
			write("city", moved)
			r.pass(DefaultCheck)
			if got := country(); got != "PL" {
				t.Errorf("country %s, want PL of the new file", got)
			}
			if st := r.state("location"); st.State != Ready || st.Problem != "" {
				t.Errorf("status %+v, want ready", st)
			}
		})
	}
	if err := os.Remove(r.path("city")); err != nil {
		t.Fatal(err)
	}
	r.pass(DefaultCheck)
	if got := country(); got != "PL" {
		t.Errorf("country %s after the file went, want PL still", got)
	}
	if st := r.state("location"); st.State != Stale || !strings.Contains(st.Problem, "no such file") {
		t.Errorf("status %+v, want stale", st)
	}
}

func TestUnusableFiles(t *testing.T) {
	good := cityFile(t)
	flipped := slices.Clone(good)
	for i := 16; i < len(flipped)-200; i += 3 {
		flipped[i] ^= 0x55
	}
	rows := []struct {
		name string
		put  func(r *rig)
		says string
	}{
		{"empty", func(r *rig) { r.put("city", nil) }, "download it again"},
		{"text", func(r *rig) { r.put("city", []byte("<html>quota exceeded</html>")) }, "download it again"},
		{"first half", func(r *rig) { r.put("city", good[:len(good)/2]) }, "download it again"},
		{"one byte short", func(r *rig) { r.put("city", good[:len(good)-1]) }, "download it again"},
		{"without its beginning", func(r *rig) { r.put("city", good[len(good)/2:]) }, "download it again"},
		{"damaged inside", func(r *rig) { r.put("city", flipped) }, "download it again"},
		{"a country that is no object", func(r *rig) {
			r.put("city", newMMDB("X", 4).add(t, "81.2.0.0/16", map[string]any{"country": "DE"}).bytes())
		}, "record of 81.2.0.0/16"},
		{"an ASN file", func(r *rig) { r.put("city", asnFile(t)) }, `is a "GeoLite2-ASN": it holds nothing of this use; check which file`},
		{"no networks", func(r *rig) { r.put("city", newMMDB("GeoLite2-City", 6).bytes()) }, "holds nothing of this use"},
		{"a directory", func(r *rig) {
			if err := os.Mkdir(r.path("city"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is no regular file"},
		{"a tree with too many ways", func(r *rig) { r.put("city", bushy(40)) }, "more networks than its 40 nodes"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, row.put)
			st := r.state("location")
			if st.State != Damaged || !strings.Contains(st.Problem, row.says) || !strings.Contains(st.Problem, r.path("city")) {
				t.Errorf("status %+v, want damaged and %q", st, row.says)
			}
			had := activity.Geo{Country: "RO"}
			if got := r.geo("81.2.69.142", had); got != had {
				t.Errorf("got %+v, want the provider's own", got)
			}
		})
	}
}

// bushy returns a file whose n nodes point to the next one twice: 2^n ways to
// nowhere.
func bushy(n int) []byte {
	m := newMMDB("GeoLite2-City", 6)
	m.nodes = nil
	for i := range n {
		m.nodes = append(m.nodes, [2]int{i + 1, i + 1})
	}
	m.nodes[n-1] = [2]int{-1, -1}
	return m.bytes()
}

func TestFaultsOfTheConfiguration(t *testing.T) {
	_, err := New(Config{Location: "/geo/a.mmdb", ASN: "/geo/a.mmdb", Anonymous: "/geo/a.mmdb"})
	if err == nil || !strings.Contains(err.Error(), `asn: "/geo/a.mmdb" is the file of location too`) || !strings.Contains(err.Error(), "anonymous: ") {
		t.Errorf("error %v, want both fields and the file", err)
	}
	if _, err := New(Config{Check: -time.Second}); err == nil || !strings.Contains(err.Error(), "check: -1s") {
		t.Errorf("error %v, want the field and its value", err)
	}
	e, err := New(Config{})
	if err != nil || len(e.Status()) != 0 {
		t.Errorf("without files: %v, status %v; want neither", err, e.Status())
	}
}

// Lookups go on while files are replaced.
func TestConcurrentUse(t *testing.T) {
	r := newRig(t, allFiles)
	other := newMMDB("GeoLite2-City", 4).add(t, "81.2.0.0/16", city("PL", "", "", 0, 0)).bytes()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 300 {
				if c := r.geo("81.2.69.142", activity.Geo{}).Country; c != "DE" && c != "PL" {
					t.Errorf("country %q, want DE or PL", c)
					return
				}
			}
		})
	}
	for i := range 50 {
		data := other
		if i%2 == 0 {
			data = cityFile(t)
		}
		r.put("city", data)
		r.pass(DefaultCheck)
		r.Status()
	}
	wg.Wait()
	r.pass(DefaultCheck)
	if c := r.geo("81.2.69.142", activity.Geo{}).Country; c != "PL" {
		t.Errorf("country %s, want PL of the last file", c)
	}
}

func TestNoAllocations(t *testing.T) {
	r := newRig(t, allFiles)
	a := activity.Activity{IP: "81.2.69.142"}
	r.Enrich(&a)
	if n := testing.AllocsPerRun(100, func() {
		a.Geo = activity.Geo{}
		r.Enrich(&a)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// More records than the cache holds are looked up all the same.
func TestCacheIsBounded(t *testing.T) {
	m := newMMDB("GeoLite2-ASN", 4)
	const n = maxCached + 500
	ip := func(i int) string {
		return strings.Join([]string{"81", strconv.Itoa(i >> 8), strconv.Itoa(i & 255), "1"}, ".")
	}
	for i := range n {
		m.add(t, strings.TrimSuffix(ip(i), "1")+"0/24", map[string]any{"autonomous_system_number": uint32(i + 1)})
	}
	r := newRig(t, func(r *rig) { r.put("asn", m.bytes()) })
	for i := range n {
		if got := r.geo(ip(i), activity.Geo{}).ASN; got != activity.Some(float64(i+1)) {
			t.Fatalf("%s: asn %v, want %d", ip(i), got, i+1)
		}
	}
	if got := len(r.asn.loaded.Load().cache); got > maxCached || got == 0 {
		t.Errorf("%d records kept, want 1 to %d", got, maxCached)
	}
}
