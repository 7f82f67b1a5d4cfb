// Package exports reads what networks give to the owner of an account who asks
// for a copy of its data, and maps it to activities in order of time, under the
// ids that the network's collector gives to the same posts, where the copy tells
// them. How a post of a network is to be understood is decided in that network's
// package; that history teaches and raises nothing, and what the journal holds
// already, is the importer's (collectors.Import).
//
// # What is read
//
//   - x: the data archive, as a zip file or a folder; see collectors/file.
//   - mastodon: the account's archive, as .tar.gz, .tar, .zip, a folder or
//     outbox.json alone: posts, replies, boosts and direct messages. It says
//     neither which application posted nor from where somebody logged in, of an
//     edited post only how it is now, and of a boost not what was boosted.
//   - bluesky: the account's repository, a .car file, alone, in a folder or in an
//     archive: posts, replies, reposts and the profile. It says neither which
//     application posted nor what was deleted, of an edited post only how it is
//     now, and names its owner by the DID alone: the account's did must be set.
//   - youtube: what Google Takeout gives for "YouTube and YouTube Music", as .zip,
//     .tgz or a folder: of its tables videos.csv, that is each public video as a post,
//     and comments.csv, the channel's own comments as replies, under videos of others,
//     too. Whose they are stands in channel.csv and "channel URL configs.csv"; where
//     the Google account has several channels, the one is taken that the account is
//     configured with. Tables in English alone are read, upper and lower case
//     aside: Takeout writes their names and columns in the language of the Google
//     account. It says neither when a title was changed nor what was deleted, and
//     not whether a video was a broadcast.
//   - facebook: what Facebook gives to who downloads a Page's information in the
//     format JSON, as .zip, .tar.gz or a folder; of an export in several files the
//     folder that all unpack to: profile_posts_1.json and those that follow, each
//     a post. It says neither which app posted nor who, and not what was shared.
//     Whose it is stands in profile_information.json; where an export has only the
//     professional dashboard, that has the Page's name alone. A person's
//     information is not read, since the collector reads Pages.
//   - instagram: what Instagram gives to who downloads their information in the
//     format JSON, as .zip, .tar.gz or a folder: posts and reels, archived ones
//     included, and stories, each as a post; logins with their address and user
//     agent, logouts and changes of the password, in any language; and those
//     changes of the profile that are told in English. Whose it is stands in
//     personal_information.json, and is found where the account is in English or
//     in German.
//
// # Posts without an id
//
// The exports of Facebook and Instagram do not say under which ids the network
// knows the posts. They get ids of their own, activity.ExportID and what is made of
// their time, so that the same export given again adds nothing; posts of the same
// second count as one. What a poll brought has the network's ids, so nothing but time tells whether it
// is the same: of the classes posts and logins each, only what is more than an hour
// older than the oldest that the journal holds under other ids is imported. So an
// account that is polled must be polled once before; the import is refused until
// then. Who imports first and connects the account later has its newest posts
// counted twice, once as what the export holds and once as what the first poll
// reads. Nor is what the journal's retention has taken known any more: import soon
// after the first poll.
//
// # What is documented, and when that was read
//
// Mastodon does not document its archive. The form is that of
// app/services/backup_service.rb of mastodon/mastodon, read on 2026-11-29 in a
// stored copy that may be older than the newest release, and of ActivityPub.
// It was tried on archives made by hand in that form, on none of a real server.
//
// Google describes the columns of Takeout's tables of YouTube, without the names
// of files, at developers.google.com/data-portability/schema-reference/youtube,
// read on 2026-11-29 in a stored copy in French. English names of columns and
// files, the two spellings "Video Title (Original)" and "Video title (original)",
// and the three forms of a comment's text are those of public programs that read
// such exports, and of their tests. The tests' tables were made by hand after
// these.
//
// Meta does not document the files of its exports. Names, fields and that each byte
// of UTF-8 stands as a character of its own are those of public programs that read
// such exports and of their tests, read on 2026-11-29; of a Page's export these
// agree on profile_posts_1.json and its fields, and one alone tells of the
// professional dashboard; so does one alone of Instagram's posts.json with its
// values behind labels. The tests' files were made by hand after these, and none
// was tried that Meta made.
//
// Bluesky's repositories are documented at atproto.com/specs/repository (version
// 3 of the format) and ipld.io/specs/transport/car/carv1, read on 2026-11-29 in
// part. The tests have repositories made by hand; e2e of package bluesky has one of
// the reference PDS, and those among the test data of bluesky-social/indigo were
// read once, the ones of version 2 with that check taken out. indigo's own reader (atproto/repo) is not used: it brings three modules of
// IPFS for what is two hundred lines, and holds all of a repository in memory.
package exports
