// Package oktatest is a fake Okta organisation: a System Log in memory,
// answered over HTTP in Okta's wire format, with its errors, limits and bad
// days: events that are stored late, become visible late, come twice or out of
// order, and answers that are cut, refused or rate limited. It is a Handler, so
// that a test can serve it in its own process or reach it without a socket, and
// its admin paths (admin.go) let another process drive it. What Picket makes of
// the answers belongs in package okta; the two share no code, so that a
// misreading in one is not repeated in the other.
//
// # What it follows
//
// developer.okta.com, docs/reference/system-log-query (its source at commit
// 0535076 of the public documentation, read 2026-11-23): polling requests are
// filtered and ordered by the time at which events were stored, may be out of
// order by published, and always have a link with rel="next"; since and after
// exclude each other; the error bodies; 90 days of retention, and 400 for a
// since before 180 days. docs/reference/rl-best-practices: the X-Rate-Limit
// headers; docs/reference/rl2-monitor (read 2026-11-29): those of a refusal for
// too many requests at once. The management API's tag SystemLog: the event's
// objects. The form of after is not documented; this one is of the fake's own
// making.
//
// What Okta does and this does not: bounded requests (until, and DESCENDING
// beyond a first page), the parameter q, filters other than eventType with eq,
// sw, ew joined by or, and OAuth 2.0.
package oktatest
