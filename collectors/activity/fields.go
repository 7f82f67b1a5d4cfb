package activity

import (
	"fmt"
	"strings"
	"time"
)

// FieldRef is a resolved field name, as rule authors type it: "text",
// "geo.country", "profile.name", "raw.eventType".
type FieldRef struct {
	Name string
	get  func(a *Activity, dst []Value) []Value
}

// Value is one value of a field: text, or a number where IsNum.
type Value struct {
	Str   string
	Num   float64
	IsNum bool
}

// Values appends the field's values to dst: none where absent, several for
// list fields. The strings alias the activity. Nothing is allocated while dst
// has room, but for what the activity does not hold as text: times, and texts
// with escapes in raw.
func (f *FieldRef) Values(a *Activity, dst []Value) []Value { return f.get(a, dst) }

// LookupField resolves a field name. Names are those of the format, with a
// dot before the name of a part:
//
//   - metrics.*, geo.lat, geo.lon, geo.radius, geo.asn, approval.max_uses and
//     poll.clock_skew are numbers; numbers in raw are, too.
//   - Times are text in RFC 3339, UTC.
//   - profile.<name>, old.<name> and metrics.<name> take any name.
//   - outcome is outcome.result.
//   - media is the attachments' hashes; media.hash, media.type and media.url
//     each have one value an attachment.
//   - raw.<path> walks the source's event by member names with dots between.
//     Names are matched exactly; a member whose own name holds dots matches,
//     too. A list on the way is walked element by element, so it gives several
//     values. true and false are text, null is absent, and an object is its
//     JSON text.
//
// The error tells the nearest known name.
func LookupField(name string) (*FieldRef, error) {
	prefix, rest, dotted := strings.Cut(name, ".")
	if dotted && rest != "" {
		if get := lookupOpen(prefix, rest); get != nil {
			return &FieldRef{Name: name, get: get}, nil
		}
	}
	if get := lookupFixed(name); get != nil {
		return &FieldRef{Name: name, get: get}, nil
	}
	switch prefix {
	case "profile", "old", "metrics", "raw":
		return nil, fmt.Errorf("field %q needs a name after %q, such as %s", name, prefix, openExample(prefix))
	}
	if parts := partsOf(name); parts != nil {
		return nil, fmt.Errorf("field %q is an object; expected one of %s", name, strings.Join(parts, ", "))
	}
	return nil, fmt.Errorf("unknown field %q%s", brief(name), suggestField(name))
}

// partsOf lists the fields of fixed name below name.
func partsOf(name string) []string {
	var parts []string
	for _, f := range fixedFields() {
		if strings.HasPrefix(f.name, name+".") {
			parts = append(parts, f.name)
		}
	}
	return parts
}

// FieldNames lists every field name that LookupField knows, in the order of
// the format. A part in angle brackets stands for any name.
func FieldNames() []string {
	fixed := fixedFields()
	names := make([]string, 0, len(fixed)+4)
	for _, f := range fixed {
		names = append(names, f.name)
	}
	return append(names, "profile.<name>", "old.<name>", "metrics.<name>", "raw.<path>")
}

func openExample(prefix string) string {
	switch prefix {
	case "metrics":
		return `"metrics.followers"`
	case "raw":
		return `"raw.eventType"`
	}
	return `"` + prefix + `.name"`
}

func suggestField(name string) string {
	prefix, rest, dotted := strings.Cut(name, ".")
	if dotted {
		if hint := nearest(prefix, []string{"profile", "old", "metrics", "raw"}); hint != "" {
			return `; did you mean "` + hint + "." + rest + `"?`
		}
	}
	return suggest(name, FieldNames())
}

type getter = func(a *Activity, dst []Value) []Value

// fixedField is a field whose name is known beforehand. One of its accessors
// is set, by the type of what it reads.
type fixedField struct {
	name string
	text func(*Activity) string
	list func(*Activity) []string
	num  func(*Activity) Opt
	time func(*Activity) time.Time
	any  getter
}

func lookupFixed(name string) getter {
	for _, f := range fixedFields() {
		if f.name == name {
			return f.getter()
		}
	}
	return nil
}

func (f fixedField) getter() getter {
	switch {
	case f.text != nil:
		return func(a *Activity, dst []Value) []Value { return appendValue(dst, f.text(a)) }
	case f.list != nil:
		return func(a *Activity, dst []Value) []Value {
			for _, s := range f.list(a) {
				dst = append(dst, Value{Str: s})
			}
			return dst
		}
	case f.num != nil:
		return func(a *Activity, dst []Value) []Value {
			if n := f.num(a); n.OK {
				dst = append(dst, Value{Num: n.V, IsNum: true})
			}
			return dst
		}
	case f.time != nil:
		return func(a *Activity, dst []Value) []Value {
			if t := f.time(a); !t.IsZero() {
				dst = append(dst, Value{Str: t.UTC().Format(time.RFC3339Nano)})
			}
			return dst
		}
	}
	return f.any
}

func appendValue(dst []Value, s string) []Value {
	if s == "" {
		return dst
	}
	return append(dst, Value{Str: s})
}

// lookupOpen resolves prefix.name for the parts that take any name.
func lookupOpen(prefix, name string) getter {
	switch prefix {
	case "profile":
		return func(a *Activity, dst []Value) []Value { return appendField(dst, a.Profile, name) }
	case "old":
		return func(a *Activity, dst []Value) []Value { return appendField(dst, a.Old, name) }
	case "metrics":
		return func(a *Activity, dst []Value) []Value {
			for i := range a.Metrics {
				if a.Metrics[i].Name == name {
					return append(dst, Value{Num: a.Metrics[i].Value, IsNum: true})
				}
			}
			return dst
		}
	case "raw":
		return func(a *Activity, dst []Value) []Value { return appendRawValues(dst, a.Raw, name) }
	}
	return nil
}

// appendField appends the named value even if it is empty: a profile without
// a name is a fact.
func appendField(dst []Value, fields []Field, name string) []Value {
	for i := range fields {
		if fields[i].Name == name {
			return append(dst, Value{Str: fields[i].Value})
		}
	}
	return dst
}
