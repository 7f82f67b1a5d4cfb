package alerting

import (
	"fmt"
	"time"
)

// Crowd is a public storm in numbers: how much others write to or about an
// account.
type Crowd struct {
	Mentions int       `json:"mentions"`   // in the newest span that was judged
	Seconds  int       `json:"seconds"`    // how long the span is
	Low      int       `json:"usual_low"`  // as few are usual at that hour
	High     int       `json:"usual_high"` // and as many
	Since    time.Time `json:"since"`      // the first mention of the storm
}

// CrowdOf returns what an alert says of a public storm, nil where it is about
// none.
func CrowdOf(a *Alert) *Crowd {
	for i := range a.Reasons {
		r := &a.Reasons[i]
		if r.Detail["usual"] == "" || r.Detail["why"] == "" { // only rules of type storm have both
			continue
		}
		c := Crowd{Since: a.First.UTC()}
		var span string
		if n, _ := fmt.Sscanf(r.Seen, "%d mentions in %s", &c.Mentions, &span); n != 2 {
			continue // they count something else
		}
		d, err := time.ParseDuration(span)
		if err != nil {
			continue
		}
		c.Seconds = int(d / time.Second)
		if n, _ := fmt.Sscanf(r.Expected, "%d to %d at this hour", &c.Low, &c.High); n == 2 {
			return &c
		}
	}
	return nil
}
