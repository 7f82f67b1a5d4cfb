package habit_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/habit"
	"github.com/picketd/picket/detector/state"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// zone is an hour ahead of UTC all year.
var zone = time.FixedZone("CET", 3600)

// office is a hundred working days: a post at 10 and at 15 with a link home,
// and a login at 9, all an hour ahead of UTC, from one laptop.
func office() *habit.Habits {
	h := habit.New(state.New().Texts)
	for d := range 100 {
		day := start.AddDate(0, 0, d)
		learn := func(hour int, a activity.Activity) {
			h.Learn(&a, day.Add(time.Duration(hour-1)*time.Hour).UnixNano(), zone)
		}
		in := login("DE", 52.5, 13.4)
		in.Device = "laptop"
		learn(9, in)
		learn(10, post("acme.example"))
		learn(15, post())
	}
	return h
}

func post(domains ...string) activity.Activity {
	return activity.Activity{Kind: activity.KindPost, LinkDomains: domains}
}

func login(country string, lat, lon float64) activity.Activity {
	return activity.Activity{Kind: activity.KindLogin, Geo: activity.Geo{Country: country, Lat: activity.Some(lat), Lon: activity.Some(lon)}}
}

func TestNotes(t *testing.T) {
	in := func(device string, a activity.Activity) activity.Activity { a.Device = device; return a }
	failed := login("RO", 46.8, 23.6)
	failed.Outcome.Result = "FAILURE"
	last := start.AddDate(0, 0, 99) // its login was at 08:00 UTC
	next := last.AddDate(0, 0, 1)
	rows := []struct {
		name string
		a    activity.Activity
		at   time.Time
		want []habit.Note
	}{
		{"a post as always", post("acme.example"), next.Add(14 * time.Hour), []habit.Note{
			{"link_domains", "domain acme.example (100 of 200 posts)", false}, {"time", "hour (50 % of posts)", false},
		}},
		{"a post at an odd hour", post(), next.Add(2 * time.Hour), []habit.Note{{"time", "03 to 04 h: 0 of 200 posts", true}}},
		{"an odd domain at an odd hour", post("gift.example"), next.Add(time.Hour), []habit.Note{
			{"link_domains", "Domain gift.example, and 02 to 03 h: 0 of 200 posts", true},
		}},
		{"an odd domain at a usual hour", post("gift.example"), next.Add(9 * time.Hour), []habit.Note{
			{"link_domains", "Domain gift.example: 0 of 200 posts", true}, {"time", "hour (50 % of posts)", false},
		}},
		{"a login as always", in("laptop", login("DE", 52.5, 13.4)), last.Add(32 * time.Hour), []habit.Note{
			{"device", "device (100 of 100 logins)", false}, {"time", "hour (100 % of logins)", false},
		}},
		{"a login from far too soon", in("phone", login("RO", 46.8, 23.6)), last.Add(8*time.Hour + 41*time.Minute), []habit.Note{
			{"geo", "968 km in 41 min = 1,417 km/h", true}, {"device", "new device", true}, {"time", "hour (100 % of logins)", false},
		}},
		{"a flight later", in("laptop", login("RO", 46.8, 23.6)), last.Add(32 * time.Hour), []habit.Note{
			{"geo", "travel (968 km in 24 h)", false}, {"device", "device (100 of 100 logins)", false}, {"time", "hour (100 % of logins)", false},
		}},
		{"a login next door", login("DE", 52.6, 13.4), last.Add(8*time.Hour + time.Minute), []habit.Note{{"time", "hour (100 % of logins)", false}}},
		{"a login that failed", failed, last.Add(9 * time.Hour), nil},
		{"a deletion", activity.Activity{Kind: activity.KindDelete}, last, nil},
	}
	h := office()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if d := cmp.Diff(row.want, h.Notes(&row.a, row.at.UnixNano(), zone)); d != "" {
				t.Errorf("notes (-want +got):\n%s", d)
			}
		})
	}
}

// TestBurstIsNotItsOwnHabit holds that what is posted again and again does not
// become usual on its day, and does on the next.
func TestBurstIsNotItsOwnHabit(t *testing.T) {
	h := office()
	night := start.AddDate(0, 0, 100).Add(2 * time.Hour)
	gift := post("gift.example")
	for i := range 12 {
		h.Learn(&gift, night.Add(time.Duration(i)*time.Second).UnixNano(), zone)
	}
	told := start.AddDate(0, 0, 99) // late, of a day that is over
	late := post("acme.example")
	h.Learn(&late, told.UnixNano(), zone)
	want := []habit.Note{{"link_domains", "Domain gift.example, and 03 to 04 h: 0 of 201 posts", true}}
	if d := cmp.Diff(want, h.Notes(&gift, night.Add(time.Minute).UnixNano(), zone)); d != "" {
		t.Errorf("that night (-want +got):\n%s", d)
	}
	want = []habit.Note{{"link_domains", "domain gift.example (12 of 213 posts)", false}, {"time", "hour (6 % of posts)", false}}
	if d := cmp.Diff(want, h.Notes(&gift, night.AddDate(0, 0, 1).UnixNano(), zone)); d != "" {
		t.Errorf("a day later (-want +got):\n%s", d)
	}
}

func TestStranger(t *testing.T) {
	h := habit.New(state.New().Texts)
	a := post("gift.example")
	if got := h.Notes(&a, start.UnixNano(), time.UTC); got != nil {
		t.Errorf("notes about an account that is not known: %v", got)
	}
}

func TestPack(t *testing.T) {
	for _, row := range []struct {
		name string
		most uint32
		want int
	}{
		{"nothing", 0, 24},
		{"a byte", 255, 24},
		{"more than a byte", 256, 48},
		{"two bytes", 65535, 48},
		{"more than two", 65536, 96},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := habit.Rhythm{Count: int(row.most) + 3}
			r.Hours[0], r.Hours[23] = 3, row.most
			if got := r.Packed(); got != row.want {
				t.Fatalf("%d bytes, want %d", got, row.want)
			}
			packed := make([]byte, row.want)
			r.Pack(packed)
			var got habit.Rhythm
			if got.Unpack(packed); got != r {
				t.Errorf("unpacked %v, want %v", got, r)
			}
		})
	}
}

func TestBump(t *testing.T) {
	for _, row := range []struct {
		name string
		was  uint32
		wide uint32 // of another hour, which says how many bytes each has
		fits bool
	}{
		{"a byte", 254, 1, true},
		{"more than a byte", 255, 1, false},
		{"two bytes", 254, 256, true},
		{"over the first of two bytes", 511, 256, true},
		{"more than two bytes", 65535, 256, false},
		{"over two of four bytes", 65535, 65536, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := habit.Rhythm{Count: int(row.was + row.wide)}
			r.Hours[5], r.Hours[23] = row.was, row.wide
			packed := make([]byte, r.Packed())
			r.Pack(packed)
			if got := habit.Bump(packed, 5); got != row.fits {
				t.Fatalf("Bump = %v, want %v", got, row.fits)
			}
			if row.fits {
				r.Count, r.Hours[5] = r.Count+1, row.was+1
			}
			var got habit.Rhythm
			if got.Unpack(packed); got != r {
				t.Errorf("unpacked %v, want %v", got, r)
			}
		})
	}
}

func TestSeen(t *testing.T) {
	var s habit.Seen
	for _, row := range []struct {
		name string
		kind state.TextID
		at   int64
		want int64
	}{
		{"the first", 7, 1 << 40, 1 << 40},
		{"an earlier one", 7, 5, 1 << 40},
		{"a later one", 7, 1<<60 + 1, 1<<60 + 1},
		{"another kind", 8, 9, 9},
	} {
		if s.Learn(row.kind, row.at); s.Of(row.kind) != row.want {
			t.Errorf("%s: last %d, want %d", row.name, s.Of(row.kind), row.want)
		}
	}
	if s.Latest() != 1<<60+1 || s.Of(9) != 0 {
		t.Errorf("latest %d, of an unseen kind %d", s.Latest(), s.Of(9))
	}
}
