// Package notify holds what a receiver is told: the message, the interface
// that each output implements, and how an output says what went wrong.
//
// Who is told what and when belongs in dispatch, keeping a message until it is
// delivered in delivery, and how one service wants it in the package of that
// output. This package does no I/O and reads no clock.
package notify
