// Package email tells messages by e-mail, through one server that takes mail
// for delivery (RFC 6409) over a connection that is always encrypted and whose
// certificate is always verified.
//
// Each recipient gets a mail of their own, so that one whom the server refuses
// keeps nobody else from being told. Mails of one incident stand in one thread:
// they refer to the same Message-ID, which no mail has, and to the first one's.
// The Message-ID of a mail comes from the message's key: where a connection
// ends before the server has answered, the mail that is sent again has the same
// one and can be recognised by servers and clients that look.
//
// What a message says belongs in dispatch, and trying again in delivery.
// Receiving mail does not belong here: a reply to a mail does nothing.
package email
