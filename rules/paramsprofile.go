package rules

// profileParams are the numbers of the profile type. What the model is made of
// is the same for all accounts and rules, and stands with it.
func profileParams() []param {
	return []param{{
		name: "budget", kind: realParam, otherwise: 1, least: 0.05, most: 8,
		words: "false alerts that one account may cost in a month",
	}}
}
