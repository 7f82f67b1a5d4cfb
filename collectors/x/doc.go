// Package x reads one connected account of X (formerly Twitter): what it
// posted, edited and deleted, how its profile changed, how many follow it and,
// where wanted, which direct messages it sent and who mentions it. A Listener also hears at once that something
// happened. It knows X's wire formats, limits and prices
// and maps them to activities. When to poll, how long to wait after a refusal
// and which repeats to drop is decided by package collectors; what a post or a
// changed profile means belongs in rules.
//
// The client is github.com/dghubble/go-twitter, which speaks API v1.1 to a
// fixed host. Under it lies a round tripper that moves every request to another
// base URL and, for API v2, translates the request and the answer (transport.go,
// request.go, answer.go). That round tripper also answers for what go-twitter
// leaves out: it takes no context, reports an answer with an empty body or an
// error body of v2 as an empty success, and lets one bad item of a page spoil
// the page.
//
// # What X documents, and when that was read
//
// All from docs.x.com as of 2026-08-22 (openapi.json version 2.167), unless
// another source is named where it is used:
//
//   - x-api/posts/timelines/integrate: a user's timeline goes back 3,200 posts,
//     mentions 800; past that an answer succeeds and is empty. Both return the
//     most recent version of an edited post. A repost's text is cut at 140
//     characters, so the original is requested beside it.
//   - x-api/posts/timelines/migrate: since_id is exclusive in both versions,
//     max_id of v1.1 is inclusive and until_id of v2 exclusive.
//   - x-api/fundamentals/edit-posts: each edit within 30 minutes makes a new
//     id; edit_history_tweet_ids begins with the first one, and deleting any
//     version deletes all.
//   - x-api/fundamentals/response-codes-and-errors: problem types, partial
//     errors beside data in an answer with status 200.
//   - x-api/fundamentals/rate-limits: x-rate-limit-limit, -remaining and
//     -reset, the last in seconds since 1970.
//   - x-api/getting-started/pricing: prices per resource read, and that a
//     resource read again on the same UTC day is not charged again.
//   - x-api/activity: introduction, quickstart and event-payloads. Subscriptions
//     to the events of an account, told over one stream to all accounts of an app;
//     an app's bearer token may subscribe to posts, deletions and changes of the
//     profile. Not told are posts of protected accounts, and what happens while no
//     stream is open: polls find both.
//   - x-api/webhooks, introduction and quickstart: events by calls to an https
//     address without a port, which proves by an HMAC with the app's secret that it
//     knows that, and whose calls are signed so. Picket makes the webhook itself.
//   - x-api/direct-messages/lookup, introduction and integrate: messages of the last
//     30 days, newest first, to a user's own token only; 15 requests in 15 minutes.
//     With OAuth 1.0a that needs the app's permission to write and to read messages
//     (fundamentals/developer-apps); there is none to read them alone. Encrypted
//     messages (XChat) are not among them.
//   - x-api/fundamentals/consuming-streaming-data and handling-disconnections: an
//     empty line every 20 seconds, and how a stream ends. Two streams an app, from
//     rate-limits. How a second subscription of the same kind is refused is not
//     documented; any answer with status 409 or that says so is taken for it.
//   - changelog, 2022-12-20: source was removed from answers. It is asked for
//     and mapped where present, never assumed.
//   - openapi.json 2.167: tweet.fields, note_tweet, referenced_tweets and their
//     like are renamed to post.fields, note_post, referenced_posts, while the
//     guides still show the old names. Config.FieldsParam chooses the words
//     that requests use; answers are understood in both.
package x
