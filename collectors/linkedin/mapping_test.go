package linkedin

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

func TestMapping(t *testing.T) {
	type o = linkedintest.Object
	image := func(n string) o { return o{"id": "urn:li:image:" + n, "altText": "alt"} }
	for _, tt := range []struct {
		name string
		post linkedintest.Post
		want activity.Activity
	}{
		{
			name: "words in the little format",
			post: linkedintest.Post{Text: `Sale \(now\)! @[Acme Corp](urn:li:organization:1234) {hashtag|\#|Anvils} #Sale #2026 https://acme.example/a\_b.`},
			want: activity.Activity{
				Kind: activity.KindPost, Text: "Sale (now)! @Acme Corp #Anvils #Sale #2026 https://acme.example/a_b.",
				Mentions: []string{"Acme Corp"}, Hashtags: []string{"Anvils", "Sale"},
				Links: []string{"https://acme.example/a_b"}, LinkDomains: []string{"acme.example"},
			},
		},
		{
			name: "article",
			post: linkedintest.Post{Text: "Read", Content: o{"article": o{"source": "https://Evil.example/win", "title": "Win", "description": "…"}}},
			want: activity.Activity{Kind: activity.KindPost, Text: "Read", Links: []string{"https://Evil.example/win"}, LinkDomains: []string{"evil.example"}},
		},
		{
			name: "article without words",
			post: linkedintest.Post{Content: o{"article": o{"source": "https://acme.example/", "title": "Title"}}},
			want: activity.Activity{Kind: activity.KindPost, Text: "Title", Links: []string{"https://acme.example/"}, LinkDomains: []string{"acme.example"}},
		},
		{
			name: "film with a landing page",
			post: linkedintest.Post{Text: "Look", Content: o{"media": o{"id": "urn:li:video:C5F10AQGKQg_6y2a4sQ", "title": "Film"}}, Landing: "https://acme.example/land"},
			want: activity.Activity{
				Kind: activity.KindPost, Text: "Look", Media: []activity.Media{{Hash: "urn:li:video:C5F10AQGKQg_6y2a4sQ", Type: "video"}},
				Links: []string{"https://acme.example/land"}, LinkDomains: []string{"acme.example"},
			},
		},
		{
			name: "document",
			post: linkedintest.Post{Content: o{"media": o{"id": "urn:li:document:D1", "title": "Paper"}}},
			want: activity.Activity{Kind: activity.KindPost, Text: "Paper", Media: []activity.Media{{Hash: "urn:li:document:D1"}}},
		},
		{
			name: "several pictures",
			post: linkedintest.Post{Text: "Look", Content: o{"multiImage": o{"images": []o{image("A1"), image("A2"), {"id": "../x"}}}}},
			want: activity.Activity{Kind: activity.KindPost, Text: "Look", Media: []activity.Media{{Hash: "urn:li:image:A1", Type: "image"}, {Hash: "urn:li:image:A2", Type: "image"}}},
		},
		{
			name: "carousel",
			post: linkedintest.Post{Text: "Turn", Content: o{"carousel": o{"cards": []o{{"landingPage": "https://a.example/1", "media": image("B1")}, {"landingPage": "https://a.example/2", "media": image("B2")}}}}},
			want: activity.Activity{
				Kind: activity.KindPost, Text: "Turn", Media: []activity.Media{{Hash: "urn:li:image:B1", Type: "image"}, {Hash: "urn:li:image:B2", Type: "image"}},
				Links: []string{"https://a.example/1", "https://a.example/2"}, LinkDomains: []string{"a.example"},
			},
		},
		{
			name: "poll",
			post: linkedintest.Post{Content: o{"poll": o{"question": "Tea?", "options": []o{{"text": "yes"}, {"text": "no"}}}}},
			want: activity.Activity{Kind: activity.KindPost, Text: "Tea?"},
		},
		{
			name: "share of another's post",
			post: linkedintest.Post{Text: "So true", Reshares: "urn:li:ugcPost:900", UGC: true},
			want: activity.Activity{Kind: activity.KindRepost, Text: "So true", Object: "urn:li:ugcPost:900"},
		},
		{
			name: "content of a form of tomorrow",
			post: linkedintest.Post{Text: "New", Content: o{"media": []string{"x"}}},
			want: activity.Activity{Kind: activity.KindPost, Text: "New"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{})
			cursor := w.connect()
			at := w.Now()
			id := w.srv.Post(tt.post)
			w.Pass(time.Second)
			as, _ := w.drain(cursor)
			got := only(t, as, tt.want.Kind)
			if !strings.Contains(string(got.Raw), `"id":"`+id+`"`) {
				t.Errorf("raw %s", got.Raw)
			}
			got.Raw = nil
			tt.want.ID, tt.want.Network, tt.want.Account, tt.want.Time, tt.want.Seen = id, "linkedin", account, at, w.Now()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("activity (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSample maps a post as LinkedIn's documentation shows it.
func TestSample(t *testing.T) {
	const raw = `{"lifecycleState":"PUBLISHED","lastModifiedAt":1634790968775,"visibility":"PUBLIC","publishedAt":1634790968775,
		"author":"urn:li:organization:5515715","distribution":{"feedDistribution":"NONE","thirdPartyDistributionChannels":[]},
		"content":{"media":{"title":"a film","id":"urn:li:video:C5F10AQGKQg_6y2a4sQ"}},"lifecycleStateInfo":{"isEditedByAuthor":true},
		"isReshareDisabledByAuthor":false,"createdAt":1634790968743,"id":"urn:li:share:6844785523593134080","commentary":"comment on Oct 20",
		"adContext":{"dscStatus":"ACTIVE","isDsc":true}}`
	got, err := readPost([]byte(raw), "urn:li:organization:5515715")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2021, 10, 21, 4, 36, 8, 775_000_000, time.UTC)
	want := activity.Activity{
		ID: "urn:li:share:6844785523593134080", Kind: activity.KindPost, Time: at, Text: "comment on Oct 20", Raw: []byte(raw),
		Media: []activity.Media{{Hash: "urn:li:video:C5F10AQGKQg_6y2a4sQ", Type: "video"}},
	}
	if diff := cmp.Diff(want, got.Activity); diff != "" {
		t.Errorf("activity (-want +got):\n%s", diff)
	}
	if !got.modified.Equal(at) || !got.edited {
		t.Errorf("modified %s, edited %t", got.modified, got.edited)
	}
}

func TestUnreadable(t *testing.T) {
	post := func(members string) string {
		return `{"id":"urn:li:share:1","author":"` + linkedintest.URN + `","publishedAt":1634790968775` + members + `}`
	}
	for _, tt := range []struct{ name, raw, want string }{
		{"no id", `{"author":"urn:li:organization:1"}`, `id: ""; want a URN of at most 128 bytes`},
		{"id with a slash", `{"id":"urn:li:share:1/2"}`, `id: "urn:li:share:1/2"; want a URN`},
		{"id that is long", `{"id":"urn:li:share:` + strings.Repeat("1", 128) + `"}`, `want a URN`},
		{"of somebody else", `{"id":"urn:li:share:1","author":"urn:li:person:jane"}`, `author: "urn:li:person:jane"; want ` + linkedintest.URN},
		{"no time", `{"id":"urn:li:share:1","author":"` + linkedintest.URN + `"}`, "publishedAt: 0; want a time of 2000 to 2199 in ms"},
		{"time in seconds", post(`,"lastModifiedAt":1634790968`), "lastModifiedAt: 1634790968; want a time"},
		{"time as a text", `{"id":"urn:li:share:1","publishedAt":"2026-03-06"}`, "cannot unmarshal string"},
		{"parent with a slash", post(`,"reshareContext":{"parent":"../me"}`), `reshareContext.parent: "../me"; want a URN`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readPost([]byte(tt.raw), linkedintest.URN)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestUnreadableComment(t *testing.T) {
	for _, tt := range []struct{ name, raw, want string }{
		{"no id", `{"actor":"urn:li:person:a","created":{"time":1634790968775}}`, `commentUrn: ""; want a URN`},
		{"no time", `{"commentUrn":"urn:li:comment:(urn:li:activity:1,2)"}`, "created.time: 0; want a time"},
		{"no object", `7`, "cannot unmarshal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := readComment([]byte(tt.raw), "urn:li:share:1", linkedintest.URN); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
	a, err := readComment([]byte(`{"id":"2","object":"urn:li:activity:1","created":{"time":1634790968775}}`), "urn:li:share:1", linkedintest.URN)
	if err != nil || a.ID != "urn:li:comment:(urn:li:activity:1,2)" {
		t.Errorf("comment %+v, error %v", a, err)
	}
}

func TestUnreadableRole(t *testing.T) {
	for _, tt := range []struct{ name, raw, want string }{
		{"no member", `{"role":"CURATOR","state":"APPROVED"}`, `roleAssignee: ""; want a URN`},
		{"no role", `{"roleAssignee":"urn:li:person:a","organization":"` + linkedintest.URN + `","state":"APPROVED"}`, `role: ""; want one such as ADMINISTRATOR`},
		{"role with a space", `{"roleAssignee":"urn:li:person:a","organization":"` + linkedintest.URN + `","role":"A B"}`, `role: "A B"; want one`},
		{"no state", `{"roleAssignee":"urn:li:person:a","organizationTarget":"` + linkedintest.URN + `","role":"CURATOR"}`, `state: ""; want APPROVED, REQUESTED`},
		{"another page", `{"roleAssignee":"urn:li:person:a","organization":"urn:li:organization:1"}`, `organization: "urn:li:organization:1"; want ` + linkedintest.URN},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := readRole([]byte(tt.raw), linkedintest.URN); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestLittle(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		mentions []string
	}{
		{"", "", nil},
		{`a\*b\\c`, `a*b\c`, nil},
		{`ends with \`, `ends with \`, nil},
		{`@[Jane \[Roe\]](urn:li:person:a-1) hi`, `@Jane [Roe] hi`, []string{"Jane [Roe]"}},
		{`@[Jane](https://evil.example)`, `@[Jane](https://evil.example)`, nil},
		{`@[Jane](urn:li:person:a`, `@[Jane](urn:li:person:a`, nil},
		{`@[Jane`, `@[Jane`, nil},
		{`{hashtag|#|Tea} {hashtag|\#|Zürich}`, `#Tea #Zürich`, nil},
		{`{hashtag|Tea}`, `{hashtag|Tea}`, nil},
		{`{other|\#|Tea}`, `{other|#|Tea}`, nil},
		{`{hashtag|\#|Tea`, `{hashtag|#|Tea`, nil},
	} {
		got, mentions := little(tt.in)
		if got != tt.want || !slices.Equal(mentions, tt.mentions) {
			t.Errorf("%q is %q with %v; want %q with %v", tt.in, got, mentions, tt.want, tt.mentions)
		}
	}
}

// Names in other forms than the localized ones are read in the preferred language.
func TestOrganizationByLanguage(t *testing.T) {
	o, err := readOrganization([]byte(`{"id":7,"vanityName":"acme","industries":{"a":1},
		"name":{"localized":{"en_US":"Acme","de_DE":"Akme"},"preferredLocale":{"country":"DE","language":"de"}},
		"description":{"localized":{"de_DE":"Ambosse"},"preferredLocale":{"country":"DE","language":"de"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"name": "Akme", "handle": "acme", "description": "Ambosse", "link": "", "picture": "", "banner": "",
		"keywords": "", "aliases": "", "status": "", "location": "", "phone": "",
	}
	if diff := cmp.Diff(want, o.values); diff != "" || o.id != "7" {
		t.Errorf("id %s (-want +got):\n%s", o.id, diff)
	}
}
