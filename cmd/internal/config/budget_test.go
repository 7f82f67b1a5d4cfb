package config

import "testing"

func TestParseBudget(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want float64
		err  string
	}{
		{"1 per account per month", 1, ""},
		{"0.5  per account  per month", 0.5, ""},
		{"1", 0, `"1"; expected a number such as 1 per account per month`},
		{"1 per account per week", 0, `"1 per account per week"; expected a number such as 1 per account per month`},
		{"0 per account per month", 0, `"0 per account per month"; expected a number such as 1 per account per month, more than 0 and at most 1000`},
		{"NaN per account per month", 0, `"NaN per account per month"; expected a number such as 1 per account per month, more than 0 and at most 1000`},
		{"one per account per month", 0, `"one per account per month"; expected a number such as 1 per account per month, more than 0 and at most 1000`},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := parseBudget(tt.in)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("got %g, %v; want %g, %s", got, err, tt.want, tt.err)
			}
		})
	}
}
