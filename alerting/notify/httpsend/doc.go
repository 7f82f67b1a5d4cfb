// Package httpsend sends one request of an output to its receiver and says what
// the answer means for the message: taken, to be tried again, when, or never.
//
// What is sent, and what a service says in the body of its answer, belongs in
// the package of that output. Trying again belongs in delivery.
//
// # What an answer means
//
//	2xx                  taken, as far as the status goes; see [Lie]
//	301, 308             denied: the receiver has moved, its URL is to be mended
//	other 3xx            to be tried again; no redirect is followed, since the
//	                     message and its credentials would go with it
//	401, 403             denied: the credential is to be mended
//	404                  denied: the URL is to be mended, or something in between
//	                     does not find the receiver while it is installed anew
//	407, 408, 421, 425   to be tried again: the way there, not the message
//	429                  to be tried again, when Retry-After says
//	other 4xx            for ever: this message is refused; with 410 the receiver
//	                     wants none any more
//	5xx                  to be tried again, when Retry-After says
//	no whole answer      to be tried again: network, certificate, time over, an
//	                     answer that breaks off or is longer than MaxAnswer
//
// What is denied is tried again, too, for as long as delivery says, and others
// are told of it soon.
//
// An error names the host at most: path and query of a receiver's URL may be
// its secret. What a receiver said is quoted on one line, cut, and without the
// secrets that the output has named.
package httpsend
