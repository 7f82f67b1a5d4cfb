package monitoring

const ofNetwork = `network=~"$network"`

func collectors() board {
	return board{
		uid: "picket-collectors", title: "Picket: collectors",
		what:      "Whether what is polled and pushed is fresh, what it costs, and what is refused.",
		variables: []variable{{"network", "picket_account_sight"}},
		commands: []command{
			{"picket alerts ls", "accounts that the network refuses, with the reason"},
			{"picket coverage ACCOUNT", "what the sources of an account show, and what to connect"},
			{"picket config check", "every fault of the configuration with its line"},
		},
		sections: []section{
			{"Freshness", freshnessPanels()},
			{"Polls", pollsPanels()},
			{"Budgets", budgetsPanels()},
			{"What came in", cameInPanels()},
			{"Errors", errorsPanels()},
		},
	}
}

// freshnessPanels are about how fresh what is polled is.
func freshnessPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Accounts and feeds by sight", who: "picket alerts ls", what: "Polled accounts and feeds by whether Picket sees them.", width: 8,
			queries: []query{{expr: "sum by (sight) (" + series("picket_account_sight", ofNetwork) + ")", legend: "{{sight}}"}},
		},
		{
			view: asLines, title: "Accounts and feeds by state", who: "picket alerts ls", what: "The same by what their collector says.", width: 8, none: "nothing is polled",
			queries: []query{{expr: "sum by (network, state) (" + series("picket_accounts", ofNetwork) + ")", legend: "{{network}}, {{state}}"}},
		},
		{
			view: asLines, title: "Oldest last success", unit: "s", who: "picket alerts ls", what: "How long ago the account that was read longest ago was read.", width: 8, none: "nothing is polled",
			queries: []query{{expr: "max by (network) (time() - " + series("picket_collector_last_success_timestamp_seconds", ofNetwork) + ")", legend: "{{network}}"}},
		},
	}
}

// pollsPanels are about how polls go.
func pollsPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Polls by outcome", unit: "reqps", what: "Polls a second. The log has the reason of each that failed.", width: 8,
			queries: []query{{expr: rate("network, outcome", "picket_polls_total", ofNetwork), legend: "{{network}}, {{outcome}}"}},
		},
		{
			view: asLines, title: "Duration of polls, 95th percentile", unit: "s", what: "How long polls take, journal included.", width: 8,
			queries: []query{{expr: quantile(.95, "network", "picket_poll_duration_seconds", ofNetwork), legend: "{{network}}"}},
		},
		{
			view: asLines, title: "Lateness of polls, 95th percentile", unit: "s", what: "How late polls begin against their schedule: a short quota shows here first.", width: 8,
			queries: []query{{expr: quantile(.95, "network", "picket_poll_delay_seconds", ofNetwork), legend: "{{network}}"}},
		},
	}
}

// budgetsPanels are about what may still be used.
func budgetsPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Requests left", unit: "percentunit", none: "no credential has a known quota", width: 8,
			what:    "Part of the requests of its window that a credential may still send. Near 0 polls wait.",
			queries: []query{{expr: "min by (credential) (" + series("picket_api_quota_remaining_requests") + " / " + series("picket_api_quota_limit_requests") + ")", legend: "{{credential}}"}},
		},
		{
			view: asLines, title: "Dollars left this month", unit: "currencyUSD", none: "no credential has a budget", width: 8,
			what:    "What a credential may still spend. When it is spent, its accounts are not read until the month ends.",
			queries: []query{{expr: "min by (credential) (" + series("picket_credential_dollars_remaining") + ")", legend: "{{credential}}"}},
		},
		{
			view: asLines, title: "Part of the month's dollars spent", unit: "percentunit", none: "no credential has a budget", width: 8,
			what:    "What was spent of budget_usd_per_month.",
			queries: []query{{expr: "max by (credential) (1 - " + series("picket_credential_dollars_remaining") + " / " + series("picket_credential_dollars_limit") + ")", legend: "{{credential}}"}},
		},
		{
			view: asLines, title: "Units left today", unit: "short", none: "no network counts units", width: 12,
			what:    "What a credential may still use of what its network grants a day beside requests.",
			queries: []query{{expr: "min by (credential) (" + series("picket_credential_units_remaining") + ")", legend: "{{credential}}"}},
		},
		{
			view: asLines, title: "Used up in", unit: "s", none: "every quota lasts until it is granted anew, or too little is known yet", width: 12,
			what:    "How long until the first quota of a credential is used up at the pace of late: requests, units or dollars. At 0 nothing is left of one, and polls wait. A credential without a line has enough, as far as is known.",
			queries: []query{{expr: "clamp_min(min by (credential) (" + series("picket_credential_used_up_timestamp_seconds") + ") - time(), 0)", legend: "{{credential}}"}},
		},
	}
}

// cameInPanels are about what came in.
func cameInPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Activities polled", unit: "cps", what: "Polled activities that became durable.",
			queries: []query{{expr: rate("network", "picket_collected_activities_total", ofNetwork), legend: "{{network}}"}},
		},
		{
			view: asLines, title: "Activities pushed", unit: "cps", what: "Pushed activities that became durable, by way in.",
			queries: []query{{expr: rate("source", "picket_intake_accepted_activities_total"), legend: "{{source}}"}},
		},
		{
			view: asLines, title: "The log grows by", unit: "Bps", what: "Bytes appended to the journal.", width: 8,
			queries: []query{{expr: rate("", "picket_journal_appended_bytes_total"), legend: "bytes"}},
		},
		{
			view: asLines, title: "Activities in the log", unit: "cps", what: "Activities appended, and the messages that hold them.", width: 8,
			queries: []query{
				{expr: rate("", "picket_journal_appended_activities_total"), legend: "activities"},
				{expr: rate("", "picket_journal_appended_messages_total"), legend: "messages"},
			},
		},
		{
			view: asLines, title: "Disk", unit: "bytes", what: "Free room where the embedded server keeps its store, and the reserve at which intake stops.", none: "an external server keeps the store", width: 8,
			queries: []query{
				{expr: "min by (instance) (" + series("picket_disk_free_bytes") + ")", legend: "{{instance}} free"},
				{expr: "max by (instance) (" + series("picket_disk_reserve_bytes") + ")", legend: "{{instance}} reserve"},
			},
		},
	}
}

// errorsPanels are about what was left out, and why.
func errorsPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Dropped before the log", unit: "cps", what: "Polled items that are not kept: seen before, or of identities that guard no account.", width: 6,
			queries: []query{{expr: rate("reason", "picket_dropped_activities_total", ofNetwork), legend: "{{reason}}"}},
		},
		{
			view: asLines, title: "Pushed and refused", unit: "cps", what: "What senders got wrong; the answer told them what.", width: 6,
			queries: []query{
				{expr: rate("source, reason", "picket_intake_refused_total"), legend: "{{source}}, {{reason}}"},
				{expr: rate("reason", "picket_alert_api_refused_requests_total"), legend: "alerts API, {{reason}}"},
			},
		},
		{
			view: asLines, title: "Refused by the log", unit: "cps", what: "Activities that the journal did not take. What they tell raises no alert until they come again.", width: 6,
			queries: []query{
				{expr: rate("reason", "picket_journal_refused_activities_total"), legend: "{{reason}}"},
				{expr: rate("", "picket_journal_fenced_total"), legend: "another writer was ahead"},
			},
		},
		{
			view: asNumber, title: "Geo files out of use", what: "Configured geo files that are missing, damaged or replaced by one that is.", width: 6, worse: bad(1),
			queries: []query{{expr: orZero("sum(1 - " + series("picket_geo_file_ready") + ")"), legend: "files"}},
		},
	}
}
