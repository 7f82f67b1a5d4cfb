package activity

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what Validate accepts, in bytes unless said otherwise.
const (
	MaxAccount = 200       // "network/name"
	MaxNetwork = 32        // the part of an account before the slash
	MaxID      = 512       // native id
	MaxText    = 64 << 10  // text, and approval.text
	MaxEncoded = 200 << 10 // the whole activity as AppendActivity writes it
)

// Validate checks what an activity must have before it enters the journal,
// however it was made. The error is a *FieldError about the first fault, which
// quotes no personal value, since it is logged. It does not check whether the
// account is configured.
func (a *Activity) Validate() error {
	// A concrete type is passed on through checks and turned into error only
	// where not nil.
	for _, check := range [...]func(*Activity) *FieldError{
		checkIdentity, checkTimes, checkGeo, checkApproval, checkPoll, checkVerdict, checkSizes,
	} {
		if err := check(a); err != nil {
			return err
		}
	}
	return nil
}

func fault(field, format string, args ...any) *FieldError {
	return &FieldError{Field: field, Msg: fmt.Sprintf(format, args...)}
}

func checkIdentity(a *Activity) *FieldError {
	switch {
	case a.ID == "":
		return fault("id", "missing; expected the native id, unique within network, account and kind")
	case len(a.ID) > MaxID:
		return fault("id", "%d bytes long; expected at most %d, so send a hash of it", len(a.ID), MaxID)
	case !utf8.ValidString(a.ID):
		return fault("id", "not valid UTF-8; expected text encoded as UTF-8")
	}
	if err := checkAccount(a); err != nil {
		return err
	}
	if a.Kind == "" {
		return fault("kind", "missing; expected one of %s", kindNames())
	}
	if !a.Kind.known() {
		return fault("kind", "unknown kind %q%s", brief(string(a.Kind)), suggest(string(a.Kind), kindList()))
	}
	return nil
}

// checkAccount checks the form "network/name".
func checkAccount(a *Activity) *FieldError {
	if a.Account == "" {
		return fault("account", `missing; expected "network/name" such as "x/acme"`)
	}
	if len(a.Account) > MaxAccount {
		return fault("account", "%d bytes long; expected at most %d", len(a.Account), MaxAccount)
	}
	network, name, ok := strings.Cut(a.Account, "/")
	if !ok || network == "" || name == "" {
		return fault("account", `%q has no network or no name; expected "network/name" such as "x/acme"`, a.Account)
	}
	if !validNetwork(network) {
		return fault("account", "network %q; expected 1 to %d lower-case letters a-z, digits, _ and -", network, MaxNetwork)
	}
	if network != a.Network {
		return fault("network", "%q contradicts account %q; expected %q", a.Network, a.Account, network)
	}
	if name[0] == ' ' || name[len(name)-1] == ' ' {
		return fault("account", "%q starts or ends with a space; remove it", a.Account)
	}
	for i, r := range name {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return fault("account", "byte %d of %q is not part of a printable character; expected visible UTF-8 text without control or formatting characters", len(network)+1+i, a.Account)
		}
	}
	return nil
}

func validNetwork(s string) bool {
	if len(s) > MaxNetwork {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func (k Kind) known() bool {
	switch k {
	case KindPost, KindRepost, KindReply, KindEdit, KindDelete, KindMessage,
		KindLogin, KindLoginFailure, KindLogout, KindSession,
		KindTokenGrant, KindTokenRevoke, KindMFAChange, KindPasswordChange, KindRoleChange,
		KindProfile, KindFollowers, KindMention, KindApproval, KindPoll, KindVerdict:
		return true
	}
	return false
}

func kindList() []string {
	kinds := Kinds()
	list := make([]string, len(kinds))
	for i, k := range kinds {
		list[i] = string(k)
	}
	return list
}

func kindNames() string { return strings.Join(kindList(), ", ") }

func checkTimes(a *Activity) *FieldError {
	if a.Time.IsZero() {
		return fault("time", "missing; expected when it happened, such as %s", timeExample)
	}
	if err := checkTime("time", a.Time); err != nil {
		return err
	}
	if a.Seen.IsZero() {
		return nil
	}
	return checkTime("seen", a.Seen)
}

// checkTime refuses what only a broken clock or a wrong unit gives.
func checkTime(field string, t time.Time) *FieldError {
	if y := t.UTC().Year(); y < 2000 || y >= 2200 {
		return fault(field, "year %d; expected a time from 2000 to 2199 (is the unit seconds?)", y)
	}
	return nil
}

// maxRadius is half the way around the Earth, in km: that far is anywhere.
const maxRadius = 20038

func checkGeo(a *Activity) *FieldError {
	if a.IP != "" {
		if ip, err := netip.ParseAddr(a.IP); err != nil || ip.Zone() != "" {
			return fault("ip", "not an IP address; expected IPv4 such as 192.0.2.7 or IPv6 such as 2001:db8::7, without port or zone")
		}
	}
	g := &a.Geo
	if c := g.Country; c != "" && (len(c) != 2 || c[0]-'A' > 25 || c[1]-'A' > 25) {
		return fault("geo.country", "not a country code; expected two capital letters of ISO 3166-1 such as DE")
	}
	if v := g.Lat; v.OK && !(v.V >= -90 && v.V <= 90) {
		return fault("geo.lat", "%v; expected degrees from -90 to 90", v.V)
	}
	if v := g.Lon; v.OK && !(v.V >= -180 && v.V <= 180) {
		return fault("geo.lon", "%v; expected degrees from -180 to 180", v.V)
	}
	if v := g.Radius; v.OK && !(v.V >= 0 && v.V <= maxRadius) {
		return fault("geo.radius", "%v; expected kilometres from 0 to %d", v.V, maxRadius)
	}
	if v := g.ASN; v.OK && !(v.V >= 0 && v.V <= math.MaxUint32 && v.V == math.Trunc(v.V)) {
		return fault("geo.asn", "%v; expected a whole number from 0 to %d", v.V, uint32(math.MaxUint32))
	}
	return nil
}

func checkApproval(a *Activity) *FieldError {
	p := &a.Approval
	content := p.Text != "" || len(p.Links) > 0 || len(p.Media) > 0
	if a.Kind != KindApproval {
		if content || p.Tool != "" || len(p.Approvers) > 0 || !p.From.IsZero() || !p.Until.IsZero() || p.MaxUses != 0 {
			return fault("approval", "given with kind %q; expected it with kind %q only", a.Kind, KindApproval)
		}
		return nil
	}
	switch {
	case !content:
		return fault("approval", "approves nothing; expected text, links or media")
	case p.MaxUses < 0:
		return fault("approval.max_uses", "%d; expected 1 or more, or nothing for once", p.MaxUses)
	case !p.From.IsZero() && !p.Until.IsZero() && !p.Until.After(p.From):
		return fault("approval.until", "is not after approval.from, so the approval is never valid; swap or correct them")
	case len(p.Text) > MaxText:
		return fault("approval.text", "%d bytes long; expected at most %d", len(p.Text), MaxText)
	}
	for _, t := range [...]struct {
		name string
		at   time.Time
	}{{"approval.from", p.From}, {"approval.until", p.Until}} {
		if t.at.IsZero() {
			continue
		}
		if err := checkTime(t.name, t.at); err != nil {
			return err
		}
	}
	return nil
}

func checkPoll(a *Activity) *FieldError {
	p := &a.Poll
	if a.Kind != KindPoll {
		if *p != (Poll{}) {
			return fault("poll", "given with kind %q; expected it with kind %q only", a.Kind, KindPoll)
		}
		return nil
	}
	states := PollStates()
	switch {
	case slices.Contains(states, p.State):
		return nil
	case p.State == "":
		return fault("poll.state", "missing; expected one of %s", strings.Join(states, ", "))
	}
	return fault("poll.state", "unknown state %q%s", brief(p.State), suggest(p.State, states))
}

func checkVerdict(a *Activity) *FieldError {
	v := &a.Verdict
	if a.Kind != KindVerdict {
		if v.Alert != "" || v.Rule != "" || v.Says != "" || len(v.Values) > 0 || !v.Until.IsZero() || v.By != "" || v.Reason != "" {
			return fault("verdict", "given with kind %q; expected it with kind %q only", a.Kind, KindVerdict)
		}
		return nil
	}
	words := []string{VerdictTrue, VerdictExpected, VerdictFalse}
	if v.Alert == "" {
		words = []string{VerdictTrust, VerdictForget}
	}
	ends := v.Says == VerdictExpected || v.Says == VerdictTrust
	switch {
	case v.Says == "":
		return fault("verdict.says", "missing; expected one of %s", strings.Join(words, ", "))
	case !slices.Contains(words, v.Says):
		return fault("verdict.says", "%q; expected one of %s", brief(v.Says), strings.Join(words, ", "))
	case v.By == "":
		return fault("verdict.by", "missing; expected who says so")
	case v.Alert != "" && len(v.Values) > 0:
		return fault("verdict.values", "given with an alert, which has its own; remove them")
	case v.Rule == "" && len(v.Values) > 0:
		return fault("verdict.rule", "missing; expected the rule that the values belong to")
	case !v.Until.IsZero() && !ends:
		return fault("verdict.until", "given with %q; expected it with %s or %s", v.Says, VerdictExpected, VerdictTrust)
	case v.Until.IsZero():
		return nil
	}
	return checkTime("verdict.until", v.Until)
}

func checkSizes(a *Activity) *FieldError {
	if len(a.Text) > MaxText {
		return fault("text", "%d bytes long; expected at most %d", len(a.Text), MaxText)
	}
	for i := range a.Metrics {
		if v := a.Metrics[i].Value; math.IsNaN(v) || math.IsInf(v, 0) {
			return fault("metrics."+a.Metrics[i].Name, "%v; expected a finite number", v)
		}
	}
	if len(a.Raw) > 0 && !isObject(a.Raw) {
		return fault("raw", "not a JSON object; expected the source's own event, nested at most %d levels deep", maxDepth)
	}
	// A byte takes at most six when escaped. Only what may be too large by that
	// is encoded to see.
	if 6*a.volume() <= MaxEncoded {
		return nil
	}
	if n := len(AppendActivity(nil, a)); n > MaxEncoded {
		return fault("raw", "the activity is %d bytes long when encoded; expected at most %d, so shorten or omit raw and lists", n, MaxEncoded)
	}
	return nil
}

// volume is at least a sixth of the encoded size.
func (a *Activity) volume() int {
	n := 400 + len(a.Raw) // names and numbers of an activity with every member
	for _, s := range [...]string{
		a.ID, a.Network, a.Account, a.Actor, a.App, a.IP, a.Device, a.UserAgent,
		a.Text, a.Lang, a.ReplyTo, a.Object, a.Drill,
		a.Geo.Country, a.Geo.Region, a.Geo.City, a.Geo.ASOrg, a.Geo.Proxy,
		a.Approval.Text, a.Approval.Tool, a.Outcome.Result, a.Outcome.Reason, a.Poll.Reason,
		a.Verdict.Alert, a.Verdict.Rule, a.Verdict.By, a.Verdict.Reason,
	} {
		n += len(s)
	}
	for _, list := range [...][]string{
		a.Links, a.LinkDomains, a.Mentions, a.Hashtags, a.Changed,
		a.Approval.Links, a.Approval.Media, a.Approval.Approvers, a.Verdict.Values,
	} {
		for _, s := range list {
			n += len(s) + 1
		}
	}
	for _, list := range [...][]Field{a.Profile, a.Old} {
		for i := range list {
			n += len(list[i].Name) + len(list[i].Value) + 1
		}
	}
	for i := range a.Media {
		m := &a.Media[i]
		n += len(m.Hash) + len(m.Type) + len(m.URL) + 8
	}
	for i := range a.Metrics {
		n += len(a.Metrics[i].Name) + 8
	}
	return n
}
