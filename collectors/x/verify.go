package x

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// verifyPosts is how many posts Verify looks at: each costs PricePost.
const verifyPosts = 10

// Standing is what a look at an account with its credential showed.
type Standing struct {
	UserID    string // X's number of the account
	Handle    string // as X writes it, without @
	Name      string
	Followers int
	Posts     int // posts and reposts that there are, as X counts them
	Protected bool

	Read   int       // newest posts that were read, at most 10
	Newest time.Time // when the newest of them was made, zero without one
	PerDay float64   // posts a day at the pace of those
	Extras float64   // posts and media that come with one of them and are charged like it
	Cost   float64   // US dollars, of this look

	// Access says what an OAuth 1.0a credential may, in the words of X's header
	// x-access-level: "read", "read-write" or "read-write-directmessages". It
	// is "" where X did not say, and for a bearer token, which writes nothing.
	Access string
}

// MayWrite reports whether the credential can do more than read.
func (s *Standing) MayWrite() bool { return s.Access != "" && s.Access != "read" }

// Verify looks at the account and at its newest posts, and direct messages where
// they are read, one request for each, and so proves that the credential reads what a poll must. It needs no cursor
// and moves none. Its errors are those of Poll.
func (c *Collector) Verify(ctx context.Context) (*Standing, error) {
	looker := *c
	level := &accessLevel{base: c.auth}
	looker.auth = level
	r := looker.newRound(ctx, &state{Version: cursorVersion})
	u, err := r.user()
	if err != nil {
		return nil, r.failed("profile", err)
	}
	now := r.note()
	r.charge(0, r.ex.answer.users)
	r.st.User = u.ID
	s := &Standing{
		UserID: formatID(u.ID), Handle: c.words(u.ScreenName), Name: c.words(unescape(u.Name)),
		Followers: u.FollowersCount, Posts: u.StatusesCount, Protected: u.Protected,
	}
	tweets, err := r.fetch(postsLane, span{count: verifyPosts}, "")
	if err != nil {
		return nil, r.failed("posts", err)
	}
	a := r.ex.answer
	r.charge(a.posts+a.extras, a.users)
	if c.cfg.DirectMessages {
		if err := r.lookAtMessages(); err != nil {
			return nil, err
		}
	}
	var made []time.Time
	for i := range tweets {
		t, err := tweets[i].CreatedAtTime()
		if err != nil {
			return nil, fmt.Errorf("x: posts of %s: created_at: %w", c.cfg.Account, err)
		}
		made = append(made, t)
	}
	s.pace(made, now)
	if s.Read > 0 {
		s.Extras = float64(a.extras) / float64(s.Read)
	}
	s.Cost, s.Access = r.page.Cost, level.said
	return s, nil
}

// lookAtMessages reads the newest messages, to show that a poll could.
func (r *round) lookAtMessages() error {
	if err := r.ownMessages(); err != nil {
		return err
	}
	if _, err := r.ex.messages(""); err != nil {
		return r.failed("direct messages", mendableMessages(err))
	}
	r.page.Cost += float64(r.ex.answer.count) * r.c.cfg.PriceMessage
	r.charge(0, r.ex.answer.users)
	return nil
}

// pace takes over when the newest posts were made. All of them within one day
// are that day's: some posts of one hour are no habit.
func (s *Standing) pace(made []time.Time, now time.Time) {
	oldest := now
	for _, t := range made {
		s.Read++
		if t.After(s.Newest) {
			s.Newest = t
		}
		if t.Before(oldest) {
			oldest = t
		}
	}
	s.PerDay = float64(s.Read) / max(1, now.Sub(oldest).Hours()/24)
}

// accessLevel notes what X says of the credential beside its answers. That all
// authenticated requests are answered so was announced for API v1.1 on
// 2011-06-30 (twitter-api-announce, "The new permission model is now in
// effect"); docs.x.com, fundamentals/developer-apps, has the permissions
// without the header, so its absence says nothing.
type accessLevel struct {
	base http.RoundTripper
	said string
}

// RoundTrip implements http.RoundTripper.
func (a *accessLevel) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.base.RoundTrip(req)
	if err == nil {
		switch level := resp.Header.Get("x-access-level"); level {
		case "read", "read-write", "read-write-directmessages":
			a.said = level
		}
	}
	return resp, err
}
