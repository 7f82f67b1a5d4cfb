package bluesky

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
)

// An answer that lacks what it must have is a fault: it does not say that the app
// passwords were revoked or that the profile was emptied.
func TestAnswersThatLack(t *testing.T) {
	for _, tt := range []struct{ name, endpoint string }{
		{"no list of app passwords", "com.atproto.server.listAppPasswords"},
		{"a profile without a value", "com.atproto.repo.getRecord"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{}, withPassword)
			w.srv.Put(did, collectionProfile, "self", `{"$type":"app.bsky.actor.profile","displayName":"Acme","description":"Official"}`)
			cursor := w.connect()
			w.srv.AddFault(blueskytest.Fault{Kind: blueskytest.FaultEmpty, Endpoint: tt.endpoint})
			id := w.post("what has the profile read again")
			told, failed := []activity.Activity{}, false
			for range 10 {
				page, err := w.try(cursor)
				if err != nil {
					failed = true
					if _, ok := errors.AsType[*collectors.Malformed](err); !ok {
						t.Errorf("error %v, want malformed", err)
					}
					break
				}
				told, cursor = append(told, page.Activities...), page.Cursor
				if !page.More {
					w.Pass(6 * time.Minute)
				}
			}
			if a := only(t, told, activity.KindPost); !failed || a.ID != id || len(ids(told)) != 1 {
				t.Errorf("told %v, failed %t; want the post and a failure", ids(told), failed)
			}
			w.srv.ClearFaults()
			if got, _ := w.later(6*time.Minute, cursor); len(ids(got)) != 0 {
				t.Errorf("told when all is well again: %v", ids(got))
			}
		})
	}
}

// One that cannot be read may be one that is missed: no revocation is told.
func TestAppPasswordUnreadable(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withPassword)
	w.srv.AddAppPassword(did, blueskytest.AppPassword{Name: "planner", Password: "yyyy-yyyy-yyyy-yyyy"})
	cursor := w.connect()
	w.srv.RevokeAppPassword(did, "planner")
	w.srv.AddAppPassword(did, blueskytest.AppPassword{Name: "", Password: "zzzz-zzzz-zzzz-zzzz"})
	w.Pass(6 * time.Minute)
	got, page := w.drain(cursor)
	if len(ids(got)) != 0 || len(page.Malformed) == 0 {
		t.Errorf("told %v, malformed %v; want no more than what is malformed", ids(got), page.Malformed)
	}
	w.srv.RevokeAppPassword(did, "")
	got, _ = w.later(6*time.Minute, page.Cursor)
	if a := only(t, got, activity.KindTokenRevoke); a.App != "planner" {
		t.Errorf("revocation %+v", a)
	}
}

// A mention that claims to be of the future does not make all later ones old.
func TestMentionOfTheFuture(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withMentions)
	cursor := w.connect()
	w.srv.Notify(did, blueskytest.Notification{Reason: "mention", Handle: "fan.test", Text: "@acme.test", Indexed: w.Now().Add(1000 * time.Hour)})
	_, page := w.drain(cursor)
	st, err := decodeState(page.Cursor)
	if err != nil || st.Mention.Mark > w.Now().UnixMilli() {
		t.Errorf("the newest mention is of %s, error %v; want none after %s", time.UnixMilli(st.Mention.Mark), err, w.Now())
	}
}

// TestLargestCursor fills every part with the longest that it takes, of the
// characters that JSON writes longest: whoever has the account must not be able to
// make the cursor too large, since nothing would be read any more.
func TestLargestCursor(t *testing.T) {
	key := func(i int) string { return strings.Repeat("~", maxKey-4) + fmt.Sprintf("%04d", 9999-i) }
	full := func() lane {
		l := lane{Since: 7258118399999, Walk: &walk{Max: strings.Repeat("<", maxOpaque), Low: key(1), Above: key(2), LowAt: 7258118399999, Read: maxBackfill, Pages: maxPages}}
		for i := range maxWatch {
			l.Watch = append(l.Watch, watched{Key: key(i), CID: "01234567", Met: true, Missing: true})
		}
		for i := range maxGone {
			l.Gone = append(l.Gone, gone{Key: key(i), CID: "01234567"})
		}
		return l
	}
	st := &state{
		Version: cursorVersion, Name: strings.Repeat("a", 253), DID: "did:web:" + strings.Repeat("a", maxDID-8), Server: "https://" + strings.Repeat("a", 253),
		Rev: "3l4original22", Swept: 7258118399, Round: &pass{Rev: "3l4original22", Start: 7258118399999, Phase: 3}, Posts: full(), Reposts: full(),
		Mention: mentioned{Since: 7258118399999, Mark: 7258118399999, Walk: &list{Start: 7258118399999, Top: 7258118399999, Low: 7258118399999, Max: strings.Repeat("<", maxOpaque)}},
		Profile: &snapshot{N: 1 << 40, Values: map[string]string{}}, Counts: sample{N: 1 << 40, At: 7258118399}, Looked: 7258118399, Grants: &grants{At: 7258118399},
	}
	for _, name := range []string{"name", "description", "link", "pronouns", "picture", "banner", "pinned", "labels", "handle", "server", "key", "status"} {
		st.Profile.Values[name] = bounded(strings.Repeat(`"`, 5000))
	}
	for i := range maxGrants {
		st.Grants.Known = append(st.Grants.Known, grant{ID: fmt.Sprintf("%016d", i), Name: collectors.Within(strings.Repeat(`"`, 5000), maxName)})
	}
	b, err := collectors.EncodeCursor(st)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeState(b); err != nil {
		t.Error(err)
	}
	t.Logf("%d of %d bytes", len(b), collectors.MaxCursor)
}

// keeping refuses what reads mentions, as a budget does that keeps what is left
// for the account itself.
func keeping(next http.RoundTripper, path string) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if strings.Contains(req.URL.Path, path) {
			return nil, &collectors.RateLimited{Err: &collectors.Kept{Credential: "acme", Quota: "requests", Mentions: true}}
		}
		return next.RoundTrip(req)
	})
}

// Mentions that the budget keeps waiting are said to be behind, at the first
// page and in the middle of a walk, and the account itself is read.
func TestMentionsAreBehind(t *testing.T) {
	w := newWorld(t, blueskytest.Options{PageSize: 5}, withMentions)
	cursor := w.connect()
	for i := range 20 {
		w.srv.Notify(did, blueskytest.Notification{Reason: "mention", Text: fmt.Sprint("@acme.test number ", i)})
	}
	kept := func(cursor json.RawMessage) collectors.Page {
		t.Helper()
		deps := w.deps()
		deps.HTTP = &http.Client{Transport: keeping(deps.HTTP.Transport, "listNotifications")}
		c, err := New(w.cfg, deps)
		if err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Minute)
		id := w.post("of the account itself " + w.Now().String())
		var got []activity.Activity
		for range 10 {
			page, err := c.Poll(t.Context(), cursor)
			if err != nil {
				t.Fatal(err)
			}
			got, cursor = append(got, page.Activities...), page.Cursor
			if page.More {
				continue
			}
			if !strings.Contains(strings.Join(ids(got), " "), id) {
				t.Errorf("got %v, want the post %s", ids(got), id)
			}
			return page
		}
		t.Fatal("ten polls, and still more")
		return collectors.Page{}
	}
	page := kept(cursor)
	if page.Behind == nil {
		t.Error("the first page of mentions waits, and nothing is said of it")
	}
	w.Pass(time.Minute)
	var st state
	for range 10 { // into a walk
		page = w.poll(page.Cursor)
		if err := json.Unmarshal(page.Cursor, &st); err != nil {
			t.Fatal(err)
		}
		if st.Mention.Walk != nil {
			break
		}
	}
	if st.Mention.Walk == nil {
		t.Fatal("20 mentions are read in one page of 5")
	}
	if page = kept(page.Cursor); page.Behind == nil {
		t.Error("the next page of mentions waits, and nothing is said of it")
	}
	if got, page := w.drain(page.Cursor); len(got) == 0 || page.Behind != nil {
		t.Errorf("%d mentions read on, behind: %v; want the rest", len(got), page.Behind)
	}
}
