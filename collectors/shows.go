package collectors

import (
	"slices"
	"strings"

	"github.com/picketd/picket/collectors/activity"
)

// Shows is what one source can tell of an account. It is there so that silence
// is not taken for calm: a rule about apps says nothing where no post tells its
// app. Each collector's folder says it of its own configuration.
type Shows struct {
	// Any says that whoever writes to the source decides: all may come of it,
	// and nothing has to. The rest is empty then.
	Any bool
	// Kinds are the kinds of activity that come of it. Those that the scheduler
	// adds (activity.KindPoll) are not among them.
	Kinds []activity.Kind
	// Hidden says of kinds that are not among Kinds why. Some have no entry:
	// nobody would look for them there.
	Hidden map[activity.Kind]Lack
	// Without says of fields that its activities do not carry why; mentions,
	// which are somebody else's, may. The name of a part's whole, "geo", stands
	// for all of its parts.
	Without map[string]Lack
}

// Lack is why something is not shown.
type Lack struct {
	Why  string // "X stopped telling the app of a post in December 2022"
	Mend string // what would show it, "give credential token"; empty where nothing would
}

// Kind says whether activities of a kind come of the source, and why not; a
// Lack without words is one that the source has no reason for.
func (s Shows) Kind(k activity.Kind) (Lack, bool) {
	if slices.Contains(s.Kinds, k) {
		return Lack{}, true
	}
	return s.Hidden[k], false
}

// Field says whether activities of a kind that comes of the source may carry a
// field, and why not.
func (s Shows) Field(k activity.Kind, name string) (Lack, bool) {
	for k != activity.KindMention {
		if lack, absent := s.Without[name]; absent {
			return lack, false
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			break
		}
		name = name[:dot]
	}
	return Lack{}, true
}

// HideKinds notes one reason for several kinds.
func (s *Shows) HideKinds(lack Lack, kinds ...activity.Kind) {
	if s.Hidden == nil {
		s.Hidden = map[activity.Kind]Lack{}
	}
	for _, k := range kinds {
		s.Hidden[k] = lack
	}
}
