// Package dispatch decides who is told of alerts, what and when: incidents,
// routes, escalation, quiet and working hours, repeats, budgets and summaries.
// What an alert is belongs in alerting, which alerts belong together in incident,
// who is on duty in oncall, what is silenced in silence, and bringing a message to
// its receiver in delivery.
//
// # Deciding
//
// Core compares what each receiver should know of an incident with what it was
// told, and decides the messages that are missing. It does not follow events: a
// revision that was never seen, a crash, the end of a silence and a new
// configuration all come to the same comparison.
//
//	              Opened                  Acknowledged
//	unknown ─────────────────► told ◄─────────────────────► on it
//	   │  ▲                    │ ▲ Updated, Escalated,        │
//	   │  │ Resolved           │ └─┘ Repeated                 │
//	   │  └────────────────────┴──────────────────────────────┘
//	   │  above the budget               the storm is over
//	   ├──────────────────► in a summary ──────────────────► unknown
//	   │  urgency digest                 at its time of day
//	   └──────────────────► in the digest ─────────────────► unknown
//
// An alert that only observes, is acknowledged, or was resolved by a person is
// told to nobody new. One that ended by itself before its receivers were told,
// such as at night, while it waited for working hours, is told all the same:
// quiet does not mean that all is well. One that ended while it was silenced or
// inhibited is not told; one that is still firing when the silence ends is.
//
// An incident that comes again within its window is opened again. From the
// second time on that it does so by itself, since a person ended it last, it flaps:
// its end is told once it has been over for Policy.FlapQuiet, and that it came again
// once it has been firing for as long; a higher level and an alert of another rule
// are told at once.
//
// What pages within Budget.Per is bounded for each receiver, and so is what does
// not page. What is above it goes into one summary, the first after a minute, then
// every half hour while it grows, and a last one when nothing was held back for 15
// minutes. Two things are told in any case: the first critical alert of an account,
// and that an incident escalates of which anybody was told for itself, since it
// waits for whoever is next; they are counted all the same.
//
// # Whoever it is given to
//
// A person of the configuration whose matter an alert is made is told so, once for
// an incident and not where they did it themselves: at once, beside the budget, and
// by one receiver that reaches them. That is one that knows of the incident, else
// one of the alert's route, else one that tells them alone.
//
// # Crashes and several dispatchers
//
// A decision is stored, with its messages, before they are queued, and that they
// are queued is stored after. So whoever comes next queues what may be missing,
// under the same keys, which the outbox recognises; nothing is decided twice. All
// documents are in one stream, and each write expects to be the next of the whole
// stream: of two dispatchers one cannot write what it decided without having
// seen what the other wrote, and reads that first.
//
// # Layout, version 1
//
// Stream INCIDENTS, kept for two years, the last message of each subject. Parts
// of subjects that come from outside are written with activity.EncodeToken.
//
//	picket.incident.<id>     a Record as JSON. Headers: Picket-State,
//	                         Picket-Level, Picket-Opened, and Picket-Closed where
//	                         nothing changes any more
//	picket.desk.<receiver>   a Desk as JSON: budget, storm and digest of a receiver
//	picket.dispatched        {"v":1,"applied":n}: all revisions in ALERTS up to
//	                         sequence n are in the others
//
// All have the header Picket-Version: 1, and are written with
// Nats-Expected-Last-Sequence; what is written together after the first also with
// Nats-Expected-Last-Msg-Id. Fields may be added to version 1, never changed or
// taken away.
//
// A message's key is <incident>.<receiver>.<n>.<kind>, n counting the messages of
// the incident to the receiver, or <summary>.<n>.summary.
package dispatch
