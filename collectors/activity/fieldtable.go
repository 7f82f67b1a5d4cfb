package activity

import "time"

// fixedFields lists the fields of fixed name in the order of the format.
func fixedFields() []fixedField {
	return append(eventFields(), factFields()...)
}

// eventFields are who, where and what.
func eventFields() []fixedField {
	return []fixedField{
		{name: "id", text: func(a *Activity) string { return a.ID }},
		{name: "network", text: func(a *Activity) string { return a.Network }},
		{name: "account", text: func(a *Activity) string { return a.Account }},
		{name: "kind", text: func(a *Activity) string { return string(a.Kind) }},
		{name: "time", time: func(a *Activity) time.Time { return a.Time }},
		{name: "seen", time: func(a *Activity) time.Time { return a.Seen }},
		{name: "actor", text: func(a *Activity) string { return a.Actor }},
		{name: "app", text: func(a *Activity) string { return a.App }},
		{name: "ip", text: func(a *Activity) string { return a.IP }},
		{name: "geo.country", text: func(a *Activity) string { return a.Geo.Country }},
		{name: "geo.region", text: func(a *Activity) string { return a.Geo.Region }},
		{name: "geo.city", text: func(a *Activity) string { return a.Geo.City }},
		{name: "geo.lat", num: func(a *Activity) Opt { return a.Geo.Lat }},
		{name: "geo.lon", num: func(a *Activity) Opt { return a.Geo.Lon }},
		{name: "geo.asn", num: func(a *Activity) Opt { return a.Geo.ASN }},
		{name: "geo.as_org", text: func(a *Activity) string { return a.Geo.ASOrg }},
		{name: "geo.proxy", text: func(a *Activity) string { return a.Geo.Proxy }},
		{name: "geo.radius", num: func(a *Activity) Opt { return a.Geo.Radius }},
		{name: "device", text: func(a *Activity) string { return a.Device }},
		{name: "user_agent", text: func(a *Activity) string { return a.UserAgent }},
		{name: "text", text: func(a *Activity) string { return a.Text }},
		{name: "lang", text: func(a *Activity) string { return a.Lang }},
		{name: "links", list: func(a *Activity) []string { return a.Links }},
		{name: "link_domains", list: func(a *Activity) []string { return a.LinkDomains }},
		{name: "mentions", list: func(a *Activity) []string { return a.Mentions }},
		{name: "hashtags", list: func(a *Activity) []string { return a.Hashtags }},
		{name: "media", any: mediaValues(func(m *Media) string { return m.Hash })},
		{name: "media.hash", any: mediaValues(func(m *Media) string { return m.Hash })},
		{name: "media.type", any: mediaValues(func(m *Media) string { return m.Type })},
		{name: "media.url", any: mediaValues(func(m *Media) string { return m.URL })},
		{name: "reply_to", text: func(a *Activity) string { return a.ReplyTo }},
		{name: "object", text: func(a *Activity) string { return a.Object }},
		{name: "changed", list: func(a *Activity) []string { return a.Changed }},
	}
}

// factFields are what is said about approvals, attempts, collectors, verdicts and drills.
func factFields() []fixedField {
	return []fixedField{
		{name: "approval.text", text: func(a *Activity) string { return a.Approval.Text }},
		{name: "approval.links", list: func(a *Activity) []string { return a.Approval.Links }},
		{name: "approval.media", list: func(a *Activity) []string { return a.Approval.Media }},
		{name: "approval.approvers", list: func(a *Activity) []string { return a.Approval.Approvers }},
		{name: "approval.from", time: func(a *Activity) time.Time { return a.Approval.From }},
		{name: "approval.until", time: func(a *Activity) time.Time { return a.Approval.Until }},
		{name: "approval.max_uses", num: maxUses},
		{name: "approval.tool", text: func(a *Activity) string { return a.Approval.Tool }},
		{name: "outcome", text: func(a *Activity) string { return a.Outcome.Result }},
		{name: "outcome.result", text: func(a *Activity) string { return a.Outcome.Result }},
		{name: "outcome.reason", text: func(a *Activity) string { return a.Outcome.Reason }},
		{name: "poll.state", text: func(a *Activity) string { return a.Poll.State }},
		{name: "poll.reason", text: func(a *Activity) string { return a.Poll.Reason }},
		{name: "poll.from", time: func(a *Activity) time.Time { return a.Poll.From }},
		{name: "poll.until", time: func(a *Activity) time.Time { return a.Poll.Until }},
		{name: "poll.last_ok", time: func(a *Activity) time.Time { return a.Poll.LastOK }},
		{name: "poll.clock_skew", num: func(a *Activity) Opt { return a.Poll.ClockSkew }},
		{name: "verdict.alert", text: func(a *Activity) string { return a.Verdict.Alert }},
		{name: "verdict.rule", text: func(a *Activity) string { return a.Verdict.Rule }},
		{name: "verdict.says", text: func(a *Activity) string { return a.Verdict.Says }},
		{name: "verdict.values", list: func(a *Activity) []string { return a.Verdict.Values }},
		{name: "verdict.until", time: func(a *Activity) time.Time { return a.Verdict.Until }},
		{name: "verdict.by", text: func(a *Activity) string { return a.Verdict.By }},
		{name: "verdict.reason", text: func(a *Activity) string { return a.Verdict.Reason }},
		{name: "drill", text: func(a *Activity) string { return a.Drill }},
	}
}

func mediaValues(of func(*Media) string) getter {
	return func(a *Activity, dst []Value) []Value {
		for i := range a.Media {
			dst = appendValue(dst, of(&a.Media[i]))
		}
		return dst
	}
}

// maxUses is absent where the approval leaves it to the default.
func maxUses(a *Activity) Opt {
	if a.Approval.MaxUses == 0 {
		return Opt{}
	}
	return Some(float64(a.Approval.MaxUses))
}
