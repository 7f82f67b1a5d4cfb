package xtest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/x/xtest"
)

const webhooks = "/2/webhooks"

// consumer is who answers at a webhook's address, and may get its secret wrong.
type consumer struct {
	secret string
	good   []string // calls that X has signed
}

func (c *consumer) RoundTrip(r *http.Request) (*http.Response, error) {
	sign := func(data string) string {
		mac := hmac.New(sha256.New, []byte(c.secret))
		mac.Write([]byte(data))
		return "sha256=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	rec := httptest.NewRecorder()
	if r.Method == http.MethodGet {
		fmt.Fprintf(rec, `{"response_token":%q}`, sign(r.URL.Query().Get("crc_token")))
		return rec.Result(), nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("x-twitter-webhooks-signature") == sign(string(body)) {
		c.good = append(c.good, string(body))
	}
	return rec.Result(), nil
}

func TestWebhooks(t *testing.T) {
	c := &consumer{secret: "wrong"}
	r := newRig(t, xtest.Options{OAuth1: &xtest.OAuth1{ConsumerSecret: "right"}, Hooks: &http.Client{Transport: c}})
	add := func(address string) answer {
		t.Helper()
		return r.do(http.MethodPost, webhooks, fmt.Sprintf(`{"url":%q}`, address))
	}
	refused := func(what string, got answer, reason string) {
		t.Helper()
		if got.status != 400 || got.text("detail") != reason {
			t.Errorf("%s: %d %v, want %s", what, got.status, got.body, reason)
		}
	}
	refused("a port", add("https://picket.example:8443/"), "UrlValidationFailed")
	refused("http", add("http://picket.example/"), "UrlValidationFailed")
	refused("a wrong secret", add("https://picket.example/"), "CrcValidationFailed")
	c.secret = "right"
	made := add("https://picket.example/")
	id := made.text("data", "id")
	if made.status != 200 || made.at("data", "valid") != true || id == "" {
		t.Fatalf("made %d %v", made.status, made.body)
	}
	refused("the same", add("https://picket.example/"), "DuplicateUrlFailed")
	add("https://picket.example/2")
	refused("a third", add("https://picket.example/3"), "WebhookLimitExceeded")
	if got := r.get(webhooks).ids("data"); len(got) != 2 || got[0] != id {
		t.Errorf("list %v, want two", got)
	}
	if got := r.get(webhooks, ""); got.status != 401 {
		t.Errorf("without a token %d, want 401", got.status)
	}

	r.do(http.MethodPost, subscriptions, `{"event_type":"post.create","filter":{"user_id":"1000"},"webhook_id":"`+id+`"}`)
	r.srv.Post("acme", xtest.Post{Text: "new"})
	r.srv.Calls()
	r.srv.Invalidate()
	r.srv.Post("acme", xtest.Post{Text: "nobody is called"})
	calls := r.srv.Calls()
	if len(calls) != 1 || calls[0].Status != 200 || len(c.good) != 1 || !strings.Contains(c.good[0], `"event_type":"post.create"`) {
		t.Errorf("calls %+v, of which were signed %v; want one of the post", calls, c.good)
	}
	if got := r.do(http.MethodPut, webhooks+"/"+id, ""); got.at("data", "valid") != true {
		t.Errorf("tried again: %v", got.body)
	}
	c.secret = "wrong"
	refused("tried with a wrong secret", r.do(http.MethodPut, webhooks+"/"+id, ""), "CrcValidationFailed")
	refused("another", r.do(http.MethodPut, webhooks+"/7", ""), "WebhookIdInvalid")
	if got := r.do(http.MethodDelete, webhooks+"/"+id, ""); got.at("data", "deleted") != true || len(r.srv.Webhooks()) != 1 {
		t.Errorf("deleted %v", got.body)
	}
	refused("deleted before", r.do(http.MethodDelete, webhooks+"/"+id, ""), "WebhookIdInvalid")
}
