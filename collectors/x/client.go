//nolint:bodyclose // go-twitter closes each body itself before it returns the response
package x

import (
	"net/http"

	"github.com/dghubble/go-twitter/twitter" //nolint:staticcheck // archived, and the client this is built on: what it lacks is in this package
)

// client is go-twitter with the calls that the collector makes.
type client struct{ *twitter.Client }

func newClient(ex *exchange) client {
	return client{twitter.NewClient(&http.Client{Transport: ex})}
}

// span is the part of a timeline that one request asks for.
type span struct {
	user  int64
	count int
	since int64 // exclusive, 0: from the beginning
	max   int64 // inclusive, 0: up to now
}

// extended asks v1.1 for whole texts.
const extended = "extended"

func (c client) posts(s span) ([]twitter.Tweet, error) {
	tweets, _, err := c.Timelines.UserTimeline(&twitter.UserTimelineParams{
		UserID: s.user, Count: s.count, SinceID: s.since, MaxID: s.max, TweetMode: extended,
		// v1.1 leaves reposts out unless asked; v2 has them always.
		IncludeRetweets: twitter.Bool(true),
	})
	return tweets, err
}

// mentions are those of the credential's user with v1.1, and of exchange.user
// with v2.
func (c client) mentions(s span) ([]twitter.Tweet, error) {
	tweets, _, err := c.Timelines.MentionTimeline(&twitter.MentionTimelineParams{
		Count: s.count, SinceID: s.since, MaxID: s.max, TweetMode: extended,
	})
	return tweets, err
}

func (c client) lookup(ids []int64) ([]twitter.Tweet, error) {
	tweets, _, err := c.Statuses.Lookup(ids, &twitter.StatusLookupParams{TrimUser: twitter.Bool(true)})
	return tweets, err
}

// exists asks v1.1 for one post.
func (c client) exists(id int64) error {
	_, _, err := c.Statuses.Show(id, &twitter.StatusShowParams{TrimUser: twitter.Bool(true)})
	return err
}

func (c client) userByID(id int64) (*twitter.User, error) {
	u, _, err := c.Users.Show(&twitter.UserShowParams{UserID: id})
	return u, err
}

func (c client) userByHandle(handle string) (*twitter.User, error) {
	u, _, err := c.Users.Show(&twitter.UserShowParams{ScreenName: handle})
	return u, err
}

// self is the user of an OAuth 1.0a credential.
func (c client) self() (*twitter.User, error) {
	u, _, err := c.Accounts.VerifyCredentials(&twitter.AccountVerifyParams{SkipStatus: twitter.Bool(true)})
	return u, err
}
