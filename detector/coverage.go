package detector

import (
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// CoverageState says whether a rule guards an account.
type CoverageState string

// The states of coverage.
const (
	CoverageActive   CoverageState = "active"    // it judges
	CoverageLearning CoverageState = "learning"  // it does not know the account well enough yet
	CoverageNoSource CoverageState = "no_source" // nothing shows it what it needs
	CoverageOff      CoverageState = "off"       // somebody switched it off, or the account does not ask for it
)

// Coverage is how one rule guards one account.
type Coverage struct {
	Account string
	Rule    *rules.Rule
	State   CoverageState
	// While learning: whole days since the first activity of NeedDays, and
	// activities of NeedEvents.
	Days, NeedDays     int
	Events, NeedEvents int
	Why                string // in words, for every state but active
	Mend               string // what to do about it, empty where nothing can be done but wait
}

// Sight says whether a configured source shows something of an account.
type Sight struct {
	Seen bool
	Why  string // why not: "X does not show the app of a post"
	Mend string // what would show it: "connect Okta: picket connect okta"
}

// Sighted asks whether a source shows activities of a kind of an account; with
// a field, whether they carry it.
type Sighted func(account string, kind activity.Kind, field string) Sight
