package match

import (
	"slices"

	"github.com/picketd/picket/alerting"
)

// Names of labels; the package comment says what they hold.
const (
	Rule     = "rule"
	Level    = "level"
	Type     = "type"
	Network  = "network"
	Account  = "account"
	Accounts = "accounts"
	Tag      = "tag"
	Drill    = "drill"
	// Group is what the names of labels of the rule's group-by begin with.
	Group = "group."
)

// Names returns the names of all labels but those of Group, sorted.
func Names() []string {
	return []string{Account, Accounts, Drill, Level, Network, Rule, Tag, Type}
}

// Set holds the values of an alert's labels by name. No value is empty, and a
// label without values is not there.
type Set map[string][]string

// Labels returns the labels of an alert. The same alert has the same ones
// whenever it is asked, and whatever the configuration says by then.
func Labels(a *alerting.Alert) Set {
	s := Set{}
	s.add(Rule, a.Rule.ID, a.Rule.Name)
	s.add(Level, string(a.Rule.Level))
	s.add(Type, string(a.Rule.Type))
	s.add(Network, a.Network)
	s.add(Account, a.Account)
	s.add(Accounts, a.Account)
	s.add(Accounts, a.Accounts...)
	s.add(Tag, a.Rule.Tags...)
	s.add(Drill, a.Drill())
	for _, g := range a.Group {
		s.add(Group+g.Name, g.Value)
	}
	return s
}

func (s Set) add(name string, values ...string) {
	for _, v := range values {
		if v != "" && !slices.Contains(s[name], v) {
			s[name] = append(s[name], v)
		}
	}
}
