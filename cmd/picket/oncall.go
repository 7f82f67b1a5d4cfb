package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/cmd/internal/config"
)

type oncallCmd struct {
	withConfig
	Schedule []string  `arg:"" optional:"" help:"Only these schedules."`
	At       time.Time `help:"At this moment (RFC 3339); now unless given."`
	Next     int       `help:"How many hand-overs to show of each schedule." default:"3"`
	JSON     bool      `help:"Print JSON lines."`
}

// duty is a shift as it is shown: Until is zero where nothing changes.
type duty struct {
	Schedule string    `json:"schedule"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until,omitzero"`
	OnDuty   []string  `json:"on_duty"`
	Why      string    `json:"why,omitempty"`
	people   []oncall.Person
	zone     *time.Location
}

// Run shows who is on duty, from the configuration alone.
func (c *oncallCmd) Run(e *env) error {
	if c.Next < 0 || c.Next > 1000 {
		return fmt.Errorf("--next %d: expected 0 to 1000", c.Next)
	}
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return err
	}
	if len(cfg.Schedules) == 0 {
		return errors.New("there are no schedules in the configuration; deploy/config/reference.yaml shows how they are written")
	}
	at := c.At
	if at.IsZero() {
		at = time.Now()
	}
	var duties []duty
	for _, s := range cfg.Schedules {
		if len(c.Schedule) == 0 || slices.Contains(c.Schedule, s.Name) {
			duties = append(duties, dutiesOf(&s, at, c.Next)...)
		}
	}
	if len(duties) == 0 {
		return fmt.Errorf("there is no schedule %s", strings.Join(c.Schedule, ", "))
	}
	if !c.JSON {
		return listDuties(e.out, duties)
	}
	enc := json.NewEncoder(e.out)
	for i := range duties {
		if err := enc.Encode(&duties[i]); err != nil {
			return err
		}
	}
	return nil
}

// dutiesOf returns who is on duty at a moment, and after each of the next
// hand-overs.
func dutiesOf(s *oncall.Schedule, at time.Time, handovers int) []duty {
	var out []duty
	shift, ok := s.Shifts(at, at.Add(1))[0], true
	for i := 0; ok; i++ {
		one := duty{Schedule: s.Name, From: shift.From.In(s.Zone), OnDuty: []string{}, Why: shift.Why, people: shift.People, zone: s.Zone}
		for _, p := range shift.People {
			one.OnDuty = append(one.OnDuty, p.Name)
		}
		if shift, ok = s.Next(shift.From); ok {
			one.Until = shift.From.In(s.Zone)
		}
		out = append(out, one)
		if i == handovers {
			break
		}
	}
	return out
}

func listDuties(out io.Writer, duties []duty) error {
	const form = "Mon 2006-01-02 15:04"
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SCHEDULE\tFROM\tUNTIL\tON DUTY\tWHY\tTIME ZONE")
	for _, d := range duties {
		until, who, why := "-", "nobody", d.Why
		if !d.Until.IsZero() {
			until = d.Until.Format(form)
		}
		if len(d.people) > 0 {
			var names []string
			for _, p := range d.people {
				names = append(names, called(p))
			}
			who = strings.Join(names, " and ")
		}
		if why == "" {
			why = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.Schedule, d.From.Format(form), until, who, why, d.zone)
	}
	return w.Flush()
}

// called is a person's name with how to phone them.
func called(p oncall.Person) string {
	var more []string
	for _, s := range []string{p.FullName, p.Contacts[oncall.Phone]} {
		if s != "" {
			more = append(more, s)
		}
	}
	if len(more) == 0 {
		return p.Name
	}
	return p.Name + " (" + strings.Join(more, ", ") + ")"
}
