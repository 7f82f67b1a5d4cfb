// Package metagraph is what the collectors of Facebook Pages and of Instagram
// professional accounts have in common: a client of Meta's Graph API with its
// errors, usage headers and pages, and the walk over what one account
// published. Which edges and fields are read, and what they mean, belongs in
// packages facebook and instagram; when to poll and how long to wait in package
// collectors.
//
// The client is plain REST over Deps.HTTP: Meta keeps business SDKs for other
// languages and none for Go, and those by others lag behind its versions.
//
// # What is read in a round
//
// A round reads a timeline from the newest item down to Options.Overlap before
// the last round. Every ten minutes, and at once when the account counts fewer
// items than before, it reads down to the oldest watched one. A watched item
// with other words, links or media was edited: there is no history, so that
// what stood there between two rounds shows nowhere, and updated_time moves
// with comments too. One that the timeline no longer shows is asked for by
// itself, and only the error "code 100, subcode 33" (or code 803), while the
// account and its timeline can be read, means that it was deleted. Then come
// the profile, the people and apps that have access, and what others say.
//
// # Usage instead of counts
//
// Meta tells no counts of requests but percents of a sliding window: X-App-Usage
// and X-Page-Usage of an hour, X-Business-Use-Case-Usage of a day or an hour,
// by business object, with the minutes until access is regained. A Budget
// cannot read these. So the client looks at every answer, and from HoldAt
// percent on sends nothing until its own oldest requests have left a window of
// an hour, and then one request in every 10 minutes to an hour, the fewer the
// less is left, until usage has fallen. What it refuses is a
// *collectors.RateLimited, which holds back all accounts of the credential. The
// answer that told it is still used.
//
// # What Meta documents, and when that was read
//
// From developers.facebook.com on 2026-11-29:
//
//   - docs/graph-api/changelog: version 27.0 is of 2026-11-04; 26.0 of
//     2026-07-29. A version is kept for two years at least.
//   - docs/graph-api/overview/rate-limiting: the three headers, their members,
//     error codes 4, 17, 32, 613 and 80001 to 80014. Calls by Page and system
//     user tokens count by business use case: 4,800 in 24 hours for each
//     engaged user of a Page, and for each impression of an Instagram account;
//     others 200 in an hour for each user of the app.
//   - docs/graph-api/guides/error-handling: the form of errors, codes 1, 2, 3,
//     4, 10, 17, 102, 190, 200 to 299, 341, 368, and the subcodes 458, 459, 460,
//     463, 464, 467, 492.
//   - docs/graph-api/guides/secure-requests: appsecret_proof is the HMAC-SHA256
//     of the token with the app's secret.
//   - docs/graph-api/results: pages by paging.cursors.after. paging.next is
//     never followed: it holds the token.
//   - docs/graph-api/reference/debug_token: scopes, granular_scopes, expires_at,
//     data_access_expires_at.
//
// The pages on errors and limits show neither the subcode 33 of an object that
// does not exist nor that tokens go into an Authorization header. The first is
// what the Graph API answers in practice and many have reported, the second
// stands in the documentation of WhatsApp's Cloud API, which is on the same
// host. Meta documents no delay of items; Options.Overlap is our own.
package metagraph
