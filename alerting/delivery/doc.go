// Package delivery keeps what receivers are to be told until each has taken it:
// a durable outbox, tries with backoff, a circuit breaker for each receiver,
// dead letters, heartbeats, and the alert that a receiver does not work. Who is told what
// belongs in dispatch, what a message is in notify, and how one service wants
// it in the package of that output.
//
// # Promises
//
// A message that Queue has returned for is delivered or becomes a dead letter,
// whatever fails in between. Messages of one incident reach a receiver in the
// order in which they were queued, one at a time: a later one waits for an
// earlier one, so that nobody reads "resolved" before "opened". An opening that
// was overtaken by events while the receiver was down is still told before what
// came after it. Different incidents are told side by side, and no receiver
// waits for another.
//
// A message is told once, except that a crash between the receiver's answer and
// the record of it may repeat the one message of each incident that was under
// way, with the same key.
//
// A message that is denied until a setting is mended, as while a key is rotated,
// is tried like any other, but for an hour at most, and others are told of it
// after a minute. One that a receiver finds invalid is a dead letter at once.
//
// # Layout, version 1
//
// Parts of subjects that come from outside are written with
// activity.EncodeToken. Times are RFC 3339. Fields may be added to version 1,
// never changed or taken away.
//
// Stream NOTIFY, kept for 7 days, holds what is to be told:
//
//	picket.notify.<receiver>.<incident>
//
// The body is a notify.Message as JSON. Headers:
//
//	Nats-Msg-Id       <receiver>/<key>: the same message queued again within
//	                  a day is stored once
//	Picket-Version    1
//
// Each receiver has a durable pull consumer on it, notify_<receiver>, with "="
// for each "%" of the token, since names of consumers hold none. What it has not
// given out, or was not acknowledged, waits.
//
// Stream NOTIFIED, kept for 90 days, the last message of each subject:
//
//	picket.notified.<receiver>.<incident>   what became of an incident's
//	                                        messages, see Record
//	picket.receiver.<receiver>              whether the receiver works, see
//	                                        Condition
//
// Records are the truth about what was told; acknowledgements of the consumer
// only shorten what is read again after a crash. Therefore a consumer that was
// lost, or that has given out messages which nobody settled, is made anew and
// reads in the stream's order.
//
// Stream DEADLETTER, kept for 90 days, holds what was given up, see Dead:
//
//	picket.deadletter.<receiver>
//
// A dead letter's number is its sequence in the stream. One that is retried is
// queued again, its key followed by "-r" and that number, and deleted.
package delivery
