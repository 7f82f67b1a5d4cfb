package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// Demotions: rules over their budget that were told to observe. A demotion is
// an override in the program set, so that the log says from where on it is in
// force and every replay agrees. It is for one version of the rule: changing the
// rule, or naming its mode under rules.overrides, ends it.

// demotion is a rule that observes because of what it costs.
type demotion struct {
	detector.Override
	label string // the rule's name, else its id
}

// demotions are those that this daemon knows of.
type demotions struct {
	mu  sync.Mutex
	all []demotion
}

// add remembers a demotion; false where it is known already.
func (d *demotions) add(r *rules.Rule) (detector.Override, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := detector.Override{Rule: r.ID, Mode: rules.Observe, Version: r.Version}
	if slices.ContainsFunc(d.all, func(k demotion) bool { return k.Override == o }) {
		return o, false
	}
	d.all = append(d.all, demotion{o, cmp.Or(r.Name, r.ID)})
	slices.SortFunc(d.all, func(a, b demotion) int {
		return cmp.Or(strings.Compare(a.Rule, b.Rule), strings.Compare(a.Version, b.Version))
	})
	return o, true
}

func (d *demotions) remove(o detector.Override) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = slices.DeleteFunc(d.all, func(k demotion) bool { return k.Override == o })
}

// into adds what holds beside a configuration to its program set.
func (d *demotions) into(set *detector.Set, cfg *config.Config) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range d.all {
		if !said(cfg, k) {
			set.Overrides = append(set.Overrides, k.Override)
		}
	}
}

// said reports whether a configuration itself says the mode of a rule.
func said(cfg *config.Config, k demotion) bool {
	return slices.ContainsFunc(cfg.Rules.Overrides, func(o config.Override) bool {
		return o.Mode != "" && (strings.EqualFold(o.Rule, k.Rule) || o.Rule == k.label)
	})
}

// lift forgets the demotions that do not hold any more beside a configuration
// and its plan, and returns them.
func (d *demotions) lift(cfg *config.Config, plan *detector.Plan) []demotion {
	d.mu.Lock()
	defer d.mu.Unlock()
	var lifted []demotion
	d.all = slices.DeleteFunc(d.all, func(k demotion) bool {
		there := slices.ContainsFunc(plan.Rules(), func(r *rules.Rule) bool { return r.ID == k.Rule && r.Version == k.Version })
		if there && !said(cfg, k) {
			return false
		}
		lifted = append(lifted, k)
		return true
	})
	return lifted
}

// programOf returns the program set of a configuration, with the demotions
// beside it, and its hash.
func (a *App) programOf(cfg *config.Config) (set detector.Set, hash string, err error) {
	if set, err = BuildSet(cfg); err == nil {
		a.demoted.into(&set, cfg)
		_, hash, err = set.Encode()
	}
	return set, hash, err
}

// overBudget is told of a rule that goes on taking more than its budget.
func (a *App) overBudget(o overspent) {
	if o.since == overTimes { // the metric says that it goes on
		a.log.Warn("a rule takes more time than its budget", zap.String("rule", cmp.Or(o.rule.Name, o.rule.ID)), zap.String("rule_version", o.rule.Version),
			zap.Duration("an_activity", o.average), zap.Duration("budget", o.budget.Time), zap.String("action", string(o.budget.Action)))
	}
	switch {
	case o.budget.Action != config.BudgetObserve, o.rule.Mode != rules.Enforce:
		return
	case o.rule.Silent: // it only feeds others and raises nothing that could be held back
		return
	case o.rule.Level == rules.Critical: // whoever writes costly texts must not switch it off
		return
	}
	select {
	case a.overspent <- o:
	default: // it is told again as long as it goes on
	}
}

// demote makes a rule observe, in every partition that this daemon reads.
func (r *reloader) demote(ctx context.Context, o overspent) {
	a := r.app
	if said(a.cfg.get(), demotion{detector.Override{Rule: o.rule.ID}, cmp.Or(o.rule.Name, o.rule.ID)}) {
		return // whoever wrote the mode of this rule down wants it
	}
	override, isNew := a.demoted.add(o.rule)
	if !isNew {
		return
	}
	plan, err := r.parts.plans.extend(ctx, override)
	if err != nil {
		a.demoted.remove(override) // nothing was changed; it is told again
		a.log.Error("rule over its budget could not be made to observe", zap.String("rule", o.rule.ID), zap.Error(err))
		return
	}
	a.rulesLoaded(plan)
	r.spread(ctx)
	reason := fmt.Sprintf("rule %s takes %s an activity, more than its budget of %s; it observes until it is changed, or its mode is set under rules.overrides",
		cmp.Or(o.rule.Name, o.rule.ID), o.average.Round(time.Microsecond), o.budget.Time)
	a.log.Error("rule over its budget observes from now on", zap.String("rule", o.rule.ID), zap.String("reason", reason))
	a.tellOfRule(ctx, r.parts, cmp.Or(o.rule.Name, o.rule.ID), activity.Poll{State: activity.PollGap, Reason: reason})
}

// lifted tells of demotions that a reload ended.
func (r *reloader) lifted(ctx context.Context, ready *prepared) {
	for _, k := range r.app.demoted.lift(ready.cfg, ready.plan) {
		r.app.log.Info("a rule that was over its budget is judged anew", zap.String("rule", k.label))
		r.app.tellOfRule(ctx, r.parts, k.label, activity.Poll{State: activity.PollComplete})
	}
}

// tellOfRule appends a poll activity about a rule, so that what Picket does not
// see is a finding like any other.
func (a *App) tellOfRule(ctx context.Context, p *parts, label string, poll activity.Poll) {
	now := time.Now().UTC()
	errs := p.journal.Submit(ctx, []activity.Activity{{
		ID: fmt.Sprintf("budget-%s-%d", poll.State, now.UnixNano()), Network: "picket", Account: "picket/rule-" + label,
		Kind: activity.KindPoll, Time: now, Seen: now, Poll: poll,
	}})
	if errs[0] != nil && ctx.Err() == nil {
		a.log.Error("what happened to a rule could not be recorded", zap.String("rule", label), zap.Error(errs[0]))
	}
}

// adopt takes over the demotions that are in force in a partition: those of the
// daemon that read it before, or of this one before it was started again.
func (a *App) adopt(ctx context.Context, p *parts, partition int) error {
	hash, err := p.journal.LastProgram(ctx, partition)
	if err != nil || hash == "" || hash == p.plans.current() {
		return err
	}
	set, err := p.plans.stored(ctx, hash)
	if err != nil {
		return err
	}
	var news []detector.Override
	for _, o := range set.Overrides {
		for _, r := range p.plans.plan().Rules() {
			if o.Version == "" || r.ID != o.Rule || r.Version != o.Version || said(a.cfg.get(), demotion{o, cmp.Or(r.Name, r.ID)}) {
				continue
			}
			if _, isNew := a.demoted.add(r); isNew {
				news = append(news, o)
			}
		}
	}
	if len(news) == 0 {
		return nil
	}
	plan, err := p.plans.extend(ctx, news...)
	if err == nil {
		a.rulesLoaded(plan)
	}
	return err
}
