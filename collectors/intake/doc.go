// Package intake turns bytes that others push into activities in the journal:
// it takes a body apart, decodes and completes each item, submits what is
// sound and answers for every item. It is what the webhook, NATS and file
// collectors have in common; how bytes arrive and who may send them belongs to
// those, making activities durable to the collectors.Intake behind it.
//
// # Bodies
//
// A body holds activities in their interchange form (collectors/activity) or
// approvals (ParseApproval): one object, an array of objects, or one object a
// line. A fault inside one item refuses that item only. A fault in the body's
// own structure (brackets that do not match, a text that never ends) refuses
// the whole body, since where the next item starts is then a guess.
//
// # Answers
//
// An Answer is one JSON object:
//
//	{"accepted":1,"refused":1,"results":[
//	  {"index":0,"status":"accepted"},
//	  {"index":1,"status":"refused","field":"kind","error":"…"}]}
//
// Accepted means durable in the journal. A refused item with "retry":true met
// a passing fault and may be sent again as it is; sending an accepted item
// again is harmless too, since items are told apart by account, kind and id.
package intake
