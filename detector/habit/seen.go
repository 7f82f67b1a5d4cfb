package habit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/picketd/picket/collectors/activity"
)

// Seen tells when each kind of activity last occurred. It is a list, since an
// account has few kinds and there are many accounts. It is stored as an object,
// kind → Unix nanoseconds.
type Seen []SeenKind // sorted by kind

// SeenKind is one kind of Seen.
type SeenKind struct {
	Kind activity.Kind
	Last int64 // occurrence, Unix nanoseconds
}

func (s Seen) find(k activity.Kind) (int, bool) {
	return slices.BinarySearchFunc(s, k, func(o SeenKind, k activity.Kind) int { return strings.Compare(string(o.Kind), string(k)) })
}

// Of returns when a kind last occurred, Unix nanoseconds; 0 for never.
func (s Seen) Of(k activity.Kind) int64 {
	if i, ok := s.find(k); ok {
		return s[i].Last
	}
	return 0
}

// Latest returns when anything last occurred, Unix nanoseconds; 0 for never.
func (s Seen) Latest() int64 {
	latest := int64(0)
	for _, k := range s {
		latest = max(latest, k.Last)
	}
	return latest
}

func (s *Seen) learn(k activity.Kind, t int64) {
	i, ok := s.find(k)
	if !ok {
		*s = slices.Insert(*s, i, SeenKind{activity.Kind(strings.Clone(string(k))), 0})
	}
	(*s)[i].Last = max((*s)[i].Last, t)
}

// MarshalJSON implements json.Marshaler.
func (s Seen) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, k := range s {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendQuote(out, string(k.Kind)) // kinds are plain words
		out = strconv.AppendInt(append(out, ':'), k.Last, 10)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seen) UnmarshalJSON(data []byte) error {
	var all map[activity.Kind]int64
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("kinds seen: %w", err)
	}
	*s = nil
	for k, t := range all {
		s.learn(k, t)
	}
	return nil
}
