// Package mastodon reads one connected account of a Mastodon server, or of
// another server that speaks Mastodon's REST API: what it posted, boosted,
// edited and deleted, how its profile changed, how many follow it and, with a
// token of the account, who mentions it. A public account needs no credential
// where the server allows that. It knows the wire formats and limits and maps
// them to activities. When to poll, how long to wait after a refusal and which
// repeats to drop is decided by package collectors; what a post or a changed
// profile means belongs in rules.
//
// The client is github.com/mattn/go-mastodon. Under it lies a round tripper
// (transport.go, answer.go) that gives it only what it can read and keeps what
// it drops, such as the name of an application. That round tripper also takes
// three habits from it: go-mastodon v0.0.13 waits and tries again by itself,
// for up to an hour a time, when it is answered 429; it sends an empty "Bearer"
// where there is no token; and one bad item of a page spoils the page for it.
//
// # What is read in a round
//
// A round reads the account's timeline from the newest status down to
// Config.Overlap before the last round. Every ten minutes, and at once when the
// account says that it has fewer statuses than before, it reads down to the
// oldest watched one. A watched status that has another edited_at was edited.
// One that is missing from what was read is asked for by itself, and only "404
// Record not found" means that it was deleted. Of what lies below the watched
// statuses neither edits nor deletions are seen. Then come the profile and the
// mentions. A quiet round is two requests, three with mentions.
//
// # Apps that have access
//
// With the account's own token, other servers that speak Mastodon's API show
// which tokens of the account there are: GoToSocial at /api/v1/tokens, Pleroma
// and Akkoma at /api/oauth_tokens. Whether the server has one of the two is asked
// once, and again each day (each hour, where one was there before); where it has
// it is compared every ten minutes, by the ids of the newest 80 tokens. A new one
// is a token_grant, one that is gone a token_revoke, whether it was revoked or
// has expired. The first list is handed over as history, so that the apps on it
// are known and the rules know that grants are seen of this account. A list that
// is refused, empty or unreadable says of no token that it is gone. A login by a
// web page of GoToSocial or Pleroma makes a token as well.
//
// # The stream
//
// A Streamer also listens to the server's stream of the token's account, which
// may be on another host that the server names. What it hears of the account's
// own statuses brings the next poll forward, of an edit or a deletion also the
// reading of the watched ones; mentions do so at most each half minute. Nothing
// is taken from the stream itself: it has no cursor, says nothing of what
// happened while it was broken, and is held to nothing. It is read as
// server-sent events, which Mastodon offers beside web sockets, and needs
// nothing but HTTP.
//
// # What Mastodon does not show
//
// Which apps have access to an account is not in Mastodon's API: the documented methods
// of /api/v1/apps and /oauth tell of the asking app alone, and the list that
// people see under Preferences, Account, Authorized apps is a web page for a
// login with a password (/oauth/authorized_applications). Logins, sessions and
// changes of password or second factor are web pages likewise. Of notifications
// only mentions and quotes are taken: followers, favourites and boosts say
// nothing of who holds the account, and for a moderation warning and severed
// relationships, which do, there is no kind of activity.
//
// # What Mastodon documents, and when that was read
//
// From docs.joinmastodon.org as of 2026-07-02 (for Mastodon 4.6):
//
//   - api/guidelines: ids are opaque strings that sort by length and then by
//     bytes; pages are told by the Link header; texts are sanitised HTML.
//   - methods/accounts: lookup (3.4), statuses with max_id and at most 40 a
//     page, 401 where a server asks for a login, 410 for a suspended account
//     before 3.3 and "suspended" in the account since.
//   - methods/statuses: 404 for a status that does not exist or is not shown to
//     this login; several at once since 4.3, at most 20 (that number is not in
//     the documents but in Mastodon's source); history since 3.5, first and
//     current version included.
//   - entities/Status, StatusEdit, Account, MediaAttachment, Notification:
//     edited_at (3.5), quote (4.4). By Mastodon's source, application is shown
//     to the account's own login, and to others only where the account wishes.
//   - methods/streaming and entities/Instance, read 2026-11-29: the user's
//     stream at /api/v1/streaming/user, its events and their payloads, the
//     scopes read:statuses and read:notifications, and the host of streams in
//     configuration.urls.streaming of /api/v2/instance (4.0). That it is silent
//     for 15 s at most is from Mastodon's source.
//   - methods/notifications: most recent first, own user's only.
//   - api/rate-limits: 300 requests in 5 minutes, by account and by IP address;
//     X-RateLimit-Limit, -Remaining and -Reset, the last as a time.
//   - entities/Error: statuses and their texts.
//   - Of other servers, read 2026-11-29: docs.gotosocial.org, api/swagger as of
//     2025-10-03, GET /api/v1/tokens and tokenInfo (newest first, at most 80 a
//     page, Link and max_id, scope read:accounts, never the token itself);
//     Pleroma's docs/development/API/pleroma_api.md as of 2024-08-12, of which
//     Akkoma is a fork, GET /api/oauth_tokens (all at once, with id, app_name
//     and valid_until; by its source for any scope).
//   - admin/config: LIMITED_FEDERATION_MODE and
//     DISALLOW_UNAUTHENTICATED_API_ACCESS, and before 4.0 AUTHORIZED_FETCH, ask
//     for a login.
package mastodon
