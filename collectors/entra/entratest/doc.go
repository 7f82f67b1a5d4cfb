// Package entratest is a fake Microsoft Entra tenant: the token endpoint and the
// logs of sign-ins and directory audits of Microsoft Graph in memory, answered over
// HTTP in Graph's wire format, with its errors, limits and bad days: events that
// become visible late, come twice or out of order, and answers that are cut,
// refused or throttled. It is a Handler, so that a test can serve it in its own
// process or reach it without a socket. What Picket makes of the answers belongs in
// package entra; the two share no code, so that a misreading in one is not repeated
// in the other.
//
// # What it follows
//
// learn.microsoft.com, graph/api/signin-list, directoryaudit-list and the resources
// that they name (v1.0, their public source): $filter with ge and le of the log's
// time, $top up to 1000, @odata.nextLink with a $skiptoken, newest first.
// graph/throttling-limits: five requests in ten seconds of one application in one
// tenant, and 429 with Retry-After above. graph/errors: the error object.
// entra/identity-platform, v2-oauth2-client-creds-grant-flow and
// reference-error-codes: the token endpoint. The form of skip tokens is of the
// fake's own making. All of it read 2026-11-29.
//
// What Microsoft does and this does not: other filters, $orderby, $select,
// certificates, the beta version.
package entratest
