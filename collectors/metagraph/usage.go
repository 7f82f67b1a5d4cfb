package metagraph

import (
	"encoding/json"
	"net/http"
	"time"
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
				u.add(clip(Plain(s.Type+" "+object), 60), s)
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
