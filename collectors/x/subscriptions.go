package x

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// subscribed is an event type of an account.
type subscribed struct {
	kind string
	user int64
}

// subscription is what X has of one.
type subscription struct {
	id   string
	hook string // the webhook that its events go to, "" for none
}

const (
	// lookedFor is how long the list of an app's subscriptions is taken for
	// true, so that many accounts that begin at once read it once.
	lookedFor = time.Minute
	// maxLists bounds the pages of that list: of 100 each, and an app of the
	// largest plan has 150,000.
	maxLists = 1500
	// tag marks the subscriptions that Picket has made.
	tag = "picket"
)

// subscribe makes the subscriptions of an account that are missing.
func (h *Hub) subscribe(ctx context.Context, user int64) error {
	select {
	case h.subscribing <- struct{}{}:
		defer func() { <-h.subscribing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if h.known == nil || h.app.deps.Now().Sub(h.looked) >= lookedFor {
		if err := h.look(ctx); err != nil {
			return err
		}
	}
	for _, kind := range eventTypes() {
		if err := h.subscribeTo(ctx, subscribed{kind, user}); err != nil {
			h.known = nil // what came of it is not known
			return err
		}
	}
	return nil
}

// look reads what there is of webhooks, where one is wanted, and subscriptions.
func (h *Hub) look(ctx context.Context) (err error) {
	h.known = nil
	if h.callback != "" {
		if h.hook, err = h.hooked(ctx); err != nil {
			return err
		}
	}
	known, err := h.list(ctx)
	if err == nil {
		h.known, h.looked = known, h.app.deps.Now()
	}
	return err
}

// subscribeTo makes a subscription that is missing, or has one that goes
// elsewhere call this daemon.
func (h *Hub) subscribeTo(ctx context.Context, s subscribed) error {
	known, there := h.known[s]
	switch {
	case !there:
		if err := h.create(ctx, s); err != nil {
			return err
		}
	case h.hook != "" && known.hook != h.hook:
		var changed struct{}
		if err := h.ask(ctx, http.MethodPut, "2/activity/subscriptions/"+known.id, nil, map[string]string{"webhook_id": h.hook}, &changed); err != nil {
			return err
		}
	}
	h.known[s] = subscription{known.id, h.hook}
	return nil
}

// list reads all subscriptions of the app.
func (h *Hub) list(ctx context.Context) (map[subscribed]subscription, error) {
	out := map[subscribed]subscription{}
	query := url.Values{"max_results": {"100"}}
	for range maxLists {
		var page struct {
			Data []struct {
				ID     string `json:"subscription_id"`
				Hook   string `json:"webhook_id"`
				Kind   string `json:"event_type"`
				Filter struct {
					User string `json:"user_id"`
				} `json:"filter"`
			} `json:"data"`
			Meta *struct {
				NextToken string `json:"next_token"`
			} `json:"meta"`
		}
		if err := h.ask(ctx, http.MethodGet, "2/activity/subscriptions", query, nil, &page); err != nil {
			return nil, err
		}
		if page.Data == nil && page.Meta == nil {
			return nil, &collectors.Malformed{Field: "GET /2/activity/subscriptions answer", Err: errors.New("it has neither data nor meta")}
		}
		for _, s := range page.Data {
			if parseID(s.ID) == 0 {
				return nil, &collectors.Malformed{Field: "GET /2/activity/subscriptions answer", Err: fmt.Errorf("subscription_id %q; want decimal digits", collectors.Clip(s.ID, 40))}
			}
			out[subscribed{s.Kind, parseID(s.Filter.User)}] = subscription{s.ID, s.Hook}
		}
		if page.Meta == nil || page.Meta.NextToken == "" {
			return out, nil
		}
		query.Set("pagination_token", page.Meta.NextToken)
	}
	return nil, fmt.Errorf("GET /2/activity/subscriptions: more than %d pages", maxLists)
}

// create makes a subscription. X refuses a second one of the same kind: then
// another daemon was faster.
func (h *Hub) create(ctx context.Context, s subscribed) error {
	asked := map[string]any{"event_type": s.kind, "filter": map[string]string{"user_id": formatID(s.user)}, "tag": tag}
	if h.hook != "" {
		asked["webhook_id"] = h.hook
	}
	var made struct{}
	err := h.ask(ctx, http.MethodPost, "2/activity/subscriptions", nil, asked, &made)
	if e, ok := errors.AsType[*APIError](err); ok && duplicate(e) {
		return nil
	}
	return err
}

// duplicate reports whether X refused what is there already. Its form is not
// documented.
func duplicate(e *APIError) bool {
	return e.Status == http.StatusConflict || strings.Contains(strings.ToLower(e.Type+" "+e.Title+" "+e.Detail), "duplicate")
}
