package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky"
)

// TestReferencePDSExportsRepository reads the CAR file of an account as the
// reference PDS gives it.
func TestReferencePDSExportsRepository(t *testing.T) {
	p := startPDS(t)
	a := p.createAccount("acme-shop.test", "account-password")
	post := a.post("a loaf")
	want := []string{"post " + post}
	for range 20 {
		want = append(want, "post "+a.post("another"))
	}
	reply := a.record("app.bsky.feed.post", map[string]any{
		"text": "and more", "createdAt": "2019-01-01T00:00:00.000Z",
		"reply": map[string]any{"root": a.ref(post), "parent": a.ref(post)},
	})
	repost := a.record("app.bsky.feed.repost", map[string]any{"subject": a.ref(post), "createdAt": time.Now().UTC().Format(time.RFC3339)})
	want = append(want, "reply "+reply, "repost "+repost)
	a.put("app.bsky.actor.profile", "self", map[string]any{"displayName": "Acme"})

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/xrpc/com.atproto.sync.getRepo?did="+url.QueryEscape(a.did), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it was read
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, error %v", resp.Status, err)
	}
	var got []string
	repo, err := bluesky.ReadRepository(t.Context(), bytes.NewReader(data), account, func(one bluesky.Exported) error {
		switch {
		case one.Err != nil:
			t.Errorf("%s: %v", one.Where, one.Err)
		case one.Activity.Kind == activity.KindProfile:
			got = append(got, "profile")
		default:
			got = append(got, string(one.Activity.Kind)+" "+one.Activity.ID)
		}
		if age := time.Since(one.Activity.Time); age < 0 || age > patience {
			t.Errorf("%s is of %s", one.Where, one.Activity.Time)
		}
		return nil
	})
	if err != nil || repo.DID != a.did {
		t.Fatalf("%+v, error %v", repo, err)
	}
	want = append(want, "profile")
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
