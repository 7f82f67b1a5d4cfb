// Package habit keeps what is usual for one account, so that a finding can say
// in words what else is odd about an activity and what is not. Nothing here
// raises a finding: models that judge are in detector/baseline. It reads no
// clock and does no I/O.
package habit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/internal/sphere"
	"github.com/picketd/picket/detector/state"
)

// Habits is what is usual for one account or identity. One that has only its
// texts has seen nothing; see New.
type Habits struct {
	Posts     Rhythm
	Domains   baseline.NewValue // of links in posts
	Logins    Rhythm
	Countries baseline.NewValue // of logins
	Devices   baseline.NewValue // of logins
	Last      Place             // of the latest login
	// Today is what was posted on the latest day. It becomes a habit when that
	// day is over: else what a burst repeats were usual before anybody is told.
	Today Today
}

// New returns habits that have seen nothing.
func New(texts *state.Texts) *Habits {
	none := baseline.NewValue{Texts: texts}
	return &Habits{Domains: none, Countries: none, Devices: none, Today: Today{Domains: none}}
}

// Today is what was posted on one day; nothing where Posts has counted nothing.
type Today struct {
	Day     int64 // see baseline.DayOf
	Posts   Rhythm
	Domains baseline.NewValue
}

// Rhythm counts activities by the hour of the day, in the account's time zone.
type Rhythm struct {
	Count int // the sum of Hours
	Hours [24]uint32
}

// Place is where and when a login was.
type Place struct {
	Time int64   // occurrence, Unix nanoseconds; 0 where no login with coordinates is known
	Lat  float64 // degrees
	Lon  float64
}

// Note is one fact about an activity in words. Odd says that it speaks against
// the activity; else it is what is as always.
type Note struct {
	Field string
	Words string
	Odd   bool
}

const (
	enough    = 20   // activities from which shares mean something
	rare      = 0.02 // share of activities below which an hour or a domain is odd
	fast      = 900  // km/h, faster than airliners
	near      = 100  // km within which places are the same: what databases of addresses are off by
	maxDomain = 3    // domains of one post that are spoken of
)

// Post reports whether activities of a kind are habits of posting.
func Post(k activity.Kind) bool {
	return k == activity.KindPost || k == activity.KindReply || k == activity.KindEdit || k == activity.KindMessage
}

// Login reports whether an activity is a habit of logging in.
func Login(a *activity.Activity) bool {
	return a.Kind == activity.KindLogin && !strings.EqualFold(a.Outcome.Result, "failure")
}

// Learn takes an activity that occurred at t, Unix nanoseconds, in the
// account's time zone.
func (h *Habits) Learn(a *activity.Activity, t int64, zone *time.Location) {
	switch {
	case Post(a.Kind):
		posts, domains := h.day(t)
		posts.learn(t, zone)
		for _, d := range a.LinkDomains {
			domains.Learn(d, t)
		}
	case Login(a):
		h.Logins.learn(t, zone)
		if a.Geo.Country != "" {
			h.Countries.Learn(a.Geo.Country, t)
		}
		if a.Device != "" {
			h.Devices.Learn(a.Device, t)
		}
		if a.Geo.Lat.OK && a.Geo.Lon.OK && t >= h.Last.Time {
			h.Last = Place{Time: t, Lat: a.Geo.Lat.V, Lon: a.Geo.Lon.V}
		}
	}
}

// day returns what a post at t is counted in: its day, or where that is over
// the habits.
func (h *Habits) day(t int64) (*Rhythm, *baseline.NewValue) {
	h.settle(t)
	day := baseline.DayOf(t)
	if h.Today.Posts.Count == 0 {
		h.Today.Day = day
	}
	if day < h.Today.Day {
		return &h.Posts, &h.Domains
	}
	return &h.Today.Posts, &h.Today.Domains
}

// settle makes habits of what was posted on a day before that of t.
func (h *Habits) settle(t int64) {
	if h.Today.Posts.Count == 0 || baseline.DayOf(t) <= h.Today.Day {
		return
	}
	h.Posts.add(&h.Today.Posts)
	today := &h.Today.Domains
	for _, v := range today.Values {
		h.Domains.LearnMany(today.Texts.Text(v.Text), v.Last, int(v.Count))
		today.Texts.Release(v.Text)
	}
	h.Today = Today{Domains: baseline.NewValue{Texts: today.Texts, Values: today.Values[:0]}}
}

func (r *Rhythm) add(o *Rhythm) {
	r.Count += o.Count
	for hour, n := range o.Hours {
		r.Hours[hour] += n
	}
}

func (r *Rhythm) learn(t int64, zone *time.Location) {
	r.Count++
	r.Hours[Hour(t, zone)]++
}

// Hour returns the hour of the day in a time zone, of a time in Unix nanoseconds.
func Hour(t int64, zone *time.Location) int { return time.Unix(0, t).In(zone).Hour() }

// Notes says what is odd and what is usual about an activity that Learn has not
// taken yet, what is odd first.
func (h *Habits) Notes(a *activity.Activity, t int64, zone *time.Location) []Note {
	switch {
	case Post(a.Kind):
		h.settle(t)
		return h.ofPost(a, t, zone)
	case Login(a):
		return h.ofLogin(a, t, zone)
	}
	return nil
}

func (h *Habits) ofPost(a *activity.Activity, t int64, zone *time.Location) []Note {
	if h.Posts.Count < enough {
		return nil
	}
	at, n := h.Posts.at(t, zone)
	of := " of " + thousands(h.Posts.Count) + " posts"
	var odd, usual []Note
	var unseen []string
	for i, d := range a.LinkDomains {
		if i == maxDomain {
			break
		}
		if k := count(&h.Domains, d); k == 0 {
			unseen = append(unseen, d)
		} else if share(k, h.Posts.Count) >= rare {
			usual = append(usual, Note{"link_domains", "domain " + d + " (" + thousands(k) + of + ")", false})
		}
	}
	switch {
	case len(unseen) > 0 && n == 0:
		odd = append(odd, Note{"link_domains", "Domain " + strings.Join(unseen, ", ") + ", and " + at + ": 0" + of, true})
	case len(unseen) > 0:
		odd = append(odd, Note{"link_domains", "Domain " + strings.Join(unseen, ", ") + ": 0" + of, true})
	}
	switch s := share(n, h.Posts.Count); {
	case s >= rare:
		usual = append(usual, Note{"time", "hour (" + percent(s) + " of posts)", false})
	case len(unseen) == 0 || n > 0:
		odd = append(odd, Note{"time", at + ": " + thousands(n) + of, true})
	}
	return append(odd, usual...)
}

func (h *Habits) ofLogin(a *activity.Activity, t int64, zone *time.Location) []Note {
	var odd, usual []Note
	if n, ok := h.travel(a, t); ok {
		if n.Odd {
			odd = append(odd, n)
		} else {
			usual = append(usual, n)
		}
	}
	if h.Logins.Count < enough {
		return append(odd, usual...)
	}
	if a.Device != "" && h.Devices.Events >= enough {
		if k := count(&h.Devices, a.Device); k == 0 {
			odd = append(odd, Note{"device", "new device", true})
		} else {
			usual = append(usual, Note{"device", "device (" + thousands(k) + " of " + thousands(h.Logins.Count) + " logins)", false})
		}
	}
	at, n := h.Logins.at(t, zone)
	if s := share(n, h.Logins.Count); s >= rare {
		usual = append(usual, Note{"time", "hour (" + percent(s) + " of logins)", false})
	} else {
		odd = append(odd, Note{"time", at + ": " + thousands(n) + " of " + thousands(h.Logins.Count) + " logins", true})
	}
	return append(odd, usual...)
}

// travel compares a login with the place of the one before: the great circle
// less what address databases are off by at both ends.
func (h *Habits) travel(a *activity.Activity, t int64) (Note, bool) {
	if h.Last.Time == 0 || t <= h.Last.Time || !a.Geo.Lat.OK || !a.Geo.Lon.OK {
		return Note{}, false
	}
	km := sphere.Distance(h.Last.Lat, h.Last.Lon, a.Geo.Lat.V, a.Geo.Lon.V)
	if km < near {
		return Note{}, false
	}
	took := time.Duration(t - h.Last.Time)
	words := fmt.Sprintf("%s km in %s", thousands(int(math.Round(km))), span(took))
	speed := math.Max(0, km-2*near) / math.Max(took.Hours(), 1.0/60)
	if speed > fast {
		return Note{"geo", words + " = " + thousands(int(math.Round(km/math.Max(took.Hours(), 1.0/60)))) + " km/h", true}, true
	}
	return Note{"geo", "travel (" + words + ")", false}, true
}

// at returns the hour of t, "03 to 04 h", and how many activities were in it.
func (r *Rhythm) at(t int64, zone *time.Location) (words string, n int) {
	h := Hour(t, zone)
	return fmt.Sprintf("%02d to %02d h", h, (h+1)%24), int(r.Hours[h])
}

func count(n *baseline.NewValue, value string) int {
	v, _ := n.Value(value)
	return int(v.Count)
}

func share(n, of int) float64 { return float64(n) / float64(of) }

func percent(s float64) string { return strconv.Itoa(int(math.Round(100*s))) + " %" }

// span writes a duration as people say it: 41 min, 9 h, 3 days.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return strconv.Itoa(max(1, int(d.Round(time.Minute).Minutes()))) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Round(time.Hour).Hours())) + " h"
	}
	return strconv.Itoa(int(d.Round(24*time.Hour).Hours()/24)) + " days"
}

// thousands writes a count with separators, "1,914".
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
