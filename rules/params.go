package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/rules/internal/suggest"
	"github.com/picketd/picket/rules/sigma"
)

// Params are the numbers of a baseline's model by name, defaults included.
// Spans are in seconds.
type Params map[string]float64

// Span returns a span.
func (p Params) Span(name string) time.Duration {
	return time.Duration(p[name] * float64(time.Second))
}

// Count returns a whole number.
func (p Params) Count(name string) int { return int(p[name]) }

// param says what a number of a model may be.
type param struct {
	name        string
	kind        paramKind
	otherwise   float64 // where the document says nothing; spans in seconds
	least, most float64
	words       string // what it is, for faults
}

type paramKind uint8

const (
	realParam  paramKind = iota // any number
	wholeParam                  // a whole number
	spanParam                   // a duration
)

// paramsOf returns the numbers that a type of baseline takes besides the keys
// of baselineKeys.
func paramsOf(t Type) []param {
	switch t {
	case TypeProfile:
		return profileParams()
	case TypeStorm:
		return stormParams()
	case TypeDrift:
		return driftParams()
	case TypeRate:
		return rateParams()
	default:
		return loginParams(t)
	}
}

// params compiles the numbers of a baseline's model.
func (c *compiler) params(r *Rule, d *sigma.Document) {
	known := paramsOf(r.Type)
	if len(known) > 0 {
		r.Params = make(Params, len(known))
	}
	for _, p := range known {
		r.Params[p.name] = p.otherwise
	}
	for _, given := range d.Baseline.Params {
		i := slices.IndexFunc(known, func(p param) bool { return p.name == given.Name.S })
		if i < 0 {
			c.fault(d, given.Name.At, "baseline of type %s has no key %q; expected %s", r.Type, given.Name.S, c.paramHint(r.Type, given.Name.S))
			continue
		}
		v, err := known[i].parse(given.Value.S)
		if err != nil {
			c.fault(d, given.Value.At, "baseline %s: %v", given.Name.S, err)
			continue
		}
		r.Params[given.Name.S] = v
	}
}

func (c *compiler) paramHint(t Type, wrong string) string {
	keys := append([]string{"type", "rules", "group-by"}, baselineKeys(t)...)
	for _, p := range paramsOf(t) {
		keys = append(keys, p.name)
	}
	return strings.Join(keys, ", ") + suggest.Hint(wrong, keys)
}

// parse reads a value and checks its bounds.
func (p *param) parse(text string) (float64, error) {
	if p.kind == spanParam {
		d, err := sigma.ParseDuration(text)
		if err != nil {
			return 0, err
		}
		if s := d.Seconds(); s >= p.least && s <= p.most {
			return s, nil
		}
		return 0, fmt.Errorf("%s is not a span from %s to %s (%s)", text, span(seconds(p.least)), span(seconds(p.most)), p.words)
	}
	v, err := strconv.ParseFloat(text, 64)
	whole := p.kind == wholeParam
	if err != nil || !(v >= p.least && v <= p.most) || whole && v != float64(int64(v)) {
		what := "a number"
		if whole {
			what = "a whole number"
		}
		return 0, fmt.Errorf("%q is not %s from %g to %g (%s)", text, what, p.least, p.most, p.words)
	}
	return v, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
