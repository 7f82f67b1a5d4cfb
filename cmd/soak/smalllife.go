package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/collectors/x/xtest"
)

// life is what a small install sees: the month before it was installed, and the
// day after, which happens in minutes. What a network shows happens on a fake X,
// whatever network the simulated account is of; logins and approvals are pushed.
type life struct {
	accounts []simulate.Account
	handles  map[string]string // on the fake X, by simulated account
	month    []activity.Activity
	day      []activity.Activity
	began    time.Time         // the day
	ids      map[string]string // on the fake X, by simulated id
	posts    int               // of the day
	changed  int               // edits and deletions of the day
	network  string            // address of the fake X
}

const (
	smallDay   = 24 * time.Hour
	smallMonth = 30 * smallDay
)

// newLife invents the month before a time and the day after it.
func newLife(o smallOptions, began time.Time) (*life, error) {
	w, err := simulate.New(simulate.Config{
		Seed: o.seed, Accounts: o.accounts, Start: began.Add(-smallMonth), End: began.Add(smallDay), AttackRate: 1,
	})
	if err != nil {
		return nil, err
	}
	l := &life{accounts: w.Accounts(), handles: map[string]string{}, began: began, ids: map[string]string{}}
	for i, a := range l.accounts {
		l.handles[a.Name] = fmt.Sprintf("life%02d", i)
	}
	for {
		a, _, ok := w.Next()
		switch {
		case !ok:
			return l, nil
		case a.Kind == activity.KindPoll || a.Kind == activity.KindMention:
			continue // the first is Picket's own word, the second is read only where asked for
		case a.Time.Before(began):
			l.month = append(l.month, a)
		default:
			l.day = append(l.day, a)
		}
	}
}

// past lets the month have happened: posts and profiles on the network.
func (l *life) past(fake *xtest.Server) {
	for _, a := range l.accounts {
		fake.AddAccount(xtest.Profile{Handle: l.handles[a.Name], Name: a.Owner, Link: "https://" + a.Organisation + ".example"})
	}
	for i := range l.month {
		if a := &l.month[i]; !pushed(a) {
			_ = l.show(a, fake) // a post of before the month may be edited or deleted
		}
	}
}

// pushed tells what does not come from the fake X.
func pushed(a *activity.Activity) bool {
	return a.Kind == activity.KindApproval || strings.HasPrefix(a.Account, "okta/")
}

// show lets one thing happen on the network.
func (l *life) show(a *activity.Activity, fake *xtest.Server) error {
	handle := l.handles[a.Account]
	today := !a.Time.Before(l.began)
	if today && (a.Kind == activity.KindEdit || a.Kind == activity.KindDelete) {
		l.changed++
	}
	switch a.Kind {
	case activity.KindEdit:
		id, err := fake.Edit(l.ids[a.Object], a.Text)
		if err == nil {
			l.ids[a.Object] = id
		}
		return err
	case activity.KindDelete:
		return fake.Delete(l.ids[a.Object])
	case activity.KindProfile, activity.KindFollowers:
		return fake.SetProfile(handle, func(p *xtest.Profile) { change(p, a) })
	default:
		l.ids[a.ID] = fake.Post(handle, xtest.Post{Text: a.Text, Lang: a.Lang, At: a.Time})
		if today {
			l.posts++
		}
		return nil
	}
}

// change lets a profile be as an activity observed it.
func change(p *xtest.Profile, a *activity.Activity) {
	text := map[string]*string{"name": &p.Name, "description": &p.Description, "link": &p.Link}
	for _, f := range a.Profile {
		if into := text[f.Name]; into != nil {
			*into = f.Value
		}
	}
	for _, m := range a.Metrics {
		if m.Name == "followers" {
			p.Followers = int(m.Value)
		}
	}
}

// happen lets the day happen within a while.
func (l *life) happen(ctx context.Context, within time.Duration, fake *xtest.Server, st *stage) error {
	begin := time.Now()
	for i := range l.day {
		a := l.day[i]
		passed := float64(a.Time.Sub(l.began)) / float64(smallDay)
		if err := pause(ctx, time.Until(begin.Add(time.Duration(passed*float64(within))))); err != nil {
			return err
		}
		shift(&a, time.Since(a.Time))
		if !pushed(&a) {
			_ = l.show(&a, fake) // as in past
			continue
		}
		if handle := l.handles[a.Account]; handle != "" {
			a.Account, a.Network = "x/"+handle, "x"
		}
		if err := st.push(ctx, []activity.Activity{a}); err != nil {
			return err
		}
	}
	return nil
}

// shift moves an activity in time.
func shift(a *activity.Activity, by time.Duration) {
	a.Seen = time.Time{}
	for _, at := range []*time.Time{&a.Time, &a.Approval.From, &a.Approval.Until} {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
}

// awaitPosts waits until the day's posts are in the log, and returns how many.
// One that was edited or deleted before the next poll is not there as a post,
// so a number that stays for some polls will do.
func (st *stage) awaitPosts(ctx context.Context, l *life) (int, error) {
	const enough = 6 // s, of polls each 2 s
	before, same := 0, 0
	for range 30 {
		n, err := st.countPosts(ctx, l)
		if err != nil || n >= l.posts {
			return n, err
		}
		if same++; n != before {
			before, same = n, 0
		}
		if same >= enough && n >= l.posts-l.changed {
			break
		}
		if err := pause(ctx, time.Second); err != nil {
			return n, err
		}
	}
	return before, nil
}

// countPosts counts the day's posts, replies and reposts in the log.
func (st *stage) countPosts(ctx context.Context, l *life) (int, error) {
	nc, err := st.connect()
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return 0, err
	}
	var dec activity.Decoder
	var b activity.Batch
	n := 0
	shown := []activity.Kind{activity.KindPost, activity.KindReply, activity.KindRepost}
	err = eachMessage(ctx, js, journal.StreamName(0), "picket.activity.0.x.>", func(m jetstream.Msg) error {
		if err := dec.Batch(m.Data(), &b); err != nil {
			return err
		}
		for i := range b.Activities {
			a := &b.Activities[i]
			if slices.Contains(shown, a.Kind) && !a.Time.Before(l.began) {
				n++
			}
		}
		return nil
	})
	return n, err
}

// writeSmall makes the daemon's directory. It polls fast at first, as
// the day is short.
func (d *daemon) writeSmall(l *life, network string) error {
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	var history []byte
	for i := range l.month {
		if a := &l.month[i]; pushed(a) && a.Kind != activity.KindApproval {
			history = append(activity.AppendActivity(history, a), '\n')
		}
	}
	l.network = network
	return errors.Join(
		os.WriteFile(filepath.Join(d.dir, "history.jsonl"), history, 0o600),
		os.WriteFile(filepath.Join(d.dir, "token"), []byte(token), 0o600),
		d.configureSmall(l, "every: 2s, "))
}

// configureSmall writes the configuration: every default but the addresses,
// and for each account what polling says.
func (d *daemon) configureSmall(l *life, polling string) error {
	var b bytes.Buffer
	fmt.Fprintln(&b, "data_dir: ./data\nhttp: {listen: 127.0.0.1:0}\nnats: {listen: 127.0.0.1:0}\nlog: {format: json}")
	fmt.Fprintln(&b, "intake: {webhook: {tokens: [{name: life, token: {file: ./token}}]}}")
	fmt.Fprintln(&b, "sources:\n- {name: before, collector: file, path: ./history.jsonl, history: true, every: 1m}")
	fmt.Fprintf(&b, "credentials:\n  life: {collector: x, base_url: %q, bearer_token: {file: ./token}}\naccounts:\n", l.network)
	for _, a := range l.accounts {
		approvals := "off"
		if a.ApprovalsRequired {
			approvals = "required"
		}
		handle := l.handles[a.Name]
		fmt.Fprintf(&b, "- {account: x/%s, username: %s, credential: life, %sowner: %q, contact: %q, time_zone: %s, approvals: %q, guarded_by: [%s]}\n",
			handle, handle, polling, a.Owner, a.Contact, a.TimeZone, approvals, strings.Join(a.Identities, ", "))
	}
	return os.WriteFile(d.config(), b.Bytes(), 0o600)
}
