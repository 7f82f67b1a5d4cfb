package metagraph

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/picketd/picket/collectors"
)

// usage is the highest of what an answer's headers say.
type usage struct {
	percent int
	of      string        // what is limited: "the app", "pages 1234"
	wait    time.Duration // until access is regained, 0 where it is not lost
}

// maxWait bounds a wait that a header names: a business use case's window is a
// day.
const maxWait = 24 * time.Hour

// holdFor is how long at least nothing is sent after an answer that told a usage
// of HoldAt or more and no time: half an hour for what is left of the limit in
// percent, an hour where nothing is, so that the rest lasts for the shortest
// window however many requests a percent is.
func holdFor(percent int) time.Duration {
	if left := 100 - percent; left > 0 {
		return 30 * time.Minute / time.Duration(left)
	}
	return time.Hour
}

// minutes are those since 1970 in which requests of the last hour were sent, in
// order.
type minutes []int64

// add notes a request.
func (m *minutes) add(now time.Time) {
	at := now.Unix() / 60
	if n := len(*m); n == 0 || (*m)[n-1] != at {
		*m = append(slices.DeleteFunc(*m, func(o int64) bool { return o < at-60 }), at)
	}
}

// oldest returns in how long the oldest of the last hour's requests will have
// left a window of an hour, which is when usage can fall.
func (m minutes) oldest(now time.Time) time.Duration {
	for _, at := range m {
		if left := time.Unix(60*(at+61), 0).Sub(now); left > 0 {
			return min(left, time.Hour)
		}
	}
	return 0
}

// share is a limit's use, in percent.
type share struct {
	Type  string  `json:"type"`
	Calls float64 `json:"call_count"`
	CPU   float64 `json:"total_cputime"`
	Time  float64 `json:"total_time"`
	Wait  float64 `json:"estimated_time_to_regain_access"` // minutes
}

// usageOf reads the usage headers. What is not of the documented form says
// nothing: an answer is no worse for it.
func usageOf(h http.Header) usage {
	var u usage
	for header, of := range map[string]string{"X-App-Usage": "the app", "X-Page-Usage": "the Page"} {
		var s share
		if json.Unmarshal([]byte(h.Get(header)), &s) == nil {
			u.add(of, s)
		}
	}
	var cases map[string][]share
	if json.Unmarshal([]byte(h.Get("X-Business-Use-Case-Usage")), &cases) == nil {
		for object, shares := range cases {
			for _, s := range shares {
				u.add(collectors.Clip(Plain(s.Type+" "+object), 60), s)
			}
		}
	}
	return u
}

func (u *usage) add(of string, s share) {
	// The higher, and of two alike the first by name: maps have no order.
	p := int(min(max(s.Calls, s.CPU, s.Time, 0), 1000))
	if p > u.percent || p == u.percent && (u.of == "" || of < u.of) {
		u.percent, u.of = p, of
	}
	wait := time.Duration(min(max(s.Wait, 0), maxWait.Minutes()) * float64(time.Minute))
	u.wait = max(u.wait, wait)
}
