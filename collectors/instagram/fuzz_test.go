package instagram

import (
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/metagraph"
)

// FuzzItem: whatever is mapped is a valid activity.
func FuzzItem(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","timestamp":"2026-03-06T12:00:00+0000","caption":"hi #a @b https://c.example","media_type":"IMAGE","media_url":"https://s.example/1.jpg"}`,
		`{"id":"1","timestamp":"2026-03-06T12:00:00+0000","children":{"data":[{"id":"2","media_type":"VIDEO"}]}}`,
		`{"id":"1","timestamp":"2026-03-06T12:00:00+0000","children":5,"username":"acme","from":{"id":"17841400000000001"},"parent_id":"3"}`,
		`{"id":7}`, `null`, `[]`, `{"username":"acme","id":"1","followers_count":-1,"media_count":1e300}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, read := range map[string]func() (*metagraph.Item, error){
			"media":   func() (*metagraph.Item, error) { return readMedia(data, me) },
			"tagged":  func() (*metagraph.Item, error) { return readTagged(data, me) },
			"comment": func() (*metagraph.Item, error) { return readComment(data, "1", me) },
		} {
			item, err := read()
			if err != nil || item == nil {
				continue
			}
			a := item.Activity
			a.Network, a.Account = "instagram", "instagram/acme"
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
	})
}
