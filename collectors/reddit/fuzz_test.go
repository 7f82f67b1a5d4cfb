package reddit

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

// FuzzAnswer has all answers be the same bytes: nothing breaks, and what comes of
// it is valid.
func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"submission.json", "comment.json", "about.json"} {
		f.Add([]byte(`{"kind":"Listing","data":{"children":[` + string(golden(f, name)) + `],"after":"t3_1"}}`))
		f.Add(golden(f, name))
	}
	f.Add([]byte(`{"kind":"Listing","data":{"children":[{"kind":"t3","data":{"id":"1abc23","author":"acme","created_utc":1772703000,"title":"\ud800\u0000"}}]}}`))
	f.Add([]byte(`{"kind":"Listing","data":{"children":[{"kind":"t1","data":{"name":"t1_k1","dest":"acme","created_utc":1772703000,"body":"u/x"}},{"kind":"modaction","data":{"id":"ModAction_1-2","action":"addmoderator","created_utc":1772703000}}]}}`))
	f.Add([]byte(`{"kind":"Listing","data":{"children":[null,7,{}]}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := newWorld(t, reddittest.Options{}, withMentions, withLogs)
		w.kept.saved["owner"] = `{"access":"x","ends":"2030-01-01T00:00:00Z","of":"` + collectors.Secret((&Config{ClientID: reddittest.ClientID, RefreshToken: refresh, TokenURL: DefaultTokenURL}).madeWith()) + `"}`
		deps := w.deps()
		deps.HTTP = &http.Client{Transport: constant(data)}
		c, err := New(w.cfg, deps)
		if err != nil {
			t.Fatal(err)
		}
		cursor := json.RawMessage(`{"v":1,"asked":"` + DefaultBaseURL + ` acme","posts":{"since":1,"watch":[{"a":1772703000,"i":"1abc23","t":""}]},` +
			`"comments":{"since":1},"mention":{"since":1},"profile":{"n":1,"values":{}}}`)
		for range 5 {
			page, err := c.Poll(t.Context(), cursor)
			if err != nil {
				return
			}
			for i := range page.Activities {
				if err := page.Activities[i].Validate(); err != nil {
					t.Fatalf("activity %+v: %v", page.Activities[i], err)
				}
			}
			cursor = page.Cursor
		}
	})
}

// FuzzCursor: whatever a cursor holds, it is refused or read, and what it becomes
// can be read again.
func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"v":1,"posts":{"since":5,"walk":{"start":1,"after":"t3_1"},"watch":[{"a":1,"i":"v1"}]}}`))
	f.Add([]byte(`{"v":1,"posts":{"watch":[{"a":1,"i":""}]}}`))
	f.Add([]byte(`{"v":1,"mention":{"since":-1},"round":9223372036854775807}`))
	f.Add([]byte(`{"v":1,"sweep":9223372036854775807,"swept":-9223372036854775808,"comments":{"watch":[{"a":1,"i":"vid1"},{"a":1,"i":"vid1"}]}}`))
	f.Add([]byte(`{"v":1,"logs":{"acme":{"since":1,"walk":{"start":1,"after":"x"}}}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := newWorld(t, reddittest.Options{}, withMentions, withLogs)
		w.srv.Moderate("acme", reddittest.Action{})
		w.srv.Moderate("acmehelp", reddittest.Action{})
		w.old("film")
		page, err := w.try(data)
		if err != nil {
			return
		}
		if _, err := decodeState(page.Cursor); err != nil || len(page.Cursor) > collectors.MaxCursor {
			t.Errorf("cursor of %d bytes, error %v: %s", len(page.Cursor), err, page.Cursor)
		}
	})
}

// FuzzText: links and names of any text make a valid activity.
func FuzzText(f *testing.F) {
	f.Add("see https://acme.example/a?b=c, [u/acme](http://x) r/anvils")
	f.Add("http://[::1 u/ /u/. \xff\x00")
	f.Fuzz(func(t *testing.T, text string) {
		a := activity.Activity{ID: "1", Network: Network, Account: "reddit/acme", Kind: activity.KindPost, Time: start()}
		fill(&a, text)
		a.LinkDomains = domainsOf(a.Links)
		if err := a.Validate(); err != nil && len(text) < 10_000 {
			t.Error(err)
		}
	})
}
