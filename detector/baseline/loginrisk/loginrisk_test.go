package loginrisk

import (
	"math"
	"net/netip"
	"testing"
	"time"
	"unsafe"
)

// TestSize holds what the memory of a million accounts is made of.
func TestSize(t *testing.T) {
	if got := unsafe.Sizeof(State{}); got > 96 {
		t.Errorf("State has %d bytes, want at most 96", got)
	}
	if got := unsafe.Sizeof(Crowd{}); got > 6*1024 {
		t.Errorf("Crowd has %d bytes, want at most 6 KiB", got)
	}
}

const (
	begin = int64(1_750_000_000) * int64(time.Second)
	day   = int64(24 * time.Hour)
)

var params = Params{HalfLife: 60 * day}

// usual is a login of the person on a day.
func usual(n int) Login {
	return Login{
		Time: begin + int64(n)*day, Country: Code("DE"), ASN: Number(64500), Prefix: Prefix(netip.MustParseAddr("192.0.2.7")),
		System: ID("Windows computer"), Browser: ID("ChromeWindowscomputer"), Version: uint8(120 + n/28), Hour: 9,
	}
}

func with(change func(*Login)) Login {
	l := usual(60)
	change(&l)
	return l
}

func abroad(l *Login)   { l.Country, l.ASN, l.Prefix = Code("VN"), Number(64511), Number(3) }
func provider(l *Login) { l.ASN, l.Prefix = Number(64502), Number(4) }
func device(l *Login)   { l.System, l.Browser = ID("Linux computer"), ID("FirefoxLinuxcomputer") }
func night(l *Login)    { l.Hour = 3 }

// known is an account of 60 days in a crowd of one other.
func known() (*State, *Crowd) {
	var s, other State
	var c Crowd
	for n := range 60 {
		s.Learn(usual(n), &c, params)
		l := usual(n)
		provider(&l)
		other.Learn(l, &c, params)
	}
	return &s, &c
}

// TestScores orders logins by how odd they are.
func TestScores(t *testing.T) {
	rows := []struct {
		name string
		l    Login
	}{
		{"as always", usual(60)},
		{"at night", with(night)},
		{"a network that a colleague uses", with(provider)},
		{"another address of the same network", with(func(l *Login) { l.Prefix = 9 })},
		{"a network that nobody uses", with(func(l *Login) { l.ASN, l.Prefix = Number(64999), 4 })},
		{"abroad", with(abroad)},
		{"that of a VPN", with(func(l *Login) { l.ASN, l.Prefix, l.Relay = Number(64999), 4, true })},
		{"abroad by a VPN", with(func(l *Login) { abroad(l); l.Relay = true })},
		{"abroad with a stale browser", with(func(l *Login) { abroad(l); l.Relay = true; l.Version = 90 })},
		{"abroad with another device", with(func(l *Login) { abroad(l); l.Relay = true; device(l) })},
		{"and at night", with(func(l *Login) { abroad(l); l.Relay = true; device(l); night(l) })},
	}
	s, c := known()
	before := math.Inf(-1)
	for _, row := range rows {
		w := s.Judge(row.l, c)
		got := w.Score()
		t.Logf("%-40s %6.2f", row.name, got)
		if got <= before || math.IsNaN(got) {
			t.Errorf("%s: %.2f, want more than %.2f of the row before", row.name, got, before)
		}
		before = got
	}
	w := s.Judge(usual(60), c)
	if got := w.Score(); got > -5 {
		t.Errorf("the usual login scores %.2f, want far below 0", got)
	}
	updated := s.Judge(with(func(l *Login) { l.Version += 2 }), c)
	if got := updated.Score(); got != w.Score() {
		t.Errorf("a browser two versions on scores %.2f, want the usual %.2f", got, w.Score())
	}
	if before < 7 {
		t.Errorf("the oddest login scores %.2f, want far above 0", before)
	}
}

// TestNothingTold holds that what a source does not tell speaks neither way.
func TestNothingTold(t *testing.T) {
	s, c := known()
	w := s.Judge(Login{Time: begin, Hour: 9}, c)
	for _, f := range w[:3] {
		if f.Nats != 0 {
			t.Errorf("%s was not told and weighs %.2f", f.Feature, f.Nats)
		}
	}
	if got := w.Score(); got > 0 {
		t.Errorf("a login that says nothing scores %.2f", got)
	}
}

// TestHabitsOfMovers holds that who often logs in from elsewhere is told less of
// it than who never does.
func TestHabitsOfMovers(t *testing.T) {
	settled, c := known()
	var mover State
	for n := range 60 {
		l := usual(n)
		if n%6 == 0 {
			l.Country, l.ASN, l.Prefix = Code(string([]byte{'A' + byte(n/6), 'X'})), Number(uint64(n)), Number(uint64(n))
		}
		mover.Learn(l, c, params)
	}
	a, b := settled.Judge(with(abroad), c), mover.Judge(with(abroad), c)
	if a[0].Nats < b[0].Nats+1.5 {
		t.Errorf("a new country weighs %.2f for who stays at home and %.2f for who moves, want far more", a[0].Nats, b[0].Nats)
	}
}

// TestForgets holds that counts fade with time.
func TestForgets(t *testing.T) {
	s, c := known()
	l := usual(60)
	provider(&l)
	l.Time = begin + 700*day
	s.Learn(l, c, params)
	if got := s.counts(asn).Of(usual(0).ASN); got != 0 {
		t.Errorf("after ten half-lives the old network still counts %d", got)
	}
	if at, n := s.Since(); at != begin || n != 61 {
		t.Errorf("known since %d from %d logins", at, n)
	}
}

func TestUsual(t *testing.T) {
	var s State
	var c Crowd
	for n := range 10 {
		l := usual(n)
		if n == 3 {
			l.Country = Code("AT")
		}
		s.Learn(l, &c, params)
	}
	codes, shares := s.Usual()
	if len(codes) != 2 || codes[0] != "DE" || codes[1] != "AT" || math.Abs(shares[0]-0.9) > 1e-9 || math.Abs(shares[1]-0.1) > 1e-9 {
		t.Errorf("usual are %v with %v", codes, shares)
	}
}

// TestManyLogins holds that no count overflows and no share leaves 0 to 1.
func TestManyLogins(t *testing.T) {
	var s State
	var c Crowd
	for n := range 100_000 {
		l := usual(0)
		l.Time += int64(n) * int64(time.Hour)
		l.Prefix, l.ASN, l.Country = Number(uint64(n%9)), Number(uint64(n%7)), Code(string([]byte{'A' + byte(n%6), 'A'}))
		l.Hour = int8(n % 24)
		s.Learn(l, &c, params)
	}
	if _, n := s.Since(); n != math.MaxUint16 {
		t.Errorf("%d logins, want the count to stop at its end", n)
	}
	w := s.Judge(usual(0), &c)
	if got := w.Score(); math.IsNaN(got) || math.IsInf(got, 0) {
		t.Errorf("the score is %v", got)
	}
}

func TestPrefix(t *testing.T) {
	at := func(s string) uint16 { return Prefix(netip.MustParseAddr(s)) }
	if at("192.0.2.7") != at("192.0.2.200") || at("192.0.2.7") == at("192.0.3.7") {
		t.Error("of IPv4 24 bits count")
	}
	if at("2001:db8:1::7") != at("2001:db8:1:ffff::1") || at("2001:db8:1::7") == at("2001:db8:2::7") {
		t.Error("of IPv6 48 bits count")
	}
	if at("::ffff:192.0.2.7") != at("192.0.2.9") {
		t.Error("IPv4 within IPv6 is IPv4")
	}
}

func BenchmarkJudge(b *testing.B) {
	s, c := known()
	l := usual(60)
	b.ReportAllocs()
	for b.Loop() {
		w := s.Judge(l, c)
		if w.Score() < 0 {
			s.Learn(l, c, params)
		}
	}
}
