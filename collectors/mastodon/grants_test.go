package mastodon

import (
	"net/http"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors"
)

func TestNextOf(t *testing.T) {
	const prev = `<https://social.example/api/v1/tokens?limit=80&min_id=9>; rel="prev"`
	rows := []struct{ name, links, want, fault string }{
		{"none", "", "", ""},
		{"the last page", prev, "", ""},
		{"both", `<https://social.example/api/v1/tokens?limit=80&max_id=01JMW7QBAZYZ8T8H73PCEX12XG>; rel="next", ` + prev, "01JMW7QBAZYZ8T8H73PCEX12XG", ""},
		{"next behind", prev + `, <https://social.example/a,b?max_id=7>; rel="next"`, "7", ""},
		{"without an id", `<https://social.example/api/v1/tokens?limit=80>; rel="next"`, "", "no max_id"},
		{"no address", `<%zz>; rel="next"`, "", "no max_id"},
	}
	for _, row := range rows {
		got, err := nextOf(row.links)
		if got != row.want || (err != nil) != (row.fault != "") || err != nil && (kindOf(err) != wantMalformed || !strings.Contains(err.Error(), row.fault)) {
			t.Errorf("%s: %q, %v; want %q, %q", row.name, got, err, row.want, row.fault)
		}
	}
}

func TestGrantWire(t *testing.T) {
	rows := []struct{ name, item, app, raw, fault string }{
		{
			"GoToSocial", `{"id":"01JMW7QBAZYZ8T8H73PCEX12XG","created_at":"2021-07-30T09:20:25+00:00","scope":"read write admin","application":{"name":"Tusky","website":"https://tusky.app"}}`,
			"Tusky", `{"scope":"read write admin","website":"https://tusky.app"}`, "",
		},
		{"without an app", `{"id":"01JM","scope":"read","application":null}`, "", `{"scope":"read"}`, ""},
		{"Pleroma", `{"app_name":"Pleroma FE","id":9275,"valid_until":"2121-11-24T15:51:08.234234"}`, "Pleroma FE", `{"valid_until":"2121-11-24T15:51:08.234234"}`, ""},
		{"old Pleroma, which tells secrets", `{"id":9275,"token":"s3cret","refresh_token":"s3cret"}`, "", "", ""},
		{"the collector's token in a name", `{"id":1,"app_name":"x ` + token + `"}`, "x [redacted]", "", ""},
		{"no id", `{"app_name":"Web"}`, "", "", `id ""`},
		{"path as id", `{"id":"../1"}`, "", "", `id "../1"`},
		{"number", `17`, "", "", "cannot unmarshal number"},
	}
	c, err := New(Config{Name: "acme", Server: "https://social.example", Token: token}, collectors.Deps{HTTP: &http.Client{}, Now: start})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := &exchange{}
			if _, err := e.readGrants(&body{endpoint: "GET /x", bytes: []byte("[" + row.item + "]")}); err != nil {
				t.Fatal(err)
			}
			if row.fault != "" {
				if len(e.answer.grants) != 0 || len(e.answer.malformed) != 1 || !strings.Contains(e.answer.malformed[0].Error(), row.fault) {
					t.Errorf("read %d, malformed %v", len(e.answer.grants), e.answer.malformed)
				}
				return
			}
			g := e.answer.grants[0]
			if got, raw := c.words(g.name()), string(c.raw(g)); got != row.app || raw != row.raw {
				t.Errorf("app %q, raw %s; want %q, %s", got, raw, row.app, row.raw)
			}
		})
	}
}

func FuzzGrants(f *testing.F) {
	f.Add([]byte(`[{"id":"01JM","created_at":"2021-07-30T09:20:25Z","scope":"read","application":{"name":"Tusky"}}]`), `<https://social.example/?max_id=7>; rel="next"`)
	f.Add([]byte(`[{"id":9275,"app_name":"Pleroma FE","valid_until":"2121"}]`), "")
	f.Add([]byte(`[{"id":{}},null,5]`), `<>; rel="next"`)
	f.Add([]byte(`{}`), "<")
	f.Fuzz(func(t *testing.T, data []byte, links string) {
		if id, err := nextOf(links); id != "" && err != nil {
			t.Fatalf("%q and error %v", id, err)
		}
		e := &exchange{}
		if _, err := e.readGrants(&body{endpoint: "GET /x", bytes: data}); err != nil {
			return
		}
		if len(e.answer.grants)+len(e.answer.malformed) != e.answer.count {
			t.Fatalf("%d read and %d malformed of %d", len(e.answer.grants), len(e.answer.malformed), e.answer.count)
		}
		for _, g := range e.answer.grants {
			if !isID(string(g.ID)) {
				t.Fatalf("id %q", g.ID)
			}
		}
	})
}
