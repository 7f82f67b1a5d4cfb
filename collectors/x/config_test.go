package x

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/x/xtest"
)

func TestNew(t *testing.T) {
	deps := collectors.Deps{HTTP: &http.Client{}, Log: zap.NewNop(), Now: start}
	good := Config{Username: "Acme", BearerToken: bearerToken}
	c, err := New(good, deps)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.cfg; got.Account != "x/acme" || got.API != APIv2 || got.BaseURL != "https://api.x.com" || got.Rehydrate != 100 ||
		got.Backfill != 200 || got.Overlap != 15*time.Minute || got.PricePost != 0.005 || got.PriceUser != 0.010 {
		t.Errorf("defaults %+v", got)
	}
	rows := []struct {
		name   string
		change func(c *Config)
		want   string
	}{
		{"no account", func(c *Config) { c.Username, c.UserID = "", "1" }, "account: empty; give the connected account's name, such as x/acme, or a username"},
		{"account of another network", func(c *Config) { c.Account = "okta/acme" }, `account: "okta/acme"; want x/ and a name`},
		{"user id", func(c *Config) { c.UserID = "acme" }, `user_id: "acme"; want the account's number in decimal digits`},
		{"user id with a sign", func(c *Config) { c.UserID = "+5" }, `user_id: "+5"; want the account's number`},
		{"username with @", func(c *Config) { c.Username = "@acme" }, `username: "@acme"; want 1 to 15 letters, digits or _ without @`},
		{"username that leaves its path", func(c *Config) { c.Username = "../me" }, `username: "../me"; want`},
		{"api", func(c *Config) { c.API = "v3" }, `api: "v3"; want v2 or v1.1`},
		{"fields_param", func(c *Config) { c.FieldsParam = "tweets" }, `fields_param: "tweets"; want tweet.fields or post.fields`},
		{"base_url over http", func(c *Config) { c.BaseURL = "http://api.example" }, `base_url: "http://api.example"; want https, since requests carry the credential`},
		{"base_url without host", func(c *Config) { c.BaseURL = "api.x.com" }, `base_url: want scheme, host and perhaps a path, such as https://api.x.com`},
		{"base_url with a password", func(c *Config) { c.BaseURL = "https://a:hunter22@x.example" }, `base_url: "https://x.example" with a user; want scheme, host`},
		{"base_url unreadable", func(c *Config) { c.BaseURL = "https://[" }, `base_url: want scheme, host`},
		{"no credential", func(c *Config) { c.BearerToken = "" }, "credential: none; give bearer_token, or consumer_key"},
		{"two credentials", func(c *Config) { c.ConsumerKey = "k" }, "bearer_token and OAuth 1.0a values are both given"},
		{"half a credential", func(c *Config) { c.BearerToken = ""; c.ConsumerKey = "k"; c.AccessToken = "t" }, "2 of the 4 OAuth 1.0a values"},
		{"bearer without a name", func(c *Config) { c.Account, c.Username = "x/acme", "" }, "user_id: empty, and so is username"},
		{"activity of another kind", func(c *Config) { c.Activity = "push" }, `activity: "push"; want stream or webhook, or nothing`},
		{"activity with v1.1", func(c *Config) { c.Activity, c.API = ActivityStream, APIv11 }, "activity: X tells of it beside API v2 only; use api: v2"},
		{"webhook without the app's secret", func(c *Config) { c.Activity = ActivityWebhook }, "consumer_secret: empty; X signs its calls to a webhook with the app's"},
		{"activity without a bearer token", func(c *Config) { withOAuth1(c); c.Activity = ActivityStream }, "activity: X tells of it to the app's bearer token only; give bearer_token too"},
		{"activity with half of OAuth 1.0a", func(c *Config) { c.Activity, c.AccessToken = ActivityStream, "t" }, "1 of the 4 OAuth 1.0a values"},
		{"mentions with v1.1 and bearer", func(c *Config) { c.API, c.Mentions = APIv11, true }, "mentions: API v1.1 gives them to OAuth 1.0a only"},
		{"messages with a bearer token", func(c *Config) { c.DirectMessages = true }, "direct_messages: X shows them to the account itself only; give the four OAuth 1.0a values"},
		{"messages with v1.1", func(c *Config) { v11(c); c.DirectMessages = true }, "direct_messages: they are read with API v2 only; use api: v2"},
		{"rehydrate", func(c *Config) { c.Rehydrate = 101 }, "rehydrate: 101; X looks up at most 100 posts"},
		{"backfill", func(c *Config) { c.Backfill = 3201 }, "backfill: 3201; want 1 to 3200"},
		{"overlap", func(c *Config) { c.Overlap = -time.Second }, "overlap: -1s; want 0s to 24h0m0s"},
		{"price", func(c *Config) { c.PriceUser = -1 }, "price_post, price_user and price_message: 0.005, -1 and 0.01; want US dollars"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			cfg := good
			row.change(&cfg)
			_, err := New(cfg, deps)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Count(err.Error(), "\n") != 0 {
				t.Fatalf("error %v; want the one fault %q", err, row.want)
			}
			if found := secretsIn(err.Error()); len(found) > 0 || strings.Contains(err.Error(), "hunter22") {
				t.Errorf("secrets in %v", err)
			}
		})
	}
	t.Run("activity with both credentials", func(t *testing.T) {
		cfg := Config{Account: "x/acme", BearerToken: bearerToken, Activity: ActivityStream}
		withOAuth1(&cfg)
		cfg.BearerToken = bearerToken
		if c, err := New(cfg, deps); err != nil || !c.cfg.oauth1() {
			t.Errorf("error %v; want a collector whose requests OAuth 1.0a signs", err)
		}
	})
	t.Run("all faults at once", func(t *testing.T) {
		_, err := New(Config{API: "v3", FieldsParam: "f", Backfill: -1}, deps)
		if err == nil || strings.Count(err.Error(), "\n") != 4 {
			t.Errorf("error %v; want account, api, fields_param, credential and backfill", err)
		}
	})
	t.Run("no clock", func(t *testing.T) {
		if _, err := New(good, collectors.Deps{HTTP: &http.Client{}}); err == nil {
			t.Error("a collector without a clock was made")
		}
	})
}

func TestConfigPrintsNoSecret(t *testing.T) {
	cfg := Config{Username: "acme"}
	withOAuth1(&cfg)
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if found := secretsIn(fmt.Sprintf("%v %+v %#v %s", cfg, cfg, cfg, encoded)); len(found) > 0 {
		t.Errorf("secrets %v are printed", found)
	}
}

func TestEndpoint(t *testing.T) {
	rows := map[string]string{
		"https://api.x.com/2/users/2244994945/tweets?max_results=5":      "users/tweets",
		"https://api.x.com/2/users/2244994945/mentions":                  "users/mentions",
		"https://api.x.com/2/users/2244994945":                           "users",
		"https://api.x.com/2/users/by/username/acme":                     "users/by/username",
		"https://api.x.com/2/users/me":                                   "users/me",
		"https://api.x.com/2/tweets?ids=1,2":                             "tweets",
		"https://api.x.com/2/activity/stream":                            "activity/stream",
		"https://api.x.com/2/activity/subscriptions/1976325569252868096": "activity/subscriptions",
		"https://api.x.com/1.1/statuses/user_timeline.json?user_id=1":    "statuses/user_timeline",
	}
	for raw, want := range rows {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := Endpoint(&http.Request{URL: u}); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
		if got := xtest.Endpoint(u.Path); got != want {
			t.Errorf("%s: xtest says %s, want %s", raw, got, want)
		}
	}
}

// The account is found by the surest name that is given.
func TestIdentity(t *testing.T) {
	rows := []struct {
		name     string
		mode     func(*Config)
		endpoint string
	}{
		{"by handle", func(*Config) {}, "users/by/username"},
		{"by number", func(c *Config) { c.UserID = "1000" }, "users"},
		{"by the credential", func(c *Config) { withOAuth1(c); c.Username = "" }, "users/me"},
		{"v1.1 by the credential", func(c *Config) { v11(c); c.Username = "" }, "account/verify_credentials"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, xtest.Options{V1: true}, row.mode)
			id := w.old("hi")
			page := w.poll(nil)
			if got := ids(page.Activities); len(got) != 1 || got[0] != "post "+id {
				t.Errorf("got %v, want the post", got)
			}
			if w.srv.Count(row.endpoint) != 1 {
				t.Errorf("requests %+v; want one to %s", w.srv.Requests(), row.endpoint)
			}
			w.drain(page.Cursor)
			if n := w.srv.Count(row.endpoint); row.endpoint != "users" && n != 1 {
				t.Errorf("%d requests to %s; the number is known after the first", n, row.endpoint)
			}
		})
	}
}

func TestBaseURLWithPath(t *testing.T) {
	w := newWorld(t, xtest.Options{}, func(c *Config) { c.BaseURL += "/" })
	if _, err := w.try(nil); err != nil {
		t.Error(err)
	}
}

func TestCursorStaysSmall(t *testing.T) {
	for name, char := range map[string]string{"escaped": "<", "control": "\x01", "wide": "ü"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, xtest.Options{}, withMentions)
			long := strings.Repeat(char, 3000)
			if err := w.srv.SetProfile("acme", func(p *xtest.Profile) {
				p.Name, p.Description, p.Location, p.Picture, p.Banner, p.Link = long, long, long, long, long, long
			}); err != nil {
				t.Fatal(err)
			}
			for i := range 300 {
				w.srv.Post("acme", xtest.Post{Text: "p", At: start().Add(-time.Duration(i) * time.Second)})
			}
			if cursor := w.connect(); len(cursor) > 56<<10 {
				t.Errorf("cursor of %d bytes, want room below 64 KiB", len(cursor))
			}
		})
	}
}
