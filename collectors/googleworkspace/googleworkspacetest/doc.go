// Package googleworkspacetest is a fake Google Workspace: the token endpoint and
// the activities of the Admin SDK Reports API in memory, answered over HTTP in
// Google's wire format, with its errors, limits and bad days: events that become
// visible late, come twice or out of order, and answers that are cut, refused or
// rate limited. It is a Handler, so that a test can serve it in its own process or
// reach it without a socket. What Picket makes of the answers belongs in package
// googleworkspace; the two share no code, so that a misreading in one is not
// repeated in the other.
//
// # What it follows
//
// The discovery document of the Admin SDK API reports_v1, revision 20260929, as
// the library google.golang.org/api v0.315.0 holds it: paths, parameters and
// objects. developers.google.com/workspace/admin/reports/v1/limits: 2,400 requests
// a minute, 250 of those that filter, and status 503 above; pages of 1 to 1000.
// developers.google.com/identity/protocols/oauth2/service-account: the signed
// assertion (RS256; iss, sub, scope, aud, and exp at most an hour after iat) and
// the errors of the token endpoint. The form of page tokens is of the fake's own
// making. All of it read 2026-11-29.
//
// What Google does and this does not: filters other than eventName, users other
// than all, push channels (watch), usage reports.
package googleworkspacetest
