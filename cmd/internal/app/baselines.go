package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// Subjects on which a daemon is asked about what it has learned of an account.
// Replies go to inboxes that begin with an underscore. On the embedded server
// only the user admin may ask.
const (
	// BaselineShow asks for it: {"v":1,"account":"x/acme","rule":"login_new_country"},
	// without rule for all. The daemon that reads the account's partition answers
	// {"v":1,"baselines":[…]} of the form of Baseline, or {"v":1,"error":"…"}.
	BaselineShow = "picket.baseline.show"
	// BaselineSay has a person's word written into the journal: a Review. One
	// daemon answers {"v":1,"type":"new_value"} with the type of the rule that it
	// is of, without one of all rules, or {"v":1,"error":"…"}.
	BaselineSay = "picket.baseline.say"
)

const (
	baselineVersion = 1
	baselineWait    = 10 * time.Second // for an answer
	// maxBaselines bounds the groups of an answer, and maxBaselineAnswer its
	// bytes: what an attacker can choose must not make it too large to send.
	maxBaselines      = 200
	maxBaselineAnswer = 512 << 10
)

// Baseline is what one rule has learned of one account; see detector.Baseline.
type Baseline struct {
	Account  string                `json:"account"`
	Rule     string                `json:"rule"` // name, or else id
	Title    string                `json:"title"`
	Type     rules.Type            `json:"type"`
	Field    string                `json:"field,omitempty"`
	Group    []string              `json:"group,omitempty"`
	AsOf     time.Time             `json:"as_of"` // log time
	Since    time.Time             `json:"since,omitzero"`
	Events   int                   `json:"events"`
	Learning bool                  `json:"learning,omitempty"`
	Values   []detector.KnownValue `json:"values"`
	Limit    int                   `json:"limit,omitempty"`
	Own      int                   `json:"own,omitempty"`
	Span     string                `json:"span,omitempty"` // of a peak: what it counts in
	Trusted  []detector.TrustedFor `json:"trusted,omitempty"`
	Waiting  []detector.WaitingFor `json:"waiting,omitempty"`
}

// BaselinesOf returns what an engine has learned of an account, at most so many
// groups.
func BaselinesOf(e *detector.Engine, account, rule string) []Baseline {
	all := e.Baselines(account, rule)
	out := make([]Baseline, 0, min(len(all), maxBaselines))
	for i := range all[:min(len(all), maxBaselines)] {
		b := &all[i]
		one := Baseline{
			Account: b.Account, Rule: cmp.Or(b.Rule.Name, b.Rule.ID), Title: b.Rule.Title, Type: b.Rule.Type, Group: b.Group, AsOf: b.AsOf,
			Since: b.Since, Events: b.Events, Learning: b.Learning, Values: b.Values, Limit: b.Limit, Own: b.Own,
			Trusted: b.Trusted, Waiting: b.Waiting,
		}
		if b.Rule.Field != nil {
			one.Field = b.Rule.Field.Name
		}
		if b.Rule.Type == rules.TypePeak {
			one.Span = b.Rule.Timespan.String()
		}
		out = append(out, one)
	}
	return out
}

// Review is what a person says of what was learned of an account.
type Review struct {
	V       int       `json:"v"`
	Account string    `json:"account"`
	Rule    string    `json:"rule,omitempty"` // name or id; empty for all
	Says    string    `json:"says"`           // activity.VerdictTrust or VerdictForget
	Values  []string  `json:"values,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	By      string    `json:"by"`
	Reason  string    `json:"reason,omitempty"`
}

type baselineRequest struct {
	V       int    `json:"v"`
	Account string `json:"account"`
	Rule    string `json:"rule,omitempty"`
}

type baselineAnswer struct {
	V         int        `json:"v"`
	Error     string     `json:"error,omitempty"`
	Baselines []Baseline `json:"baselines,omitempty"`
	Type      rules.Type `json:"type,omitempty"`
}

// answerBaselines answers questions until the subscriptions end. What people say
// is written by one of several daemons.
func (a *App) answerBaselines(p *parts) ([]*nats.Subscription, error) {
	show, err := p.nc.Subscribe(BaselineShow, func(m *nats.Msg) { a.showBaseline(p, m) })
	if err != nil {
		return nil, fmt.Errorf("answer on %s: %w", BaselineShow, err)
	}
	say, err := p.nc.QueueSubscribe(BaselineSay, "picket", func(m *nats.Msg) {
		kind, fault := a.sayBaseline(p, m.Data)
		a.replyBaseline(p, m, fault, baselineAnswer{Type: kind})
	})
	if err != nil {
		_ = show.Unsubscribe() // fails only on a connection that is closed
		return nil, fmt.Errorf("answer on %s: %w", BaselineSay, err)
	}
	return []*nats.Subscription{show, say}, nil
}

func (a *App) replyBaseline(p *parts, m *nats.Msg, fault error, out baselineAnswer) {
	if !strings.HasPrefix(m.Reply, inboxMark) {
		// Picket may publish where those who ask may not.
		a.log.Warn("question about what was learned without an inbox to answer to")
		return
	}
	out.V = baselineVersion
	if fault != nil {
		out.Error = fault.Error()
	}
	data, err := json.Marshal(out)
	for err == nil && len(data) > maxBaselineAnswer && len(out.Baselines) > 0 {
		out.Baselines = out.Baselines[:len(out.Baselines)/2]
		data, err = json.Marshal(out)
	}
	if err == nil {
		err = p.nc.Publish(m.Reply, data)
	}
	if err != nil {
		a.log.Warn("answer about what was learned not sent", zap.Error(err))
	}
}

// showBaseline has the worker answer that reads the account's partition; another
// daemon's does where none here does.
func (a *App) showBaseline(p *parts, m *nats.Msg) {
	var req baselineRequest
	if err := json.Unmarshal(m.Data, &req); err != nil || req.V != baselineVersion || req.Account == "" {
		a.replyBaseline(p, m, errors.New("the question is not understood: use the same version of picket and its daemon"), baselineAnswer{})
		return
	}
	if _, fault := a.reviewable(p, req.Account, req.Rule); fault != nil {
		a.replyBaseline(p, m, fault, baselineAnswer{})
		return
	}
	w := p.workers[p.journal.Partition(req.Account)]
	w.inquiries.ask(inquiry{until: time.Now().Add(baselineWait), answer: func(e *detector.Engine) {
		a.replyBaseline(p, m, nil, baselineAnswer{Baselines: BaselinesOf(e, req.Account, req.Rule)})
	}})
}

// kind returns the type of the rule that it is of, "" for all rules.
func (r *Review) kind(plan *detector.Plan) rules.Type {
	for _, of := range plan.Rules() {
		if detector.Reviewable(of) && r.Rule != "" && (r.Rule == of.ID || r.Rule == of.Name) {
			return of.Type
		}
	}
	return ""
}

// check tells values that would change nothing: a peak learns days.
func (r *Review) check(kind rules.Type) error {
	switch {
	case kind != rules.TypePeak || len(r.Values) == 0:
		return nil
	case r.Says == activity.VerdictTrust:
		return fmt.Errorf("rule %q learns the busiest days, of which none can be trusted before it was: trust what waits for a verdict, without values, or plan more (picket plan add)", r.Rule)
	}
	for _, day := range r.Values {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return fmt.Errorf("%q is no day of rule %q: expected one such as 2026-03-01, as picket baseline show names them", day, r.Rule)
		}
	}
	return nil
}

// reviewable returns the plan in force, and tells an account that nobody watches,
// and a rule that learns nothing that can be looked at.
func (a *App) reviewable(p *parts, account, rule string) (*detector.Plan, error) {
	if !a.cfg.accepts(account) {
		return nil, fmt.Errorf("%s: the daemon does not know it: expected an account of its configuration, or an identity that guards one", account)
	}
	ctx, cancel := context.WithTimeout(context.Background(), baselineWait)
	defer cancel()
	plan, err := p.plans.get(ctx, p.plans.current())
	if err != nil {
		return nil, err
	}
	return plan, CheckReview(plan, rule)
}

// CheckReview tells why what a rule of a plan learns cannot be looked at; nil
// where it can, and for "".
func CheckReview(plan *detector.Plan, rule string) error {
	var known []string
	for _, r := range plan.Rules() {
		if detector.Reviewable(r) {
			if rule == "" || rule == r.ID || rule == r.Name {
				return nil
			}
			known = append(known, cmp.Or(r.Name, r.ID))
		}
	}
	if len(known) == 0 {
		return errors.New("no rule in force learns values")
	}
	return fmt.Errorf("rule %q learns no values; expected one of %s", rule, strings.Join(known, ", "))
}

// sayBaseline appends what a person says to the journal, and returns the type of
// the rule that it is of, "" for all rules.
func (a *App) sayBaseline(p *parts, data []byte) (rules.Type, error) {
	var r Review
	if err := json.Unmarshal(data, &r); err != nil || r.V != baselineVersion {
		return "", errors.New("the question is not understood: use the same version of picket and its daemon")
	}
	plan, err := a.reviewable(p, r.Account, r.Rule)
	if err != nil {
		return "", err
	}
	kind := r.kind(plan)
	if err := r.check(kind); err != nil {
		return "", err
	}
	id, err := randomHex()
	if err != nil {
		return "", err
	}
	now := time.Now().UTC()
	network, _, _ := strings.Cut(r.Account, "/")
	ctx, cancel := context.WithTimeout(context.Background(), baselineWait)
	defer cancel()
	return kind, p.journal.Submit(ctx, []activity.Activity{{
		ID: "review-" + id[:24], Network: network, Account: r.Account, Kind: activity.KindVerdict, Time: now, Seen: now,
		Verdict: activity.Verdict{Rule: r.Rule, Says: r.Says, Values: r.Values, Until: r.Until, By: r.By, Reason: r.Reason},
	}})[0]
}

// AskBaselines asks the daemons behind nc what rules have learned of an account:
// one rule, by name or id, or all for "".
func AskBaselines(ctx context.Context, nc *nats.Conn, account, rule string) ([]Baseline, error) {
	answer, err := askBaseline(ctx, nc, BaselineShow, baselineRequest{V: baselineVersion, Account: account, Rule: rule})
	return answer.Baselines, err
}

// SayBaseline has a daemon behind nc write what a person says into the journal.
// It returns the type of the rule that it is of, "" for all rules.
func SayBaseline(ctx context.Context, nc *nats.Conn, r Review) (rules.Type, error) {
	r.V = baselineVersion
	answer, err := askBaseline(ctx, nc, BaselineSay, r)
	return answer.Type, err
}

func askBaseline(ctx context.Context, nc *nats.Conn, subject string, question any) (baselineAnswer, error) {
	var out baselineAnswer
	data, err := json.Marshal(question)
	if err != nil {
		return out, err
	}
	wait, cancel := context.WithTimeout(ctx, baselineWait)
	defer cancel()
	m, err := nc.RequestWithContext(wait, subject, data)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return out, ErrNobodyAnswers
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return out, fmt.Errorf("a picket is there and did not answer within %s: it is starting, or nobody reads this account's log", baselineWait)
	case err != nil:
		return out, fmt.Errorf("ask the daemon: %w", err)
	}
	if err := json.Unmarshal(m.Data, &out); err != nil {
		return out, fmt.Errorf("the daemon's answer: %w", err)
	}
	switch {
	case out.V != baselineVersion:
		return out, fmt.Errorf("the daemon answers in version %d, this picket reads %d: use the same version of both", out.V, baselineVersion)
	case out.Error != "":
		return out, errors.New(out.Error)
	}
	return out, nil
}
