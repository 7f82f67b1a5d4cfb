package monitoring

const ofLevel = `level=~"$level"`

func alerting() board {
	return board{
		uid: "picket-alerting", title: "Picket: alerting",
		what:      "Whether alerts get out, and how soon people see to them.",
		variables: []variable{{"level", "picket_alerts_open"}},
		commands: []command{
			{"picket alerts ls", "alerts that are open, newest first"},
			{"picket alerts test", "sends a test alert the way that real ones go, and times each part"},
			{"picket receivers ls", "receivers, what waits for them and whether they work"},
			{"picket deadletters ls", "messages that were given up"},
			{"picket incidents ls", "incidents, which alerts of one account or with one cause make together"},
			{"picket silence ls", "silences that are in effect, or will be"},
			{"picket alerts ack PK-1A2B3C", "says that you are on it"},
		},
		sections: []section{
			{"Open", openPanels()},
			{"Getting out", publicationPanels()},
			{"Who is told", toldPanels()},
			{"Receivers", receiverPanels()},
			{"How soon people see to them", seenToPanels()},
		},
	}
}

// openPanels are about what is open.
func openPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Open alerts", what: "Alerts that are not resolved, by level and state.", who: "picket alerts ls", width: 8,
			queries: []query{{expr: shared("level, state", "picket_alerts_open", ofLevel), legend: "{{level}}, {{state}}"}},
		},
		{
			view: asLines, title: "Alerts raised, 1 h", what: "Alerts by level, also of rules that only observe.", who: "picket alerts ls --state firing,acknowledged,resolved", width: 8,
			queries: []query{{expr: within("1h", "level", "picket_alerts_raised_total", ofLevel), legend: "{{level}}", exemplars: true}},
		},
		{
			view: asLines, title: "Revisions of alerts, 1 h", what: "What happened to alerts: opened, updated, acknowledged, assigned, resolved, reopened. By commands of people only where the daemon itself is asked.", width: 8,
			queries: []query{{expr: within("1h", "change", "picket_alert_revisions_total"), legend: "{{change}}"}},
		},
	}
}

// seenToPanels are about how soon people see to alerts.
func seenToPanels() []panel {
	return []panel{
		acknowledged(.5, "Time to acknowledge, median"), acknowledged(.9, "Time to acknowledge, 90th percentile"),
		{
			view: asLines, title: "Alerts seen to, 24 h", width: 8, what: "Alerts that somebody acknowledged, or resolved at once. Drills are left out.",
			queries: []query{{expr: sharedWithin("24h", "level", "picket_alert_acknowledge_seconds_count", ofLevel), legend: "{{level}}"}},
		},
		resolved(.5, "Time to resolve, median"), resolved(.9, "Time to resolve, 90th percentile"),
		{
			view: asLines, title: "Alerts resolved, 24 h", width: 8, what: "By a person, or by themselves after quiet. Drills are left out.",
			queries: []query{{expr: sharedWithin("24h", "level, by", "picket_alert_resolve_seconds_count", ofLevel), legend: "{{level}}, by {{by}}"}},
		},
	}
}

// publicationPanels are about how alerts get out: published on NATS first, from
// where receivers are told.
func publicationPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Published", unit: "cps", what: "Revisions of alerts published on NATS, from where receivers are told.", width: 8,
			queries: []query{{expr: rate("", "picket_alert_publications_total"), legend: "revisions"}},
		},
		{
			view: asLines, title: "Not published, 1 h", width: 8, who: "picket alerts ls",
			what: "Revisions that an attempt to publish failed for, and those that another writer was ahead of. They are kept and tried again; nobody is told meanwhile.",
			queries: []query{
				{expr: within("1h", "", "picket_alert_publications_failed_total"), legend: "failed"},
				{expr: within("1h", "", "picket_alert_conflicts_total"), legend: "another writer was ahead"},
			},
		},
		delay(.95, "Delay of alerts, 95th percentile"),
	}
}

// toldPanels are about deciding who is told.
func toldPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Incidents", width: 8, who: "picket incidents ls",
			what:    "Incidents that alerts may still join or change, by state and level; resolved ones until their window is over.",
			queries: []query{{expr: "sum by (state, level) (" + series("picket_incidents", ofLevel) + ")", legend: "{{state}}, {{level}}"}},
		},
		{
			view: asLines, title: "Messages decided, 1 h", width: 8, who: "picket incidents ls",
			what:    "Messages for receivers, by kind and urgency: page wakes somebody, a summary stands for what was above the budget or only goes into the digest.",
			queries: []query{{expr: within("1h", "kind, urgency", "picket_incident_messages_total"), legend: "{{kind}}, {{urgency}}"}},
		},
		{
			view: asLines, title: "Silences", width: 8, who: "picket silence ls", what: "Silences that are in effect, have not begun, or wait for a second person. Maintenance windows are not counted.",
			queries: []query{{expr: shared("state", "picket_silences"), legend: "{{state}}"}},
		},
		{
			view: asLines, title: "Alerts withheld", width: 8, who: "picket alerts ls --state firing",
			what:    "Alerts that wait for somebody and that a receiver is not told of for now: silenced, inhibited, flapping, in quiet hours, before working hours, while the route waits, or above the budget, where a summary tells.",
			queries: []query{{expr: "sum by (reason) (" + series("picket_alerts_withheld") + ")", legend: "{{reason}}"}},
		},
		{
			view: asLines, title: "Began to be withheld, 1 h", width: 8, who: "picket alerts ls --state firing", what: "How often that began, for the same reasons.",
			queries: []query{{expr: within("1h", "reason", "picket_alert_withholdings_total"), legend: "{{reason}}"}},
		},
		{
			view: asLines, title: "Damaged documents, 24 h", width: 8, what: "Stored documents of alerting that could not be read and were passed over, by stream. The log names each.",
			queries: []query{{expr: within("24h", "stream", "picket_alerting_damaged_documents_total"), legend: "{{stream}}"}},
		},
	}
}

// receiverPanels are about telling receivers.
func receiverPanels() []panel {
	const none = "no receiver is configured"
	return []panel{
		{
			view: asLines, title: "Receivers that work", width: 8, none: none, who: "picket receivers ls",
			what:    "1 where a receiver takes messages, 0 where it is left alone after failures, or refused the last message.",
			queries: []query{{expr: "min by (receiver) (" + series("picket_receiver_up") + ")", legend: "{{receiver}}"}},
		},
		{
			view: asLines, title: "Messages that wait", width: 8, none: none, who: "picket receivers ls",
			what:    "Messages that a receiver has not taken yet. They are tried again until their time is over.",
			queries: []query{{expr: "max by (receiver) (" + series("picket_notifications_pending") + ")", legend: "{{receiver}}"}},
		},
		{
			view: asLines, title: "Attempts by outcome, 1 h", width: 8, none: none,
			what:    "Attempts to tell receivers: delivered, to be tried again (retried), or given up (dead).",
			queries: []query{{expr: within("1h", "receiver, outcome", "picket_notifications_total"), legend: "{{receiver}}, {{outcome}}"}},
		},
		{
			view: asLines, title: "From the queue to the receiver, 95th percentile", unit: "s", none: none,
			what:    "How long delivered messages took, attempts that failed included; 0 where none was delivered within the hour.",
			queries: []query{{expr: quantile(.95, "receiver", "picket_notification_seconds"), legend: "{{receiver}}"}},
		},
		{
			view: asLines, title: "Dead letters, 24 h", none: none, who: "picket deadletters ls",
			what:    "Messages that were given up: somebody was not told.",
			queries: []query{{expr: within("24h", "receiver", "picket_notifications_dead_total"), legend: "{{receiver}}"}},
		},
	}
}

func acknowledged(q float64, title string) panel {
	return panel{
		view: asLines, title: title, unit: "s", width: 8, who: "picket alerts ls --state firing",
		what:    "From when alerts fired until somebody acknowledged them, or resolved them at once, over an hour; 0 where nobody did.",
		queries: []query{{expr: quantile(q, "level", "picket_alert_acknowledge_seconds", ofLevel), legend: "{{level}}"}},
	}
}

func resolved(q float64, title string) panel {
	return panel{
		view: asLines, title: title, unit: "s", width: 8, who: "picket alerts ls",
		what:    "From when alerts fired until they were resolved, by a person or by themselves after quiet, over an hour; 0 where none was.",
		queries: []query{{expr: quantile(q, "level, by", "picket_alert_resolve_seconds", ofLevel), legend: "{{level}}, by {{by}}"}},
	}
}
