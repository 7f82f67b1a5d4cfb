// Package calendar is about clocks on the wall: the moments at which those of a
// time zone show a time, hours of the week, and what recurs by a rule of
// iCalendar (RFC 5545). It reads no clock.
//
// Who is on duty, and what is silenced, belongs in the packages that ask.
package calendar
