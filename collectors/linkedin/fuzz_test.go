package linkedin

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

// FuzzItem: whatever is mapped is a valid activity.
func FuzzItem(f *testing.F) {
	for _, seed := range []string{
		`{"id":"urn:li:share:1","author":"urn:li:organization:2414183","publishedAt":1634790968775,"commentary":"hi #a @[b](urn:li:person:c) https://d.example"}`,
		`{"id":"urn:li:share:1","author":"urn:li:organization:2414183","createdAt":1634790968775,"content":{"multiImage":{"images":[{"id":"urn:li:image:a"}]}},"reshareContext":{"parent":"urn:li:share:2"}}`,
		`{"commentUrn":"urn:li:comment:(urn:li:activity:1,2)","actor":"urn:li:person:a","created":{"time":1634790968775},"message":{"text":"x"}}`,
		`{"roleAssignee":"urn:li:person:a","role":"ADMINISTRATOR","state":"APPROVED","organization":"urn:li:organization:2414183"}`,
		`{"id":2414183,"localizedName":"Acme","locations":[{"address":{"city":"Berlin"}}],"logoV2":7}`,
		`{"commentUrn":"urn:li:0:0","created":{"time":1000000000000},"` + "\x93" + `":{}}`,
		`{"id":7}`, `null`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(a activity.Activity) {
			a.Network, a.Account = Network, account
			if err := slim(&a); err != nil && len(data) < 10_000 {
				t.Errorf("%v of %s", err, data)
			}
		}
		if it, err := readPost(data, linkedintest.URN); err == nil && it != nil {
			check(it.Activity)
			check(*it.edit())
		}
		if a, err := readComment(data, "urn:li:share:1", linkedintest.URN); err == nil {
			check(*a)
		}
		if id, _, err := readRole(data, linkedintest.URN); err == nil && !isURN(id) {
			t.Errorf("role of %q", id)
		}
		if o, err := readOrganization(data); err == nil {
			for name, value := range o.values {
				if b, err := json.Marshal(value); err != nil || len(b) > 6*maxValue {
					t.Errorf("%s takes %d bytes, %v", name, len(b), err)
				}
			}
		}
	})
}

// FuzzLittle: what is well-formed UTF-8 stays so, and nothing is longer than it was.
func FuzzLittle(f *testing.F) {
	for _, seed := range []string{`a\*b`, `@[Jane](urn:li:person:a)`, `{hashtag|\#|Tea}`, `{`, `@[`, `\`, `{hashtag|\`, "@[\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, mentions := little(s)
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("%q is %q", s, got)
		}
		for _, m := range append(mentions, got) {
			if len(m) > len(s)+len("\ufffd")*len(s) {
				t.Errorf("%q grew to %q", s, m)
			}
		}
	})
}

// FuzzCursor: a cursor that is taken comes back the same.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{
		`{"v":1}`, `null`, `{"v":2}`, `{"v":1,"since":1,"mark":{"at":1,"id":"urn:li:share:1"},"walk":{"start":1,"read":1,"pages":1,"from":95}}`,
		`{"v":1,"watch":[{"at":1,"id":"urn:li:share:1","h":"00"}],"gone":[{"at":1,"id":"urn:li:share:2"}],"roles":{"n":1,"at":1,"entries":[{"id":"a","r":"B"}]}}`,
		`{"v":1,"comments":{"since":1,"left":["urn:li:share:1"]},"profile":{"n":1,"at":1,"values":{"name":"a"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := decodeState(data)
		if err != nil {
			return
		}
		first, err := collectors.EncodeCursor(st)
		if err != nil {
			if len(data) < collectors.MaxCursor/6 {
				t.Errorf("encode %s: %v", data, err)
			}
			return
		}
		again, err := decodeState(first)
		if err != nil {
			t.Fatalf("%s is not taken back: %v", first, err)
		}
		if second, err := collectors.EncodeCursor(again); err != nil || string(second) != string(first) {
			t.Errorf("%s became %s, %v", first, second, err)
		}
		st.sweep(&walk{Start: time.Now().UnixMilli()}, true)
		st.prune()
	})
}
