// Package links makes and serves the links in messages by which somebody acts
// on an alert from a phone, without an account anywhere: one link, one action,
// once, for a while.
//
// A link holds a signed token (a JSON Web Token, RFC 7519, HMAC-SHA256) that
// names the alert, the action, the receiver that it was sent to, the person if
// the message was for one, and when it expires. Opening a link changes nothing:
// mail scanners and chat previews open all of them. It shows a page with a
// button, without scripts, and the button acts. Whoever has the link can press
// it; where the message was for several people the page asks who does, and the
// reason of the deed says to whom the link had been sent. A link to acknowledge
// takes the other alerts of the message's incident that wait for somebody, too;
// every other link acts on its own alert alone.
//
// The key and the tokens that were used are kept in JetStream, so that daemons
// that share a server make and serve the same links, and agree on which are
// used. Deleting the key "hmac" of the bucket PICKET_LINKS_KEY makes every link
// that is out invalid; daemons read it when they start.
//
// "Was this you?" is a link for the person whose login or account it was: no
// raises the urgency to a page, yes is told beside the alert and closes
// nothing, see [alerting.ActionAnswer].
//
// How messages are put together and sent belongs in notify and its outputs;
// what tokens may ask over HTTP belongs in the package above.
package links
