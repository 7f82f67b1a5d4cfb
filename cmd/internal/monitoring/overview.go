package monitoring

func overview() board {
	return board{
		uid: "picket-overview", title: "Picket: overview",
		what: "Is Picket seeing everything, how late is it, and what fires.",
		commands: []command{
			{"picket alerts ls", "which alerts are open, and which accounts Picket cannot see"},
			{"picket coverage", "what guards each account, what still learns, what has no source"},
			{"picket explain PK-1A2B3C", "why an alert was raised"},
		},
		sections: []section{
			{"Is it seeing everything?", seesPanels()},
			{"How late?", latePanels()},
			{"What fires?", firesPanels()},
		},
	}
}

// seesPanels are about whether Picket sees everything.
func seesPanels() []panel {
	return []panel{
		{
			view: asNumber, title: "Daemons", what: "Daemons that Prometheus reaches. 0: nobody watches.", width: 3,
			worse: []step{{0, "red"}, {1, "green"}}, queries: []query{{expr: "sum(" + series("up") + ")", legend: "up"}},
		},
		{
			view: asNumber, title: "Alarms about Picket", width: 3, worse: bad(1),
			what:    "Alerts of picket.rules.yml that fire. Each has a runbook.",
			queries: []query{{expr: orZero(`count(ALERTS{alertname=~"Picket.*",alertstate="firing"})`), legend: "firing"}},
		},
		{
			view: asNumber, title: "Accounts and feeds", width: 8, who: "picket alerts ls",
			what: "What Picket polls: seen, not read yet, not read for three of its intervals (late), or refused by the network (blind). What happens on a blind account raises no alert.",
			queries: []query{
				{expr: "sum(" + series("picket_account_sight", `sight="ok"`) + ")", legend: "seen"},
				{expr: "sum(" + series("picket_account_sight", `sight="starting"`) + ")", legend: "starting"},
				{expr: "sum(" + series("picket_account_sight", `sight="late"`) + ")", legend: "late"},
				{expr: "sum(" + series("picket_account_sight", `sight="blind"`) + ")", legend: "blind"},
			},
		},
		{
			view: asNumber, title: "Oldest last success", unit: "s", width: 4, worse: bad(3600), none: "nothing is polled", who: "picket alerts ls",
			what:    "When the account or feed that was read longest ago was last read: an average would hide the one that is dead.",
			queries: []query{{expr: "max(time() - " + series("picket_collector_last_success_timestamp_seconds") + ")", legend: "ago"}},
		},
		{
			view: asNumber, title: "Rules that still learn", width: 3, who: "picket coverage",
			what:    "Accounts on which some rule has not learned enough to judge.",
			queries: []query{{expr: "sum(" + series("picket_coverage_accounts", `state="learning"`) + ")", legend: "accounts"}},
		},
		{
			view: asNumber, title: "Without a source", width: 3, who: "picket coverage",
			what:    "Accounts on which some rule can never fire, since nothing shows it what it needs.",
			queries: []query{{expr: "sum(" + series("picket_coverage_accounts", `state="no_source"`) + ")", legend: "accounts"}},
		},
		sightOverTime(), oldestByNetwork(),
	}
}

// latePanels are about how late alerts come.
func latePanels() []panel {
	return []panel{
		delay(.95, "Delay of alerts, 95th percentile"), delay(.5, "Delay of alerts, median"), lag(),
	}
}

// firesPanels are about what fires.
func firesPanels() []panel {
	return []panel{
		openAlerts(), raised(), {
			view: asTable, title: "Rules that fired, 24 h", who: "picket alerts ls --state firing,acknowledged,resolved",
			what:    "Alerts raised in the last day by rule, most first.",
			columns: map[string]string{"Time": "", "Value": "Alerts", "rule": "Rule", "level": "Level"},
			queries: []query{{expr: "sort_desc(" + within("24h", "rule, level", "picket_alerts_raised_total") + ")"}},
		},
	}
}

func sightOverTime() panel {
	return panel{
		view: asLines, title: "Accounts and feeds by sight", who: "picket alerts ls",
		what:    "Polled accounts and feeds by whether Picket sees them.",
		queries: []query{{expr: "sum by (sight) (" + series("picket_account_sight") + ")", legend: "{{sight}}"}},
	}
}

func oldestByNetwork() panel {
	return panel{
		view: asLines, title: "Oldest last success by network", unit: "s", none: "nothing is polled", who: "picket alerts ls",
		what:    "How long ago the account that was read longest ago was read.",
		queries: []query{{expr: "max by (network) (time() - " + series("picket_collector_last_success_timestamp_seconds") + ")", legend: "{{network}}"}},
	}
}

func delay(q float64, title string) panel {
	return panel{
		view: asLines, title: title, unit: "s", width: 8,
		what:    "From an activity to its alert: on the network until Picket saw it, from there until it was in the log, from there until the alert was published.",
		queries: []query{{expr: quantile(q, "stage", "picket_activity_alert_latency_seconds"), legend: "{{stage}}"}},
	}
}

func lag() panel {
	return panel{
		view: asLines, title: "Detector behind the log", unit: "s", width: 8,
		what:    "How far log time at the detector is behind now; up to ten seconds when nothing comes in.",
		queries: []query{{expr: orZero("max by (partition) (" + series("picket_detector_lag_seconds") + ")"), legend: "partition {{partition}}"}},
	}
}

func openAlerts() panel {
	return panel{
		view: asLines, title: "Open alerts", width: 8, who: "picket alerts ls",
		what:    "Alerts that are not resolved, by level and state.",
		queries: []query{{expr: shared("level, state", "picket_alerts_open"), legend: "{{level}}, {{state}}"}},
	}
}

func raised() panel {
	return panel{
		view: asLines, title: "Alerts raised, 1 h", width: 8, who: "picket alerts ls --state firing,acknowledged,resolved",
		what:    "Alerts by rule, also of rules that only observe. The exemplars are ids of alerts.",
		queries: []query{{expr: within("1h", "rule", "picket_alerts_raised_total"), legend: "{{rule}}", exemplars: true}},
	}
}
