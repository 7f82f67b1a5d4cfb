// Package evidence keeps copies of the pictures and films of flagged posts
// before they can be deleted. Text, time and reach of a post are in the alert
// itself; its media are at addresses that the network serves for as long as the
// post is up.
//
// Copies are objects in the bucket PICKET_EVIDENCE of JetStream, for as long as
// its retention says, with their SHA-256, so that it can be shown later that
// they are what was fetched. What a network does not give at once, because it
// limits how often it is asked or is away, is tried again for an hour. The network's own description of a post is nobody's
// to trust: addresses are fetched over https from public hosts only, a few for
// each alert, of bounded size and time, and only what is an image, a film or
// sound by its own bytes.
//
// When an alert is told and what its text says belongs in alerting; whether
// copies are kept at all belongs in the configuration.
package evidence
