// Package reddit reads one Reddit account over Reddit's Data API: what it
// submits, crossposts and comments, what it edits and deletes and what is removed,
// how its profile changes, how many follow it, and where wanted what others answer
// it and who moderates its subreddits. When to poll and which repeats to drop is
// decided by package collectors; what an odd post means belongs in rules.
//
// The client is net/http. The one Go library with more than a few users,
// github.com/vartanbeno/go-reddit, was last changed in February 2021. It keeps
// access tokens to itself, so that they cannot outlive a restart; holds requests
// back by a clock of its own; decodes a page as a whole, so that one bad item
// costs all others; and reads neither the inbox's posts nor removed_by_category.
//
// # What it needs
//
// An app that Reddit has approved, and a permanent refresh token of the account
// with the scopes history (its lists), read (items by name, the profile) and
// identity (whose the token is, for picket connect); privatemessages for mentions,
// modlog for moderates. With an app of type script the account's password does in
// its place; the same scopes are asked for with it. Access tokens are kept in
// Deps.Sessions, with a refresh token that Reddit gave in place of the configured
// one.
//
// # What is read
//
//	/user/NAME/submitted  a page of 100, each poll
//	/user/NAME/comments   a page of 100, each poll
//	/api/info             up to 100 watched items that no page showed, each minute
//	/user/NAME/about      every ten minutes: the profile; counts once an hour
//	/message/inbox        where mentions are wanted: a page of 100, each poll
//	/r/NAME/about/log     where moderates is given: a page of 100 of each, every five minutes
//
// so that a quiet poll costs 3 requests, and 4 with mentions. Where texts make an
// answer larger than it may be, fewer items are asked for at once for an hour.
//
// # Activities
//
//	post         a submission; id is its name in the API, "t3_1abc23". profile has subreddit, title, flair, nsfw
//	repost       a crosspost; object is the name of what it repeats
//	reply        a comment; reply_to is what it answers
//	edit         text: it differs from what it was; removed_by: it was gone and stands again
//	delete       an item is gone; profile.removed_by says who took it away: "author", "moderator", or
//	             another word of Reddit's, such as "automod_filtered" or "copyright_takedown"
//	profile      name, description, picture, banner, avatar, nsfw or email_verified differ from what they were
//	followers    followers and karma
//	mention      a comment of others that answers the account or names it; profile.type says which
//	role_change  somebody was invited, made or unmade a moderator, or given other rights; actor is who did
//	             it, profile has member, roles, action and subreddit, raw Reddit's own entry. Also that the
//	             account is none any more: a log is refused that was shown before (action log_refused)
//
// The time of an edit is what Reddit says, or that of the poll that saw it: within
// the first minutes of an item Reddit marks no edit, which is found by its text. It
// tells no time of a deletion, a removal, or a change of the profile.
//
// Every item that is watched is looked at within ten minutes where the account is
// polled that often. Deletions of the newest 100 are seen by the next poll or two.
//
// Reddit documents no time within which an item is in its list. One that turns up
// late is told where it is younger than Config.Overlap, or than the oldest watched
// one.
//
// # What the API does not show
//
// Logins, sessions, second factors, the apps that an account has authorised; who of
// the people behind an account acted, and with which app; chat, and private
// messages, which are passed over. To its author Reddit shows a comment that
// moderators removed as if it stood, so that such a removal is seen only with a
// grant of somebody else or of a moderator; removed submissions are seen. What
// Reddit leaves out of its answers, as all of a subreddit that goes private, is not
// told as deleted. Votes, saved items, followers by name, polls' results. Items
// older than the watched ones when they change.
//
// # Limits
//
// 100 requests a minute for each OAuth client, averaged over 10 minutes. Answers
// tell what is left and for how many seconds (X-Ratelimit-Remaining, a decimal
// number, and X-Ratelimit-Reset, rounded down); others have seen 1,000 granted at
// the beginning of each ten minutes (praw issue 2046). A list ends after its newest
// 1,000 items, of which those deleted since are missing; what is lost so is
// reported as a gap. A page that begins behind an item that was deleted since is
// empty, so that a walk begins anew there. A log of moderators goes back 90 days.
//
// # What Reddit documents, and when that was read
//
// Read on 2026-11-29, most of it as others keep it, since Reddit lets no program
// read its own pages:
//
//   - www.reddit.com/dev/api: lists and their after and before, names of things.
//   - redditdev's wiki, api/faq: 1,000 items, 90 days of a log of moderators.
//   - The announcement of 9 June 2023 on r/reddit: 100 queries a minute.
//   - support.reddithelp.com, Responsible Builder Policy (November 2025): approval.
//   - github.com/reddit-archive/reddit, commit 753b174 of 2017 and its wiki (API, of
//     December 2015): the User-Agent, answers of the token endpoint, which scope
//     which path needs, mark=false, the fields of modaction; that lists lose what
//     its author deletes, what after then answers, and that a full page names
//     another one always.
//   - devvit's list of mod actions, and PRAW's list of scopes.
//
// Known from memory, not from these: removed_by_category and its words, has_verified_email,
// is_suspended, crosspost_parent, and that banned_by is told to moderators only.
package reddit
