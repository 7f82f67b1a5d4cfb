package simulate

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

func TestEveryAttackHasItsTruth(t *testing.T) {
	w := world(t, 11, 60, 100, 8)
	acts := all(t, w)
	byID := make(map[string]*seen, len(acts))
	labels := make(map[string]*Label)
	kinds := make(map[Attack]int)
	told := make(map[string]int)
	for i := range acts {
		s := &acts[i]
		byID[s.ID] = s
		if s.label == nil {
			continue
		}
		told[s.ID]++
		if known := labels[s.label.ID]; known == nil {
			labels[s.label.ID] = s.label
			kinds[s.label.Attack]++
			if s.label.ActivityIDs[0] != s.ID {
				t.Errorf("%s appears first with %s, not with its first activity", s.label.ID, s.ID)
			}
		} else if known != s.label {
			t.Errorf("%s has two labels", s.label.ID)
		}
	}
	for _, what := range slices.Concat(Attacks(), Lookalikes()) {
		if kinds[what] < 2 {
			t.Errorf("%d times %s, want some", kinds[what], what)
		}
	}
	for _, l := range labels {
		checkLabel(t, l, byID)
		for _, id := range l.ActivityIDs {
			told[id]--
		}
	}
	for id, n := range told {
		if n != 0 {
			t.Errorf("activity %s is labelled, and not in its label", id)
		}
	}
}

func checkLabel(t *testing.T, l *Label, byID map[string]*seen) {
	t.Helper()
	given := map[Attack]activity.Kind{
		NewCountryLogin: activity.KindLogin, ProfileTakeover: activity.KindProfile,
		MassDeletion: activity.KindDelete, CollectorBlind: activity.KindPoll,
		HolidayTrip: activity.KindLogin, NewColleague: activity.KindLogin, NewPhone: activity.KindLogin,
		NewPicture: activity.KindProfile, NetworkHiccup: activity.KindPoll,
	}
	kind, ok := given[l.Attack]
	if !ok {
		kind = activity.KindPost
	}
	n, until := 0, l.From
	for i, id := range l.ActivityIDs {
		s := byID[id]
		if s == nil || s.label != l {
			t.Errorf("%s (%s) names activity %s, which is not there or not its own", l.ID, l.Attack, id)
			return
		}
		if i > 0 && s.Time.Before(byID[l.ActivityIDs[i-1]].Time) {
			t.Errorf("%s: activities are not in order", l.ID)
		}
		answer := l.Attack == Thread && i > 0 && s.Kind == activity.KindReply
		if (s.Kind == kind || answer) && s.Account == l.Account && !s.Time.Before(l.From) && !s.Time.After(l.Until) {
			n++
			until = s.Time
		}
	}
	if n == 0 || !until.Equal(l.Until) {
		t.Errorf("%s (%s): %d activities of kind %s between %s and %s, the last at %s", l.ID, l.Attack, n, kind, l.From, l.Until, until)
	}
	if l.Benign != slices.Contains(Lookalikes(), l.Attack) || l.Benign != (len(l.ExpectRules) == 0) {
		t.Errorf("%s: %s is benign %v and expects %v", l.ID, l.Attack, l.Benign, l.ExpectRules)
	}
	least := map[Attack]int{PostingBurst: 15, MassDeletion: 15}[l.Attack]
	if n < least {
		t.Errorf("%s: %d activities, want at least %d", l.ID, n, least)
	}
	if span := l.Until.Sub(l.From).Minutes(); least > 0 && span/float64(n) > 10.0/12 {
		t.Errorf("%s: %d activities in %.0f minutes, too slow for a burst", l.ID, n, span)
	}
}

// What a new value is depends on what was there: intruders come from countries,
// networks and apps that their victim had never seen.
func TestIntrudersAreNew(t *testing.T) {
	acts := all(t, world(t, 12, 60, 150, 5))
	countries, networks, apps := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	logins, posted, early := 0, 0, 0
	for i := range acts {
		s := &acts[i]
		country := s.Account + s.Geo.Country
		network := s.Account + s.Geo.ASOrg
		app := s.Account + s.App
		if s.label != nil && s.label.Attack == NewCountryLogin && s.Kind == activity.KindLogin {
			logins++
			if countries[country] {
				t.Errorf("%s: %s had logged in from %s before", s.label.ID, s.Account, s.Geo.Country)
			}
			if want := slices.Contains(s.label.ExpectRules, RuleNewNetwork); networks[network] == want {
				t.Errorf("%s: expects a new network: %v, but %s was known: %v", s.label.ID, want, s.Geo.ASOrg, networks[network])
			}
		}
		if s.label != nil && s.label.Attack == HijackedApp && s.ID == s.label.ActivityIDs[1] {
			posted++
			if apps[app] {
				t.Errorf("%s: %s had posted with %s before", s.label.ID, s.Account, s.App)
			}
		}
		if s.label != nil && !s.label.Benign && s.Time.Sub(newYear) < 14*24*time.Hour {
			early++
			if s.label.Attack == NewCountryLogin || s.label.Attack == HijackedApp {
				t.Errorf("%s (%s) at %s, before a rule could learn", s.label.ID, s.label.Attack, s.Time)
			}
		}
		if s.Kind == activity.KindLogin {
			countries[country], networks[network] = true, true
		}
		if s.Kind == activity.KindPost {
			apps[app] = true
		}
	}
	if logins < 20 || posted < 20 || early < 20 {
		t.Errorf("%d logins, %d hijacked apps, %d early attacks, too few to tell", logins, posted, early)
	}
}

// approvals are those of one account, by the text, links and media that they
// allow.
type approvals map[string][]*seen

func allowed(text string, links, media []string) string {
	return text + "\n" + strings.Join(links, " ") + "\n" + strings.Join(media, " ")
}

func (s *seen) content() string {
	var media []string
	for i := range s.Media {
		media = append(media, s.Media[i].Hash)
	}
	return allowed(s.Text, s.Links, media)
}

// take uses up the first approval in force for that post.
func (p approvals) take(s *seen) bool {
	key := s.content()
	for i, a := range p[key] {
		if from, until := a.Approval.From, a.Approval.Until; s.Time.Before(from) || !until.IsZero() && s.Time.After(until) {
			continue
		}
		p[key] = slices.Delete(p[key], i, i+1)
		return true
	}
	return false
}

func TestApprovals(t *testing.T) {
	w := world(t, 13, 90, 120, 5)
	required, siblings := make(map[string]bool), make(map[string][]string)
	for _, a := range w.Accounts() {
		required[a.Name] = a.ApprovalsRequired
		siblings[a.Organisation] = append(siblings[a.Organisation], a.Name)
	}
	given := make(map[string]approvals)
	for name := range required {
		given[name] = make(approvals)
	}
	benign, edits, verdicts := 0, 0, make(map[string]int)
	for s := range each(t, w) {
		mine := given[s.Account]
		switch {
		case s.Kind == activity.KindApproval:
			if key := allowed(s.Approval.Text, s.Approval.Links, s.Approval.Media); len(s.Approval.Approvers) > 0 {
				mine[key] = append(mine[key], &s)
			}
			if s.label == nil && !required[s.Account] {
				t.Errorf("%s needs no approval and has one", s.Account)
			}
		case s.Kind != activity.KindPost && s.Kind != activity.KindEdit || !required[s.Account]:
		case s.label == nil || s.label.Benign:
			benign++
			if s.Kind == activity.KindEdit {
				edits++
			}
			if !mine.take(&s) {
				t.Errorf("%s at %s was not approved: %q", s.key(), s.Time, s.Text)
			}
		default:
			got := verdict(&s, given, siblings[strings.SplitN(s.Account, "/", 2)[1]])
			verdicts[got]++
			if !slices.Contains(s.label.ExpectRules, got) {
				t.Errorf("%s (%s): the post is %s, expected %v", s.label.ID, s.label.Attack, got, s.label.ExpectRules)
			}
		}
	}
	if benign < 3000 || edits < 30 {
		t.Errorf("%d posts and %d edits checked, too few to tell", benign, edits)
	}
	for _, rule := range []string{RuleUnapproved, RuleEdited, RuleExpired, RuleWrongAccount} {
		if verdicts[rule] < 5 {
			t.Errorf("%d posts are %s, too few to tell", verdicts[rule], rule)
		}
	}
}

// verdict judges a post by the approvals so far, as the built-in rules do.
func verdict(s *seen, given map[string]approvals, siblings []string) string {
	if given[s.Account].take(s) {
		return "approved"
	}
	if len(given[s.Account][s.content()]) > 0 {
		return RuleExpired
	}
	for _, other := range siblings {
		if given[other].take(s) {
			return RuleWrongAccount
		}
	}
	words := func(text string) []string {
		return slices.DeleteFunc(strings.Fields(text), func(w string) bool { return strings.Contains(w, "://") })
	}
	for _, list := range given[s.Account] {
		for _, a := range list {
			if slices.Equal(words(a.Approval.Text), words(s.Text)) {
				return RuleEdited
			}
		}
	}
	return RuleUnapproved
}

// Nothing in a world may exist: every address, domain and autonomous system is
// one of those reserved for documentation.
func TestNothingIsReal(t *testing.T) {
	ranges := []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"),
	}
	domains, addresses := make(map[string]bool), make(map[string]bool)
	check := func(a *activity.Activity) {
		findNames(string(activity.AppendActivity(nil, a)), domains, addresses)
		if n := a.Geo.ASN; n.OK && (n.V < 64496 || n.V > 64511) {
			t.Fatalf("AS%v is not for documentation", n.V)
		}
		if a.IP != "" && !addresses[a.IP] {
			t.Fatalf("the test does not see the address %s", a.IP)
		}
	}
	w := world(t, 17, 40, 50, 10)
	for s := range each(t, w) {
		check(&s.Activity)
	}
	for a := range Load(1, 100, 1000) {
		check(&a)
	}
	accounts, err := json.Marshal(w.Accounts())
	if err != nil {
		t.Fatal(err)
	}
	findNames(string(accounts), domains, addresses)
	if len(domains) < 20 || len(addresses) < 100 {
		t.Fatalf("%d domains and %d addresses found, too few to tell", len(domains), len(addresses))
	}
	for d := range domains {
		if !strings.HasSuffix(d, ".example") && d != "example.com" && d != "cdn.example.com" {
			t.Errorf("domain %s is not reserved", d)
		}
	}
	for text := range addresses {
		ip, err := netip.ParseAddr(text)
		if err != nil || !slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			t.Errorf("address %s is not for documentation: %v", text, err)
		}
	}
}

func TestFindNames(t *testing.T) {
	domains, addresses := make(map[string]bool), make(map[string]bool)
	findNames(`{"a":"see https://shop.test.org/a/b.html. Or 8.8.8.8, 2a00::1!","time":"2026-01-01T00:00:00.5Z","lat":52.52}`,
		domains, addresses)
	want := map[string]bool{"shop.test.org": true, "b.html": true}
	if !maps.Equal(domains, want) || !maps.Equal(addresses, map[string]bool{"8.8.8.8": true, "2a00::1": true}) {
		t.Errorf("found %v and %v", domains, addresses)
	}
}

// findNames collects whatever looks like a domain or an IP address.
func findNames(text string, domains, addresses map[string]bool) {
	words := strings.FieldsFuncSeq(text, func(r rune) bool {
		return r != '.' && r != ':' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	for word := range words {
		word = strings.TrimRight(word, ".")
		if _, err := netip.ParseAddr(word); err == nil {
			addresses[word] = true
			continue
		}
		dot := strings.LastIndexByte(word, '.')
		if dot <= 0 || len(word)-dot < 3 || strings.ContainsAny(word[dot:], "0123456789:-") {
			continue
		}
		domains[word] = true
	}
}
