package activity

import (
	"time"
	"unicode/utf8"
)

// Decoder reads the interchange form. The zero Decoder is ready for use and
// meant to be kept: after a few inputs it decodes without allocating, and it
// learns the order in which the writer puts the members. It must not be used
// from two goroutines at once.
//
// What it fills in aliases the input, or the Decoder's own memory where text
// holds escapes: it is valid until the input is changed or the same Decoder
// is used again. Whoever keeps an activity for longer clones it, or calls Part.
//
// Every error is a *SyntaxError.
type Decoder struct {
	// Strict refuses fields that the format does not know, and suggests the
	// nearest one that it does. Off, they are read over, so that newer writers
	// do not break older readers.
	Strict bool

	walk
	keyBytes []byte // of recent, between its base64 and its numbers
}

// Activity decodes data, which holds one activity and nothing else, into
// into, whose slices are used again. After an error into is unusable.
func (d *Decoder) Activity(data []byte, into *Activity) error {
	d.begin(data)
	return d.finish(d.activity(0, into))
}

// Batch decodes data, which holds one batch and nothing else, into into,
// whose slices and activities are used again. After an error into is empty.
func (d *Decoder) Batch(data []byte, into *Batch) error {
	d.begin(data)
	err := d.finish(d.batch(0, into))
	if err != nil {
		*into = Batch{Recent: into.Recent[:0], Activities: into.Activities[:0]}
	}
	return err
}

// Part lets go of what was decoded last: it stays valid when the Decoder is used
// again, as long as the input is not changed.
func (d *Decoder) Part() { d.arena, d.alien = nil, "" }

// UnmarshalJSON reads the interchange form, tolerant of unknown fields. The
// activity keeps its own copy of the data.
func (a *Activity) UnmarshalJSON(data []byte) error {
	var d Decoder
	var fresh Activity
	if err := d.Activity(append([]byte(nil), data...), &fresh); err != nil {
		return err
	}
	*a = fresh
	return nil
}

func (d *Decoder) begin(data []byte) { d.data, d.arena, d.err = data, d.arena[:0], nil }

// finish checks that nothing follows and lets go of the input.
func (d *Decoder) finish(i int) error {
	if i >= 0 && d.space(i) != len(d.data) {
		i = d.expected(i, "the end of the input")
	}
	d.data = nil
	if i < 0 {
		return d.err
	}
	return nil
}

// unknown reads over a member that the format does not know, or refuses it.
func (d *Decoder) unknown(i int, n name, known []string) int {
	if d.Strict {
		return d.fail(i, "unknown field%s", suggest(d.nameOf(n), known))
	}
	return d.value(i, 0)
}

// activity reads the object at i.
func (d *Decoder) activity(start int, a *Activity) int {
	a.reset()
	var seen members
	n, i := d.open(start, startActivity, &seen, "an activity (an object)")
	for n != nEnd {
		switch {
		case n <= nLastText:
			p := a.textOf(n)
			*p, i = d.text(i)
		case n <= nLastList:
			p := a.listOf(n)
			*p, i = d.list(i, *p)
		default:
			i = d.part(i, n, a)
		}
		n, i = d.next(i, n, &seen)
	}
	if i < 0 {
		return i
	}
	return d.network(start, i, a)
}

// part reads the value at i of a member that is neither text nor a list of it.
func (d *Decoder) part(i int, n name, a *Activity) int {
	switch n {
	case nKind:
		var s string
		s, i = d.text(i)
		a.Kind = Kind(s)
	case nTime:
		a.Time, i = d.time(i)
	case nSeen:
		a.Seen, i = d.time(i)
	case nGeo:
		i = d.geo(i, &a.Geo)
	case nMedia:
		a.Media, i = d.media(i, a.Media)
	case nProfile:
		a.Profile, i = d.fields(i, a.Profile)
	case nOld:
		a.Old, i = d.fields(i, a.Old)
	case nMetrics:
		a.Metrics, i = d.metrics(i, a.Metrics)
	case nApproval:
		i = d.approval(i, &a.Approval)
	case nOutcome:
		i = d.outcome(i, &a.Outcome)
	case nPoll:
		i = d.poll(i, &a.Poll)
	case nVerdict:
		i = d.verdict(i, &a.Verdict)
	case nRaw:
		a.Raw, i = d.raw(i)
	default:
		i = d.unknown(i, n, activityNames())
	}
	return i
}

// network sets or checks Network by what Account has before its slash.
func (d *Decoder) network(start, i int, a *Activity) int {
	account := a.Account
	for j := range len(account) {
		if account[j] != '/' {
			continue
		}
		if a.Network == "" {
			a.Network = account[:j]
		} else if a.Network != account[:j] {
			d.fail(start, "%q contradicts account %q; omit network or make both agree", brief(a.Network), brief(account))
			return d.inside("network")
		}
		break
	}
	return i
}

// time reads a time; null is the absent one.
func (d *Decoder) time(at int) (time.Time, int) {
	const usual = len(timeExample)
	if len(d.data)-at >= usual && d.data[at] == '"' && d.data[at+usual-1] == '"' {
		if t, ok := parseTime(stringOf(d.data[at+1 : at+usual-1])); ok {
			return t, at + usual
		}
	}
	if at = d.skip(at); at >= len(d.data) || d.data[at] != '"' {
		if i, ok := d.null(at); ok {
			return time.Time{}, i
		}
		return time.Time{}, d.expected(at, "a time such as "+timeExample+" in double quotes")
	}
	s, i := d.text(at)
	if i < 0 {
		return time.Time{}, i
	}
	t, ok := parseTime(s)
	if !ok {
		return time.Time{}, d.fail(at, "%q is not a time; expected RFC 3339 such as %s, years 1 to 9999, at most 9 decimals", brief(s), timeExample)
	}
	return t, i
}

const timeExample = `"2026-03-01T12:00:00Z"`

// brief cuts what an error quotes.
func brief(s string) string {
	if len(s) <= 40 {
		return s
	}
	n := 40
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// opt reads a number; null is the absent one.
func (d *Decoder) opt(i int) (Opt, int) {
	i = d.skip(i)
	if i, ok := d.null(i); ok {
		return Opt{}, i
	}
	v, i := d.number(i)
	return Opt{V: v, OK: true}, i
}

// raw returns the object at start as it stands in the input.
func (d *Decoder) raw(start int) ([]byte, int) {
	start = d.skip(start)
	if i, ok := d.null(start); ok {
		return nil, i
	}
	if start >= len(d.data) || d.data[start] != '{' {
		return nil, d.expected(start, "an object: the source's own event")
	}
	i := d.value(start, 0)
	if i < 0 {
		return nil, i
	}
	return d.data[start:i:i], i
}

// reset makes a absent in every field and keeps its slices for reuse.
func (a *Activity) reset() {
	links, domains, mentions, hashtags := a.Links[:0], a.LinkDomains[:0], a.Mentions[:0], a.Hashtags[:0]
	media, profile, changed, old, metrics := a.Media[:0], a.Profile[:0], a.Changed[:0], a.Old[:0], a.Metrics[:0]
	texts, hashes, approvers := a.Approval.Links[:0], a.Approval.Media[:0], a.Approval.Approvers[:0]
	values := a.Verdict.Values[:0]
	*a = Activity{}
	a.Links, a.LinkDomains, a.Mentions, a.Hashtags = links, domains, mentions, hashtags
	a.Media, a.Profile, a.Changed, a.Old, a.Metrics = media, profile, changed, old, metrics
	a.Approval.Links, a.Approval.Media, a.Approval.Approvers = texts, hashes, approvers
	a.Verdict.Values = values
}
