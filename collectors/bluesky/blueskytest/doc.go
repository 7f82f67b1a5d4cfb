// Package blueskytest is a fake of what the Bluesky collector talks to, on one
// http.Handler: a PDS with its accounts, records, sessions and event stream, an
// app view with counts and notifications, a PLC directory, and the well-known
// file of handles. It speaks the wire format of the lexicons and of the
// reference PDS 0.4.217 (names of errors, RateLimit headers, cursors, refresh
// tokens that rotate), counts requests, and remembers every time that a
// documented limit was exceeded. What Picket makes of it belongs in package
// bluesky.
package blueskytest
