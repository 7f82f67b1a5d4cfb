// Package activity holds what every other room of Picket talks about: one
// thing that happened to one connected account, its kinds, its field names and
// its JSON form. It imports only the standard library, reads no clock and does
// no I/O. How activities are fetched belongs in collectors; what they mean
// belongs in rules.
//
// # The form
//
// An activity is one JSON object in UTF-8. The same form is the wire form of
// the journal, what webhooks and NATS subjects take, and, one object a line,
// what files hold:
//
//	{"id":"1800000000000000001","account":"x/acme","kind":"post","time":"2026-03-01T12:00:00Z","text":"Hello"}
//
// These four are required, and approval, poll or verdict with the kinds of that name;
// everything else is left out where the source does not tell it. Absent means
// unknown: send neither 0 nor "" nor "unknown" in place of it. null is the same
// as absent, except as an element of a list, where it is refused.
//
//	id            text    native id, unique within network, account and kind; at most 512 bytes
//	network       text    "x", "okta"; may be omitted, since account starts with it
//	account       text    "network/name" of the connected account or identity, at most 200 bytes.
//	                      network: 1 to 32 of a-z 0-9 _ -. name: any printable characters, which
//	                      may be slashes and inner spaces, but no control or formatting characters
//	kind          text    one of the kinds below
//	time          time    when it happened, by the source's clock; 2000 to 2199
//	seen          time    when Picket saw it; for measuring lag only
//	actor         text    person or delegate who acted
//	app           text    client application or publishing tool
//	ip            text    IPv4 or IPv6 address, without port or zone
//	geo           object  where ip is:
//	  country     text      ISO 3166-1 alpha-2, two capital letters
//	  region      text      ISO 3166-2 subdivision code, or the provider's name
//	  city        text
//	  lat, lon    number    degrees, WGS 84
//	  asn         number    autonomous system number
//	  as_org      text      its organisation
//	  proxy       text      "vpn", "tor", "hosting", "proxy"; "none" when known not to be one
//	  radius      number    km around lat, lon within which the address probably is
//	device        text
//	user_agent    text
//	text          text    at most 64 KiB
//	lang          text    BCP 47
//	links         texts   absolute URLs, expanded where possible
//	link_domains  texts   lower-case host names of links
//	mentions      texts   handles without @
//	hashtags      texts   without #
//	media         list of objects:
//	  hash        text      "sha256:<hex>", or the network's media key
//	  type        text      "image", "video", "gif", "audio"
//	  url         text
//	reply_to      text    id of the post that this one answers
//	object        text    id of the post that a delete, edit or repost acts on
//	profile       object  of texts: values after the change, by name
//	changed       texts   names of what changed
//	old           object  of texts: values before the change, by name
//	metrics       object  of numbers: counts at seen, by name: followers, following, posts;
//	                      of a mention in English its sentiment, -1 to 1, and of one that
//	                      stands for others that were left out its weight: how many
//	approval      object  what may be published, with kind "approval" only:
//	  text        text      at most 64 KiB; it, links or media must be there
//	  links       texts
//	  media       texts     content hashes
//	  approvers   texts
//	  from, until time      absent: valid at once, and without end
//	  max_uses    number    whole, up to 2147483647; absent: once
//	  tool        text      publishing tool
//	outcome       object  how an attempt ended:
//	  result      text      "success", "failure"
//	  reason      text
//	poll          object  a collector's report about itself, with kind "poll" only:
//	  state       text      "complete", "gap", "forbidden", "failing", "exhausted", "mentions_behind"; required
//	  reason      text
//	  from, until time      bounds of a gap
//	  last_ok     time      last poll that succeeded
//	  clock_skew  number    seconds that the network's clock is ahead
//	verdict       object  what a person said, with kind "verdict" only, which Picket alone writes:
//	  alert       text      id of the alert that it is about; absent where it is about what
//	                        rules have learned of the account
//	  rule        text      id of the rule; absent without an alert: all rules that learn
//	  says        text      of an alert "true", "expected" or "false"; else "trust" or
//	                        "forget"; required
//	  values      texts     without an alert: the values that are meant; absent: all
//	  until       time      with "expected" and "trust": from then on the values are new again
//	  by          text      who said so; required
//	  reason      text
//	drill         text    id of the drill that this belongs to
//	raw           object  the source's own event, kept as it is
//
// Kinds: post repost reply edit delete message; login login_failure logout
// session token_grant token_revoke mfa_change password_change role_change;
// profile followers mention approval poll verdict.
//
// A time is RFC 3339 text with at most nine decimals of a second; an offset is
// allowed and read as UTC. A number must fit a 64-bit float. Texts must be
// valid UTF-8 without half surrogate pairs (those may stand in raw). An
// activity is at most 200 KiB, nested at most 64 levels deep.
//
// Members may stand in any order. A name given twice is refused. A member of
// unknown name is read over, or refused with a suggestion by a [Decoder] that
// is Strict, as it is for what others push, to catch typos.
//
// # Personal members
//
// actor, ip, user_agent, geo and raw tell who acted and from where. Whoever
// writes an activity for Picket may put them anywhere; Picket itself writes
// them behind all others, in this order. In a journal they are therefore one
// range of bytes in each activity, which can be sealed with a person's key in
// place, without another layout: a reader that has no key reads over a member
// that it does not know, and finds the activity without them. What else names
// people is what they published or approved: text, mentions, media, profile,
// approval; and who gave a verdict.
//
// # Batches
//
// A page in the journal is one object:
//
//	{"v":1,"backfill":true,"cursor":{"since":"1799"},"recent":"AQAAAAAAAAA=","activities":[…]}
//
// v is required and 1. backfill is absent for news. cursor is any JSON value
// of the collector. recent is base64, with padding, of 64-bit little-endian
// keys (see [Activity.Key]). A change that a reader of version 1 would
// misunderstand gets a new version; a new member that it may read over does
// not.
package activity
