// Package facebook reads one Facebook Page over Meta's Graph API: what it
// published, with the app and the admin that did, what it edited and deleted,
// how its profile changed, how many follow it, and where wanted who has a task
// on it, which apps are subscribed to it and what others say. How the API is
// reached, and how a timeline is walked, stands in package metagraph; when to
// poll in package collectors; what a post means belongs in rules.
//
// # What is read
//
// A quiet round is two requests: published_posts and the Page. Mentions are two
// more, people and apps one each every ten minutes.
//
// # Scopes
//
// A token of a system user that has a task on the Page, or of the Page. Pages of
// the new experience answer to their own token only; so that one is asked for
// at the first poll, and kept in memory. Least: pages_show_list,
// pages_read_engagement. For mentions pages_read_user_content.
// For people and apps pages_manage_metadata, which can also change the Page's
// settings: leave both off where that is too much. None of it can post. Verify
// warns of a token that can.
//
// # What the API shows and what it does not
//
// application and admin_creator tell with which app and by whom of its admins a
// post was made; the latter only where the Page has several. No other activity
// has either, comments of the Page excepted. There are no logins, no sessions,
// no addresses, no second factors: Facebook shows them to people only.
//
// /roles lists people with a task, and is documented for classic Pages;
// assigned_users lists the people and system users of one business portfolio,
// on all Pages. Neither lists the people with Facebook access whom nobody
// assigned in that portfolio on a Page of the new experience: of them the API
// shows nothing.
//
// subscribed_apps lists the apps that receive the Page's webhooks. An app that
// holds a token and is not subscribed, as most publishing tools are not, is
// seen first when it posts.
//
// Reels, stories, events and live films that are not posts do not come with
// published_posts, nor do posts that have not been published yet, messages, or
// whom the Page blocks. Posts of visitors that do not tag the Page, and
// comments under others than the newest 25 posts, are not read. Who wrote what
// tags the Page is shown only where that is a Page, by Meta's rule.
//
// Of one post more than 50 new comments between two rounds are reported as a
// gap.
//
// # What Meta documents, and when that was read
//
// From developers.facebook.com/docs/graph-api/reference on 2026-11-29: page and
// page/published_posts, page/feed (at most 100 posts a page), pagepost (fields;
// its samples are of version 27.0), page/tagged, page/subscribed_apps and
// page/assigned_users (permissions), object/comments, debug_token; and
// docs/pages-api/new-pages-experience. That such Pages need their own token
// stands in docs/pages/overview/permissions-features; the subcodes 2069030 and
// 2069032 of refusals stand in issues that others have reported. The fields were compared with those of
// Meta's business SDK for Python, 25.0.2. What page/roles answers on a Page of
// the new experience we found nowhere; a refusal names the key to switch off.
package facebook
