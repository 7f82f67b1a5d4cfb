package trial

import (
	"cmp"
	"strings"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/file"
	"github.com/picketd/picket/collectors/mastodon"
	"github.com/picketd/picket/collectors/x"
	"github.com/picketd/picket/detector"
)

// sights says what a history shows of an account: what some activity in it
// carries, and what its origin would show if it had happened.
type sights struct {
	history *History
	seen    map[kindField]map[string]bool // accounts
}

type kindField struct {
	kind  activity.Kind
	field string
}

func newSight(h *History) detector.Sighted {
	return (&sights{history: h, seen: map[kindField]map[string]bool{}}).of
}

func (s *sights) of(account string, kind activity.Kind, field string) detector.Sight {
	if s.accounts(kindField{kind, field})[account] {
		return detector.Sight{Seen: true}
	}
	shows := s.live(account)
	if s.history.Origin == FromArchive {
		shows = file.ArchiveShows()
	}
	lack, shown := shows.Kind(kind)
	if shown && field != "" {
		lack, shown = shows.Field(kind, field)
	}
	switch {
	case !shown && kind.Class() == activity.ClassLogins && s.accounts(kindField{kind, ""})[account]:
		return detector.Sight{Why: sentence(lack.Why, "the history does not tell where a login came from"), Mend: loginProvider}
	case !shown && kind.Class() == activity.ClassLogins:
		return detector.Sight{Why: sentence(lack.Why, "this history has no "+nounOf(kind)), Mend: loginProvider}
	case !shown && field != "":
		return detector.Sight{Why: s.without(field, lack), Mend: s.token(account, lack)}
	case published(kind), kind == activity.KindDelete && s.history.Origin == FromArchive:
		return detector.Sight{Seen: true} // there were none, and they would be here
	case kind == activity.KindPoll, shown:
		return detector.Sight{Why: "the past does not show this; a Picket that watches sees it", Mend: s.connectTo(account)}
	}
	return detector.Sight{Why: sentence(lack.Why, "this history has no "+nounOf(kind))}
}

// live is what the network of an account shows to a Picket that is connected to
// it without a token of the account.
func (*sights) live(account string) collectors.Shows {
	switch network, _, _ := strings.Cut(account, "/"); network {
	case x.Network:
		return x.Config{}.Shows()
	case mastodon.Network:
		return mastodon.Config{}.Shows()
	}
	return collectors.Shows{}
}

// without says why a field is not shown. Of lines that somebody recorded the
// network does not say all.
func (s *sights) without(field string, lack collectors.Lack) string {
	none := "this history does not tell the " + field
	switch {
	case lack.Why == "":
		return none
	case s.history.Origin == FromLines:
		return none + "; " + lack.Why
	}
	return lack.Why
}

// token is what to do about a lack that a token of the account ends.
func (s *sights) token(account string, lack collectors.Lack) string {
	if lack.Mend == "" {
		return ""
	}
	return s.connectTo(account) + ", with a token of the account"
}

// loginProvider is where logins are seen.
const loginProvider = "connect what your team logs in with: picket connect okta"

// connectTo says how an account is connected.
func (s *sights) connectTo(account string) string {
	if !connectable(account) {
		return ""
	}
	return "connect the account: " + connecting(account, s.history.Server)
}

// sentence returns the first text that is not empty.
func sentence(texts ...string) string { return cmp.Or(texts...) }

// accounts returns those of which some activity is of the kind and has the
// field; every one has the field "".
func (s *sights) accounts(want kindField) map[string]bool {
	if found, ok := s.seen[want]; ok {
		return found
	}
	found := map[string]bool{}
	s.seen[want] = found
	ref, err := activity.LookupField(want.field)
	if err != nil && want.field != "" {
		return found
	}
	var values []activity.Value
	for i := range s.history.Activities {
		a := &s.history.Activities[i]
		if a.Kind != want.kind || found[a.Account] {
			continue
		}
		if ref != nil {
			values = ref.Values(a, values[:0])
		}
		if ref == nil || len(values) > 0 {
			found[a.Account] = true
		}
	}
	return found
}
