package trial

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// number writes 12345 as 12,345.
func number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// counted writes a number with its noun, which is given in the plural.
func counted(n int, noun string) string {
	if n == 1 {
		noun = singular(noun)
	}
	return number(n) + " " + noun
}

func singular(noun string) string {
	if stem, ok := strings.CutSuffix(noun, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(noun, "s")
}

// date writes a day as "3 May 2024".
func date(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// lasting writes a stretch of time in its largest sensible unit.
func lasting(d time.Duration) string {
	const day, month, year = 24 * time.Hour, 30.44 * 24 * float64(time.Hour), 365.25 * 24 * float64(time.Hour)
	whole := func(unit float64) int { return int(math.Round(float64(d) / unit)) }
	switch {
	case d < time.Minute:
		return counted(whole(float64(time.Second)), "seconds")
	case d < 2*time.Hour:
		return counted(whole(float64(time.Minute)), "minutes")
	case d < 2*day:
		return counted(whole(float64(time.Hour)), "hours")
	case d < 100*day:
		return counted(whole(float64(day)), "days")
	}
	months := whole(month)
	if months < 24 {
		return counted(months, "months")
	}
	return fmt.Sprintf("%.1f years", float64(d)/year)
}

// within says in how short a time something came.
func within(d time.Duration) string {
	if d < time.Minute {
		return "within a minute"
	}
	return "in " + lasting(d)
}

// called is how people call an account: "@acme on X".
func called(account string) string {
	network, name, _ := strings.Cut(account, "/")
	switch network {
	case "x":
		return "@" + name + " on X"
	case "mastodon":
		if strings.Contains(name, "@") {
			return "@" + name
		}
		return "@" + name + " on Mastodon"
	}
	return name + " on " + capital(network)
}

// connectable reports whether picket connect knows the network of an account,
// and its name can be copied into a shell.
func connectable(account string) bool {
	network, name, _ := strings.Cut(account, "/")
	return (network == "x" || network == "mastodon") && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("@._-:", r)
	})
}

// connecting is the command that connects an account, of a server whose web
// address is given where the account does not tell it.
func connecting(account, server string) string {
	network, name, _ := strings.Cut(account, "/")
	command := "picket connect " + network + " @" + name
	if server != "" {
		command += " --server " + server
	}
	return command
}
