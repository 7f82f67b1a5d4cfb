// Package githubtest is a fake of GitHub's audit log: events in memory, answered
// over HTTP in GitHub's wire format, with its errors, limits and bad days:
// events that become visible late, come twice or out of order, and answers that
// are cut, refused or rate limited. It is a Handler, so that a test can serve it
// in its own process or reach it without a socket, and its admin paths
// (admin.go) let another process drive it. What Picket makes of the answers
// belongs in package github; the two share no code, so that a misreading in one
// is not repeated in the other.
//
// # What it follows
//
// docs.github.com, REST API endpoints for audit logs, rate limits for the REST
// API, and using pagination in the REST API (read 2026-11-29): the paths of
// organisations and enterprises, phrase with created, include, order, per_page
// and after, the Link header, the X-RateLimit headers of the resource audit_log
// with 1,750 requests an hour, and the error bodies. The form of after is not
// documented; this one is of the fake's own making. Requests beyond the limit
// are answered 403 and counted by Over.
//
// What GitHub does and this does not: qualifiers of phrase other than created,
// before, and the two-factor header.
package githubtest
