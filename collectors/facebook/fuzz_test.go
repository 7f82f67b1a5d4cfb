package facebook

import (
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/metagraph"
)

// FuzzItem: whatever is mapped is a valid activity.
func FuzzItem(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1_2","created_time":"2026-03-06T12:00:00+0000","message":"hi #a @b https://c.example"}`,
		`{"id":"1_2","created_time":"2026-03-06T12:00:00+0000","from":{"id":"100200300"},"parent":{"id":"1_1"},"attachments":{"data":[{"media_type":"photo","target":{"id":"5"}}]}}`,
		`{"id":"1_2","created_time":"2026-03-06T12:00:00+0000","attachments":7,"message_tags":{"a":1},"application":null}`,
		`{"id":7}`, `null`, `[]`, `{"name":"Acme","id":"1","followers_count":-1,"picture":{"data":{"url":"::"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, read := range map[string]func() (*metagraph.Item, error){
			"post":    func() (*metagraph.Item, error) { return readPost(data, me) },
			"tagged":  func() (*metagraph.Item, error) { return readTagged(data, me) },
			"comment": func() (*metagraph.Item, error) { return readComment(data, "1_1", me) },
		} {
			item, err := read()
			if err != nil || item == nil {
				continue
			}
			a := item.Activity
			a.Network, a.Account = "facebook", "facebook/acme"
			if err := a.Validate(); err != nil && len(data) < activity.MaxText {
				t.Errorf("%s: %v of %s", name, err, data)
			}
		}
		if p, err := readProfile(data); err == nil {
			for _, m := range p.Metrics {
				if m.Value < 0 {
					t.Errorf("metric %s is %v", m.Name, m.Value)
				}
			}
		}
		if e, err := readMember(data); err == nil {
			if again, err := readMember(data); err != nil || again != e {
				t.Errorf("member read twice: %+v, then %+v, %v", e, again, err)
			}
		}
	})
}
