// Package metagraphtest is the part of a fake Graph API that fakes of Meta's
// networks share: nodes and edges in memory, answered over HTTP in the wire
// format, with pages, field selection, errors, usage headers, a limit that is
// counted, and bad days. It is a Handler, so that a test can serve it in its own
// process or reach it without a socket. What nodes and edges there are belongs
// in facebooktest and instagramtest. It shares no code with what it tests, so
// that a misreading in one is not repeated in the other.
//
// # What it follows
//
// developers.facebook.com as of 2026-11-29: docs/graph-api/results (data,
// paging.cursors, next with the token in it), docs/graph-api/overview (versioned
// paths, fields with nested ones and modifiers), guides/error-handling and
// guides/secure-requests, overview/rate-limiting, reference/debug_token. The
// form of cursors is not documented; this one is the fake's own.
//
// What the Graph API does and this does not: writing, batches, ids=, before,
// since and until, introspection, webhooks.
package metagraphtest
