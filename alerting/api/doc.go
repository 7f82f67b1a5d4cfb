// Package api lets people and programs read alerts and act on them: over HTTP,
// as openapi.yaml says, and as a NATS service. Both are thin: what they do is in
// Service, so that an answer does not depend on the way a question came, and
// the command line works on the same [alerting.Manager].
//
// What an action means and which states allow it belongs in alerting; the
// listener, with its time-outs, and the configuration belong to the caller;
// links that act by being opened and confirmed belong in links.
//
// # HTTP
//
// gen.go is generated from openapi.yaml by oapi-codegen, whose version go.mod
// holds: go generate. Every request but that for the document itself carries
// "Authorization: Bearer <secret>"; the name of the token is who acts. Errors
// are problems after RFC 9457.
//
// # NATS
//
// The service is called picket-alerts and is found with "nats micro ls",
// "info" and "stats". Its endpoints are
//
//	picket.api.alerts.list     Query     → List
//	picket.api.alerts.get      Reference → Entry
//	picket.api.alerts.history  Reference → History
//	picket.api.alerts.ack      Deed      → Entry
//	picket.api.alerts.assign   Deed      → Entry
//	picket.api.alerts.resolve  Deed      → Entry
//	picket.api.incidents.ack      IncidentDeed → Outcome
//	picket.api.incidents.assign   IncidentDeed → Outcome
//	picket.api.incidents.resolve  IncidentDeed → Outcome
//
// with the schemas of openapi.yaml as JSON. An error is told as the service
// protocol wants it: the header Nats-Service-Error-Code holds the status that
// HTTP would give, Nats-Service-Error what is wrong, and the body is the
// Problem. Each endpoint of a daemon answers one request at a time; several
// daemons share the requests.
//
// Who may ask is decided by the permissions of the NATS server. Picket's own
// lets only the user admin publish there; with a server of your own, whoever
// may publish to picket.api.alerts.ack, picket.api.incidents.ack and their kind
// acts under any name that it gives: nobody checks who is meant by "by". And
// whoever may subscribe to the inboxes of those who ask reads alerts: ask with an
// inbox prefix of your own.
package api

//go:generate go tool oapi-codegen -config oapi-codegen.yaml openapi.yaml
