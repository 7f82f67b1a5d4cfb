// Package oncall says who is on duty at a moment, and when people are left in
// peace. It reads no clock and no configuration, and tells nobody anything.
//
// Whom an alert goes to, and what happens when nobody answers, belongs in the
// packages that route and escalate.
//
// # Schedule
//
// A schedule has layers, the most particular one first: on duty are those whom
// the first layer names that has somebody then. A layer hands over from turn to
// turn at the moments of a recurrence, by the clock on the wall of its schedule,
// whatever is done to the clocks; before the first of them it has nobody. It may
// be restricted to hours of the week: turns go on behind the restriction, so
// that whoever has the week has its nights.
//
// An override puts people in the place of all layers. Where several hold, the
// last one in the list does.
//
// All times are moments. A turn that would begin at a time that the clocks skip
// begins as much later, and one at a time that they show twice, at the first.
package oncall
