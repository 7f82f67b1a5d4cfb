package match

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
)

// maxText bounds the text of matchers in bytes.
const maxText = 4096

// ErrNone is the error of matchers that would match every alert, matched with
// errors.Is.
var ErrNone = errors.New("no matcher")

// Matchers select alerts by their labels. The zero value matches every alert.
// They are immutable and safe for concurrent use. Their JSON is their text.
type Matchers struct{ all labels.Matchers }

// Parse reads matchers: one or several with commas between them, in braces or
// not. It refuses the empty list with ErrNone and names that no alert has, so
// that a slip of the pen is no silence that matches nothing, or everything.
func Parse(s string) (Matchers, error) {
	if len(s) > maxText {
		return Matchers{}, fmt.Errorf("matchers have %d bytes; expected at most %d", len(s), maxText)
	}
	if !utf8.ValidString(s) {
		return Matchers{}, errors.New("matchers are not UTF-8")
	}
	all, err := parse.Matchers(s)
	if err != nil {
		return Matchers{}, fmt.Errorf("matchers %q: %w; expected such as account=\"x/acme\", level=~\"low|medium\"", s, err)
	}
	if len(all) == 0 {
		return Matchers{}, fmt.Errorf("%w in %q; expected such as account=\"x/acme\", level=~\"low|medium\"", ErrNone, s)
	}
	for _, m := range all {
		if !slices.Contains(Names(), m.Name) && (!strings.HasPrefix(m.Name, Group) || m.Name == Group) {
			return Matchers{}, fmt.Errorf("matchers %q: alerts have no label %q; expected one of %s, or %s and a field such as %sip",
				s, m.Name, strings.Join(Names(), ", "), Group, Group)
		}
	}
	return Matchers{all}, nil
}

// Matches reports whether all matchers match.
func (m Matchers) Matches(s Set) bool {
	for _, one := range m.all {
		if !matches(one, s[one.Name]) {
			return false
		}
	}
	return true
}

func matches(m *labels.Matcher, values []string) bool {
	if len(values) == 0 {
		return m.Matches("")
	}
	if m.Type == labels.MatchNotEqual || m.Type == labels.MatchNotRegexp {
		return !slices.ContainsFunc(values, func(v string) bool { return !m.Matches(v) })
	}
	return slices.ContainsFunc(values, m.Matches)
}

// Could reports whether an alert may match whose label has this one value,
// whatever its other labels are. It is false only where a matcher of that very
// label rules it out.
func (m Matchers) Could(label, value string) bool {
	for _, one := range m.all {
		if one.Name == label && !one.Matches(value) {
			return false
		}
	}
	return true
}

// IsZero reports whether there is no matcher.
func (m Matchers) IsZero() bool { return len(m.all) == 0 }

// String returns the matchers in braces, which Parse reads as the same ones;
// "" for the zero value.
func (m Matchers) String() string {
	if m.IsZero() {
		return ""
	}
	return m.all.String()
}

// MarshalJSON writes the text of the matchers.
func (m Matchers) MarshalJSON() ([]byte, error) { return json.Marshal(m.String()) }

// UnmarshalJSON reads the text of matchers, "" as the zero value.
func (m *Matchers) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if s == "" {
		*m = Matchers{}
		return nil
	}
	parsed, err := Parse(s)
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}
