package xtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Subscription is one that an app has made for events of an account.
type Subscription struct {
	ID        string
	EventType string // "post.create"
	UserID    string
	Tag       string
	WebhookID string // where its events go beside the stream, "" for nowhere
	made      time.Time
}

// maxSubscriptions is what a self-serve app may have (x-api/activity/introduction).
const maxSubscriptions = 1500

// eventTypes are those that an app's bearer token may subscribe to and that
// this server tells of.
func eventTypes() []string {
	return []string{
		"post.create", "post.delete", "profile.update.bio", "profile.update.profile_picture",
		"profile.update.banner_picture", "profile.update.screenname", "profile.update.handle", "profile.update.geo",
		"profile.update.url", "profile.update.verified_badge", "profile.update.affiliate_badge",
	}
}

// Subscriptions returns those that were made, oldest first.
func (s *Server) Subscriptions() []Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.subscriptions)
}

// isActivity reports whether an endpoint is one of the X Activity API.
func isActivity(endpoint string) bool { return strings.HasPrefix(endpoint, "activity/") }

// activity answers about subscriptions. The caller holds the lock.
func (s *Server) activity(r *http.Request) *reply {
	if authKind(r) != "bearer" {
		return problem(http.StatusForbidden, "Unsupported Authentication", "unsupported-authentication",
			"Authenticating with OAuth 1.0a User Context is forbidden for this endpoint. Supported authentication types are [OAuth 2.0 Application-Only].")
	}
	id := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/2/activity/subscriptions"), "/")
	switch {
	case r.Method == http.MethodGet && id == "":
		return s.listSubscriptions(r)
	case r.Method == http.MethodPost && id == "":
		return s.subscribe(r)
	case id != "":
		return s.changeSubscription(r, id)
	}
	return &reply{status: http.StatusNotFound}
}

func (s *Server) listSubscriptions(r *http.Request) *reply {
	size, from := 100, int(number(strings.TrimPrefix(r.URL.Query().Get("pagination_token"), tokenPrefix)))
	if n := r.URL.Query().Get("max_results"); n != "" {
		if size = int(number(n)); size < 1 || size > 1000 {
			return problem(http.StatusBadRequest, "Invalid Request", "invalid-request",
				fmt.Sprintf("The `max_results` query parameter value [%s] is not between 1 and 1000", n))
		}
	}
	if n := s.opts.PageSize; n > 0 {
		size = min(size, n)
	}
	from = min(from, len(s.subscriptions))
	page := s.subscriptions[from:min(from+size, len(s.subscriptions))]
	meta := object{"result_count": len(page)}
	out := object{"meta": meta}
	if next := from + len(page); next < len(s.subscriptions) {
		meta["next_token"] = tokenPrefix + strconv.Itoa(next)
	}
	if len(page) > 0 {
		data := make([]object, len(page))
		for i := range page {
			data[i] = page[i].object()
		}
		out["data"] = data
	}
	return ok(out)
}

func (sub *Subscription) object() object {
	const layout = "2006-01-02T15:04:05.000Z"
	out := object{
		"subscription_id": sub.ID, "event_type": sub.EventType, "filter": object{"user_id": sub.UserID},
		"created_at": sub.made.UTC().Format(layout), "updated_at": sub.made.UTC().Format(layout),
	}
	if sub.Tag != "" {
		out["tag"] = sub.Tag
	}
	if sub.WebhookID != "" {
		out["webhook_id"] = sub.WebhookID
	}
	return out
}

// subscribe makes a subscription. The form of the refusal of a duplicate is not
// documented; that there is one is what developers report.
func (s *Server) subscribe(r *http.Request) *reply {
	invalid := func(format string, args ...any) *reply {
		return problem(http.StatusBadRequest, "Invalid Request", "invalid-request", fmt.Sprintf(format, args...))
	}
	var asked struct {
		EventType string `json:"event_type"`
		Filter    struct {
			UserID string `json:"user_id"`
		} `json:"filter"`
		Tag       string `json:"tag"`
		WebhookID string `json:"webhook_id"`
	}
	if err := decode(r, &asked); err != nil {
		return invalid("%v", err)
	}
	switch {
	case !slices.Contains(eventTypes(), asked.EventType):
		return invalid("event_type [%s] is not one that this app may subscribe to", asked.EventType)
	case s.byID(number(asked.Filter.UserID)) == nil:
		return invalid("filter.user_id [%s] is no user", asked.Filter.UserID)
	case len(asked.Tag) > 200:
		return invalid("tag is longer than 200 characters")
	case slices.ContainsFunc(s.subscriptions, func(sub Subscription) bool {
		return sub.EventType == asked.EventType && sub.UserID == asked.Filter.UserID
	}):
		return problem(http.StatusConflict, "DuplicateSubscription", "invalid-request", "A subscription with this event type and filter exists already.")
	case len(s.subscriptions) >= maxSubscriptions:
		return problem(http.StatusForbidden, "Forbidden", "about:blank", "This app is at the maximum number of subscriptions.")
	}
	sub := Subscription{
		ID: strconv.FormatInt(s.newID(s.now()), 10), EventType: asked.EventType, UserID: asked.Filter.UserID,
		Tag: asked.Tag, WebhookID: asked.WebhookID, made: s.now(),
	}
	s.subscriptions = append(s.subscriptions, sub)
	return ok(object{"data": sub.object(), "meta": object{"total_subscriptions": len(s.subscriptions)}})
}

func (s *Server) changeSubscription(r *http.Request, id string) *reply {
	i := slices.IndexFunc(s.subscriptions, func(sub Subscription) bool { return sub.ID == id })
	if i < 0 {
		return problem(http.StatusNotFound, "Not Found Error", "resource-not-found", "Could not find subscription with id: ["+id+"].")
	}
	switch r.Method {
	case http.MethodDelete:
		s.subscriptions = slices.Delete(s.subscriptions, i, i+1)
		return ok(object{"data": object{"deleted": true}, "meta": object{"total_subscriptions": len(s.subscriptions)}})
	case http.MethodPut:
		var asked struct {
			Tag       string `json:"tag"`
			WebhookID string `json:"webhook_id"`
		}
		if err := decode(r, &asked); err != nil {
			return problem(http.StatusBadRequest, "Invalid Request", "invalid-request", err.Error())
		}
		sub := &s.subscriptions[i]
		if asked.Tag != "" {
			sub.Tag = asked.Tag
		}
		if asked.WebhookID != "" {
			sub.WebhookID = asked.WebhookID
		}
		return ok(object{"data": sub.object(), "meta": object{"total_subscriptions": len(s.subscriptions)}})
	}
	return &reply{status: http.StatusNotFound}
}

// tell sends an event of an account to whoever is subscribed. The caller holds
// the lock.
func (s *Server) tell(a *account, event string, payload object) {
	user := strconv.FormatInt(a.id, 10)
	for i := range s.subscriptions {
		sub := &s.subscriptions[i]
		if sub.EventType != event || sub.UserID != user || a.profile.Protected && strings.HasPrefix(event, "post.") {
			continue
		}
		data := object{
			"event_uuid": strconv.FormatInt(s.newID(s.now()), 10), "filter": object{"user_id": user},
			"event_type": event, "payload": payload,
		}
		if sub.Tag != "" {
			data["tag"] = sub.Tag
		}
		line, err := json.Marshal(object{"data": data})
		if err != nil {
			panic(err) // it is made of texts
		}
		s.toStreams(string(line))
		if sub.WebhookID != "" {
			s.call(sub.WebhookID, string(line))
		}
	}
}

// tellPost tells of a post that was made or deleted.
func (s *Server) tellPost(event string, p *post) {
	a := s.byID(p.author)
	payload := object{"id": strconv.FormatInt(p.id, 10), "author_id": strconv.FormatInt(a.id, 10)}
	if event == "post.create" {
		payload["text"], payload["created_at"] = p.Text, p.made.Format("2006-01-02T15:04:05.000Z")
		payload["edit_history_tweet_ids"] = texts(p.versions)
	}
	s.tell(a, event, payload)
}

// tellProfile tells of what has changed in a profile.
func (s *Server) tellProfile(a *account, before Profile) {
	after := a.profile
	for _, c := range []struct{ event, before, after string }{
		{"bio", before.Description, after.Description},
		{"profile_picture", before.Picture, after.Picture},
		{"banner_picture", before.Banner, after.Banner},
		{"screenname", before.Name, after.Name},
		{"handle", before.Handle, after.Handle},
		{"geo", before.Location, after.Location},
		{"url", before.Link, after.Link},
		{"verified_badge", strconv.FormatBool(before.Verified), strconv.FormatBool(after.Verified)},
	} {
		if c.before != c.after {
			s.tell(a, "profile.update."+c.event, object{"before": c.before, "after": c.after})
		}
	}
}
