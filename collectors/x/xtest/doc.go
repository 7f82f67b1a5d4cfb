// Package xtest is a fake X: accounts, posts, edits, deletions, profiles and
// mentions in memory, answered over HTTP in the wire formats of API v2 (both
// vocabularies) and v1.1, with X's errors, limits and bad days. It is a
// Handler, so that a test can serve it in its own process or reach it without a
// socket, and its admin paths (admin.go) let another process drive it. What
// Picket makes of the answers belongs in package x; the two share no code, so
// that a misreading in one is not repeated in the other.
//
// # What it follows
//
// docs.x.com as of 2026-08-22: x-api/posts/timelines/integrate (pages, limits
// of 3,200 posts and 800 mentions, newest version only, reposts cut at 140
// characters), x-api/fundamentals/data-dictionary and openapi.json 2.167
// (objects and parameters; post.fields besides tweet.fields),
// x-api/fundamentals/edit-posts (versions), x-api/fundamentals/rate-limits
// (numbers and headers), x-api/fundamentals/response-codes-and-errors (problem
// documents, partial errors). For v1.1: developer.x.com, x-api/v1/edit-tweets and
// support/x-api/error-troubleshooting, pages without a date, and the objects that
// go-twitter reads.
// Not documented there and taken from what developers report: the bodies of 402
// (CreditsDepleted) and of a suspended user. The header x-access-level is that of
// X's announcement of 2011-06-30 (twitter-api-announce).
//
// Messages: x-api/direct-messages/lookup (introduction, integrate) and
// openapi.json 2.167, which has no field sender_id but an expansion. The type of
// the refusal for want of permission, oauth1-permissions, is from what developers
// report.
// Activity: x-api/activity/introduction, quickstart and event-payloads (events,
// subscriptions), x-api/fundamentals/consuming-streaming-data and
// handling-disconnections (empty lines, the end of a stream). That a stream's
// answer begins with its first line, and that a second subscription of the same
// kind is refused, is from what developers report.
//
// Webhooks: x-api/webhooks/introduction and quickstart (challenges, signatures,
// reasons of refusals, whose form is not documented). Challenges are sent when a
// webhook is made or tried again, not each hour.
//
// What X does and this does not: search, other streams, writing, OAuth 2.0 with
// PKCE, withheld content, and charging.
package xtest
