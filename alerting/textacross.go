package alerting

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The words for alerts across accounts.

// maxSubject and maxGroup bound what an alert is about, in characters.
const maxSubject, maxGroup = MaxTitle / 3, MaxTitle / 2

// SubjectOf names what an alert is about, on one line: its account, "x/acme", or
// of a rule across accounts the group and whom it is seen on,
// "ip 198.51.100.7 (x/acme, x/beta +3)".
func SubjectOf(a *Alert) string {
	switch {
	case a.Account != "":
		return cut(clean(a.Account), maxSubject)
	case len(a.Accounts) > 0:
		return cut(groupOf(a), maxSubject) + " (" + cut(someOf(a, 2), maxGroup) + ")"
	case a.Network != "":
		return cut(clean(a.Network), maxSubject)
	}
	return "Picket"
}

// groupOf writes the group: "ip 198.51.100.7, app Studio". What others wrote is
// defanged, but for an address, which people search for.
func groupOf(a *Alert) string {
	var parts []string
	for _, l := range a.Group {
		value := clean(l.Value)
		if _, err := netip.ParseAddr(value); err != nil {
			value = marked(Plain(l.Value))
		}
		parts = append(parts, clean(l.Name)+" "+value)
	}
	return strings.Join(parts, ", ")
}

// someOf names the first accounts and how many more there are.
func someOf(a *Alert, most int) string {
	var names []string
	for _, name := range a.Accounts[:min(most, len(a.Accounts))] {
		names = append(names, cut(clean(name), maxActor))
	}
	s := strings.Join(names, ", ")
	if more := max(a.AccountCount, len(a.Accounts)) - len(names); more > 0 {
		s += fmt.Sprintf(" +%d", more)
	}
	return s
}

// on names the accounts of an alert across accounts.
func (w *writer) on() string {
	if len(w.a.Accounts) == 0 {
		return ""
	}
	return many(max(w.a.AccountCount, len(w.a.Accounts)), "account") + ": " + someOf(w.a, len(w.a.Accounts))
}

// owners says whom to call: of an alert across accounts, the owner of the first
// account that has one.
func (w *writer) owners() string {
	if w.dir == nil || len(w.a.Accounts) == 0 {
		return w.owner()
	}
	for _, name := range w.a.Accounts {
		info, _ := w.dir.Account(name)
		names := append([]string{name}, info.Guards...)
		for _, of := range names {
			if info, _ := w.dir.Account(of); info.Owner != "" {
				first := writer{info: info}
				return "owner of " + cut(clean(of), maxActor) + ": " + strings.TrimPrefix(first.owner(), "owner ")
			}
		}
	}
	return "owners not configured."
}

// network is where the alert's activities come from; of an alert across
// accounts, where the newest does.
func (w *writer) network() string {
	if t := w.a.Trigger(); w.a.Network == "" && t != nil {
		return t.Network
	}
	return w.a.Network
}

// beside returns the accounts whose alerts may stand beside one.
func beside(a *Alert, dir Directory) []string {
	out := neighbours(a.Account, dir)
	for _, account := range a.Accounts {
		out = append(out, neighbours(account, dir)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
