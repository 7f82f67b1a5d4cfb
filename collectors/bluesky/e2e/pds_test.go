package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).startRateLimitLogExpiration"))
}

// folderVariable names the folder where deploy/e2e/pds is installed with npm.
const folderVariable = "PICKET_E2E_PDS"

// patience bounds the wait for anything that another program does.
const patience = 3 * time.Minute

// TestReferencePDS connects an account of a real PDS that is polled once an
// hour, so that what happens is in the journal in time only because the event
// stream brings polls forward.
func TestReferencePDS(t *testing.T) {
	p := startPDS(t)
	a := p.createAccount("acme-shop.test", "account-password")
	password := a.call("com.atproto.server.createAppPassword", map[string]any{"name": "picket"})["password"]
	first := a.post("here before Picket")
	d := newDaemon(t, bluesky.Config{
		Name: "acme-shop.test", Server: p.url, AppView: "none", Password: collectors.Secret(fmt.Sprint(password)), Session: "bluesky", Firehose: true,
	})
	d.await("history", func(got activity.Activity) bool { return got.Kind == activity.KindPost && got.ID == first })
	d.await("the end of the first poll", func(got activity.Activity) bool {
		return got.Kind == activity.KindPoll && got.Poll.State == activity.PollComplete
	})

	post := a.post("free coins at https://coins.example")
	d.await("a post", func(got activity.Activity) bool {
		return got.Kind == activity.KindPost && got.ID == post && got.Text == "free coins at https://coins.example" &&
			slices.Equal(got.LinkDomains, []string{"coins.example"}) && time.Since(got.Time) < patience
	})
	reply := a.record("app.bsky.feed.post", map[string]any{
		"text": "and more", "createdAt": "2019-01-01T00:00:00.000Z",
		"reply": map[string]any{"root": a.ref(post), "parent": a.ref(post)},
	})
	d.await("a reply that is dated back, when it was made", func(got activity.Activity) bool {
		return got.Kind == activity.KindReply && got.ID == reply && got.ReplyTo == post &&
			time.Since(got.Time) < patience && strings.Contains(string(got.Raw), "2019-01-01")
	})
	repost := a.record("app.bsky.feed.repost", map[string]any{"subject": a.ref(post), "createdAt": time.Now().UTC().Format(time.RFC3339)})
	d.await("a repost", func(got activity.Activity) bool {
		return got.Kind == activity.KindRepost && got.ID == repost && got.Object == post
	})
	a.put("app.bsky.actor.profile", "self", map[string]any{"displayName": "Acme Giveaway", "description": "free coins"})
	d.await("a profile change", func(got activity.Activity) bool {
		return got.Kind == activity.KindProfile && slices.Equal(got.Changed, []string{"description", "name"})
	})
	_, key, _ := strings.Cut(post, "app.bsky.feed.post/")
	a.put("app.bsky.feed.post", key, map[string]any{"text": "nothing to see", "createdAt": time.Now().UTC().Format(time.RFC3339)})
	d.await("an edit", func(got activity.Activity) bool {
		return got.Kind == activity.KindEdit && got.Object == post && got.Text == "nothing to see"
	})
	a.call("com.atproto.repo.deleteRecord", map[string]any{"repo": a.did, "collection": "app.bsky.feed.post", "rkey": key})
	d.await("a deletion", func(got activity.Activity) bool { return got.Kind == activity.KindDelete && got.Object == post })
	a.call("com.atproto.identity.updateHandle", map[string]any{"handle": "acme-offers.test"})
	d.await("a change of the handle", func(got activity.Activity) bool {
		return got.Kind == activity.KindProfile && slices.Equal(got.Changed, []string{"handle"}) && got.Old[0].Value == "acme-shop.test"
	})
	a.call("com.atproto.server.deactivateAccount", map[string]any{})
	d.await("a deactivation", func(got activity.Activity) bool {
		return got.Kind == activity.KindProfile && slices.Equal(got.Changed, []string{"status"}) && got.Old[0].Value == "active"
	})
	d.await("that Picket is blind then", func(got activity.Activity) bool {
		return got.Kind == activity.KindPoll && got.Poll.State == activity.PollForbidden
	})
	d.once(post, reply, repost, first)
}

// TestReferencePDSShowsAppPasswords holds which session the list of app
// passwords takes at the reference PDS: one of an app password does. The session
// that Picket makes and keeps is renewed there, and the token before, as after a
// crash, leads to a good session, too.
func TestReferencePDSShowsAppPasswords(t *testing.T) {
	p := startPDS(t)
	a := p.createAccount("acme-shop.test", "account-password")
	password := a.call("com.atproto.server.createAppPassword", map[string]any{"name": "picket"})["password"]
	kept := &sessions{}
	now := time.Now().Add(-2 * time.Hour) // of two clocks the earlier one counts
	c, err := bluesky.New(bluesky.Config{
		Name: "acme-shop.test", Server: p.url, AppView: "none", Password: collectors.Secret(fmt.Sprint(password)), Session: "bluesky",
	}, collectors.Deps{HTTP: collectors.NewClient(nil, collectors.ClientOptions{}), Now: func() time.Time { return now }, Sessions: kept})
	if err != nil {
		t.Fatal(err)
	}
	_, cursor := drain(t, c, nil)
	a.call("com.atproto.server.createAppPassword", map[string]any{"name": "totally-legit"})
	now = now.Add(time.Hour)
	got, cursor := drain(t, c, cursor)
	if !slices.Contains(got, "token_grant totally-legit") {
		t.Errorf("after a new app password %v", got)
	}
	a.call("com.atproto.server.revokeAppPassword", map[string]any{"name": "totally-legit"})
	now = now.Add(time.Hour)
	got, _ = drain(t, c, cursor)
	if !slices.Contains(got, "token_revoke totally-legit") {
		t.Errorf("after its revocation %v", got)
	}
	kept.renew(t, p, "bluesky "+a.did)
}

// renew exchanges the kept refresh token twice, as a process does that died
// before it saved the first answer.
func (s *sessions) renew(t *testing.T, p *pds, name string) {
	t.Helper()
	kept, err := s.Load(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	var session struct {
		Refresh string `json:"refresh"`
	}
	if err := json.Unmarshal([]byte(kept.Reveal()), &session); err != nil || session.Refresh == "" {
		t.Fatalf("kept session: %v", err)
	}
	var next []string
	for range 2 {
		got := (&user{pds: p, token: session.Refresh}).call("com.atproto.server.refreshSession", nil)
		next = append(next, tokenID(t, fmt.Sprint(got["refreshJwt"])))
	}
	if next[0] != next[1] {
		t.Errorf("one refresh token led to the tokens %q, want one successor", next)
	}
}

// tokenID returns the id in a JSON Web Token.
func tokenID(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JSON Web Token: %d parts", len(parts))
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		ID string `json:"jti"`
	}
	if err := json.Unmarshal(data, &claims); err != nil || claims.ID == "" {
		t.Fatalf("claims of a token: %v", err)
	}
	return claims.ID
}

// drain polls until there is no more and returns kind and app of what came.
func drain(t *testing.T, c *bluesky.Collector, cursor json.RawMessage) ([]string, json.RawMessage) {
	t.Helper()
	var got []string
	for range 50 {
		page, err := c.Poll(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Activities {
			got = append(got, string(a.Kind)+" "+a.App)
		}
		if cursor = page.Cursor; !page.More {
			return got, cursor
		}
	}
	t.Fatal("50 polls, and still more")
	return nil, nil
}

// pds is the reference server.
type pds struct {
	t   *testing.T
	url string
}

func startPDS(t *testing.T) *pds {
	t.Helper()
	folder := os.Getenv(folderVariable)
	if folder == "" {
		say := t.Skipf
		if os.Getenv("CI") == "true" {
			say = t.Fatalf
		}
		say("%s is not set; it names the folder where deploy/e2e/pds was copied and installed with npm ci", folderVariable)
	}
	// The test's context ends before its server shall.
	ctx, kill := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(kill)
	cmd := exec.CommandContext(ctx, "node", filepath.Join(folder, "run.mjs"))
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	var log bytes.Buffer
	cmd.Stderr = &log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("the reference PDS: %v", err)
	}
	var where struct {
		PDS string `json:"pds"`
	}
	if err := json.NewDecoder(stdout).Decode(&where); err != nil {
		_ = cmd.Wait()
		t.Fatalf("the reference PDS did not say where it is: %v\n%s", err, tail(log.String()))
	}
	t.Cleanup(func() {
		_ = stdin.Close() // which ends it
		defer time.AfterFunc(patience, kill).Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the reference PDS ended with %v:\n%s", err, tail(log.String()))
		}
	})
	return &pds{t: t, url: where.PDS}
}

func tail(log string) string { return log[max(0, len(log)-4000):] }

// user is an account of it, with a session of its own password.
type user struct {
	*pds
	did, token string
}

func (p *pds) createAccount(handle, password string) *user {
	p.t.Helper()
	u := &user{pds: p}
	got := u.call("com.atproto.server.createAccount", map[string]any{"handle": handle, "email": "owner@example.com", "password": password})
	u.did, u.token = fmt.Sprint(got["did"]), fmt.Sprint(got["accessJwt"])
	u.put("app.bsky.actor.profile", "self", map[string]any{"displayName": "Acme"})
	return u
}

func (u *user) call(endpoint string, body map[string]any) map[string]any {
	u.t.Helper()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			u.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodPost, u.url+"/xrpc/"+endpoint, bytes.NewReader(data))
	if err != nil {
		u.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if u.token != "" {
		req.Header.Set("Authorization", "Bearer "+u.token)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		u.t.Fatalf("%s: status %d: %s %v", endpoint, resp.StatusCode, answer, err)
	}
	out := map[string]any{}
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &out); err != nil {
			u.t.Fatalf("%s: %s: %v", endpoint, answer, err)
		}
	}
	return out
}

func (u *user) record(collection string, value map[string]any) string {
	u.t.Helper()
	value["$type"] = collection
	got := u.call("com.atproto.repo.createRecord", map[string]any{"repo": u.did, "collection": collection, "record": value})
	return fmt.Sprint(got["uri"])
}

func (u *user) put(collection, key string, value map[string]any) {
	u.t.Helper()
	value["$type"] = collection
	u.call("com.atproto.repo.putRecord", map[string]any{"repo": u.did, "collection": collection, "rkey": key, "record": value})
}

func (u *user) post(text string) string {
	u.t.Helper()
	value := map[string]any{"text": text, "createdAt": time.Now().UTC().Format(time.RFC3339)}
	if at := strings.Index(text, "https://"); at >= 0 {
		value["facets"] = []any{map[string]any{
			"index":    map[string]any{"byteStart": at, "byteEnd": len(text)},
			"features": []any{map[string]any{"$type": "app.bsky.richtext.facet#link", "uri": text[at:]}},
		}}
	}
	return u.record("app.bsky.feed.post", value)
}

func (u *user) ref(uri string) map[string]any {
	return map[string]any{"uri": uri, "cid": "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"}
}

// sessions keeps sessions in memory.
type sessions struct {
	mu   sync.Mutex
	kept map[string]collectors.Secret
}

func (s *sessions) Load(_ context.Context, name string) (collectors.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[name], nil
}

func (s *sessions) Save(_ context.Context, name string, secret collectors.Secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[string]collectors.Secret{}
	}
	s.kept[name] = secret
	return nil
}
