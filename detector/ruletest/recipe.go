package ruletest

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors/activity"
)

// recipe is one entry of habits or case: an activity and when it happens.
type recipe struct {
	node     *yaml.Node
	proto    activity.Activity
	from, to int // days, both included
	each     string
	at       []time.Duration // since midnight
	repeat   int
	every    time.Duration
	late     time.Duration
	approved time.Duration // 0: not
}

// size is at most how many activities the entry makes.
func (rec *recipe) size() int { return (rec.to - rec.from + 1) * len(rec.at) * rec.repeat }

func (r *reader) recipes(n *yaml.Node, what string, read func(*yaml.Node) recipe) []recipe {
	var out []recipe
	for _, item := range r.list(n, what) {
		out = append(out, read(resolve(item)))
	}
	return out
}

// habit reads what happens again and again.
func (r *reader) habit(n *yaml.Node) recipe {
	rec := recipe{node: n, each: "day"}
	given := r.entry(&rec, "a habit", map[string]func(*yaml.Node){
		"days": func(n *yaml.Node) { rec.from, rec.to = r.days(n) },
		"each": func(n *yaml.Node) {
			rec.each = r.choice(n, "each", "day", "workday", "weekend",
				"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
		},
		"at": func(n *yaml.Node) { rec.at = r.clocks(n) },
	})
	for _, key := range []string{"days", "at"} {
		if given != nil && !given[key] {
			r.fault(n, "a habit has no %s; add it", key)
		}
	}
	return rec
}

// incident reads what happens at one moment.
func (r *reader) incident(n *yaml.Node) recipe {
	rec := recipe{node: n, each: "day"}
	given := r.entry(&rec, "an activity", map[string]func(*yaml.Node){
		"at": func(n *yaml.Node) {
			day, clock := r.dayAndClock(n)
			rec.from, rec.to, rec.at = day, day, []time.Duration{clock}
		},
	})
	if given != nil && !given["at"] {
		r.fault(n, "an activity has no at; add it")
	}
	return rec
}

// entry reads what habits and case have in common, besides own keys.
func (r *reader) entry(rec *recipe, what string, own map[string]func(*yaml.Node)) map[string]bool {
	rec.repeat = 1
	own["repeat"] = func(n *yaml.Node) { rec.repeat = r.count(n, "repeat") }
	own["every"] = func(n *yaml.Node) { rec.every = r.duration(n, "every") }
	own["late"] = func(n *yaml.Node) { rec.late = r.duration(n, "late") }
	own["approved"] = func(n *yaml.Node) { rec.approved = r.duration(n, "approved") }
	fields := map[string]any{}
	given := r.open(rec.node, what, own, func(key, value *yaml.Node) {
		switch key.Value {
		case "id", "time", "seen", "network":
			r.fault(key, "%s: key %q is filled in; remove it", what, key.Value)
		default:
			fields[key.Value] = r.plain(value)
		}
	})
	if given != nil {
		rec.proto = r.activity(rec.node, fields)
	}
	if rec.repeat > 1 && !given["every"] {
		r.fault(rec.node, "%s has repeat and no every; add the time between them", what)
	}
	return given
}

// activity reads the fields of an activity by the decoder that reads what
// others send, so that the form is one.
func (r *reader) activity(n *yaml.Node, fields map[string]any) activity.Activity {
	fields["id"], fields["time"] = "0", Start()
	var a activity.Activity
	data, err := json.Marshal(fields)
	if err == nil {
		d := activity.Decoder{Strict: true}
		err = d.Activity(data, &a)
	}
	if err == nil {
		a = a.Clone()
		err = a.Validate()
	}
	switch wrong, isSyntax := errors.AsType[*activity.SyntaxError](err); {
	case err == nil:
	case isSyntax:
		r.fault(find(n, wrong.Field), "%s", strings.TrimPrefix(wrong.Field+": "+wrong.Msg, ": "))
	default:
		at := n
		if field, ok := errors.AsType[*activity.FieldError](err); ok {
			at = find(n, field.Field)
		}
		r.fault(at, "%v", err)
	}
	return a
}

// find returns the node of a field such as geo.lat, or the nearest around it.
func find(n *yaml.Node, path string) *yaml.Node {
	at := resolve(n)
	for name := range strings.SplitSeq(path, ".") {
		name, _, _ = strings.Cut(name, "[")
		i := 0
		for ; i+1 < len(at.Content) && (at.Kind != yaml.MappingNode || at.Content[i].Value != name); i += 2 {
		}
		if i+1 >= len(at.Content) {
			break
		}
		at = resolve(at.Content[i+1])
	}
	return at
}

// What values may take: an alias stands for all of what it names, which may be
// aliases, too.
const (
	maxDepth = 64
	maxNodes = 100_000
)

// plain returns a node's value as encoding/json takes it.
func (r *reader) plain(n *yaml.Node) any { return r.nested(n, n, 1) }

// nested reads a part of a field's value.
func (r *reader) nested(field, at *yaml.Node, depth int) any {
	switch r.nodes++; {
	case r.beyond != nil:
		return nil
	case depth > maxDepth:
		r.stop(field, "a value is nested deeper than %d; write it flatter, and no alias within what it stands for", maxDepth)
		return nil
	case r.nodes > maxNodes:
		r.stop(field, "the values up to here are more than %d, those of an alias counted wherever it stands; make them fewer", maxNodes)
		return nil
	}
	n := resolve(at)
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		r.open(n, "a value", nil, func(key, value *yaml.Node) { out[key.Value] = r.nested(field, value, depth+1) })
		return out
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			out = append(out, r.nested(field, item, depth+1))
		}
		return out
	default: // a scalar
	}
	var v any
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool", "!!null":
		if err := n.Decode(&v); err != nil {
			r.fault(n, "%v", err)
		}
		return v
	}
	return n.Value
}

// days reads "1-30".
func (r *reader) days(n *yaml.Node) (from, to int) {
	s := r.text(n, "days")
	if m := daysForm.FindStringSubmatch(s); m != nil {
		from, _ = strconv.Atoi(m[1])
		to, _ = strconv.Atoi(m[2])
	}
	if s != "" && (from == 0 || from > to || to > maxDay) {
		r.fault(n, "days is %q; expected the first and the last one such as 1-30, up to %d", s, maxDay)
		return 1, 1
	}
	return from, to
}

func (r *reader) clocks(n *yaml.Node) []time.Duration {
	var out []time.Duration
	for _, s := range r.texts(n, "at") {
		clock, ok := clockOf(s)
		if !ok {
			r.fault(n, `the time of day is %q; expected one such as "08:05" or "08:05:30"`, s)
		}
		out = append(out, clock)
	}
	return out
}

// events carries the recipes out and puts everything in log order. What
// happened before connected arrives then, as history.
func events(recipes []recipe, connected time.Time) []Event {
	var out []Event
	for i := range recipes {
		rec := &recipes[i]
		number := 0
		for day := rec.from; day <= rec.to; day++ {
			if !falls(rec.each, moment(day, 0).Weekday()) {
				continue
			}
			for _, clock := range rec.at {
				for k := range rec.repeat {
					number++
					out = rec.happen(out, moment(day, clock+time.Duration(k)*rec.every), number)
				}
			}
		}
	}
	for i := range out {
		e := &out[i]
		e.Activity.ID = strconv.Itoa(i + 1)
		if e.Activity.Time.Before(connected) {
			e.Backfill, e.Log = true, connected
		}
	}
	slices.SortStableFunc(out, func(a, b Event) int {
		if c := a.Log.Compare(b.Log); c != 0 {
			return c
		}
		return a.Activity.Time.Compare(b.Activity.Time)
	})
	return out
}

// happen appends a recipe's activity at time t, after its approval if it has one.
func (rec *recipe) happen(out []Event, t time.Time, number int) []Event {
	a := rec.proto.Clone()
	a.Time = t
	a.Text = strings.ReplaceAll(a.Text, "{n}", strconv.Itoa(number))
	if rec.approved > 0 {
		ok := activity.Activity{
			Network: a.Network, Account: a.Account, Kind: activity.KindApproval, Time: t.Add(-rec.approved),
			Approval: activity.Approval{Text: a.Text, Links: a.Links, Approvers: []string{"a colleague"}},
		}
		for _, m := range a.Media {
			ok.Approval.Media = append(ok.Approval.Media, m.Hash)
		}
		out = append(out, Event{Log: ok.Time, Activity: ok})
	}
	return append(out, Event{Log: t.Add(rec.late), Activity: a})
}

// falls reports whether a day is one of those that each names.
func falls(each string, day time.Weekday) bool {
	weekend := day == time.Saturday || day == time.Sunday
	switch each {
	case "day":
		return true
	case "workday":
		return !weekend
	case "weekend":
		return weekend
	}
	return strings.EqualFold(each, day.String())
}
