package config

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	budgetForm = "a number such as 1 per account per month"
	maxBudget  = 1000
)

// parseBudget reads how many alerts an account's people bear in a month: "1 per
// account per month".
func parseBudget(s string) (float64, error) {
	words := strings.Fields(s)
	if len(words) != 5 || strings.Join(words[1:], " ") != "per account per month" {
		return 0, fmt.Errorf("%q; expected %s", clip(s), budgetForm)
	}
	v, err := strconv.ParseFloat(words[0], 64)
	if err != nil || !(v > 0 && v <= maxBudget) {
		return 0, fmt.Errorf("%q; expected %s, more than 0 and at most %d", clip(s), budgetForm, maxBudget)
	}
	return v, nil
}
