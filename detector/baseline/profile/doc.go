// Package profile is the model of how one account posts: with which words and
// habits of writing, clients, hours and pace. It judges each post of a session
// by how seldom the account does anything as odd, and holds a budget of false
// alerts that the operator sets. Reading an activity, judging it, learning it
// and saying in words why it is odd belong here; which activities are judged
// and what follows is the rule's and the detector's matter. Nothing here reads
// a clock or allocates while it judges.
//
// # The model
//
// Each channel turns what a session shows into one number: the log of the
// months after which the account shows something as large again, taken from a
// histogram of its own sessions.
//
//   - word: the strangest post. A logistic regression over hashed words, names
//     and habits of writing tells the account's posts from a sample of what
//     others post (World); Weinberger et al., "Feature Hashing for Large Scale
//     Multitask Learning", ICML 2009. Names that it never pointed to and its
//     languages are added.
//   - talk: the same summed over the session, as in Page's CUSUM (Biometrika
//     1954), with a decay.
//   - bait: words of what hijacked accounts are used for.
//   - hour: how seldom it posts at that hour, once and summed over the session.
//   - client: a client that it never used, by how often it takes up new ones.
//   - pace: three, six or ten posts in a shorter time than ever.
//
// The channels are joined by the Euclidean norm, between their maximum and their
// sum, so that a familiar channel takes nothing from a strange one. An alert is
// a session whose score is above the account's threshold: the score that the
// budget would have allowed to be passed in the trailing 180 days, moved by
// what the budget is ahead or behind. COMPA (Egele et al., NDSS 2013) has the
// idea of a profile of features of each account; thresholds there are the same
// for all.
package profile
