// Package pagerduty tells a PagerDuty service of incidents, over the Events API
// v2 (developer.pagerduty.com, "Events API v2"). Who is woken by PagerDuty, and
// its change events, do not belong here.
//
// # What is sent
//
//	opened, updated, escalated, repeated, assigned, summary, test    trigger
//	acknowledged                                                     acknowledge
//	resolved                                                         resolve
//
// The dedup_key is the message's incident, so that all of it is one alert in
// PagerDuty; a trigger that comes twice is a line in its log and pages nobody
// again ("Event Management", support.pagerduty.com). That holds for an alert that
// is acknowledged, too: what waits for somebody again after Picket has acknowledged
// it is another alert, whose dedup_key has a number behind, and the end resolves
// all of them. What people acknowledge in PagerDuty itself Picket does not learn.
// An incident that PagerDuty has resolved and that is triggered again is
// a new one there. A summary and a test stay open until a person resolves them.
//
//	critical → critical, high → error, medium → warning, low and informational → info
//
// The lines of the screen become custom_details in their order, and the links
// that lead to web pages become links. An event that would be too large loses
// the ends of its details, never more than that.
//
// # What an answer means
//
// 202 with the status "success" is taken. Any other body of a success is a lie
// of something in between, and is tried again, as are 429 and 5xx; 400 says
// that the event is wrong, and is given up with what PagerDuty found wrong, or
// that the key is, which is tried again for a while. See package httpsend for
// the rest.
package pagerduty
