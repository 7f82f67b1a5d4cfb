// Package silence holds who need not be told of which alerts for a while: the
// silences that people make, and maintenance windows, which recur and are
// written in the configuration.
//
// Silencing changes neither findings nor alerts: an alert that is silenced is
// opened, counted, acknowledged and resolved like any other, and only not told.
// What labels an alert has belongs in match, where silences are stored in the
// folder of that output, and who is told in the packages that route.
//
// # Life
//
//	            confirm, where it takes two            its end, expire
//	awaiting ───────────────────────────► scheduled,  ─────────────────► over
//	    │  └───────────────────────────── active                           ▲
//	    └──────────────────────────────────────────────────────────────────┘
//	                    its end, expire: it never took effect
//
// Every silence ends: after 7 days unless said otherwise, and after MaxSpan at
// the latest. One that could match an alert of level critical, by its matchers
// alone, takes effect only once a second person has confirmed it. To need
// nobody, it must rule critical out: level!="critical".
//
// A silence is never changed in what it matches. Who wants another one makes it,
// and expires the old one.
package silence
