package alerting

import (
	"errors"
	"strconv"
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
// none, or about something else than mentions.
func CrowdOf(a *Alert) *Crowd {
	for i := range a.Reasons {
		of := a.Reasons[i].Detail // as a rule of type storm writes it
		if of["of"] != "mentions" {
			continue
		}
		span, err := time.ParseDuration(of["span"])
		c := Crowd{Seconds: int(span / time.Second), Since: a.First.UTC()}
		faults := []error{err}
		for _, n := range []struct {
			to   *int
			text string
		}{{&c.Mentions, of["count"]}, {&c.Low, of["low"]}, {&c.High, of["high"]}} {
			*n.to, err = strconv.Atoi(n.text)
			faults = append(faults, err)
		}
		if errors.Join(faults...) == nil {
			return &c
		}
	}
	return nil
}
