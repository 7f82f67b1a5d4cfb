// Package linkedin reads one organisation's page over LinkedIn's Community
// Management API: what it published and shared, edited and deleted, how its
// profile changed, how many follow it, who has a role on it, and where wanted the
// comments under its newest posts. When to poll, and how many calls a credential
// may make, belongs in package collectors; what a post means belongs in rules.
//
// The client is plain REST over Deps.HTTP: LinkedIn keeps clients for Python and
// JavaScript and none for Go, and those by others cover publishing or stand at
// versions that are no longer served.
//
// # What is read
//
// A quiet round is one call: the posts that changed last, newest first, down to
// Overlap before the last round and to the oldest of the watched ones, which fit
// one page. A watched post whose time of change moved and whose words, links or
// media differ was edited; of one that is not watched any more LinkedIn's word
// isEditedByAuthor counts. What stood there before shows nowhere. A watched post
// that no page holds is asked for by itself, and only the answer 404 means that it
// was deleted. Pages are asked for by index, so that two of a walk have posts in
// common; where they do not, a deletion shifted them, and the walk begins anew.
//
// Every Look follow the organisation and who has a role, once an hour at most the
// followers, one call each, and one for each post whose comments are read. With
// the defaults that is about 500 calls a day.
//
// # Least rights
//
// An access token of a super admin (ADMINISTRATOR) of the page, since LinkedIn
// shows the organisation and its roles to no other, with r_organization_social and
// r_organization_admin, and for comments r_organization_social_feed. None of these
// can post or change the page; w_ and rw_ permissions can, and Verify warns of
// them. An access token lasts 60 days. With the app's id and secret and a refresh
// token, which LinkedIn grants some apps and which lasts 365 days from when it was
// first made, Picket makes access tokens itself, and warns from 30 days before the
// end on. A refused token names what mends it.
//
// # What the API shows and what it does not
//
// Anybody can ask for a role on a page. Where more people ask than are compared,
// 150, only those are that have one.
//
// It tells neither which admin nor which app published, edited or deleted a post,
// nor who gave somebody a role; of comments by the page it tells the admin as
// agent, which stays in the raw activity. Of people it tells ids only. There are
// no logins, no sessions, no addresses, no second factors. Drafts, messages,
// articles of newsletters, reactions, answers to comments, edits and deletions of
// comments, and posts of others that mention the page are not read. Comments under
// others than the newest posts are not read; of more than 300 new ones under one
// post in a look those in between are reported as a gap.
//
// LinkedIn's data storage requirements bound how long what members say may be
// kept (activity data 48 hours, unless it agrees to more): comments are off unless
// they are asked for.
//
// # Limits
//
// LinkedIn bounds the calls of a day, from midnight UTC, for each endpoint, by app
// and by member, and publishes the numbers in the developer portal only; no answer
// tells them. For apps in the Development tier it documents 500 calls an app and
// 100 a member. The key units bounds what Picket makes. A 429 whose message names
// a DAY limit closes that endpoint until midnight and leaves the others open; of
// any other 429 all calls wait.
//
// # What LinkedIn documents, and when that was read
//
// learn.microsoft.com/linkedin, on 2026-11-29, in the stored form that could be
// had, of which some pages were of earlier versions:
//
//   - shared/api-guide/concepts: rate-limits, pagination (start and count; a page
//     with fewer elements is the last), error-handling (status, serviceErrorCode,
//     message), protocol-version (keys in paths are escaped), urns
//   - shared/authentication: programmatic-refresh-tokens, token-introspection
//   - marketing/versioning: monthly versions, served for a year at least
//   - marketing/community-management/shares: posts-api, comments-api,
//     little-text-format, social-metadata-api
//   - marketing/community-management/organizations: organization-lookup-api,
//     organization-access-control-by-role (roles and states), follower counts by
//     networkSizes with edgeType COMPANY_FOLLOWED_BY_MEMBER since 202305
//   - marketing/increasing-access and data-storage-requirements
//
// The calls of the Development tier, the words of 429 and 426, the codes of 401
// (65601 revoked, 65602 expired), the names organization and organizationTarget
// for one member of a role, and that a page names the next by a link, are from
// answers that others have published in issues and in the code of their clients.
// No order of comments is documented, so that either is read. LinkedIn documents
// no delay of posts; Overlap is our own.
package linkedin
