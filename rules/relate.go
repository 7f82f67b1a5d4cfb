package rules

import (
	"bytes"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// Tests that compare a field with another one, or a part of a time.

// fieldref compares a field with the field that the value names.
func (b *detectionBuilder) fieldref(mods modifiers, v sigma.Value) (predicate, bool) {
	if v.Kind != sigma.String || v.Text == "" {
		b.fault(v.At, "fieldref takes the name of a field, not %s", v)
		return predicate{}, false
	}
	s, ok := b.namedSlot(v.At, v.Text)
	if !ok {
		return predicate{}, false
	}
	q := predicate{op: opField, than: opEqual, cased: mods.cased, other: b.slotID(s), words: "is the same as " + v.Text}
	switch mods.where {
	case "contains":
		q.than, q.words = opContains, "contains what is in "+v.Text
	case "startswith":
		q.than, q.words = opPrefix, "starts with what is in "+v.Text
	case "endswith":
		q.than, q.words = opSuffix, "ends with what is in "+v.Text
	}
	return q, true
}

// related reports whether a value stands in a predicate's relation to one of
// the values of its other field.
func (m *Matcher) related(q *predicate, i int, a *activity.Activity) bool {
	lo, hi := m.load(q.other, a)
	for j := lo; j < hi; j++ {
		one, two := m.text(i, q.cased), m.text(j, q.cased)
		switch q.than {
		case opContains:
			if bytes.Contains(one, two) {
				return true
			}
		case opPrefix:
			if bytes.HasPrefix(one, two) {
				return true
			}
		case opSuffix:
			if bytes.HasSuffix(one, two) {
				return true
			}
		default:
			if bytes.Equal(one, two) {
				return true
			}
		}
	}
	return false
}

// Parts of a time, in UTC.
const (
	partMinute uint8 = iota
	partHour
	partDay  // of the month
	partWeek // of the year, ISO 8601
	partMonth
	partYear
)

// timeParts are the modifiers that take a part of a time, by their constants.
func timeParts() []string { return []string{"minute", "hour", "day", "week", "month", "year"} }

// timePart compares a part of a time with a number.
func (b *detectionBuilder) timePart(mods modifiers, v sigma.Value) (predicate, bool) {
	n, ok := numeric(v)
	if !ok {
		b.fault(v.At, "%s takes a number, and %s is none; write for example 3", mods.part, v)
		return predicate{}, false
	}
	than, verb := opNumber, "is"
	if mods.op != "" {
		than, verb = orderOf(mods.op)
	}
	return predicate{
		op: opTime, than: than, num: n, part: uint8(slices.Index(timeParts(), mods.part)),
		words: "has a " + mods.part + " that " + verb + " " + v.Text,
	}, true
}

// partHolds compares a part of the time that a value tells.
func (m *Matcher) partHolds(q *predicate, v activity.Value) bool {
	t, ok := timeOf(v)
	if !ok {
		return false
	}
	n := float64(partOf(t, q.part))
	if q.than == opNumber {
		return n == q.num
	}
	return ordered(q.than, n, q.num)
}

// timeOf reads a time: RFC 3339 or the same without a zone, which is UTC; a
// number is seconds since 1970, or milliseconds where seconds would be past
// the year 5000. What cannot be a time is not parsed, because the errors of
// time are allocated.
func timeOf(v activity.Value) (time.Time, bool) {
	const lastSecond = 1e11
	n, ok := number(v)
	switch {
	case ok && (n < 0 || n >= 1000*lastSecond):
		return time.Time{}, false
	case ok && n < lastSecond:
		return time.Unix(int64(n), 0).UTC(), true
	case ok:
		return time.UnixMilli(int64(n)).UTC(), true
	}
	s := v.Str
	if len(s) < len("2006-01-02 15:04:05") || len(s) > 40 || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[10] != 'T' && s[10] != ' ' {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func partOf(t time.Time, part uint8) int {
	switch part {
	case partMinute:
		return t.Minute()
	case partHour:
		return t.Hour()
	case partDay:
		return t.Day()
	case partWeek:
		_, week := t.ISOWeek()
		return week
	case partMonth:
		return int(t.Month())
	default:
		return t.Year()
	}
}
