// Package instagram reads one professional account of Instagram, a business or
// a creator's, over Meta's Graph API: what it published, stories included, how
// captions changed, what was deleted, how the profile changed, how many follow
// it, and where wanted what others say. How the API is reached, and how a
// timeline is walked, stands in package metagraph; when to poll in package
// collectors; what a post means belongs in rules.
//
// # What is read
//
// A quiet round is three requests: media, stories and the account. Mentions are
// two more.
//
// # Scopes
//
// Instagram has two ways in. By Facebook Login, on graph.facebook.com, a token
// of a system user with a task on the Page that the account is connected to:
// instagram_basic, pages_show_list, pages_read_engagement, and
// instagram_manage_comments for mentions. By Instagram Login, on
// graph.instagram.com with user: me, a token of the account:
// instagram_business_basic, and instagram_business_manage_comments for
// comments; that one ends after 60 days, and has no edge for tags. The scopes
// for comments can also hide, delete and answer them: leave mentions off where
// that is too much. Verify warns of a token that can publish.
//
// # What the API shows and what it does not
//
// Nothing tells who of several people posted, with which app, from where, or
// that somebody logged in: application and admin_creator exist on posts of
// Facebook Pages only. A hint of a post by the API is none: it looks as any
// other. There are no people and apps with access either; those of the
// connected Page are what package facebook reads.
//
// A caption has no history and no time of its edit: the time is that of the
// look, and what stood there between two rounds shows nowhere. Media cannot be
// changed. Stories last 24 hours; one that goes in the last of them is not told
// as deleted. Live films, stories that share another's, and archived posts,
// which look as deleted ones do, are not shown.
//
// Mentions are media in which the account is tagged, of public accounts only,
// and comments under its newest 25 media: 50 of each, and the replies that come
// with these. The account's own comments are replies. Being mentioned with an @
// in captions and comments of others is told by webhooks only
// (mentioned_media, mentioned_comment), which Picket does not receive. A tag
// that is put into an older post later is not seen: tags come by the time of
// the post.
//
// # What Meta documents, and when that was read
//
// From developers.facebook.com/docs/instagram-platform on 2026-11-29:
// instagram-graph-api/reference/ig-user (fields), ig-user/media (the newest
// 10,000), ig-user/stories (24 hours), ig-user/tags (permissions, private media
// are left out), reference/instagram-media (fields, permissions, hosts), and
// comments by ig-media/comments, newest first. The fields were compared with
// those of Meta's business SDK for Python, 25.0.2. That graph.instagram.com
// serves the same edges of "me" stands there too and was not tried.
package instagram
