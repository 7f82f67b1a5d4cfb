package monitoring

import "fmt"

func detector() board {
	return board{
		uid: "picket-detector", title: "Picket: detector",
		what: "Whether the detector keeps up, what each rule costs, how much it remembers, and how old its last snapshot is.",
		commands: []command{
			{"picket rules diff NEWDIR --journal", "what new versions of rules would change"},
			{"picket check", "what is odd about rules that load"},
		},
		sections: []section{
			{"Does it keep up?", keepsUpPanels()},
			{"What do rules cost?", costsPanels()},
			{"What does it remember?", remembersPanels()},
			{"Snapshots", snapshotsPanels()},
		},
	}
}

// keepsUpPanels are about whether the detector keeps up.
func keepsUpPanels() []panel {
	return []panel{
		lag(),
		{
			view: asLines, title: "Messages not read yet", what: "Messages of the log that wait for the detector.", width: 8,
			queries: []query{{expr: orZero("max by (partition) (" + series("picket_detector_lag_messages") + ")"), legend: "partition {{partition}}"}},
		},
		{
			view: asLines, title: "Messages read", unit: "cps", what: "Messages of the log applied a second, ticks among them.", width: 8,
			queries: []query{{expr: orZero("max by (partition) (clamp_min(deriv(" + series("picket_detector_sequence") + "[$__rate_interval]), 0))"), legend: "partition {{partition}}"}},
		},
		{
			view: asLines, title: "Second stage waits", unit: "s", width: 8,
			what:    "For how long rules across accounts have waited for a partition to say how far it is. More than a few seconds: nobody reads that partition.",
			queries: []query{{expr: orZero("max by (partition) (" + series("picket_across_awaited_seconds") + ")"), legend: "partition {{partition}}"}},
		},
		{
			view: asNumber, title: "Damaged messages, 24 h", what: "Messages of the log that could not be read and were passed over.", worse: bad(1), width: 4,
			queries: []query{{expr: orZero(within("24h", "", "picket_detector_damaged_messages_total")), legend: "messages"}},
		},
		{
			view: asNumber, title: "Too late, 24 h", what: "Activities that a rule passed over, since they came later after newer ones than detector.lateness allows. Picket's log has them all the same.", width: 4,
			queries: []query{{expr: orZero(within("24h", "", "picket_detector_late_activities_total")), legend: "activities"}},
		},
		{
			view: asLines, title: "Processor", unit: "percentunit", what: "Processors in use by each daemon.", width: 8,
			queries: []query{{expr: fmt.Sprintf("rate(%s[$__rate_interval]) or 0 * %[1]s", series("process_cpu_seconds_total")), legend: "{{instance}}"}},
		},
	}
}

// costsPanels are about what rules cost.
func costsPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Time per activity, the ten costliest rules", unit: "s",
			what: "Measured on a sample of activities. rules.budget bounds it.",
			queries: []query{{
				expr:   orZero("topk(10, " + perActivity("picket_rule_sampled_seconds_total") + ")"),
				legend: "{{rule}}",
			}},
		},
		{
			view: asLines, title: "Conditions evaluated per activity, the ten busiest rules", what: "How often the condition of a rule has to be evaluated. Near 1: nothing rules it out beforehand.",
			queries: []query{{expr: orZero("topk(10, " + perActivity("picket_rule_sampled_candidates_total") + ")"), legend: "{{rule}}"}},
		},
		{
			view: asLines, title: "Matches per activity, the ten busiest rules", what: "How often a rule matches, or takes a match of another rule.",
			queries: []query{{expr: orZero("topk(10, " + perActivity("picket_rule_sampled_matches_total") + ")"), legend: "{{rule}}"}},
		},
		{
			view: asLines, title: "All rules, time per activity", unit: "s", what: "What one activity costs in rules.", width: 8,
			queries: []query{{expr: orZero("sum(" + perActivity("picket_rule_sampled_seconds_total") + ")"), legend: "all rules"}},
		},
		{
			view: asNumber, title: "Rules over their budget", worse: bad(1), width: 4,
			what:    "Rules that take more time an activity than rules.budget allows. The log names them, and those that were made to observe for it.",
			queries: []query{{expr: orZero("count(" + series("picket_rule_over_budget") + " == 1)"), legend: "rules"}},
		},
	}
}

// remembersPanels are about what the detector remembers.
func remembersPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Accounts", what: "Accounts and identities that the detector remembers, and how many it had to forget for detector.max_accounts in the last hour.", width: 6,
			queries: []query{
				{expr: orZero("sum(" + series("picket_detector_accounts") + ")"), legend: "remembered"},
				{expr: orZero(within("1h", "", "picket_detector_evicted_accounts_total")), legend: "forgotten, 1 h"},
			},
		},
		{
			view: asLines, title: "Forgotten for lack of room", what: "Of single accounts, within an hour: the least recent groups of rules that group by more than the account, and the least recent of the values that rules have learned. A sender who makes up addresses or apps shows here.", width: 6,
			queries: []query{
				{expr: orZero(within("1h", "", "picket_detector_evicted_groups_total")), legend: "groups"},
				{expr: orZero(within("1h", "", "picket_detector_evicted_values_total")), legend: "values"},
			},
		},
		{
			view: asLines, title: "Memory", unit: "bytes", what: "Of the process, and of it the detector's memory of accounts.", width: 6,
			queries: []query{
				{expr: series("process_resident_memory_bytes"), legend: "{{instance}} process"},
				{expr: orZero("sum(" + series("picket_detector_memory_bytes") + ")"), legend: "memory of accounts"},
			},
		},
		{
			view: asLines, title: "Learning", who: "picket coverage", what: "Accounts on which each learning rule knows enough to judge, or not yet. Counted after each snapshot.", width: 6,
			queries: []query{{expr: orZero("sum by (rule, state) (" + series("picket_baseline_accounts") + ")"), legend: "{{rule}}, {{state}}"}},
		},
	}
}

// snapshotsPanels are about how its memory is saved.
func snapshotsPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Age of the snapshot", unit: "s", what: "After a crash the log is read from there on.", width: 8,
			queries: []query{{expr: orZero("max by (partition) (" + series("picket_snapshot_age_seconds") + ")"), legend: "partition {{partition}}"}},
		},
		{
			view: asLines, title: "Size of the snapshot", unit: "bytes", what: "Size of the last snapshot, its increments included.", width: 8,
			queries: []query{{expr: orZero("max by (partition) (" + series("picket_snapshot_size_bytes") + ")"), legend: "partition {{partition}}"}},
		},
		{
			view: asLines, title: "Duration of snapshots, 95th percentile", unit: "s", what: "How long a snapshot takes to be written. Detection goes on meanwhile.", width: 8,
			queries: []query{{expr: orZero(quantile(.95, "partition", "picket_snapshot_duration_seconds")), legend: "partition {{partition}}"}},
		},
	}
}

// perActivity is what rules took of something on one of the activities that were
// measured in the last ten minutes.
func perActivity(metric string) string {
	return fmt.Sprintf("sum by (rule) (rate(%s[10m])) / on() group_left() (sum(rate(%s[10m])) > 0)",
		series(metric), series("picket_rule_sampled_activities_total"))
}
