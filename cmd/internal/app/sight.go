package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/builtin"
	"github.com/picketd/picket/collectors/okta"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/detector"
)

// NewSight returns what the sources of a configuration show of accounts and
// identities.
func NewSight(cfg *config.Config) detector.Sighted { return newCurrent(cfg).Sight }

// Sight implements detector.Sighted: what the account's own collector shows,
// and for what people do behind the login page, the sources of the identities
// that guard it. Whoever may push could send anything, so that alone shows
// nothing: the detector knows what came.
func (c *current) Sight(account string, kind activity.Kind, field string) detector.Sight {
	return c.p.Load().sight(account, kind, field)
}

func (k *known) sight(account string, kind activity.Kind, field string) detector.Sight {
	switch kind {
	case activity.KindPoll:
		return k.pollSight(account)
	case activity.KindApproval:
		return k.approvalSight(account)
	default: // what is done with the account, or by whom
	}
	own, read := k.shows(account)
	_, shown := own.Kind(kind)
	switch {
	case shown:
		return k.seenIn(own, kind, field)
	case behindLogin(kind):
		return k.loginSight(account, own, kind, field)
	case k.isIdentity(account):
		return detector.Sight{Why: "an identity has no " + nounOf(kind) + " of its own"}
	case read:
		return k.seenIn(own, kind, field)
	}
	return k.unread(account, kind, field)
}

// isIdentity reports whether a name is one of somebody behind accounts only.
func (k *known) isIdentity(name string) bool {
	_, configured := k.cfg.Account(name)
	_, simulated := k.simulated[name]
	return !configured && !simulated && len(k.guarded(name)) > 0
}

// manner is how an account is read, as far as what is shown depends on it.
type manner struct {
	collector, network     string
	token, mentions, spots bool // spots: its posts are looked at again
	messages               bool
	settings               string
}

// shows returns what the source of an account or identity tells; false when
// nothing is read of it.
func (k *known) shows(account string) (collectors.Shows, bool) {
	network, _, _ := strings.Cut(account, "/")
	m := manner{network: network}
	var tell func() collectors.Shows
	a, _ := k.cfg.Account(account)
	_, simulated := k.simulated[account]
	switch {
	case a.Collector != "":
		cred, _ := k.cfg.Credential(a.Credential)
		m.collector, m.token, m.mentions, m.messages = a.Collector, cred.Token != "", a.Mentions, a.Messages
		switch a.Collector {
		case config.CollectorX:
			m.spots, tell = a.Rehydrate >= 0 || cred.Activity != "", xConfig(&a, &cred).Shows
		case config.CollectorMastodon:
			m.spots, tell = a.Watch >= 0, mastodonConfig(&a, &cred).Shows
		default:
			spec, _ := builtin.Spec(a.Collector)
			setting := k.cfg.Setting(&a)
			m.settings, tell = told(&spec, &setting), func() collectors.Shows { return spec.Shows(setting) }
		}
	case simulated || len(k.guards[account]) > 0:
		m.collector, tell = config.CollectorSimulate, func() collectors.Shows { return simulate.Live{}.Shows(network) }
	case watchesLogins(network) && k.isIdentity(account) && k.hasSource(network):
		if lack, misnamed := k.misnamed(network, account); misnamed {
			return lack, true
		}
		m.collector, m.settings, tell = network, "", k.log(network)
	default:
		return collectors.Shows{}, false
	}
	shows, known := k.views.Load(m)
	if !known {
		shows, _ = k.views.LoadOrStore(m, tell())
	}
	return shows.(collectors.Shows), true
}

// told writes what an account's collector can be told that decides what it
// shows, without what differs from account to account: of texts without a default
// or choices only whether there are any.
func told(spec *collectors.Spec, s *collectors.Setting) string {
	var b strings.Builder
	for _, keys := range [][]collectors.Key{spec.Credential, spec.Own} {
		for i := range keys {
			switch name := keys[i].Name; keys[i].Type {
			case collectors.KeySecret, collectors.KeyDocument:
				fmt.Fprintf(&b, "%s=%t ", name, s.Secret(name) != "")
			case collectors.KeyText, collectors.KeyURL, collectors.KeyList:
				if keys[i].Default == "" && keys[i].Choices == nil {
					fmt.Fprintf(&b, "%s=%t ", name, s.Text(name) != "")
					continue
				}
				fmt.Fprintf(&b, "%s=%q ", name, s.Text(name))
			case collectors.KeyTruth, collectors.KeyNumber, collectors.KeyDuration:
				fmt.Fprintf(&b, "%s=%s ", name, s.Text(name))
			}
		}
	}
	return b.String()
}

// watchesLogins reports whether identities of a network come of the log of an
// identity provider.
func watchesLogins(network string) bool {
	spec, ok := builtin.Spec(network)
	return network == okta.Network || ok && spec.Multi
}

// titleOf is what people call a provider.
func titleOf(network string) string {
	if spec, ok := builtin.Spec(network); ok {
		return spec.Title
	}
	return "Okta"
}

// log returns what tells what a provider's log shows, as its first source reads
// it.
func (k *known) log(network string) func() collectors.Shows {
	spec, ok := builtin.Spec(network)
	if !ok {
		return okta.Config{}.Shows
	}
	i := slices.IndexFunc(k.cfg.Sources, func(s config.Source) bool { return s.Collector == network })
	setting := k.cfg.SourceSetting(&k.cfg.Sources[i])
	return func() collectors.Shows { return spec.Shows(setting) }
}

// misnamed says of an identity that no source of its provider names anybody so:
// it would wait for logins that are dropped as those of somebody unknown.
func (k *known) misnamed(provider, identity string) (collectors.Shows, bool) {
	_, name, _ := strings.Cut(identity, "/")
	better := ""
	for i := range k.cfg.Sources {
		s := &k.cfg.Sources[i]
		if s.Collector != provider {
			continue
		}
		right := strings.ToLower(name)
		if s.Identity == config.IdentityEmailLocal || s.Values["identity"] == config.IdentityEmailLocal {
			right, _, _ = strings.Cut(right, "@")
		}
		if right == name {
			return collectors.Shows{}, false
		}
		better = right
	}
	var shows collectors.Shows
	shows.HideKinds(collectors.Lack{
		Why:  "no " + titleOf(provider) + " source names anybody " + name,
		Mend: "call it " + provider + "/" + better + ", or see identity under sources",
	}, k.log(provider)().Kinds...)
	return shows, true
}

func (k *known) hasSource(collector string) bool {
	return slices.ContainsFunc(k.cfg.Sources, func(s config.Source) bool { return s.Collector == collector })
}

// seenIn asks one source.
func (k *known) seenIn(s collectors.Shows, kind activity.Kind, field string) detector.Sight {
	lack, ok := s.Kind(kind)
	if ok && field != "" {
		if lack, ok = s.Field(kind, field); !ok && k.enriched(field) {
			_, ok = s.Field(kind, "ip")
		}
	}
	switch {
	case ok:
		return detector.Sight{Seen: true}
	case lack.Why == "":
		lack.Why = "its source shows no " + nounOf(kind)
	}
	return detector.Sight{Why: lack.Why, Mend: lack.Mend}
}

// enriched reports whether a database that is configured tells a field of what has
// an address.
func (k *known) enriched(field string) bool {
	switch of := &k.cfg.Enrich; field {
	case "geo.country", "geo.region", "geo.city", "geo.lat", "geo.lon":
		return of.Location != ""
	case "geo.asn", "geo.as_org":
		return of.ASN != ""
	case "geo.proxy":
		return of.Anonymous != ""
	}
	return false
}

// unread is about an account that nothing is read of.
func (k *known) unread(account string, kind activity.Kind, field string) detector.Sight {
	mend := k.push(account, kind)
	if network, _, _ := strings.Cut(account, "/"); polls(network) {
		mend = "connect it (picket connect " + network + "), or " + mend
	}
	return nothing(kind, "this account", field, mend)
}

// nothing says that nothing sends activities of a kind, and where they come all
// the same, that the field is missing. mend ends in pushing them.
func nothing(kind activity.Kind, of, field, mend string) detector.Sight {
	noun := nounOf(kind)
	s := detector.Sight{Why: "nothing sends " + noun + " of " + of, Mend: mend}
	if field != "" {
		s.Lacking = &detector.Sight{Why: noun + " of " + of + " come, but none is known to hold " + field, Mend: mend + " with " + field}
	}
	return s
}

// polls reports whether a collector reads accounts of a network.
func polls(network string) bool {
	spec, ok := builtin.Spec(network)
	return network == config.CollectorX || network == config.CollectorMastodon || ok && !spec.Multi
}

// loginSight is about what people do behind the login page, which is known from
// the identities behind an account, or of an identity itself.
func (k *known) loginSight(account string, own collectors.Shows, kind activity.Kind, field string) detector.Sight {
	noun := nounOf(kind)
	var behind []string
	if a, ok := k.cfg.Account(account); ok {
		behind = a.GuardedBy
	} else if s, ok := k.simulated[account]; ok {
		behind = s.Identities
	}
	var first detector.Sight
	for _, identity := range behind {
		shows, read := k.shows(identity)
		if !read {
			continue
		}
		s := k.seenIn(shows, kind, field)
		if s.Seen {
			return s
		}
		if first.Why == "" {
			first = s
		}
	}
	if first.Why != "" {
		return first
	}
	provider := okta.Network
	for _, identity := range slices.Concat(behind, []string{account}) {
		if network, _, _ := strings.Cut(identity, "/"); watchesLogins(network) {
			provider = network
			break
		}
	}
	connect := "connect " + titleOf(provider) + " (picket connect " + provider + "), or " + k.push(account, kind)
	hidden, _ := own.Kind(kind)
	switch {
	case len(behind) > 0:
		return detector.Sight{Why: "nothing sends " + noun + " of " + several(behind), Mend: connect}
	case k.isIdentity(account) && hidden.Why != "":
		return detector.Sight{Why: hidden.Why, Mend: hidden.Mend}
	case k.isIdentity(account):
		return nothing(kind, "this identity", field, connect)
	case hidden.Why != "":
		return detector.Sight{Why: hidden.Why + ", and no identity guards this account", Mend: "name who may log in under guarded_by, and " + connect}
	}
	return nothing(kind, "this account", field, "name who may log in under guarded_by, and "+connect)
}

// pollSight is about whether Picket would notice that it is blind.
func (k *known) pollSight(account string) detector.Sight {
	_, read := k.shows(account)
	own := slices.ContainsFunc(k.cfg.Sources, func(s config.Source) bool { return s.Collector+"/"+s.Name == account })
	if read || own || strings.HasPrefix(account, "picket/") {
		return detector.Sight{Seen: true}
	}
	s := detector.Sight{Why: "nothing is polled of it, so nothing tells when nothing comes"}
	if network, _, _ := strings.Cut(account, "/"); polls(network) || watchesLogins(network) {
		s.Mend = "connect it (picket connect " + network + ")"
	}
	return s
}

// approvalSight is about whether approvals could come.
func (k *known) approvalSight(account string) detector.Sight {
	_, simulated := k.simulated[account]
	in := &k.cfg.Intake
	if simulated || in.NATS.Approvals != "" || in.ApprovalsFile != "" || k.sender(account) {
		return detector.Sight{Seen: true}
	}
	return detector.Sight{Why: "nobody may send approvals of this account", Mend: "give intake.nats, intake.approvals_file or a webhook token"}
}

// push says how somebody else could send activities of an account.
func (k *known) push(account string, kind activity.Kind) string {
	if k.sender(account) || k.cfg.Intake.NATS.Activities != "" || k.hasSource(config.CollectorFile) {
		return "push " + nounOf(kind)
	}
	return "give a sender a token under intake.webhook and push " + nounOf(kind)
}

// sender reports whether the webhook takes activities of an account from
// anybody.
func (k *known) sender(account string) bool {
	takes := func(patterns []string) bool {
		return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool {
			start, open := strings.CutSuffix(p, "*")
			return p == account || open && strings.HasPrefix(account, start)
		})
	}
	hook := &k.cfg.Intake.Webhook
	return slices.ContainsFunc(hook.Tokens, func(t config.Token) bool { return takes(t.Accounts) }) ||
		slices.ContainsFunc(hook.Signing, func(s config.SigningKey) bool { return takes(s.Accounts) })
}

// several names the first of some names.
func several(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("%s +%d", names[0], len(names)-1)
}

// behindLogin reports whether a kind is what people do at the login page and
// behind it, which networks do not show and identity providers do.
func behindLogin(kind activity.Kind) bool { return kind.Class() == activity.ClassLogins }

// nounOf is what activities of a kind are called in a sentence.
func nounOf(kind activity.Kind) string {
	switch kind {
	case activity.KindReply:
		return "replies"
	case activity.KindDelete:
		return "deletions"
	case activity.KindLoginFailure:
		return "failed logins"
	case activity.KindTokenGrant:
		return "grants of access to apps"
	case activity.KindTokenRevoke:
		return "revocations of access"
	case activity.KindMFAChange:
		return "changes of second factors"
	case activity.KindPasswordChange:
		return "changes of passwords"
	case activity.KindRoleChange:
		return "changes of roles"
	case activity.KindProfile:
		return "profile changes"
	case activity.KindFollowers:
		return "follower counts"
	default:
		return strings.ReplaceAll(string(kind), "_", " ") + "s" // posts, edits, logins
	}
}
