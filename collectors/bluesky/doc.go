// Package bluesky reads one connected account of Bluesky, or of any other app
// whose posts lie in a repository of the AT Protocol as app.bsky records: what
// it posted, answered, reposted, changed and deleted, how its profile, handle,
// server, key and state changed, how many follow it and, with an app password of
// the account, who mentions it and which app passwords it has. It knows the wire
// formats and limits and maps them to activities. When to poll, how long to wait
// after a refusal and which repeats to drop is decided by package collectors;
// what a post or a changed profile means belongs in rules.
//
// The library is github.com/bluesky-social/indigo, of which only the light
// packages are used: atproto/atclient (requests, sessions that are refreshed),
// atproto/identity (handles and DIDs) and atproto/syntax. Its generated packages
// api/bsky and events are left out: the first lets one record that some client
// made otherwise than documented spoil the whole page, the second pulls in a
// database and a block store. Frames of the event stream, and repositories that an
// owner exported (ReadRepository), are read with
// github.com/fxamacker/cbor. Under indigo's client lies a round tripper
// (exchange.go) that sends through Deps.HTTP and keeps the headers of a 429,
// which indigo drops. Indigo's one habit of asking twice, when an access token
// has expired and was renewed, stays.
//
// # What is read in a round
//
// A round begins with com.atproto.sync.getRepoStatus. While the repository's
// revision stands, nothing was written, changed or deleted, and that is all: a
// quiet round is one request, two with mentions. Else, and every ten minutes
// anyway, the newest posts and reposts are listed down to below those watched,
// and the profile's record is read. A watched record that has another CID was
// changed. One that was not met is asked for by itself, and only RecordNotFound
// means that it was deleted, which a moderator's removal of the record looks
// like, too. Every five minutes come the identity (com.atproto.repo.describeRepo)
// and the app passwords, every hour the counts.
//
// # Time
//
// The key of a record holds a time, and so does createdAt. Clients make up both.
// The revision is the server's. So what is new in a round happened between two
// revisions; where a record's key claims a time outside of that, the later
// revision's is taken, and where createdAt is off by more than an hour the
// record stands in raw, so that rules can see the claim as raw.createdAt. What
// is dated back turns up where it is among the newest that are watched, or where
// all there is is watched; a record whose key lies below them is not found.
//
// # Sessions
//
// What everybody sees is read without a login. For the rest a session is made
// once with the app password, renewed with its refresh token and kept in
// Deps.Sessions; the server allows 300 new ones a day, and Picket asks for no
// more than four in an hour, over restarts. Refresh tokens are replaced at each
// use. The one before stays good for two hours and leads to the same successor,
// so that a crash before the new one was saved costs nothing.
//
// com.atproto.server.listAppPasswords takes any session at the reference PDS,
// one of an app password included; making and revoking app passwords takes the
// account's own password. A server that shows the list to full sessions only
// answers "Bad token scope", which is logged once an hour, and no token_grant is
// told then.
//
// # The event stream
//
// Watch listens to com.atproto.sync.subscribeRepos of the account's PDS, one
// connection for all accounts of a server in this process, and brings the next
// poll forward at every #commit, #sync, #identity and #account of the account.
// It carries all accounts of that server; bsky.social, which is only the front
// door of many, has none.
//
// # Which server
//
// Without base_url the handle is looked up (DNS and the well-known file), then
// its DID document, which must name the handle and a server that is reached by
// https, by a public name with public addresses: an intruder who can change the
// document must not point Picket at its own neighbours. The DID is kept in the
// cursor; a handle that changes hands is not followed. A server that says that
// the account is gone or deactivated leads to another look at the document.
//
// # What is documented, and when that was read
//
// Read on 2026-11-29:
//
//   - docs.bsky.app/docs/advanced-guides/rate-limits: 3,000 requests in 5
//     minutes by IP address, createSession 30 in 5 minutes and 300 a day by
//     account, RateLimit headers, 429. bluesky-social/bsky-docs issue 183 tells
//     of 100 sessions a day at bsky.social.
//   - The lexicons of bluesky-social/atproto, as the reference PDS 0.4.217 on
//     npm has them, and where they are silent that PDS itself: names of errors,
//     cursors of listRecords (the last key, also on the last page), the grace of
//     refresh tokens, scopes of sessions, the frames of the stream.
package bluesky
