package x

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
)

const (
	// maxCall bounds the body of a call to the webhook, in bytes.
	maxCall = 1 << 20
	// usualCall is how much of a body is read of everybody at once: X's calls are
	// smaller, so that strangers who send slowly keep none of them out.
	usualCall = 32 << 10
	// maxCalls bounds those that are larger and read at once.
	maxCalls = 32
	// maxTaken bounds the calls that are remembered, so that who sends one again
	// spends no money and brings no poll.
	maxTaken = 1000
	// maxChallenge bounds the token of a challenge, in bytes.
	maxChallenge = 500
	// signatureHeader has the HMAC of a call's body (x-api/webhooks/quickstart).
	signatureHeader = "X-Twitter-Webhooks-Signature"
	// tendEvery is how often it is looked whether X still calls the webhook: one
	// that did not answer a challenge for 28 hours it calls no more.
	tendEvery = time.Hour
	// warnEvery is how often calls that X did not sign are logged at most.
	warnEvery = time.Minute
)

// errBusy refuses a large call beside many others.
var errBusy = errors.New("too many large calls at once; send it again in a second")

// ServeHTTP implements http.Handler for App.Callback: it answers X's challenges
// and takes its calls, each once.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		h.challenged(w, r)
	case http.MethodPost:
		h.called(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "X sends GET and POST", http.StatusMethodNotAllowed)
	}
}

// challenged proves to X that the callback knows the app's secret. Calls are
// signed in the same way, so that a token that could be a call's body must not
// be answered: a stranger would get the signature of a forged one.
func (h *Hub) challenged(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("crc_token")
	if !isChallenge(token) {
		http.Error(w, "crc_token: want the token of a challenge: letters, digits and -_+/=.", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	answer, err := json.Marshal(map[string]string{"response_token": h.sign([]byte(token))})
	if err != nil {
		http.Error(w, "no answer", http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer) // who is gone hears nothing
}

// isChallenge reports whether a token has the form of X's, which no JSON object
// has.
func isChallenge(token string) bool {
	return token != "" && len(token) <= maxChallenge && !strings.ContainsFunc(token, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune("-_+/=.", c)
	})
}

// sign returns the HMAC of X's webhooks.
func (h *Hub) sign(data []byte) string {
	mac := hmac.New(sha256.New, []byte(h.app.cfg.ConsumerSecret.Reveal()))
	mac.Write(data)
	return "sha256=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// called takes an event.
func (h *Hub) called(w http.ResponseWriter, r *http.Request) {
	signature := r.Header.Get(signatureHeader)
	if signature == "" {
		http.Error(w, signatureHeader+" is missing", http.StatusUnauthorized)
		return
	}
	data, err := h.readCall(http.MaxBytesReader(w, r.Body, maxCall))
	if err != nil {
		status, why := http.StatusBadRequest, "the body cannot be read"
		if errors.Is(err, errBusy) {
			status, why = http.StatusServiceUnavailable, errBusy.Error()
		}
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, why, status)
		return
	}
	if !hmac.Equal([]byte(signature), []byte(h.sign(data))) {
		h.warnUnsigned(r.URL.Path, len(data))
		http.Error(w, signatureHeader+" does not match the body", http.StatusUnauthorized)
		return
	}
	if h.firstTaken(data) {
		for _, m := range callOf(data) {
			if e := m.event(); e != nil {
				h.deliver(e)
			}
		}
	}
	w.WriteHeader(http.StatusOK)
}

// warnUnsigned logs a call that X did not sign, one a minute and how many were
// left out since the one before: anybody may send them.
func (h *Hub) warnUnsigned(path string, size int) {
	now := h.app.deps.Now()
	h.mu.Lock()
	if !h.warned.IsZero() && now.Sub(h.warned) < warnEvery {
		h.unwarned++
		h.mu.Unlock()
		return
	}
	leftOut := h.unwarned
	h.warned, h.unwarned = now, 0
	h.mu.Unlock()
	h.app.deps.Log.Warn("a call that X did not sign was refused; if X did, consumer_secret is not that of its app",
		zap.String("path", path), zap.Int("bytes", size), zap.Int("left_out", leftOut))
}

// readCall reads a call's body, a large one only beside few others.
func (h *Hub) readCall(body io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, usualCall))
	if err != nil || len(data) < usualCall {
		return data, err
	}
	select {
	case h.calls <- struct{}{}:
		defer func() { <-h.calls }()
	default:
		return nil, errBusy
	}
	rest, err := io.ReadAll(body)
	return append(data, rest...), err
}

// firstTaken notes a call that X signed, and reports whether it is new. X gives
// each event a number of its own (event_uuid), so that no two have one body.
func (h *Hub) firstTaken(data []byte) bool {
	sum := sha256.Sum256(data)
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.Contains(h.taken, sum) {
		return false
	}
	h.taken = append(h.taken, sum)
	if n := len(h.taken); n > maxTaken {
		h.taken = slices.Delete(h.taken, 0, n-maxTaken)
	}
	return true
}

// callOf returns the messages of a call: one, as documented, or several in the
// place of one. What cannot be read is none: polls read all.
func callOf(data []byte) []message {
	var one message
	if json.Unmarshal(data, &one) == nil {
		return []message{one}
	}
	var many struct {
		Data []json.RawMessage `json:"data"`
	}
	if json.Unmarshal(data, &many) != nil {
		return nil
	}
	var out []message
	for _, raw := range many.Data {
		var m message
		if json.Unmarshal(raw, &m.Data) == nil {
			out = append(out, m)
		}
	}
	return out
}

// hook is a webhook of the app, as X tells of it.
type hook struct {
	ID    string `json:"id"`
	URL   string `json:"url"`
	Valid bool   `json:"valid"`
}

// mendCallback is for a webhook that X does not call.
const mendCallback = "see that X reaches http.public_url over https, without a port, and that consumer_secret is the API Key Secret of the app that bearer_token is of"

// hooked returns the id of the app's webhook that calls this daemon, and makes
// it, or has X try it again, where needed. X then sends a challenge, and answers
// when it was met.
func (h *Hub) hooked(ctx context.Context) (string, error) {
	var list struct {
		Data []hook          `json:"data"`
		Meta json.RawMessage `json:"meta"`
	}
	if err := h.ask(ctx, http.MethodGet, "2/webhooks", nil, nil, &list); err != nil {
		return "", err
	}
	if list.Data == nil && list.Meta == nil {
		return "", &collectors.Malformed{Field: "GET /2/webhooks answer", Err: errors.New("it has neither data nor meta")}
	}
	for _, known := range list.Data {
		if known.URL != h.callback {
			continue
		}
		if known.Valid {
			return known.ID, nil
		}
		return known.ID, h.validate(ctx, known.ID)
	}
	var made struct {
		Data hook `json:"data"`
	}
	err := h.ask(ctx, http.MethodPost, "2/webhooks", nil, map[string]string{"url": h.callback}, &made)
	if err != nil {
		return "", mendWebhook(err)
	}
	if parseID(made.Data.ID) == 0 {
		return "", &collectors.Malformed{Field: "POST /2/webhooks answer", Err: errors.New("it has no id")}
	}
	return made.Data.ID, nil
}

// validate has X send a challenge to a webhook that it calls no more.
func (h *Hub) validate(ctx context.Context, id string) error {
	var tried struct {
		Data hook `json:"data"`
	}
	err := h.ask(ctx, http.MethodPut, "2/webhooks/"+id, nil, nil, &tried)
	if err == nil && !tried.Data.Valid {
		err = fmt.Errorf("PUT /2/webhooks/%s: X's challenge was not met; to mend it: %s", id, mendCallback)
	}
	return mendWebhook(err)
}

// mendWebhook says of X's reasons (x-api/webhooks/quickstart) what to do.
func mendWebhook(err error) error {
	e, ok := errors.AsType[*APIError](err)
	if !ok {
		return err
	}
	said := e.Type + " " + e.Title + " " + e.Detail
	switch {
	case strings.Contains(said, "CrcValidationFailed"): // a proxy that starts beside Picket may pass calls on soon
		return fmt.Errorf("%w; to mend it: %s", e, mendCallback)
	case strings.Contains(said, "UrlValidationFailed"):
		return &collectors.Forbidden{Mend: mendCallback, Err: e}
	case strings.Contains(said, "WebhookLimitExceeded"):
		return &collectors.Forbidden{Mend: "delete a webhook that is not needed at console.x.com, or use activity: stream: the app has as many as it may", Err: e}
	}
	return err
}

// tend waits for calls, and has X try the webhook again where it gave up.
func (h *Hub) tend(ctx context.Context) error {
	for {
		timer := time.NewTimer(tendEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		if err := h.tendOnce(ctx); err != nil {
			return err
		}
	}
}

func (h *Hub) tendOnce(ctx context.Context) error {
	select {
	case h.subscribing <- struct{}{}:
		defer func() { <-h.subscribing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	id, err := h.hooked(ctx)
	if err == nil && id != h.hook {
		h.known = nil // subscriptions name the one of before
		err = errors.New("the webhook was made anew, and subscriptions must follow it")
	}
	return err
}
