package incident

import (
	"slices"
	"strings"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/detector"
)

// Kinds of subjects.
const (
	byAccount = "account "
	byActor   = "actor "
	byIP      = "ip "
	byApp     = "app "
)

// subjects returns what an alert joins others by: its own, which it adds to its
// incident, and those of neighbours, which it looks for too. Both in a fixed
// order.
func subjects(a *alerting.Alert, dir alerting.Directory) (own, near []string) {
	accounts := slices.Clone(a.Accounts)
	if a.Account != "" {
		accounts = append([]string{a.Account}, accounts...)
	}
	for _, account := range accounts {
		own = add(own, byAccount, account)
		if dir == nil {
			continue
		}
		info, _ := dir.Account(account)
		for _, other := range slices.Concat(info.GuardedBy, info.Guards) {
			near = add(near, byAccount, other)
		}
	}
	t := a.Trigger()
	if t == nil {
		return groups(a, own), near
	}
	if t.Actor != a.Account {
		own = add(own, byActor, t.Actor)
	}
	if odd(a, "ip") {
		own = add(own, byIP, t.IP)
	}
	if odd(a, "app") {
		own = add(own, byApp, t.App)
	}
	return groups(a, own), near
}

// groups adds what the alert's rule counts by.
func groups(a *alerting.Alert, own []string) []string {
	for _, g := range a.Group {
		switch kind := g.Name + " "; kind {
		case byActor, byIP, byApp:
			own = add(own, kind, g.Value)
		}
	}
	return own
}

// odd reports whether a reason of the alert is about a field.
func odd(a *alerting.Alert, field string) bool {
	return slices.ContainsFunc(a.Reasons, func(r detector.Reason) bool { return r.Field == field })
}

// maxSubject bounds a subject in bytes.
const maxSubject = 200

func add(to []string, kind, value string) []string {
	if value == "" {
		return to
	}
	s := kind + strings.ToLower(value)
	// Half a letter at the end would be another one once it was stored.
	s = strings.ToValidUTF8(s[:min(len(s), maxSubject)], "")
	if slices.Contains(to, s) {
		return to
	}
	return append(to, s)
}
