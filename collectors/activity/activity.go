package activity

import (
	"slices"
	"strings"
	"time"
)

// Activity is one thing that happened to, or was observed about, one
// connected account or identity. Absent is absent: a zero Time, an empty
// string, a nil slice and an unset Opt all mean "the source did not say",
// never a value.
//
// An activity is identified by (Network, Account, Kind, ID).
type Activity struct {
	ID      string    // native id; unique within network, account and kind
	Network string    // "x", "mastodon", "okta": the part of Account before the slash
	Account string    // connected account or identity, "x/acme", "okta/editor-2"
	Kind    Kind      // what happened
	Time    time.Time // when it happened, by the network's clock, UTC; drives windows
	Seen    time.Time // when Picket saw it, UTC; drives lag metrics only

	Actor     string // person or delegate who acted
	App       string // client application or publishing tool
	IP        string // textual IPv4 or IPv6 address
	Geo       Geo
	Device    string
	UserAgent string

	Text        string
	Lang        string   // BCP 47
	Links       []string // absolute URLs, expanded where the source expands them
	LinkDomains []string // lower-case host names of Links
	Mentions    []string // handles without @
	Hashtags    []string // without #
	Media       []Media
	ReplyTo     string // native id of the post that this one answers
	Object      string // native id of the post that a delete, edit or repost acts on

	Profile []Field // profile.<name>: values after the change, sorted by Name
	Changed []string
	Old     []Field  // old.<name>: values before the change, sorted by Name
	Metrics []Metric // metrics.<name>: counts at Seen, sorted by Name

	Approval Approval // set on KindApproval only
	Outcome  Outcome
	Poll     Poll    // set on KindPoll only
	Verdict  Verdict // set on KindVerdict only
	Drill    string  // id of the drill that this belongs to
	Raw      []byte  // the source's own event as one JSON object, for audit logs
}

// ExportID begins the ids of activities that come of an account's own data export
// where that does not tell the network's id. What the network's collector reads
// has another id, so that only their times tell whether it is the same.
const ExportID = "export/"

// Opt is a number that may be absent.
type Opt struct {
	V  float64
	OK bool
}

// Some returns a present number.
func Some(v float64) Opt { return Opt{V: v, OK: true} }

// Geo is where an IP address is, as told by the provider or a MaxMind DB.
type Geo struct {
	Country string // ISO 3166-1 alpha-2, upper case
	Region  string // ISO 3166-2 subdivision code or the provider's name
	City    string
	Lat     Opt // degrees, WGS 84
	Lon     Opt // degrees, WGS 84
	ASN     Opt // autonomous system number
	ASOrg   string
	Proxy   string // "vpn", "tor", "hosting", "proxy"; "none" when known not to be one
	Radius  Opt    // km around Lat and Lon within which the address probably is
}

// Media is one attachment.
type Media struct {
	Hash string // content hash, "sha256:<hex>", or the network's own media key
	Type string // "image", "video", "gif", "audio"
	URL  string
}

// Field is a named text value.
type Field struct{ Name, Value string }

// Metric is a named count.
type Metric struct {
	Name  string
	Value float64
}

// Approval says that a message may be published on the activity's account.
type Approval struct {
	Text      string
	Links     []string
	Media     []string // content hashes
	Approvers []string
	From      time.Time // zero: valid at once
	Until     time.Time // zero: no end
	MaxUses   int       // 0: once
	Tool      string    // publishing tool or "picket approve"
}

// Verdict is what a person said of an alert, or of what rules have learned about
// the activity's account.
type Verdict struct {
	Alert  string    // id of the alert; "" where it is about what was learned
	Rule   string    // id of the rule; "" for all, where it is about no alert
	Says   string    // one of the Verdict values
	Values []string  // what is trusted or forgotten; none for all
	Until  time.Time // of VerdictExpected and VerdictTrust: from then on the values are new again; zero: no end
	By     string    // who said so
	Reason string
}

// What a person says of an alert, in Verdict.Says.
const (
	VerdictTrue     = "true"     // something was wrong, as the alert said
	VerdictExpected = "expected" // it happened, and was all right
	VerdictFalse    = "false"    // nobody should have been told
)

// What a person says of what was learned, in Verdict.Says.
const (
	VerdictTrust  = "trust"  // the values are the account's own
	VerdictForget = "forget" // the values are new again
)

// Outcome is how an attempt ended.
type Outcome struct {
	Result string // "success", "failure"
	Reason string
}

// Poll is a collector's report about itself, written when its state changes
// and hourly.
type Poll struct {
	State     string    // one of the PollState values
	Reason    string    // what went wrong and how to mend it, without secrets
	From      time.Time // start of a gap, zero if none
	Until     time.Time // end of a gap, or of exhaustion; zero if none
	LastOK    time.Time // last poll that succeeded
	ClockSkew Opt       // seconds that the network's clock is ahead of ours
}

// States of a collector for one account, in Poll.State.
const (
	PollComplete  = "complete"  // everything up to now has been read
	PollGap       = "gap"       // items between From and Until are lost for good
	PollForbidden = "forbidden" // the network refuses: credential, permission, or payment
	PollFailing   = "failing"   // errors that retrying may mend
	// PollExhausted: the dollars or units of the credential are spent, so that
	// nothing is read until Until, when they are granted anew.
	PollExhausted = "exhausted"
	// PollBehind: the account itself has been read up to now, but not yet what
	// others say of it.
	PollBehind = "mentions_behind"
)

// PollStates returns all states.
func PollStates() []string {
	return []string{PollComplete, PollGap, PollForbidden, PollFailing, PollExhausted, PollBehind}
}

// Batch is one page of activities as it travels in one journal message.
type Batch struct {
	// Backfill marks history read on a first connection or import: it teaches
	// and never raises findings.
	Backfill bool
	// Cursor is the collector's own opaque JSON value after this page; nil
	// where the message carries none (bulk intake).
	Cursor []byte
	// Recent holds the Key of items of earlier pages that the next overlap
	// window will return again. See collectors.
	Recent     []uint64
	Activities []Activity
}

// Key identifies an activity within its account for de-duplication: a 64-bit
// hash of kind and id.
func (a *Activity) Key() uint64 { return hashKey(a.Kind, a.ID) }

// Clone returns a deep copy that shares no memory with a. Decoded activities
// alias the message they came from; whoever keeps one clones it.
func (a *Activity) Clone() Activity {
	c := *a
	for _, s := range c.strings() {
		*s = clone(*s)
	}
	c.Kind = Kind(clone(string(a.Kind)))
	c.Links, c.LinkDomains = cloneAll(a.Links), cloneAll(a.LinkDomains)
	c.Mentions, c.Hashtags = cloneAll(a.Mentions), cloneAll(a.Hashtags)
	c.Changed = cloneAll(a.Changed)
	c.Approval.Links, c.Approval.Media = cloneAll(a.Approval.Links), cloneAll(a.Approval.Media)
	c.Approval.Approvers = cloneAll(a.Approval.Approvers)
	c.Verdict.Values = cloneAll(a.Verdict.Values)
	c.Profile, c.Old = cloneFields(a.Profile), cloneFields(a.Old)
	c.Media = copied(a.Media)
	for i := range c.Media {
		m := &c.Media[i]
		m.Hash, m.Type, m.URL = clone(m.Hash), clone(m.Type), clone(m.URL)
	}
	c.Metrics = copied(a.Metrics)
	for i := range c.Metrics {
		c.Metrics[i].Name = clone(c.Metrics[i].Name)
	}
	c.Raw = copied(a.Raw)
	return c
}

func (a *Activity) strings() []*string {
	return []*string{
		&a.ID, &a.Network, &a.Account, &a.Actor, &a.App, &a.IP, &a.Device, &a.UserAgent,
		&a.Text, &a.Lang, &a.ReplyTo, &a.Object, &a.Drill,
		&a.Geo.Country, &a.Geo.Region, &a.Geo.City, &a.Geo.ASOrg, &a.Geo.Proxy,
		&a.Approval.Text, &a.Approval.Tool, &a.Outcome.Result, &a.Outcome.Reason,
		&a.Poll.State, &a.Poll.Reason,
		&a.Verdict.Alert, &a.Verdict.Rule, &a.Verdict.Says, &a.Verdict.By, &a.Verdict.Reason,
	}
}

func clone(s string) string { return strings.Clone(s) }

// copied is slices.Clone, which of an empty slice returns a part of the
// original's memory.
func copied[T any](in []T) []T {
	if len(in) == 0 {
		return nil
	}
	return slices.Clone(in)
}

func cloneAll(in []string) []string {
	out := copied(in)
	for i := range out {
		out[i] = clone(out[i])
	}
	return out
}

func cloneFields(in []Field) []Field {
	out := copied(in)
	for i := range out {
		out[i] = Field{clone(out[i].Name), clone(out[i].Value)}
	}
	return out
}
