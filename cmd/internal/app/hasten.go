package app

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors"
)

// hastenFor is how long what an alert is about is polled faster.
const hastenFor = time.Hour

// hastener has accounts polled faster about which an alert was opened: whoever
// got in goes on, and minutes count.
type hastener struct {
	cfg   *current
	sched atomic.Pointer[collectors.Scheduler] // nil until there is one
}

// published looks at one decision of alerting.
func (h *hastener) published(a *alerting.Alert, now time.Time) {
	sched := h.sched.Load()
	if sched == nil || a.Change != alerting.ChangeOpened && a.Change != alerting.ChangeReopened {
		return
	}
	for _, source := range h.cfg.p.Load().sourcesOf(a.Account) {
		sched.Hasten(source, now.Add(hastenFor))
	}
}

// sourcesOf returns what is polled that may tell more of an account or an
// identity: the account, the accounts that an identity guards, and the logs
// that tell of who may log in.
func (k *known) sourcesOf(name string) []string {
	out := slices.Concat([]string{name}, k.guarded(name))
	behind := []string{name}
	for _, account := range out {
		if a, ok := k.cfg.Account(account); ok {
			behind = append(behind, a.GuardedBy...)
		}
	}
	for _, src := range k.cfg.Sources {
		tells := func(identity string) bool {
			network, _, _ := strings.Cut(identity, "/")
			return network == src.Collector
		}
		if slices.ContainsFunc(behind, tells) {
			out = append(out, src.Collector+"/"+src.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
