package detector

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/detector/baseline/drift"
	"github.com/picketd/picket/detector/baseline/loginrisk"
	"github.com/picketd/picket/detector/baseline/profile"
	"github.com/picketd/picket/detector/baseline/rate"
	"github.com/picketd/picket/detector/baseline/storm"
	"github.com/picketd/picket/detector/baseline/travel"
	"github.com/picketd/picket/detector/internal/approx"
	"github.com/picketd/picket/rules"
)

// Set is everything that decides which findings a log has: the rule files and
// the facts about accounts. It is stored by its hash beside the log, and a
// control message says from where on it is in force, so that a replay uses
// what was in force then.
type Set struct {
	Rules     []rules.File `json:"rules"`
	Overrides []Override   `json:"overrides,omitempty"`
	Accounts  []Account    `json:"accounts"`
	// Budget is how many alerts per account and month learned rules may raise
	// together; 0 leaves each rule its own.
	Budget float64 `json:"budget,omitempty"`
}

// Account holds the facts about one account that rules depend on.
type Account struct {
	Name      string `json:"name"`                // "x/acme"
	Approvals bool   `json:"approvals,omitempty"` // posts need an approval
	// GuardedBy are the identities whose logins belong to the account, "okta/editor-2".
	GuardedBy []string `json:"guarded_by,omitempty"`
	TimeZone  string   `json:"time_zone,omitempty"` // where its people work, "Europe/Berlin"; UTC without
}

// Override changes one rule, named by id or name, without a copy of it.
type Override struct {
	Rule  string      `json:"rule"`
	Mode  rules.Mode  `json:"mode,omitempty"`  // "" leaves it
	Level rules.Level `json:"level,omitempty"` // "" leaves it
	// Version is the only version of the rule that the override is for: it
	// changes nothing once somebody has changed the rule, or where the rule is
	// gone. "" is for every version, and then the rule must be there.
	Version string `json:"version,omitempty"`
}

// Encode returns the set's one encoding and its hash, "sha256:<hex>".
func (s Set) Encode() (data []byte, hash string, err error) {
	s.Accounts = slices.Clone(s.Accounts)
	slices.SortFunc(s.Accounts, func(a, b Account) int { return strings.Compare(a.Name, b.Name) })
	data, err = json.Marshal(s)
	if err != nil {
		return nil, "", fmt.Errorf("encode program set: %w", err)
	}
	sum := sha256.Sum256(data)
	return data, "sha256:" + hex.EncodeToString(sum[:]), nil
}

// ErrSet says that a stored set is not one that this version reads.
var ErrSet = errors.New("program set not readable")

// ParseSet reads what Encode wrote.
func ParseSet(data []byte) (Set, error) {
	var s Set
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return Set{}, fmt.Errorf("%w: %w", ErrSet, err)
	}
	return s, nil
}

// Plan is a compiled Set. It is immutable and may serve several engines.
type Plan struct {
	Program  *rules.Program
	accounts map[string]Account
	approves bool      // posts of some account need an approval
	rules    []planned // by rule index
	approval map[string][]int
	grace    map[string]int64          // by verdict, nanoseconds; rules that are off have none
	memory   map[string]int            // index of the rule that keeps memory under a state key
	guards   map[string][]string       // accounts that an identity guards, sorted
	zones    map[string]*time.Location // of accounts and identities; UTC without
	across   acrossPlan
}

// planned is what the engine needs to know of one rule besides the rule.
type planned struct {
	rule     *rules.Rule
	stateKey string // names the memory that the rule keeps; changes when its meaning for that memory does
	feeds    []int  // rules that take this detection rule's matches
	keyed    []int  // those of them that are counted across accounts
	resolves []int  // rules whose episodes it closes
	excuses  []int  // without rules of which it excuses matches
	steps    []stepOf
	counts   string // of a storm rule: what it counts, in words
	passes   bool   // the second stage needs its matches
	// What of the rule is asked about each activity. Rules are large and lie apart.
	alone  bool // it is grouped by account and nothing else
	off    bool
	silent bool
	kind   rules.Type
	numbers
}

// numbers are a rule's parameters as its model takes them, so that they are not
// looked up by name for each activity.
type numbers struct {
	profile  *profile.Model // of a profile rule
	worldKey string         // of a profile rule: names the sample of what all accounts post
	rate     rate.Params    // of a rate rule
	bursts   bool           // a rate rule judges them
	awaits   bool           // a rate rule judges silences
	travel   travel.Params
	radius   float64 // of a travel rule, km
	login    loginrisk.Params
	score    float64 // of a login_risk rule, from which a login is odd
	drift    drift.Params
	wanted   float64 // of a drift rule: its direction
	storm    storm.Params
}

// put sets the rule, and what follows from its parameters.
func (pl *planned) put(r *rules.Rule) {
	pl.rule, pl.numbers = r, numbers{}
	pl.off, pl.silent, pl.kind = r.Mode == rules.Off, r.Silent, r.Type
	pl.alone = len(r.GroupBy) == 1 && r.GroupBy[0].Name == "account" && len(r.Aliases) == 0
	switch r.Type {
	case rules.TypeProfile:
		model := profileModel(r)
		pl.profile, pl.worldKey = &model, pl.stateKey+worldMark
	case rules.TypeRate:
		pl.rate, pl.bursts, pl.awaits = rateParams(r), r.Params["direction"] >= 0, awaits(r)
	case rules.TypeTravel:
		pl.travel, pl.radius = travelParams(r), r.Params["radius"]
	case rules.TypeLoginRisk:
		pl.login, pl.score = loginrisk.Params{HalfLife: int64(r.Params.Span("half-life"))}, approx.Log(r.Params["odds"])
	case rules.TypeDrift:
		pl.drift, pl.wanted = driftParams(r), r.Params["direction"]
	case rules.TypeStorm:
		pl.storm = stormParams(r)
	default:
	}
}

// stepOf says that a rule is a step of a sequence.
type stepOf struct {
	rule int // the sequence
	then bool
}

// Compile checks and compiles a set. Its error lists every fault with file,
// line and column.
func Compile(s Set) (*Plan, error) {
	prog, err := rules.Compile(s.Rules)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Program: prog, accounts: map[string]Account{},
		approval: map[string][]int{}, grace: map[string]int64{}, memory: map[string]int{},
	}
	if err := p.know(s.Accounts); err != nil {
		return nil, err
	}
	all := prog.Rules()
	p.rules = make([]planned, len(all))
	for i, r := range all {
		p.rules[i].stateKey = stateKey(all, r)
		p.rules[i].put(r)
		p.connect(i, r)
		if r.Type == rules.TypeStorm {
			p.rules[i].counts = counted(prog.Kinds(r))
		}
		for _, by := range r.ResolvedBy {
			p.rules[by].resolves = append(p.rules[by].resolves, i)
		}
		if r.Type == rules.TypeApproval {
			p.approval[r.Verdict] = append(p.approval[r.Verdict], i)
		}
	}
	p.joinLast()
	if err := p.override(s.Overrides); err != nil {
		return nil, err
	}
	if err := p.budget(s.Budget); err != nil {
		return nil, err
	}
	for i := range p.rules {
		r := p.rules[i].rule
		p.memory[p.rules[i].stateKey] = i
		if r.Type == rules.TypeApproval && r.Mode != rules.Off {
			p.grace[r.Verdict] = max(p.grace[r.Verdict], int64(r.Grace))
		}
	}
	p.cross()
	return p, nil
}

// know takes the facts about accounts.
func (p *Plan) know(accounts []Account) error {
	p.guards, p.zones = map[string][]string{}, map[string]*time.Location{}
	accounts = slices.Clone(accounts)
	slices.SortFunc(accounts, func(a, b Account) int { return strings.Compare(a.Name, b.Name) })
	for _, a := range accounts {
		p.accounts[a.Name] = a
		p.approves = p.approves || a.Approvals
		zone, err := time.LoadLocation(a.TimeZone)
		if err != nil {
			return fmt.Errorf("account %s: time zone: %w", a.Name, err)
		}
		p.zones[a.Name] = zone
		for _, id := range a.GuardedBy {
			p.guards[id] = append(p.guards[id], a.Name)
			if p.zones[id] == nil {
				p.zones[id] = zone // an identity works where its first account does
			}
		}
	}
	return nil
}

// zone returns where the people of an account or identity work.
func (p *Plan) zone(account string) *time.Location {
	if z := p.zones[account]; z != nil {
		return z
	}
	return time.UTC
}

// connect says which rules' matches a rule takes.
func (p *Plan) connect(i int, r *rules.Rule) {
	if r.Type == rules.TypeSequence {
		for _, in := range r.Inputs {
			p.rules[in].steps = append(p.rules[in].steps, stepOf{i, false})
		}
		for _, in := range r.Then {
			p.rules[in].steps = append(p.rules[in].steps, stepOf{i, true})
		}
		return
	}
	for _, in := range r.Inputs {
		p.rules[in].feeds = append(p.rules[in].feeds, i)
	}
	if r.Type != rules.TypeWithout {
		return
	}
	for _, in := range r.Without {
		p.rules[in].excuses = append(p.rules[in].excuses, i)
	}
}

// override changes single rules in copies of them.
func (p *Plan) override(overrides []Override) error {
	for _, o := range overrides {
		found := false
		for i := range p.rules {
			if r := p.rules[i].rule; r.ID == o.Rule || r.Name != "" && r.Name == o.Rule {
				if o.Version != "" && o.Version != r.Version {
					continue
				}
				c := *r
				if o.Mode != "" {
					c.Mode = o.Mode
				}
				if o.Level != "" {
					c.Level = o.Level
				}
				p.rules[i].put(&c)
				found = true
			}
		}
		if !found && o.Version == "" {
			return fmt.Errorf("override of rule %q: no rule has that id or name", o.Rule)
		}
	}
	return nil
}

// Rules returns the rules in force, overrides applied, in program order.
func (p *Plan) Rules() []*rules.Rule {
	out := make([]*rules.Rule, len(p.rules))
	for i := range p.rules {
		out[i] = p.rules[i].rule
	}
	return out
}

// stateKey keeps a rule's memory over a change of threshold, level or words,
// and gives it up when what is remembered would mean something else.
func stateKey(all []*rules.Rule, r *rules.Rule) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", r.Type)
	if r.Type == rules.TypeSequence { // each step says whose it is
		return r.ID + "/" + hex.EncodeToString(h.Sum(nil)[:4])
	}
	if r.Type == rules.TypePeak || r.Type == rules.TypeStorm { // peaks of another span are other peaks
		fmt.Fprintf(h, "span %s\n", r.Timespan)
	}
	for _, in := range r.Inputs {
		fmt.Fprintf(h, "in %s\n", cmp.Or(all[in].Meaning, all[in].ID))
	}
	for _, in := range r.Without {
		fmt.Fprintf(h, "without %s\n", all[in].Meaning)
	}
	for _, g := range r.GroupBy {
		fmt.Fprintf(h, "by %s\n", g.Name)
	}
	for _, a := range r.Aliases {
		for _, in := range r.Inputs {
			if f := a.By[in]; f != nil {
				fmt.Fprintf(h, "alias %s\n", f.Name)
			}
		}
	}
	if r.Field != nil {
		fmt.Fprintf(h, "field %s\n", r.Field.Name)
	}
	for _, f := range r.With {
		fmt.Fprintf(h, "with %s\n", f.Name)
	}
	return r.ID + "/" + hex.EncodeToString(h.Sum(nil)[:4])
}

// planned returns the rule with an id, nil where there is none.
func (p *Plan) planned(id string) *planned {
	i := slices.IndexFunc(p.rules, func(pl planned) bool { return pl.rule.ID == id })
	if i < 0 {
		return nil
	}
	return &p.rules[i]
}

// Approves reports whether posts of an account need an approval.
func (p *Plan) Approves(account string) bool { return p.accounts[account].Approvals }
