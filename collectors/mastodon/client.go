package mastodon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	api "github.com/mattn/go-mastodon"

	"github.com/picketd/picket/collectors"
)

// client is go-mastodon with the calls that the collector makes. Each says how
// its answer is read.
type client struct {
	lib *api.Client
	ex  *exchange
}

func newClient(c *Collector) *client {
	ex := &exchange{c: c}
	// The token is the exchange's affair, so that there is one place for it.
	lib := api.NewClient(&api.Config{Server: c.base.String()})
	lib.Client = http.Client{Transport: ex}
	return &client{lib: lib, ex: ex}
}

func (c *client) lookup(ctx context.Context, name string) (*account, error) {
	c.ex.read = c.ex.readAccount
	_, err := c.lib.AccountLookup(ctx, name)
	return c.ex.answer.account, err
}

func (c *client) account(ctx context.Context, id string) (*account, error) {
	c.ex.read = c.ex.readAccount
	_, err := c.lib.GetAccount(ctx, api.ID(id))
	return c.ex.answer.account, err
}

// self is the token's own account, whatever the id.
func (c *client) self(ctx context.Context, _ string) (*account, error) {
	c.ex.read = c.ex.readAccount
	_, err := c.lib.GetAccountCurrentUser(ctx)
	return c.ex.answer.account, err
}

// statuses returns a page of an account's statuses, and the id below which the
// next page lies, "" if there is none.
func (c *client) statuses(ctx context.Context, user string, pg api.Pagination) ([]*status, string, error) {
	c.ex.read = c.ex.readStatuses
	limit := int(pg.Limit)
	_, err := c.lib.GetAccountStatuses(ctx, api.ID(user), &pg)
	return c.ex.answer.statuses, c.ex.next(&pg, limit), err
}

// notifications returns a page of the token's own notifications like statuses.
func (c *client) notifications(ctx context.Context, last string) ([]*notification, string, error) {
	c.ex.read = c.ex.readNotifications
	exclude := otherTypes()
	pg := &api.Pagination{MaxID: api.ID(last), Limit: pageSize}
	_, err := c.lib.GetNotificationsExclude(ctx, &exclude, pg)
	return c.ex.answer.notifications, c.ex.next(pg, pageSize), err
}

// exists asks for one status and forgets it.
func (c *client) exists(ctx context.Context, id string) error {
	c.ex.read = c.ex.readNothing
	_, err := c.lib.GetStatus(ctx, api.ID(id))
	return err
}

func (c *client) history(ctx context.Context, id string) ([]*edition, error) {
	c.ex.read = c.ex.readHistory
	_, err := c.lib.GetStatusHistory(ctx, api.ID(id))
	return c.ex.answer.history, err
}

// several returns those of some statuses that the server shows. go-mastodon has
// no call for it.
func (c *client) several(ctx context.Context, ids []string) ([]*status, error) {
	target := c.ex.c.base.JoinPath("/api/v1/statuses")
	target.RawQuery = url.Values{"id[]": ids}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	c.ex.read = c.ex.readStatuses
	resp, err := c.ex.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return c.ex.answer.statuses, resp.Body.Close()
}

// appList is where a server shows the tokens of the account that asks.
type appList struct {
	path  string
	paged bool // takes limit and max_id
}

// appLists returns the lists that are known, in the order in which a server is
// asked for them: GoToSocial's, and that of Pleroma and Akkoma. The cursor holds
// their numbers.
func appLists() []appList {
	return []appList{{path: "/api/v1/tokens", paged: true}, {path: "/api/oauth_tokens"}}
}

// grants returns a page of a list of tokens, and the id below which the next
// page lies, "" if there is none. go-mastodon has no call for it.
func (c *client) grants(ctx context.Context, list appList, last string) ([]*grant, string, error) {
	target := c.ex.c.base.JoinPath(list.path)
	if list.paged {
		q := url.Values{"limit": {strconv.Itoa(maxApps)}}
		if last != "" {
			q.Set("max_id", last)
		}
		target.RawQuery = q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, "", err
	}
	c.ex.read = c.ex.readGrants
	resp, err := c.ex.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	next, err := nextOf(resp.Header.Get("Link"))
	return c.ex.answer.grants, next, errors.Join(err, resp.Body.Close())
}

// nextOf takes the id of the next page out of a Link header, "" if it has none.
// One that leads nowhere is an error: what lies behind it would look revoked.
func nextOf(links string) (string, error) {
	for {
		_, rest, found := strings.Cut(links, "<")
		if !found {
			return "", nil
		}
		var address string
		address, links, _ = strings.Cut(rest, ">")
		if params, _, _ := strings.Cut(links, "<"); !strings.Contains(params, `rel="next"`) {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || u.Query().Get("max_id") == "" {
			return "", &collectors.Malformed{Field: "Link header", Err: errors.New("the next page has no max_id")}
		}
		return u.Query().Get("max_id"), nil
	}
}
