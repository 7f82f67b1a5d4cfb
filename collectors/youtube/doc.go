// Package youtube reads one YouTube channel over the YouTube Data API v3: what it
// uploads and broadcasts, what it renames, hides and deletes, how its branding
// changes, how many subscribe, and where wanted what is commented under its
// videos. When to poll and which repeats to drop is decided by package
// collectors; what an odd video means belongs in rules.
//
// The client is Google's own (google.golang.org/api/youtube/v3), which builds the
// requests, and golang.org/x/oauth2, which asks for access tokens. Both are given
// one http.RoundTripper that sends with Deps.HTTP, so that budget, time-outs and
// limits hold; neither retries these calls. Answers are read here item by item,
// so that a bad one spoils no other.
//
// # What it needs
//
// An API key shows what is public. A refresh token of the channel's owner, made
// with an OAuth client and the one scope youtube.readonly, shows unlisted and
// private videos, too. The key is sent as a header, so that no address holds it;
// access tokens are kept in Deps.Sessions, with a refresh token that Google gave
// in place of the configured one.
//
// # What is read
//
//	channels.list        ids, snippet, brandingSettings, status: profile; statistics: followers, once an hour
//	playlistItems.list   a page of 50 of the playlist of uploads: which videos there are
//	videos.list          these videos, and up to 50 more of the newest Config.Watch that the page did not show
//	commentThreads.list  allThreadsRelatedToChannelId, a page of 100, where mentions are wanted
//
// each once a round, so that a quiet round costs 2 to 5 units.
//
// A handle is asked for once; after that the id is used, since who takes over a
// channel may change its handle.
//
// # Activities
//
//	post       a new video; time is publishedAt. id is the video's. profile has title, privacy, tags,
//	           made_for_kids, and live, "live" or "upcoming", for a broadcast
//	post       the start of a broadcast that was announced: id is the video's with ".live-" and
//	           its start, object the video's, profile.live "live"
//	edit       title, description, privacy or details (tags, language, made for kids) differ from what
//	           they were; changed says which, old.privacy what privacy was. Also a video that was gone
//	           and is there again; old.privacy is then "hidden"
//	delete     a watched video was not there twice: deleted, or with an API key made private
//	profile    name, handle, description, country, keywords, trailer (for who has not subscribed),
//	           picture, banner or privacy differ from what they were
//	followers  subscribers (YouTube rounds them to three digits), videos and views
//	mention    a comment of others, with up to five replies of a new thread
//	reply      a comment of the channel itself
//
// YouTube tells no time of an edit, a deletion or a change of the profile: it is
// that of the poll that saw it. A video that is made public later than it was
// uploaded has the time of that as publishedAt.
//
// Who hides or renames all videos of a channel is seen at the second next poll
// for the newest 50, and 50 more a poll for the others that are watched.
//
// # What the API does not show
//
// Logins, sessions, second factors, managers of a channel, apps with access: the
// identity provider of the managers does. Who of the managers acted. Thumbnails:
// the address of a video's stays the same when another picture is put there, so
// that its change is not seen. Community posts, stories, live chat, playlists, and
// replies to threads that are older than the overlap. Videos older than the
// watched ones when they change.
//
// # Late uploads
//
// Google documents no time within which a new video is in the playlist of
// uploads, nor its order; others report minutes to hours (youtube-dl, issue
// 26116). A video that turns up late is told where it is younger than
// Config.Overlap, or than the oldest watched one.
//
// # Quota
//
// 10,000 units a day for a project and all that read with it, from midnight
// Pacific; a list costs 1 unit, also when it is refused, so that a project has
// room for three channels at the usual two minutes. ETags are not sent: Google
// documents no lower cost for an answer of 304. Over the quota Google answers 403
// quotaExceeded, which waits until the next midnight Pacific; rateLimitExceeded
// and userRateLimitExceeded wait so where the answer names a quota of a day, and
// else as it says.
//
// # What Google documents, and when that was read
//
// Read 2026-11-29:
//
//   - developers.google.com/youtube/v3/determine_quota_cost: costs, the day of quota.
//   - developers.google.com/youtube/v3/docs/errors: reasons of errors, in part; the
//     rest, and those of keys (API_KEY_INVALID and others), from memory.
//   - developers.google.com/youtube/v3/docs, pages videos, playlistItems and
//     commentThreads/list, in part.
//   - developers.google.com/youtube/v3/revision_history, until 30 September 2026.
//   - The discovery document of youtube_v3 as google.golang.org/api v0.315.0 holds
//     it: parameters, objects, the scope.
//
// That a channel without videos is answered with playlistNotFound, that a
// thumbnail keeps its address and that X-Goog-Api-Key is taken for a key are known
// from memory, not from these pages.
package youtube
