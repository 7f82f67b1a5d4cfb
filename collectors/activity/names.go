package activity

// name numbers the member names of all objects of the format, so that a
// decoder compares texts once. The constants after nEnd are no names: they
// say where in an object a decoder is.
type name uint8

const (
	// One text each.
	nID name = iota
	nNetwork
	nAccount
	nActor
	nApp
	nIP
	nDevice
	nUserAgent
	nText
	nLang
	nReplyTo
	nObject
	nDrill
	// A list of texts each.
	nLinks
	nLinkDomains
	nMentions
	nHashtags
	nChanged
	// The rest of an activity.
	nKind
	nTime
	nSeen
	nGeo
	nMedia
	nProfile
	nOld
	nMetrics
	nApproval
	nOutcome
	nPoll
	nVerdict
	nRaw
	// Members of geo.
	nCountry
	nRegion
	nCity
	nLat
	nLon
	nASN
	nAsOrg
	nProxy
	nRadius
	// Members of media.
	nHash
	nType
	nURL
	// Members of approval, outcome, poll and verdict.
	nApprovers
	nFrom
	nUntil
	nMaxUses
	nTool
	nResult
	nReason
	nState
	nLastOk
	nClockSkew
	nAlert
	nRule
	nSays
	nValues
	nBy
	// Members of a batch.
	nV
	nBackfill
	nCursor
	nRecent
	nActivities

	nEnd     // behind the last member
	nUnknown // a member that the format does not know

	// Before the first member of each object.
	startActivity
	startGeo
	startMedia
	startApproval
	startOutcome
	startPoll
	startVerdict
	startBatch
	nameCount

	_ = uint(63 - nEnd) // compiles while members has a bit for each

	nLastText = nDrill
	nLastList = nChanged
)

// String returns the name as it is written.
func (n name) String() string {
	return [...]string{
		nID: "id", nNetwork: "network", nAccount: "account", nActor: "actor", nApp: "app", nIP: "ip",
		nDevice: "device", nUserAgent: "user_agent", nText: "text", nLang: "lang", nReplyTo: "reply_to", nObject: "object", nDrill: "drill",
		nLinks: "links", nLinkDomains: "link_domains", nMentions: "mentions", nHashtags: "hashtags", nChanged: "changed",
		nKind: "kind", nTime: "time", nSeen: "seen", nGeo: "geo", nMedia: "media", nProfile: "profile",
		nOld: "old", nMetrics: "metrics", nApproval: "approval", nOutcome: "outcome", nPoll: "poll", nVerdict: "verdict", nRaw: "raw",
		nCountry: "country", nRegion: "region", nCity: "city", nLat: "lat", nLon: "lon", nASN: "asn",
		nAsOrg: "as_org", nProxy: "proxy", nRadius: "radius",
		nHash: "hash", nType: "type", nURL: "url",
		nApprovers: "approvers", nFrom: "from", nUntil: "until", nMaxUses: "max_uses", nTool: "tool", nResult: "result",
		nReason: "reason", nState: "state", nLastOk: "last_ok", nClockSkew: "clock_skew",
		nAlert: "alert", nRule: "rule", nSays: "says", nValues: "values", nBy: "by",
		nV: "v", nBackfill: "backfill", nCursor: "cursor", nRecent: "recent", nActivities: "activities",
	}[n]
}

// nameOf finds a name.
func nameOf(s string) name {
	switch s {
	case "id":
		return nID
	case "network":
		return nNetwork
	case "account":
		return nAccount
	case "actor":
		return nActor
	case "app":
		return nApp
	case "ip":
		return nIP
	case "device":
		return nDevice
	case "user_agent":
		return nUserAgent
	case "text":
		return nText
	case "lang":
		return nLang
	case "reply_to":
		return nReplyTo
	case "object":
		return nObject
	case "drill":
		return nDrill
	case "links":
		return nLinks
	case "link_domains":
		return nLinkDomains
	case "mentions":
		return nMentions
	case "hashtags":
		return nHashtags
	case "changed":
		return nChanged
	}
	return nameOfPart(s)
}

// nameOfPart is nameOf for members that have parts, and for those of geo.
func nameOfPart(s string) name {
	switch s {
	case "kind":
		return nKind
	case "time":
		return nTime
	case "seen":
		return nSeen
	case "geo":
		return nGeo
	case "media":
		return nMedia
	case "profile":
		return nProfile
	case "old":
		return nOld
	case "metrics":
		return nMetrics
	case "approval":
		return nApproval
	case "outcome":
		return nOutcome
	case "poll":
		return nPoll
	case "verdict":
		return nVerdict
	case "raw":
		return nRaw
	case "country":
		return nCountry
	case "region":
		return nRegion
	case "city":
		return nCity
	case "lat":
		return nLat
	case "lon":
		return nLon
	case "asn":
		return nASN
	case "as_org":
		return nAsOrg
	case "proxy":
		return nProxy
	case "radius":
		return nRadius
	}
	return nameOfRest(s)
}

// nameOfRest is nameOf for everything else.
func nameOfRest(s string) name {
	switch s {
	case "hash":
		return nHash
	case "type":
		return nType
	case "url":
		return nURL
	case "approvers":
		return nApprovers
	case "from":
		return nFrom
	case "until":
		return nUntil
	case "max_uses":
		return nMaxUses
	case "tool":
		return nTool
	case "result":
		return nResult
	case "reason":
		return nReason
	case "state":
		return nState
	case "last_ok":
		return nLastOk
	case "clock_skew":
		return nClockSkew
	case "alert":
		return nAlert
	case "rule":
		return nRule
	case "says":
		return nSays
	case "values":
		return nValues
	case "by":
		return nBy
	case "v":
		return nV
	case "backfill":
		return nBackfill
	case "cursor":
		return nCursor
	case "recent":
		return nRecent
	case "activities":
		return nActivities
	}
	return nUnknown
}

// textOf returns where a member of one text is kept.
func (a *Activity) textOf(n name) *string {
	switch n {
	case nID:
		return &a.ID
	case nNetwork:
		return &a.Network
	case nAccount:
		return &a.Account
	case nActor:
		return &a.Actor
	case nApp:
		return &a.App
	case nIP:
		return &a.IP
	case nDevice:
		return &a.Device
	case nUserAgent:
		return &a.UserAgent
	case nText:
		return &a.Text
	case nLang:
		return &a.Lang
	case nReplyTo:
		return &a.ReplyTo
	case nObject:
		return &a.Object
	default:
		return &a.Drill
	}
}

// listOf returns where a member of several texts is kept.
func (a *Activity) listOf(n name) *[]string {
	switch n {
	case nLinks:
		return &a.Links
	case nLinkDomains:
		return &a.LinkDomains
	case nMentions:
		return &a.Mentions
	case nHashtags:
		return &a.Hashtags
	default:
		return &a.Changed
	}
}

// The names that each object of the format knows, in the order in which they
// are written.

func batchNames() []string {
	return []string{"v", "backfill", "cursor", "recent", "activities"}
}

func activityNames() []string {
	return []string{
		"id", "network", "account", "kind", "time", "seen", "app", "device",
		"text", "lang", "links", "link_domains", "mentions", "hashtags", "media", "reply_to", "object",
		"profile", "changed", "old", "metrics", "approval", "outcome", "poll", "verdict", "drill",
		"actor", "ip", "user_agent", "geo", "raw",
	}
}

func geoNames() []string {
	return []string{"country", "region", "city", "lat", "lon", "asn", "as_org", "proxy", "radius"}
}

func mediaNames() []string { return []string{"hash", "type", "url"} }

func approvalNames() []string {
	return []string{"text", "links", "media", "approvers", "from", "until", "max_uses", "tool"}
}

func outcomeNames() []string { return []string{"result", "reason"} }

func pollNames() []string {
	return []string{"state", "reason", "from", "until", "last_ok", "clock_skew"}
}

func verdictNames() []string {
	return []string{"alert", "rule", "says", "values", "until", "by", "reason"}
}
