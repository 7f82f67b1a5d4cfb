package xtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Webhook is one of the app's.
type Webhook struct {
	ID    string
	URL   string
	Valid bool // it met the last challenge
	made  time.Time
}

// Call is an event that was sent to a webhook.
type Call struct {
	URL    string
	Body   string
	Status int // 0 where there was no answer
}

// maxWebhooks is how many an app may have here. X's number is not documented.
const maxWebhooks = 2

// callFor is how long X waits for an answer (x-api/webhooks/introduction).
const callFor = 10 * time.Second

// Webhooks returns those of the app, oldest first.
func (s *Server) Webhooks() []Webhook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.webhooks)
}

// Invalidate has X call no webhook any more, as it does when one has not met a
// challenge for 28 hours.
func (s *Server) Invalidate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.webhooks {
		s.webhooks[i].Valid = false
	}
}

// Calls waits for the calls that are under way and returns all there were.
func (s *Server) Calls() []Call {
	s.calling.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func isWebhooks(endpoint string) bool { return endpoint == "webhooks" }

// manageWebhooks answers about webhooks. Challenges go out while the lock is
// not held: whoever answers them may ask something, too.
func (s *Server) manageWebhooks(r *http.Request) *reply {
	refusal, header := s.admit(r)
	if refusal != nil {
		refusal.header = header
		return refusal
	}
	id := strings.Trim(strings.TrimPrefix(r.URL.Path, "/2/webhooks"), "/")
	a := &reply{status: http.StatusNotFound}
	switch {
	case r.Method == http.MethodGet && id == "":
		a = s.listWebhooks()
	case r.Method == http.MethodPost && id == "":
		a = s.addWebhook(r)
	case r.Method == http.MethodPut && id != "":
		a = s.validateWebhook(r.Context(), id)
	case r.Method == http.MethodDelete && id != "":
		a = s.deleteWebhook(id)
	}
	a.header = header
	return a
}

// admit checks credential and limit.
func (s *Server) admit(r *http.Request) (refusal *reply, header map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refusal := s.authorize(r, false); refusal != nil {
		return refusal, nil
	}
	if authKind(r) != "bearer" {
		return problem(http.StatusForbidden, "Unsupported Authentication", "unsupported-authentication",
			"Authenticating with OAuth 1.0a User Context is forbidden for this endpoint."), nil
	}
	header, ok := s.spend(r)
	if !ok {
		return errorV1(http.StatusTooManyRequests, 88, "Rate limit exceeded"), header
	}
	return nil, header
}

func (h *Webhook) object() object {
	return object{"id": h.ID, "url": h.URL, "valid": h.Valid, "created_at": h.made.UTC().Format("2006-01-02T15:04:05.000Z")}
}

func (s *Server) listWebhooks() *reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	data := make([]object, len(s.webhooks))
	for i := range s.webhooks {
		data[i] = s.webhooks[i].object()
	}
	return ok(object{"data": data, "meta": object{"result_count": len(data)}})
}

// failedWebhook is a refusal by one of the documented reasons, whose form is
// not.
func failedWebhook(reason string) *reply {
	return problem(http.StatusBadRequest, "Invalid Request", "invalid-request", reason)
}

func (s *Server) addWebhook(r *http.Request) *reply {
	var asked struct {
		URL string `json:"url"`
	}
	if err := decode(r, &asked); err != nil {
		return failedWebhook(err.Error())
	}
	u, err := url.Parse(asked.URL)
	if err != nil || u.Scheme != "https" || u.Port() != "" || len(asked.URL) > 200 {
		return failedWebhook("UrlValidationFailed")
	}
	known := s.Webhooks()
	switch {
	case slices.ContainsFunc(known, func(h Webhook) bool { return h.URL == asked.URL }):
		return failedWebhook("DuplicateUrlFailed")
	case len(known) >= maxWebhooks:
		return failedWebhook("WebhookLimitExceeded")
	case !s.challenge(r.Context(), asked.URL):
		return failedWebhook("CrcValidationFailed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := Webhook{ID: strconv.FormatInt(s.newID(s.now()), 10), URL: asked.URL, Valid: true, made: s.now()}
	s.webhooks = append(s.webhooks, h)
	return ok(object{"data": h.object()})
}

func (s *Server) validateWebhook(ctx context.Context, id string) *reply {
	known := s.Webhooks()
	i := slices.IndexFunc(known, func(h Webhook) bool { return h.ID == id })
	if i < 0 {
		return failedWebhook("WebhookIdInvalid")
	}
	valid := s.challenge(ctx, known[i].URL)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhooks[i].Valid = valid
	if !valid {
		return failedWebhook("CrcValidationFailed")
	}
	return ok(object{"data": object{"valid": true}})
}

func (s *Server) deleteWebhook(id string) *reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.webhooks, func(h Webhook) bool { return h.ID == id })
	if i < 0 {
		return failedWebhook("WebhookIdInvalid")
	}
	s.webhooks = slices.Delete(s.webhooks, i, i+1)
	return ok(object{"data": object{"deleted": true}})
}

// hmacOf is how X signs (x-api/webhooks/quickstart).
func (s *Server) hmacOf(data string) string {
	secret := ""
	if s.opts.OAuth1 != nil {
		secret = s.opts.OAuth1.ConsumerSecret
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(data))
	return "sha256=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// challenge reports whether who answers at an address knows the app's secret.
func (s *Server) challenge(ctx context.Context, address string) bool {
	s.mu.Lock()
	token := base64.StdEncoding.EncodeToString([]byte("challenge-" + strconv.FormatInt(s.newID(s.now()), 10)))
	s.mu.Unlock()
	status, answer := s.send(ctx, http.MethodGet, address+"?crc_token="+url.QueryEscape(token), "")
	var said struct {
		Token string `json:"response_token"`
	}
	return status == http.StatusOK && json.Unmarshal([]byte(answer), &said) == nil && said.Token == s.hmacOf(token)
}

func (s *Server) send(ctx context.Context, method, address, body string) (status int, answer string) {
	if s.opts.Hooks == nil {
		return 0, ""
	}
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, ""
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("x-twitter-webhooks-signature", s.hmacOf(body))
	}
	resp, err := s.opts.Hooks.Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // what was cut off is no good answer
	return resp.StatusCode, string(data)
}

// call sends an event to a webhook that is valid. The caller holds the lock.
func (s *Server) call(id, body string) {
	i := slices.IndexFunc(s.webhooks, func(h Webhook) bool { return h.ID == id && h.Valid })
	if i < 0 {
		return
	}
	address := s.webhooks[i].URL
	s.calling.Go(func() {
		status, _ := s.send(context.Background(), http.MethodPost, address, body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, Call{address, body, status})
	})
}
