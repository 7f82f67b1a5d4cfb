package ruletest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/sigma"
)

// reader reads YAML nodes strictly and collects faults.
type reader struct {
	file   string
	faults rules.Faults
	nodes  int          // of values, so far
	beyond *rules.Fault // what keeps the values from being read, beside which others mean nothing
}

func place(n *yaml.Node) sigma.Pos { return sigma.Pos{Line: max(n.Line, 1), Column: max(n.Column, 1)} }

func (r *reader) fault(n *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, rules.Fault{File: r.file, At: place(n), Message: fmt.Sprintf(format, args...)})
}

// stop reports what keeps the file's values from being read.
func (r *reader) stop(n *yaml.Node, format string, args ...any) {
	r.beyond = &rules.Fault{File: r.file, At: place(n), Message: fmt.Sprintf(format, args...)}
}

// syntax reports what the YAML library says; it tells the line only within
// its message.
func (r *reader) syntax(err error) {
	line, msg := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): (.*)$`).FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = m[2]
	}
	r.fault(&yaml.Node{Line: line}, "not YAML: %s; check indentation, quotes and colons here and in the line before", msg)
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// object reads a mapping whose keys are all known. It returns the keys that
// were given, nil where it is no mapping.
func (r *reader) object(n *yaml.Node, what string, known map[string]func(*yaml.Node)) map[string]bool {
	return r.open(n, what, known, func(key, _ *yaml.Node) {
		r.fault(key, "%s: unknown key %q; expected one of %s", what, key.Value,
			strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	})
}

// open reads a mapping and gives keys that are not known to other.
func (r *reader) open(n *yaml.Node, what string, known map[string]func(*yaml.Node), other func(key, value *yaml.Node)) map[string]bool {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		r.fault(n, "%s is not a mapping; write key: value lines", what)
		return nil
	}
	given := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if given[key.Value] {
			r.fault(key, "%s: key %q is given twice; keep one", what, key.Value)
			continue
		}
		given[key.Value] = true
		if read := known[key.Value]; read != nil {
			read(value)
		} else {
			other(key, value)
		}
	}
	return given
}

func (r *reader) list(n *yaml.Node, what string) []*yaml.Node {
	if n = resolve(n); n.Kind != yaml.SequenceNode {
		r.fault(n, "%s is not a list; put - before each item, or brackets around them", what)
		return nil
	}
	return n.Content
}

// text reads a scalar that is not empty, "" after a fault.
func (r *reader) text(n *yaml.Node, what string) string {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" || n.ShortTag() == "!!null" {
		r.fault(n, "%s is not text; write a value", what)
		return ""
	}
	return n.Value
}

func (r *reader) texts(n *yaml.Node, what string) []string {
	var out []string
	for _, item := range r.list(n, what) {
		out = append(out, r.text(item, "an item of "+what))
	}
	return out
}

func (r *reader) choice(n *yaml.Node, what string, choices ...string) string {
	s := r.text(n, what)
	if s != "" && !slices.Contains(choices, s) {
		r.fault(n, "%s is %q; expected one of %s", what, s, strings.Join(choices, ", "))
		return ""
	}
	return s
}

// maxCount bounds the activities of a scenario, so that a slip of the pen does
// not fill the memory.
const maxCount = 100_000

func (r *reader) count(n *yaml.Node, what string) int {
	s := r.text(n, what)
	v, err := strconv.Atoi(s)
	if s != "" && (err != nil || v < 1 || v > maxCount) {
		r.fault(n, "%s is %q; expected a whole number from 1 to %d", what, s, maxCount)
		return 1
	}
	return max(v, 1)
}

func (r *reader) duration(n *yaml.Node, what string) time.Duration {
	s := r.text(n, what)
	d, err := time.ParseDuration(s)
	if s != "" && (err != nil || d <= 0) {
		r.fault(n, "%s is %q; expected a duration such as 10s, 3m or 1h30m", what, s)
		return 0
	}
	return d
}

// maxDay bounds days: ten years.
const maxDay = 3653

var (
	momentForm = regexp.MustCompile(`^day ([1-9]\d{0,3}) (\S+)$`)
	daysForm   = regexp.MustCompile(`^([1-9]\d{0,3})-([1-9]\d{0,3})$`)
)

// moment reads "day 31 02:58" or "day 31 02:58:30".
func (r *reader) moment(n *yaml.Node) time.Time {
	day, clock := r.dayAndClock(n)
	return moment(day, clock)
}

func moment(day int, clock time.Duration) time.Time {
	return Start().AddDate(0, 0, day-1).Add(clock)
}

func (r *reader) dayAndClock(n *yaml.Node) (day int, clock time.Duration) {
	s := r.text(n, "at")
	m := momentForm.FindStringSubmatch(s)
	if m != nil {
		var ok bool
		day, _ = strconv.Atoi(m[1])
		if clock, ok = clockOf(m[2]); ok && day <= maxDay {
			return day, clock
		}
	}
	if s != "" {
		r.fault(n, `the moment is %q; expected one such as "day 31 02:58" or "day 31 02:58:30"`, s)
	}
	return 1, 0
}

// clockOf reads a time of day as what has passed since midnight.
func clockOf(s string) (time.Duration, bool) {
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil && len(s) == len(layout) {
			return t.Sub(t.Truncate(24 * time.Hour)), true
		}
	}
	return 0, false
}
