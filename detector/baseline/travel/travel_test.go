package travel

import (
	"testing"
	"time"
	"unsafe"
)

// TestSize holds what the memory of a million accounts is made of.
func TestSize(t *testing.T) {
	if got := unsafe.Sizeof(State{}); got != 24 {
		t.Errorf("State has %d bytes, want 24", got)
	}
}

var params = Params{Distance: 100, Speed: 900, Gateway: 400}

const start = 1_750_000_000_000_000_000

func berlin(after time.Duration) Login {
	return Login{Time: start + int64(after), Lat: 52.52, Lon: 13.405, Radius: 20, ASN: 64500, Country: "DE"}
}

func munich(after time.Duration) Login {
	return Login{Time: start + int64(after), Lat: 48.14, Lon: 11.58, Radius: 20, ASN: 64501, Country: "DE"}
}

func hanoi(after time.Duration) Login {
	return Login{Time: start + int64(after), Lat: 21.03, Lon: 105.8, Radius: 20, ASN: 64511, Country: "VN"}
}

func on(l Login, change func(*Login)) Login {
	change(&l)
	return l
}

func phone(l *Login) { l.Phone, l.ASN = true, 64505 }
func vpn(l *Login)   { l.Relay, l.ASN = true, 64509 }

func TestJudge(t *testing.T) {
	const m, h = time.Minute, time.Hour
	rows := []struct {
		name   string
		before []Login
		login  Login
		words  string // "" where it is no jump
	}{
		{"nothing known", nil, hanoi(0), ""},
		{"the same place", []Login{berlin(0)}, berlin(m), ""},
		{"8,325 km in 41 minutes", []Login{berlin(0)}, hanoi(41 * m), "8,325 km in 41 min = 12,183 km/h"},
		{"by a flight", []Login{berlin(0)}, hanoi(12 * h), ""},
		{"504 km in 5 minutes", []Login{berlin(0)}, munich(5 * m), "504 km in 5 min = 6,046 km/h"},
		{"504 km by train", []Login{berlin(0)}, munich(4 * h), ""},
		{"504 km, either may be 250 off", []Login{on(berlin(0), func(l *Login) { l.Radius = 250 })}, on(munich(5*m), func(l *Login) { l.Radius = 250 }), ""},
		{"told out of order", []Login{berlin(0)}, hanoi(-41 * m), "8,325 km in 41 min = 12,183 km/h"},
		{"in the same second", []Login{berlin(0)}, hanoi(0), "8,325 km in 1 min = 499,496 km/h"},
		{"one told late is no place to leave from", []Login{berlin(0), hanoi(-24 * h)}, berlin(m), ""},
		{"a place that was used before", []Login{munich(-48 * h), berlin(0)}, munich(m), ""},
		{"a known network elsewhere in the country", []Login{berlin(0)}, on(munich(m), func(l *Login) { l.ASN = 64500 }), ""},
		{"a known network in another country", []Login{berlin(0)}, on(hanoi(m), func(l *Login) { l.ASN = 64500 }), "8,325 km in 1 min = 499,496 km/h"},
		{"a known carrier's gateway", []Login{on(berlin(-h), phone), berlin(0)}, on(munich(m), phone), ""},
		{"a new carrier's gateway", []Login{berlin(0)}, on(munich(m), phone), "504 km in 1 min = 30,232 km/h"},
		{"after the gateway, at home", []Login{on(berlin(-9*h), phone), berlin(-8 * h), on(munich(0), phone)}, berlin(m), ""},
		{"a VPN of a network never used", []Login{berlin(0)}, on(hanoi(m), vpn), "8,325 km in 1 min = 499,496 km/h"},
		{"a VPN that is known, at another exit", []Login{on(berlin(-h), vpn), berlin(0)}, on(hanoi(m), vpn), ""},
		{"the VPN's exit is no place to leave from", []Login{berlin(-48 * h), on(hanoi(0), vpn)}, berlin(m), ""},
		{"an exit that is not known as one", []Login{on(berlin(-h), vpn), berlin(0)}, on(hanoi(m), func(l *Login) { l.ASN = 64509 }), ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var s State
			for _, l := range row.before {
				s.Learn(l, params)
			}
			j, odd := s.Judge(row.login, params)
			got := ""
			if odd {
				got = j.Words()
			}
			if got != row.words {
				t.Errorf("judged %q, want %q (%+v)", got, row.words, j)
			}
		})
	}
}

// TestPlacesAreExact holds that a place is kept to a kilometre, all over the
// Earth.
func TestPlacesAreExact(t *testing.T) {
	for lat := -89.5; lat < 90; lat += 7.3 {
		for lon := -180.0; lon <= 180; lon += 11.7 {
			var s State
			l := Login{Time: start, Lat: lat, Lon: lon}
			s.Learn(l, params)
			if km := s.from(l).Distance; km > 1 {
				t.Fatalf("%v, %v is kept %.2f km off", lat, lon, km)
			}
		}
	}
}

func BenchmarkTravel(b *testing.B) {
	var s State
	for i := 0; b.Loop(); i++ {
		l := munich(time.Duration(i) * time.Hour)
		if _, odd := s.Judge(l, params); !odd {
			s.Learn(l, params)
		}
	}
}
