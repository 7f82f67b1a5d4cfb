// Package command tells a program of incidents: it runs one for each message,
// for receivers that no other output knows. Programs for named services do not
// belong here.
//
// # What the program gets
//
// On its standard input the notify.Message as JSON. In its environment PATH,
// LANG=C.UTF-8, what the configuration adds, and
//
//	PICKET_KEY       unique for what is told, the same at each attempt
//	PICKET_RECEIVER  name of the receiver
//	PICKET_KIND      opened, updated, escalated, repeated, assigned, acknowledged, resolved, summary, test
//	PICKET_STATE     firing, acknowledged, resolved
//	PICKET_LEVEL     informational, low, medium, high, critical
//	PICKET_URGENCY   page, hours, chat, digest, sre, none
//	PICKET_INCIDENT  the same for all messages of an incident
//	PICKET_NUMBER    PK-3FA29C
//	PICKET_NETWORK   x; empty where the message is about none
//	PICKET_ACCOUNT   x/acme; empty where it is about none or several
//	PICKET_DRILL     the drill that it is about; empty: real
//
// Nothing of this is longer than 256 bytes or holds what does not print. No
// shell is involved, the arguments are those of the configuration, and nothing
// that others wrote is in arguments or environment, except as a part of such a
// name. The program runs in the root folder.
//
// # What its end means
//
//	0                   taken
//	64, 65, 67, 77, 78  given up: usage, data, user unknown, not allowed,
//	                    configuration (EX_USAGE, EX_DATAERR, EX_NOUSER,
//	                    EX_NOPERM, EX_CONFIG of sysexits.h)
//	any other           to be tried again, such as 75 (EX_TEMPFAIL), 69, or a
//	                    program that is not there or was killed
//
// A program that has not ended in time is killed with all of its process group.
// What it leaves running after a timely end is left alone. The end of what it
// wrote to standard output or error is in the error.
package command
