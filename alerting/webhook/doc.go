// Package webhook tells any HTTP receiver of incidents, signed after the
// Standard Webhooks specification 1.0 (standardwebhooks.com), and lets a
// receiver written in Go verify what it gets. What one named service wants
// belongs in a package of its own; webhooks that Picket receives belong in
// collectors/webhook.
//
// # What is sent
//
// A POST whose body is the notify.Message as JSON, with
//
//	webhook-id         the message's key with "~" for ".", the same at each attempt
//	webhook-timestamp  when this attempt was made, seconds since 1970
//	webhook-signature  "v1," and the base64 of HMAC-SHA256 over
//	                   id.timestamp.body; one for each secret, with a space between
//
// Two secrets at a time let a receiver change from one to the other: give Picket
// both, change the receiver, take the old one away.
//
// Others' text in the body is JSON's: what it means where the receiver shows it
// is the receiver's care. Signs of HTML are escaped as JSON allows.
//
// # How a receiver verifies
//
// In Go with [Verifier]; in other languages with the specification's libraries,
// or so, over the body as it came, before it is parsed:
//
//  1. Refuse when one of the three headers is missing, or when the timestamp is
//     more than 5 minutes away from now, either way.
//  2. The key is the secret without "whsec_", decoded from base64. Compute
//     base64(HMAC-SHA256(key, id + "." + timestamp + "." + body)).
//  3. Accept when one of the signatures, without its "v1,", is equal, compared
//     in constant time.
//  4. Remember the id for 10 minutes and answer 200 to one that is known without
//     doing anything: within the 5 minutes a request can be sent again by who
//     overheard it, and Picket repeats one whose answer it did not get.
//
// # What an answer means
//
// Any 2xx is taken, unless its body is a JSON object that says otherwise, see
// httpsend.Lie. 410 says that the receiver wants no more, and is for ever;
// redirects are not followed. See package httpsend for the rest.
// The URL is the operator's own, so private addresses are allowed.
//
// # Heartbeat
//
// A POST of {"type":"picket.heartbeat","at":…,"every_seconds":…} to a URL of its
// own, signed in the same way, as services like healthchecks.io take it: they
// raise the alarm when none came for longer than that. Without such a URL there
// is no heartbeat.
package webhook
