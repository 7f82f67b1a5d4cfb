// Package rules compiles Sigma documents and Picket's baseline documents into
// one immutable Program that matches an activity against all of them. It
// parses nothing (that is rules/sigma) and keeps no memory between activities
// (that is detector).
//
// # What a rule matches
//
// Rules with "logsource: {product: picket}" are for Picket's activities. Their
// fields are those of activity.LookupField; category may name a kind of
// activity, service a network. Rules for any other product are for that
// source's own events: they are tried on activities of the network of that
// name which carry the event in raw, and their fields are looked up there.
//
// All documents of all files share one space of names and ids. A rule that
// feeds a correlation or baseline, or resolves another rule, is silent, unless
// the correlation says "generate: true" or the rule itself says
// "picket: {generate: true}".
//
// # What this version leaves out
//
// The modifiers base64, base64offset, expand, fieldref, utf16*, wide, windash
// and those of time; correlation types other than event_count and value_count,
// aliases, rules over correlations, group-by without account; filter and tune
// documents; baseline types other than new_value and approval. Each is refused
// by name, with its place. Keywords in rules for a source's own events are
// looked for in the event's JSON text as it was recorded.
package rules
