package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/picketd/picket/collectors/x/xtest"
)

// options of one soak.
type options struct {
	posts, accounts, kills, daemons int
	seed                            uint64
	during                          time.Duration
	settle                          time.Duration // how long to wait for what is still missing
	ablation                        bool
	torn                            bool // damage checkpoints
	log                             io.Writer
}

// script is what happens on the fake network: first history, which the first
// poll reads, then posts in a fixed order, so that two plays are the same
// however long they take.
type script struct {
	accounts []string
	start    time.Time
	history  []event
	events   []event
	expected map[string]int // alerts by rule name
}

// event is one thing that happens on the network.
type event struct {
	account string
	post    xtest.Post
	late    bool // the post appears a while after the time that it carries
	profile bool // the account's name and link change
	login   bool // a login from a new country, pushed by webhook
}

const (
	historyPosts = 40
	apart        = 9 * time.Hour // history must span the rules' learning time
	trickle      = 20            // of these posts one is late, another on its page twice
	burst        = 20            // posts of one
)

// newScript writes a script. Account i is attacked in the way i mod 5, near
// the end: a burst, a strange app, an unapproved post, a changed profile, a
// login from a new country.
func newScript(o options) *script {
	rng := rand.New(rand.NewPCG(o.seed, 7))
	s := &script{expected: map[string]int{}, start: time.Now().UTC().Truncate(time.Second)}
	var lanes [][]event
	for i := range o.accounts {
		account := fmt.Sprintf("account%02d", i)
		s.accounts = append(s.accounts, account)
		for k := range historyPosts {
			s.history = append(s.history, event{account: account, post: xtest.Post{
				Text: fmt.Sprintf("history %d of %s", k, account), Source: "Publishing Suite",
				At: s.start.Add(-time.Duration(historyPosts-k) * apart),
			}})
		}
		lanes = append(lanes, s.lane(rng, i, account, o.posts/o.accounts-historyPosts))
	}
	for n := 0; len(lanes) > 0; n++ {
		i := n % len(lanes)
		s.events = append(s.events, lanes[i][0])
		if lanes[i] = lanes[i][1:]; len(lanes[i]) == 0 {
			lanes = append(lanes[:i], lanes[i+1:]...)
		}
	}
	return s
}

// lane is one account's posts in the order in which they appear.
func (s *script) lane(rng *rand.Rand, i int, account string, posts int) []event {
	var lane []event
	for k := range posts {
		lane = append(lane, event{account: account, late: rng.IntN(trickle) == 0, post: xtest.Post{
			Text: fmt.Sprintf("post %d of %s", k, account), Source: "Publishing Suite", Twice: rng.IntN(trickle) == 0,
		}})
		if k == posts-posts/10 {
			lane = append(lane, s.attack(i, account)...)
		}
	}
	return lane
}

func (s *script) attack(i int, account string) []event {
	post := func(app, text string) event {
		return event{account: account, post: xtest.Post{Text: text + account, Source: app}}
	}
	switch i % 5 {
	case 0:
		s.expected["posting_burst"]++
		s.expected["new_client_app"]++
		var out []event
		for n := range burst {
			out = append(out, post(burstApp, fmt.Sprintf("burst %d of ", n)))
		}
		return out
	case 1:
		s.expected["new_client_app"]++
		return []event{post("Totally Safe App", "hello from elsewhere by ")}
	case 2:
		s.expected["message_not_approved"]++
		return []event{post("Publishing Suite", "nobody approved this one of ")}
	case 3:
		s.expected["profile_changed"]++
		return []event{{account: account, profile: true}}
	}
	s.expected["login_new_country"]++
	return []event{{account: account, login: true}}
}

// lateBy is how long after the time that it carries a late post appears.
const lateBy = 3 * time.Second

// approvals says whether an account's posts need approval.
func approvals(i int) bool { return i%5 == 2 }

// identity is who logs in for account i.
func identity(i int) string { return fmt.Sprintf("okta/editor-%02d", i) }
