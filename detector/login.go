package detector

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/baseline/agent"
	"github.com/picketd/picket/detector/baseline/loginrisk"
	"github.com/picketd/picket/detector/baseline/travel"
	"github.com/picketd/picket/detector/state"
	"github.com/picketd/picket/rules"
)

// Rules over the models of logins and seldom values: judge first, learn after.
// What an open episode saw is withheld until it closes.

// travel feeds a login to a rule that compares it with the one before.
func (e *Engine) travel(st *accountState, k int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[k]
	r := pl.rule
	nowhere := slices.ContainsFunc(r.Without, func(i int) bool { return slices.Contains(e.matches, i) })
	if nowhere || !a.Geo.Lat.OK || !a.Geo.Lon.OK {
		return
	}
	l := e.placeOf(a, t, pl)
	model := memoryOf[travel.State](st, pl.stateKey, groupKey(group))
	p := pl.travel
	jump, odd := model.Judge(l, p)
	if backfill || !odd {
		if part := e.suspect(st, r, a); part != nil && !backfill {
			e.keepModel(st, r, part)
			withhold(part, l) // where an intruder was says nothing of the person
			return
		}
		model.Learn(l, p)
		return
	}
	ep := e.hit(st, r, group, match{a: a, t: t}, func() []Reason { return []Reason{travelReason(jump, a, p)} })
	if ep == nil {
		model.Learn(l, p)
		return
	}
	e.keepModel(st, r, ep)
	withhold(ep, l)
}

func travelParams(r *rules.Rule) travel.Params {
	return travel.Params{Distance: r.Params["distance"], Speed: r.Params["speed"], Gateway: r.Params["gateway"]}
}

// placeOf is what travel knows of a login.
func (e *Engine) placeOf(a *activity.Activity, t int64, pl *planned) travel.Login {
	l := travel.Login{
		Time: t, Lat: a.Geo.Lat.V, Lon: a.Geo.Lon.V, Radius: pl.radius, ASN: uint32(a.Geo.ASN.V), Country: a.Geo.Country,
		Relay: relay(a), Phone: e.agentOf(a.UserAgent).parts.Kind == "phone",
	}
	if a.Geo.Radius.OK {
		l.Radius = a.Geo.Radius.V
	}
	return l
}

// relay reports whether an address is known as one behind which people may be
// anywhere.
func relay(a *activity.Activity) bool { return a.Geo.Proxy != "" && a.Geo.Proxy != "none" }

func travelReason(j travel.Jump, a *activity.Activity, p travel.Params) Reason {
	to := clone(a.Geo.City)
	if to == "" {
		to = clone(a.Geo.Country)
	}
	r := Reason{
		Field: "geo", Seen: j.Words(),
		Detail: map[string]string{"limit": strconv.FormatFloat(p.Speed, 'f', -1, 64), "km": strconv.Itoa(int(math.Round(j.Distance))), "slack_km": strconv.Itoa(int(math.Round(j.Slack))), "km_per_hour": strconv.Itoa(int(math.Round(j.Speed())))},
	}
	if to != "" {
		r.Detail["to"] = to
	}
	return r
}

// loginRisk feeds a login to a rule that weighs whose it is.
func (e *Engine) loginRisk(st *accountState, k int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	if a.UserAgent == "" {
		return // too little is told to weigh it
	}
	pl := &e.plan.rules[k]
	r := pl.rule
	model := memoryOf[loginrisk.State](st, pl.stateKey, groupKey(group))
	crowd := e.crowd(pl.stateKey)
	p := pl.login
	l := e.loginOf(a, t)
	since, logins := model.Since()
	if backfill || !baseline.Learn(r.Learn).Ready(since, logins, t) {
		model.Learn(l, crowd, p)
		return
	}
	w := model.Judge(l, crowd)
	if w.Score() < pl.score {
		model.Learn(l, crowd, p)
		return
	}
	ep := e.hit(st, r, group, match{a: a, t: t}, func() []Reason { return riskReasons(model, &w, a, l.Hour) })
	if ep == nil {
		model.Learn(l, crowd, p)
		return
	}
	e.keepModel(st, r, ep)
	withhold(ep, l)
}

// loginOf is what loginrisk knows of a login.
func (e *Engine) loginOf(a *activity.Activity, t int64) loginrisk.Login {
	by := e.agentOf(a.UserAgent)
	l := loginrisk.Login{
		Time: t, Country: loginrisk.Code(a.Geo.Country), Relay: relay(a),
		System: by.system, Browser: by.browser, Version: uint8(by.parts.Version),
		Hour: int8(time.Unix(0, t).In(e.zone(a)).Hour()),
	}
	if a.Geo.ASN.OK {
		l.ASN = loginrisk.Number(uint64(a.Geo.ASN.V))
	}
	if ip, err := netip.ParseAddr(a.IP); err == nil {
		l.Prefix = loginrisk.Prefix(ip)
	}
	return l
}

// userAgent is what models know of a user agent.
type userAgent struct {
	parts           agent.Parts
	system, browser uint16
}

const (
	// maxAgents bounds the user agents that are known already, of which there are
	// few; then all are forgotten.
	maxAgents = 1024
	// longAgent is the length in bytes from which one is not kept.
	longAgent = 512
)

// agentOf splits a user agent, or knows it already.
func (e *Engine) agentOf(text string) userAgent {
	known, ok := e.agents[text]
	if ok {
		return known
	}
	text = clone(text)
	parts := agent.Split(text)
	known = userAgent{
		parts:   parts,
		system:  loginrisk.ID("on " + parts.System + " " + parts.Kind),
		browser: loginrisk.ID(parts.Browser + parts.System + parts.Kind),
	}
	switch {
	case len(text) >= longAgent:
		return known
	case e.agents == nil:
		e.agents = map[string]userAgent{}
	case len(e.agents) >= maxAgents:
		clear(e.agents)
	}
	e.agents[text] = known
	return known
}

// crowd returns what a rule knows of all accounts together.
func (e *Engine) crowd(stateKey string) *loginrisk.Crowd {
	c := e.crowds[stateKey]
	if c == nil {
		c = &loginrisk.Crowd{}
		if e.crowds == nil {
			e.crowds = map[string]*loginrisk.Crowd{}
		}
		e.crowds[stateKey] = c
	}
	return c
}

// cloneCrowds copies crowds as they are now.
func cloneCrowds(all map[string]*loginrisk.Crowd) map[string]*loginrisk.Crowd {
	if len(all) == 0 {
		return nil
	}
	out := make(map[string]*loginrisk.Crowd, len(all))
	for key, c := range all {
		out[key] = new(*c)
	}
	return out
}

const (
	// tells is the weight, in nats, from which a feature is worth a reason: half
	// as likely again.
	tells = 0.4
	// maxOdds is the largest odds that are told: beyond, a model's shares are no
	// measurement any more.
	maxOdds = 1e6
)

// riskReasons says which features speak against a login, by weight, and last
// what they say together.
func riskReasons(m *loginrisk.State, w *loginrisk.Weights, a *activity.Activity, hour int8) []Reason {
	order := slices.Clone(w[:])
	slices.SortStableFunc(order, func(x, y loginrisk.Weight) int {
		switch {
		case x.Nats > y.Nats:
			return -1
		case x.Nats < y.Nats:
			return 1
		}
		return 0
	})
	var out []Reason
	for i := range order {
		if order[i].Nats >= tells || i == 0 && order[i].Nats > 0 {
			out = append(out, riskReason(m, &order[i], a, hour))
		}
	}
	odds := math.Exp(min(w.Score(), math.Log(maxOdds)*1.001))
	words := "about as likely somebody else's login as this person's"
	switch {
	case odds < 0.5: // of a rule that tells even that
		words = grouped(1/odds) + " times likelier this person's login than somebody else's"
	case odds > maxOdds:
		words = "more than " + grouped(maxOdds) + " times likelier somebody else's login than this person's"
	case odds >= 2:
		words = grouped(odds) + " times likelier somebody else's login than this person's"
	}
	return append(out, Reason{Seen: words, Detail: map[string]string{"score": strconv.FormatFloat(w.Score(), 'f', 2, 64)}})
}

func riskReason(m *loginrisk.State, w *loginrisk.Weight, a *activity.Activity, hour int8) Reason {
	parts := agent.Split(a.UserAgent)
	r := Reason{
		Expected: fmt.Sprintf("%.0f of its last %.0f logins", w.Seen, w.Of),
		Detail:   map[string]string{"weight": strconv.FormatFloat(w.Nats, 'f', 2, 64)},
	}
	switch w.Feature {
	case loginrisk.Country:
		r.Field, r.Seen, r.Expected = "geo.country", "country "+clone(a.Geo.Country), shares(m)
	case loginrisk.Network:
		r.Field, r.Seen = "geo.asn", "network AS"+strconv.FormatFloat(a.Geo.ASN.V, 'f', -1, 64)
	case loginrisk.Address:
		r.Field, r.Seen = "ip", "address "+clone(a.IP)
	case loginrisk.System:
		r.Field, r.Seen = "device", "no system that is known"
		if parts.System != "" {
			r.Seen = parts.System + " " + parts.Kind
		}
	case loginrisk.Browser:
		r.Field, r.Seen = "user_agent", clone(parts.Browser)
	default:
		r.Field, r.Seen = "time", fmt.Sprintf("%02d to %02d h", hour, (hour+1)%24)
	}
	return r
}

// shares tells the usual countries: "DE 97 %, AT 3 %".
func shares(m *loginrisk.State) string {
	codes, of := m.Usual()
	var out []string
	for i := range min(len(codes), 3) {
		out = append(out, fmt.Sprintf("%s %.0f %%", codes[i], 100*of[i]))
	}
	return strings.Join(out, ", ")
}

// grouped writes a number with commas, its first two digits only: the others
// are not known.
func grouped(v float64) string {
	step := math.Pow(10, math.Max(0, math.Floor(math.Log10(math.Max(v, 1)))-1))
	s := strconv.FormatFloat(math.Round(v/step)*step, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// rareValue feeds a match to a rule about values that an account seldom uses.
// Of a list field each value is judged; together they are one match.
func (e *Engine) rareValue(st *accountState, k int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[k]
	r := pl.rule
	e.values = r.Field.Values(a, e.values[:0])
	if len(e.values) == 0 {
		return
	}
	model := memoryOf[baseline.Rare](st, pl.stateKey, groupKey(group))
	since, uses := model.Known()
	ready := !backfill && baseline.Learn(r.Learn).Ready(since, uses, t)
	var why []Reason
	var odd []string
	for _, v := range e.values {
		value := text(v)
		share, of := model.Share(value)
		if !ready || share >= r.Params["share"] {
			model.Learn(value, t, r.Params.Span("half-life"))
		} else if !slices.Contains(odd, value) && len(odd) < maxOdd {
			odd = append(odd, clone(value))
			why = append(why, Reason{
				Field: r.Field.Name, Seen: labelled(r.Field.Name, clone(value)),
				Expected: fmt.Sprintf("at least %g %% of what it uses; this was %.0f of the last %d", 100*r.Params["share"], share*float64(of), of),
				Detail:   map[string]string{"share": strconv.FormatFloat(share, 'f', 4, 64), "uses": strconv.Itoa(of)},
			})
		}
	}
	if len(odd) == 0 {
		return
	}
	ep := e.hit(st, r, group, match{a: a, t: t}, func() []Reason { return why })
	e.keepModel(st, r, ep)
	for _, value := range odd {
		if ep == nil {
			model.Learn(value, t, r.Params.Span("half-life"))
		} else {
			withhold(ep, value)
		}
	}
}

// withhold keeps what an episode saw from its model until it closes.
func withhold(ep *episode, what any) {
	data, err := json.Marshal(what)
	if err != nil {
		return // not of plain structs of numbers and texts
	}
	if ep.Learn == nil {
		ep.Learn = map[string]int{}
	}
	if _, ok := ep.Learn[string(data)]; ok || len(ep.Learn) < maxWithheld {
		ep.Learn[string(data)]++
	}
}

// withheld returns what an episode kept, each with how often.
func withheld[T any](ep *episode) (out []T, times []int) {
	for _, key := range slices.Sorted(maps.Keys(ep.Learn)) {
		var v T
		if json.Unmarshal([]byte(key), &v) == nil {
			out, times = append(out, v), append(times, ep.Learn[key])
		}
	}
	return out, times
}

// releaseLogins teaches a model what its closing episode withheld.
func (e *Engine) releaseLogins(st *accountState, r *rules.Rule, ep *episode) {
	key := e.plan.rules[r.Index].stateKey
	switch r.Type {
	case rules.TypeTravel:
		model := memoryOf[travel.State](st, key, groupKey(ep.Group))
		logins, _ := withheld[travel.Login](ep)
		for _, l := range logins {
			model.Learn(l, travelParams(r))
		}
	case rules.TypeLoginRisk:
		model, crowd := memoryOf[loginrisk.State](st, key, groupKey(ep.Group)), e.crowd(key)
		logins, _ := withheld[loginrisk.Login](ep)
		for _, l := range logins {
			model.Learn(l, crowd, loginrisk.Params{HalfLife: int64(r.Params.Span("half-life"))})
		}
	default:
		model := memoryOf[baseline.Rare](st, key, groupKey(ep.Group))
		values, times := withheld[string](ep)
		for i, v := range values {
			for range min(times[i], maxWithheld) {
				model.Learn(v, ep.Last, r.Params.Span("half-life"))
			}
		}
	}
}

// knownLogins returns since when, and from how many uses, a rule over logins or
// seldom values knows an account.
func (e *Engine) knownLogins(subject string, r *rules.Rule) (since int64, events int) {
	st := e.find(subject)
	if st == nil {
		return 0, 0
	}
	cell := st.ref(slotModel, e.plan.rules[r.Index].stateKey, "")
	if cell == 0 {
		return 0, 0
	}
	return e.memory.knownLogins(r, cell)
}

// knownLogins is what the model in a cell knows.
func (m *memory) knownLogins(r *rules.Rule, cell state.Ref) (since int64, events int) {
	if r.Type == rules.TypeLoginRisk {
		return state.Read[loginrisk.State](m.store.Heap, cell).Since()
	}
	return state.Read[baseline.Rare](m.store.Heap, cell).Known()
}

// placed reports whether a rule over journeys has a place of an account.
func (e *Engine) placed(subject string, r *rules.Rule) bool {
	st := e.find(subject)
	if st == nil {
		return false
	}
	cell := st.ref(slotModel, e.plan.rules[r.Index].stateKey, "")
	return cell != 0 && state.Read[travel.State](e.memory.store.Heap, cell).Latest() != 0
}
