// Package detector evaluates rules over activities in log order and keeps the
// per-account memory that rules need. It reads no clock: time is the log's.
// What a rule means belongs in rules; what happens to a finding belongs in
// alerting.
package detector
