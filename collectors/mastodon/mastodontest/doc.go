// Package mastodontest is a fake Mastodon server: accounts, statuses, edits,
// deletions, profiles and mentions in memory, answered over HTTP in the wire
// format of Mastodon's REST API, with its errors, limits and bad days. It is a
// Handler, so that a test can serve it in its own process or reach it without
// a socket, and its admin paths (admin.go) let another process drive it. What
// Picket makes of the answers belongs in package mastodon; the two share no
// code, so that a misreading in one is not repeated in the other.
//
// # What it follows
//
// docs.joinmastodon.org as of 2026-07-02 (for Mastodon 4.6): methods/accounts
// (get, lookup, statuses, verify_credentials), methods/apps
// (verify_credentials), methods/statuses (get one, get several, history),
// methods/notifications, methods/instance (v2, its address of streams alone),
// methods/streaming (the user's stream as server-sent events), entities/Account, Status,
// StatusEdit, MediaAttachment, Notification and Error, api/guidelines (ids,
// pages and their Link header), api/rate-limits, api/datetime-format,
// spec/activitypub (sanitised HTML), admin/config (servers that want a login).
// Not documented there and taken from Mastodon's source: that a look-up of
// several statuses takes 20 at most and answers 422 beyond, how a link is
// shortened in HTML, who sees an application's name, and the texts of 429 and
// of a token without the scope.
//
// With Options.Software it lists tokens as GoToSocial does (docs.gotosocial.org,
// api/swagger as of 2025-10-03, tokenInfo) or Pleroma (its
// docs/development/API/pleroma_api.md as of 2024-08-12); in all else it stays
// Mastodon, and its ids of tokens are numbers where GoToSocial's are ULIDs.
//
// A stream tells of every account's public statuses, as the home timeline of one
// who follows all; those for the account's own eyes are told to it alone.
//
// What Mastodon does and this does not: federation, web sockets, writing, OAuth,
// search, polls, cards, blocks and mutes.
package mastodontest
