package monitoring

const ofRule = `rule=~"$rule"`

func ruleset() board {
	return board{
		uid: "picket-rules", title: "Picket: rules",
		what:      "What each rule finds and raises, how often people say that it was right, and how much of the alert budget it uses.",
		variables: []variable{{"rule", "picket_findings_total"}},
		commands: []command{
			{"picket coverage", "accounts on which a rule still learns, has no source or is off"},
			{"picket budget", "how the alert budget was used, by rule and account"},
			{"picket tune RULE history.jsonl.gz --param floor=5..40", "another threshold, tried on recorded activity"},
			{"picket alerts resolve PK-1A2B3C -v true", "gives a verdict: true, expected or false"},
		},
		sections: []section{
			{"What rules find", findsPanels()},
			{"Were they right?", rightPanels()},
			{"How much patience do they use?", patiencePanels()},
			{"What do they guard?", guardsPanels()},
			{"Changes", changesPanels()},
		},
	}
}

// findsPanels are about what rules find.
func findsPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Findings, 1 h", what: "Findings of the detector, updates of open episodes among them.", width: 8,
			queries: []query{{expr: within("1h", "rule", "picket_findings_total", ofRule), legend: "{{rule}}"}},
		},
		{
			view: asLines, title: "Alerts raised, 1 h", what: "Alerts by rule, also of rules that only observe.", who: "picket alerts ls --state firing,acknowledged,resolved", width: 8,
			queries: []query{{expr: within("1h", "rule, level", "picket_alerts_raised_total", ofRule), legend: "{{rule}}, {{level}}", exemplars: true}},
		},
		{
			view: asLines, title: "Held back, 1 h", who: "picket budget", width: 8,
			what:    "Alerts that were recorded and told to nobody: people knew already and had not judged it (told), or the alert budget had no room (budget).",
			queries: []query{{expr: orZero(within("1h", "rule, reason", "picket_alerts_held_total", ofRule)), legend: "{{rule}}, {{reason}}"}},
		},
	}
}

// rightPanels are about whether people say that they were right.
func rightPanels() []panel {
	return []panel{
		{
			view: asTable, title: "Precision by rule", width: 8, none: "nobody has given a verdict yet",
			what:    "Part of the alerts with a verdict that people called true, of all alerts that are kept, drills left out. Expected ones count as not true: nobody had to be told.",
			columns: map[string]string{"Time": "", "Value": "Precision", "rule": "Rule"},
			unit:    "percentunit", queries: []query{{expr: "sort(" + precision("rule") + ")"}},
		},
		{
			view: asTable, title: "Verdicts by rule", width: 8,
			what:    "How many alerts people called true, expected and false. other: of rules that are not in force any more.",
			columns: map[string]string{"Time": "", "Value": "Alerts", "rule": "Rule", "verdict": "Verdict"},
			queries: []query{{expr: "sort_desc(" + verdicts("rule, verdict") + ")"}},
		},
		{
			view: asNumber, title: "Precision of all rules", unit: "percentunit", width: 4, none: "nobody has given a verdict yet",
			what: "The same of all rules together.", queries: []query{{expr: precision(""), legend: "true"}},
		},
		{
			view: asNumber, title: "Verdicts", width: 4, what: "Alerts with a verdict. Without verdicts nobody knows how good the rules are.",
			queries: []query{{expr: "sum(" + verdicts("rule, verdict") + ")", legend: "alerts"}},
		},
	}
}

// patiencePanels are about how much of the alert budget they use.
func patiencePanels() []panel {
	return []panel{
		{
			view: asTable, title: "Alert budget by rule", width: 12, who: "picket budget", none: "no rule learns",
			what:    "Alerts of the last month per account, of rules that learn. Where budget is configured, the share of it that the rule keeps to.",
			columns: map[string]string{"Time": "", "Value #A": "Alerts per account and month", "Value #B": "Share of the budget", "rule": "Rule"},
			queries: []query{
				{expr: "max by (rule) (" + series("picket_alert_budget_used", ofRule) + ")"},
				{expr: "max by (rule) (" + series("picket_alert_budget", ofRule) + ")"},
			},
		},
		{
			view: asLines, title: "Part of the share used", unit: "percentunit", width: 12, who: "picket budget", none: "no budget is configured",
			what:    "Alerts of the last month per account by the share of the budget that the rule keeps to. Above 100 %, alerts of the rule are held back.",
			queries: []query{{expr: "max by (rule) (" + series("picket_alert_budget_used", ofRule) + ") / max by (rule) (" + series("picket_alert_budget", ofRule) + ")", legend: "{{rule}}"}},
		},
	}
}

// guardsPanels are about what they guard.
func guardsPanels() []panel {
	return []panel{
		{
			view: asTable, title: "Coverage by rule", width: 12, who: "picket coverage",
			what:    "Accounts that a rule guards, still learns, has no source for, or is switched off on.",
			columns: map[string]string{"Time": "", "Value": "Accounts", "rule": "Rule", "state": "State"},
			queries: []query{{expr: "sum by (rule, state) (" + series("picket_coverage", ofRule) + ")"}},
		},
		{
			view: asLines, title: "Coverage", who: "picket coverage", what: "The same of all rules together: rules by accounts.",
			queries: []query{{expr: "sum by (state) (" + series("picket_coverage", ofRule) + ")", legend: "{{state}}"}},
		},
	}
}

// changesPanels are about changes of rules.
func changesPanels() []panel {
	return []panel{
		{
			view: asLines, title: "Rules", what: "Rules in force, and faults that kept a changed set from being loaded.", who: "picket config check", width: 8,
			queries: []query{{expr: "max by (state) (" + series("picket_rules") + ")", legend: "{{state}}"}},
		},
		{
			view: asLines, title: "Reloads, 1 h", what: "Attempts to read the configuration again. The one at the start is among them.", who: "picket config check", width: 8,
			queries: []query{{expr: within("1h", "outcome", "picket_config_reloads_total"), legend: "{{outcome}}"}},
		},
		{
			view: asLines, title: "Findings of new versions in the shadow, 24 h", what: "What rules under rules.shadow find beside those in force. Nobody is told.", width: 8,
			queries: []query{{expr: orZero(within("24h", "rule", "picket_findings_total", `rule=~".+[.]shadow"`)), legend: "{{rule}}"}},
		},
	}
}

// verdicts counts verdicts by labels. Daemons on one store know the same ones.
func verdicts(by string) string {
	return "max by (" + by + ") (" + series("picket_alert_verdicts", ofRule) + ")"
}

// precision is the part of verdicts that are true, by a label or of all; of
// nothing where there is none.
func precision(by string) string {
	group := sum(by)
	return group + " (max by (rule) (" + series("picket_alert_verdicts", ofRule, `verdict="true"`) + ")) / (" + group + " (" + verdicts("rule, verdict") + ") > 0)"
}
