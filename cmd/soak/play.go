package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/x/xtest"
)

const token = "soak-0123456789abcdef0123456789abcdef"

// play runs the script once in dir and returns what was found.
func play(ctx context.Context, o options, s *script, binary, dir string) (*outcome, error) {
	fake := xtest.New(xtest.Options{Limits: unlimited()})
	network := httptest.NewServer(fake)
	defer network.Close()
	for i, account := range s.accounts {
		fake.AddAccount(xtest.Profile{Handle: account, Name: "Account " + account, Link: fmt.Sprintf("https://%s.example", s.accounts[i])})
	}
	for _, ev := range s.history {
		fake.Post(ev.account, ev.post)
	}
	stage, err := newStage(ctx, o, s, binary, dir, network.URL)
	if err != nil {
		return nil, err
	}
	defer stage.close()
	began := time.Now()
	if err := stage.startAll(ctx); err != nil {
		return nil, err
	}
	if err := awaitFirstPolls(ctx, fake, len(s.accounts)); err != nil {
		return nil, err
	}
	if err := stage.push(ctx, prelude(s)); err != nil {
		return nil, err
	}
	var done atomic.Bool
	killed := make(chan error, 1)
	go func() { killed <- stage.killer(ctx, o, &done) }()
	if err := publish(ctx, o, s, fake, stage); err != nil {
		return nil, err
	}
	done.Store(true)
	if err := <-killed; err != nil {
		return nil, err
	}
	out, err := stage.outcome(ctx, o, s)
	if err != nil {
		return nil, err
	}
	out.requests, out.polled = fake.Count("users/tweets"), time.Since(began)
	return out, nil
}

func unlimited() map[string]int {
	limits := map[string]int{}
	for _, endpoint := range []string{"users/tweets", "users/mentions", "users", "users/by/username", "users/me", "tweets"} {
		limits[endpoint] = 1 << 30
	}
	return limits
}

// awaitFirstPolls waits until every account's history has been read.
func awaitFirstPolls(ctx context.Context, fake *xtest.Server, accounts int) error {
	deadline := time.Now().Add(time.Minute)
	for fake.Count("users/tweets") < 2*accounts {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d timeline requests after a minute, want at least %d: the accounts are not polled", fake.Count("users/tweets"), 2*accounts)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// prelude is what is pushed before the posts: approvals, and logins that teach
// where people usually are.
func prelude(s *script) []activity.Activity {
	var out []activity.Activity
	for i, account := range s.accounts {
		for k := range 30 {
			out = append(out, loginActivity(i, "DE", 64500, s.start.Add(-time.Duration(30-k)*24*time.Hour), k))
		}
		if !approvals(i) {
			continue
		}
		for n, ev := range s.events {
			if ev.account != account || ev.post.Text == "" || strings.HasPrefix(ev.post.Text, "nobody") {
				continue
			}
			out = append(out, activity.Activity{
				ID: fmt.Sprintf("approval-%d", n), Account: "x/" + account, Network: "x", Kind: activity.KindApproval,
				Time: s.start, Approval: activity.Approval{Text: ev.post.Text, Approvers: []string{"soak"}},
			})
		}
	}
	return out
}

func loginActivity(i int, country string, asn float64, at time.Time, n int) activity.Activity {
	return activity.Activity{
		ID: fmt.Sprintf("login-%d-%s", n, country), Account: identity(i), Network: "okta", Kind: activity.KindLogin,
		Time: at, Geo: activity.Geo{Country: country, ASN: activity.Some(asn)}, Outcome: activity.Outcome{Result: "success"},
	}
}

// publish lets the script's events happen, evenly over the time given.
func publish(ctx context.Context, o options, s *script, fake *xtest.Server, st *stage) error {
	begin := time.Now()
	for n, ev := range s.events {
		due := begin.Add(o.during * time.Duration(n) / time.Duration(len(s.events)))
		if wait := time.Until(due); wait > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(wait):
			}
		}
		var err error
		switch {
		case ev.profile:
			err = fake.SetProfile(ev.account, func(p *xtest.Profile) { p.Name, p.Link = "Free Coins", "https://coins.example" })
		case ev.login:
			for i, account := range s.accounts {
				if account == ev.account {
					err = st.push(ctx, []activity.Activity{loginActivity(i, "RO", 64501, s.start.Add(-time.Hour), 0)})
				}
			}
		default:
			p := ev.post
			if ev.late {
				p.At = time.Now().Add(-lateBy)
			}
			fake.Post(ev.account, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// push sends activities by webhook until each is accepted, as a careful sender
// does: what a kill leaves unanswered is sent again.
func (st *stage) push(ctx context.Context, acts []activity.Activity) error {
	for len(acts) > 0 {
		n := min(len(acts), 500)
		body := []byte{'['}
		for i := range n {
			if i > 0 {
				body = append(body, ',')
			}
			body = activity.AppendActivity(body, &acts[i])
		}
		body = append(body, ']')
		if err := st.post(ctx, body); err != nil {
			return err
		}
		acts = acts[n:]
	}
	return nil
}

func (st *stage) post(ctx context.Context, body []byte) error {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		err := st.postOnce(ctx, body)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("webhook: %w", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (st *stage) postOnce(ctx context.Context, body []byte) error {
	address := st.address()
	if address == "" {
		return errors.New("no daemon is up")
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/activities", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var answer json.RawMessage
		_ = json.NewDecoder(resp.Body).Decode(&answer) // shown as far as it came
		return fmt.Errorf("%s: %.300s", resp.Status, answer)
	}
	return nil
}

// tear damages the newest checkpoint in a daemon's directory, as a crash or a bad
// disk does.
func tear(rng *rand.Rand, dir string) error {
	path := filepath.Join(dir, "data", "checkpoints", "partition-0.checkpoint")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) || len(data) == 0 {
		return nil // it was killed before the first one
	}
	if err != nil {
		return err
	}
	if at := rng.IntN(len(data)); rng.IntN(2) == 0 {
		data = data[:at]
	} else {
		data[at] ^= 1 << rng.IntN(8)
	}
	return os.WriteFile(path, data, 0o600)
}

// killer kills a random daemon o.kills times at random moments and starts it
// again.
func (st *stage) killer(ctx context.Context, o options, done *atomic.Bool) error {
	rng := rand.New(rand.NewPCG(o.seed, 13))
	for k := range o.kills {
		mean := o.during / time.Duration(o.kills+1)
		wait := time.Duration(float64(mean) * (0.4 + rng.Float64()))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		if done.Load() {
			fmt.Fprintf(o.log, "the posts ended before kill %d; it comes in the quiet after them\n", k+1)
		}
		var damage func(dir string) error
		if o.torn && k%2 == 0 {
			damage = func(dir string) error { return tear(rng, dir) }
		}
		if err := st.kill(ctx, rng.IntN(len(st.daemons)), damage); err != nil {
			return fmt.Errorf("kill %d: %w", k+1, err)
		}
	}
	return nil
}
