package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// CoverageSubject is where a daemon is asked which rules watch which accounts.
// The payload is {"v":1}, with "account" for one account or identity alone. A
// reply subject has to begin with an underscore, as inboxes do.
//
// Every daemon answers for the partitions that it reads, in one or more
// messages for each:
//
//	{"v":1,"partition":0,"partitions":4,"accounts":[…],"last":true}
//
// accounts are of the form of AccountCoverage; one with hundreds of rules may
// come in several pieces. No message is larger than 512 KiB, and last marks the
// last of a partition. On the embedded server only the user admin may ask.
const CoverageSubject = "picket.coverage"

const (
	coverageVersion = 1
	// coveragePart is from how many bytes on a part of an answer is sent, and
	// coverageRules how many rules come together, so that what is added last
	// keeps a message below 512 KiB.
	coveragePart  = 256 << 10
	coverageRules = 500
	// coverageWait is how long the next part of an answer is waited for: a
	// daemon answers between two messages of the log, and ticks each second
	// while a question waits.
	coverageWait = 10 * time.Second
)

// AccountCoverage is how each rule covers one account or identity.
type AccountCoverage struct {
	Account string         `json:"account"`
	Guards  []string       `json:"guards,omitempty"` // of an identity: the accounts that it guards
	AsOf    time.Time      `json:"as_of"`            // log time
	Rules   []RuleCoverage `json:"rules"`            // in the order of the rule set
}

// RuleCoverage is how one rule covers one account or identity; see
// detector.Coverage.
type RuleCoverage struct {
	Rule       string                 `json:"rule"` // name, or else id
	Title      string                 `json:"title"`
	Level      rules.Level            `json:"level"`
	State      detector.CoverageState `json:"state"`
	Days       int                    `json:"days,omitempty"`
	NeedDays   int                    `json:"need_days,omitempty"`
	Events     int                    `json:"events,omitempty"`
	NeedEvents int                    `json:"need_events,omitempty"`
	Why        string                 `json:"why,omitempty"`
	Mend       string                 `json:"mend,omitempty"`
}

// coverageRequest asks for the coverage of one account, or of all.
type coverageRequest struct {
	V       int    `json:"v"`
	Account string `json:"account,omitempty"`
}

// coverageAnswer is one part of a partition's answer.
type coverageAnswer struct {
	V          int               `json:"v"`
	Partition  int               `json:"partition"`
	Partitions int               `json:"partitions"`
	Accounts   []AccountCoverage `json:"accounts"`
	Last       bool              `json:"last,omitempty"`
}

// answerCoverage answers questions about coverage until the subscription ends.
func (a *App) answerCoverage(p *parts) (*nats.Subscription, error) {
	sub, err := p.nc.Subscribe(CoverageSubject, func(m *nats.Msg) {
		var req coverageRequest
		switch err := json.Unmarshal(m.Data, &req); {
		case err != nil || req.V != coverageVersion:
			a.log.Warn("question about coverage not understood", zap.Int("version", req.V), zap.Error(err))
		case !strings.HasPrefix(m.Reply, inboxMark):
			// Picket may publish where those who ask may not.
			a.log.Warn("question about coverage without an inbox to answer to")
		default:
			a.coverage(p, m.Reply, req)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("answer on %s: %w", CoverageSubject, err)
	}
	return sub, nil
}

// inboxMark begins the subjects on which clients wait for replies.
const inboxMark = "_"

// coverage has the workers answer that may know.
func (a *App) coverage(p *parts, reply string, req coverageRequest) {
	now, k := time.Now(), a.cfg.p.Load()
	names := []string{req.Account}
	if req.Account == "" {
		names = append(k.accounts(), k.identities()...)
		slices.Sort(names)
	} else if !a.cfg.accepts(req.Account) {
		names = nil // an empty answer, from whoever reads the partition
	}
	for _, w := range p.workers {
		if req.Account != "" && w.partition != p.journal.Partition(req.Account) {
			continue
		}
		out := &coveragePublisher{
			publish: func(data []byte) error { return p.nc.Publish(reply, data) }, log: a.log,
			part: coverageAnswer{V: coverageVersion, Partition: w.partition, Partitions: p.journal.Partitions()},
		}
		ok := w.coverage.ask(&sweep{
			until: now.Add(coverageWait), names: names, done: out.finish,
			take: func(name string, asOf time.Time, c []detector.Coverage) {
				for some := range slices.Chunk(rulesOf(c), coverageRules) {
					out.add(AccountCoverage{Account: name, Guards: k.guarded(name), AsOf: asOf, Rules: some})
				}
			},
		}, now)
		if !ok {
			a.log.Warn("question about coverage dropped: too many wait", zap.Int("partition", w.partition))
		}
	}
}

func rulesOf(all []detector.Coverage) []RuleCoverage {
	out := make([]RuleCoverage, len(all))
	for i := range all {
		c := &all[i]
		out[i] = RuleCoverage{
			Rule: c.Rule.Name, Title: c.Rule.Title, Level: c.Rule.Level, State: c.State,
			Days: c.Days, NeedDays: c.NeedDays, Events: c.Events, NeedEvents: c.NeedEvents, Why: c.Why, Mend: c.Mend,
		}
		if out[i].Rule == "" {
			out[i].Rule = c.Rule.ID
		}
	}
	return out
}

// coveragePublisher sends one partition's answer in parts.
type coveragePublisher struct {
	publish func([]byte) error
	log     *zap.Logger
	part    coverageAnswer
	size    int // of the accounts in part, encoded
}

func (p *coveragePublisher) add(c AccountCoverage) {
	data, err := json.Marshal(c)
	if err != nil {
		p.log.Error("coverage", zap.Error(err))
		return
	}
	p.part.Accounts = append(p.part.Accounts, c)
	if p.size += len(data); p.size >= coveragePart {
		p.send()
	}
}

func (p *coveragePublisher) finish() {
	p.part.Last = true
	p.send()
}

func (p *coveragePublisher) send() {
	data, err := json.Marshal(p.part)
	if err == nil {
		err = p.publish(data)
	}
	if err != nil {
		p.log.Warn("answer about coverage not sent", zap.Error(err))
	}
	p.part.Accounts, p.size = nil, 0
}

// ErrNobodyAnswers says that no daemon listens to questions.
var ErrNobodyAnswers = errors.New("no picket answers: is `picket run` running with this configuration, in this version?")

// AskCoverage asks the daemons behind nc for the coverage of one account or
// identity, or of all for "". Of an account that nobody knows the answer is
// empty. Where partitions do not answer, it returns what the others said, and
// an error that names them.
func AskCoverage(ctx context.Context, nc *nats.Conn, account string) ([]AccountCoverage, error) {
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("wait for an answer: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	data, err := json.Marshal(coverageRequest{V: coverageVersion, Account: account})
	if err != nil {
		return nil, err
	}
	if err := nc.PublishRequest(CoverageSubject, inbox, data); err != nil {
		return nil, fmt.Errorf("ask for coverage: %w", err)
	}
	gathered := answers{account: account, wait: coverageWait, by: map[string]AccountCoverage{}, ended: map[int]bool{}}
	err = gathered.gather(ctx, sub)
	return gathered.sorted(), err
}

// answers gathers the parts of answers to one question.
type answers struct {
	account string
	wait    time.Duration // for the next part

	by         map[string]AccountCoverage
	ended      map[int]bool // partitions of which the last part came
	partitions int          // 0: no part came yet
}

func (a *answers) gather(ctx context.Context, sub *nats.Subscription) error {
	for !a.complete() {
		next, cancel := context.WithTimeout(ctx, a.wait)
		m, err := sub.NextMsgWithContext(next)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, nats.ErrNoResponders):
			return ErrNobodyAnswers
		case errors.Is(err, context.DeadlineExceeded):
			return a.silence()
		case err != nil:
			return fmt.Errorf("wait for an answer: %w", err)
		}
		if err := a.add(m.Data); err != nil {
			return err
		}
	}
	return nil
}

func (a *answers) add(data []byte) error {
	var part coverageAnswer
	if err := json.Unmarshal(data, &part); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	if part.V != coverageVersion {
		return fmt.Errorf("the daemon answers in version %d, this picket reads %d: use the same version of both", part.V, coverageVersion)
	}
	for _, c := range part.Accounts {
		a.by[c.Account] = joined(a.by[c.Account], c)
	}
	if part.Last {
		a.ended[part.Partition] = true
	}
	a.partitions = part.Partitions
	return nil
}

// joined adds what a further piece says of an account. While a partition goes
// over to another daemon both may answer; what came first stays.
func joined(before, more AccountCoverage) AccountCoverage {
	for _, r := range more.Rules {
		if !slices.ContainsFunc(before.Rules, func(b RuleCoverage) bool { return b.Rule == r.Rule }) {
			before.Rules = append(before.Rules, r)
		}
	}
	more.Rules = before.Rules
	return more
}

// complete reports whether all has come that was asked for.
func (a *answers) complete() bool {
	if a.account != "" {
		return len(a.ended) > 0
	}
	return a.partitions > 0 && len(a.ended) >= a.partitions
}

// silence words that parts of the answer did not come in time.
func (a *answers) silence() error {
	if a.partitions == 0 {
		return fmt.Errorf("a picket is there and did not answer within %s: it is starting, or reads no log (see /-/ready of the daemon)", a.wait)
	}
	var missing []string
	for p := range a.partitions {
		if !a.ended[p] {
			missing = append(missing, fmt.Sprint(p))
		}
	}
	return fmt.Errorf("nobody answered for the accounts of partition %s of %d: no daemon reads it, or it is starting", strings.Join(missing, ", "), a.partitions)
}

func (a *answers) sorted() []AccountCoverage {
	out := make([]AccountCoverage, 0, len(a.by))
	for _, c := range a.by {
		out = append(out, c)
	}
	slices.SortFunc(out, func(x, y AccountCoverage) int { return strings.Compare(x.Account, y.Account) })
	return out
}
