package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

func TestRefused(t *testing.T) {
	const one = "/v1/alerts/PK-000001"
	for _, tt := range []struct {
		name, method, target, secret, body string
		header                             []string
		status                             int
		code, field, detail                string
	}{
		{name: "no token", method: "GET", target: one, status: 401, code: CodeUnauthorized, detail: "send one header"},
		{name: "another scheme", method: "GET", target: one, header: []string{"Authorization", "Basic " + annSecret}, status: 401, code: CodeUnauthorized, detail: "not of the form"},
		{name: "unknown token", method: "GET", target: one, secret: "secret-of-ann-012345678", status: 401, code: CodeUnauthorized, detail: "not known"},
		{name: "empty token", method: "GET", target: one, header: []string{"Authorization", "Bearer "}, status: 401, code: CodeUnauthorized, detail: "not known"},
		{name: "may only read", method: "POST", target: one + "/ack", secret: screenSecret, status: 403, code: CodeForbidden, detail: "token screen cannot act"},
		{name: "may only act", method: "GET", target: one, secret: botSecret, status: 403, code: CodeForbidden, detail: "token bot cannot read"},
		{name: "no such alert", method: "GET", target: "/v1/alerts/PK-00000F", secret: annSecret, status: 404, code: CodeNotFound, detail: `alert "PK-00000F": no such alert`},
		{name: "no such path", method: "GET", target: one + "/delete", secret: annSecret, status: 404, code: CodeNotFound, detail: "there is no GET"},
		{name: "no such method", method: "DELETE", target: one, secret: annSecret, status: 404, code: CodeNotFound, detail: "there is no DELETE"},
		{name: "acting by GET", method: "GET", target: one + "/ack", secret: annSecret, status: 404, code: CodeNotFound, detail: "there is no GET"},
		{name: "no JSON", method: "POST", target: one + "/ack", secret: annSecret, body: "reason=x", header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, code: CodeMediaType, detail: "application/json"},
		{name: "broken JSON", method: "POST", target: one + "/ack", secret: annSecret, body: `{"reason":`, status: 400, code: CodeInvalid, detail: "unexpected EOF"},
		{name: "more than one object", method: "POST", target: one + "/ack", secret: annSecret, body: `{}{}`, status: 400, code: CodeInvalid, detail: "more behind"},
		{name: "a list", method: "POST", target: one + "/assign", secret: annSecret, body: `[]`, status: 400, code: CodeInvalid, detail: "body: is a JSON array; expected one JSON object"},
		{name: "a key spelt wrong", method: "POST", target: one + "/resolve", secret: annSecret, body: `{"verdct":"true"}`, status: 400, code: CodeInvalid, detail: `unknown field "verdct"`},
		{name: "a field of another action", method: "POST", target: one + "/ack", secret: annSecret, body: `{"to":"tom"}`, status: 400, code: CodeInvalid, detail: `unknown field "to"`},
		{name: "another type", method: "POST", target: one + "/resolve", secret: annSecret, body: `{"verdict":true}`, status: 422, code: CodeInvalid, field: "verdict", detail: "is a JSON bool"},
		{name: "no time", method: "POST", target: one + "/resolve", secret: annSecret, body: `{"verdict":"expected","until":"friday"}`, status: 422, code: CodeInvalid, field: "until", detail: "expected a time such as"},
		{name: "a time that is over", method: "POST", target: one + "/resolve", secret: annSecret, body: `{"verdict":"expected","until":"2026-03-01T00:00:00Z"}`, status: 422, code: CodeInvalid, field: "until", detail: "which is over"},
		{name: "unknown verdict", method: "POST", target: one + "/resolve", secret: annSecret, body: `{"verdict":"maybe"}`, status: 422, code: CodeInvalid, field: "verdict", detail: "expected one of [true expected false]"},
		{name: "nobody to assign to", method: "POST", target: one + "/assign", secret: annSecret, body: `{}`, status: 422, code: CodeInvalid, field: "to", detail: "name a person"},
		{name: "too large", method: "POST", target: one + "/ack", secret: annSecret, body: `{"reason":"` + strings.Repeat("a", MaxBody) + `"}`, status: 413, code: CodeTooLarge, detail: "more bytes"},
		{name: "unknown state", method: "GET", target: "/v1/alerts?state=open", secret: annSecret, status: 422, code: CodeInvalid, field: "state", detail: "expected one of [firing acknowledged resolved]"},
		{name: "unknown level", method: "GET", target: "/v1/alerts?level=severe", secret: annSecret, status: 422, code: CodeInvalid, field: "level", detail: "expected one of [informational low medium high critical]"},
		{name: "no limit", method: "GET", target: "/v1/alerts?limit=0", secret: annSecret, status: 422, code: CodeInvalid, field: "limit", detail: "expected 1 to 500"},
		{name: "limit too large", method: "GET", target: "/v1/alerts?limit=501", secret: annSecret, status: 422, code: CodeInvalid, field: "limit", detail: "expected 1 to 500"},
		{name: "limit no number", method: "GET", target: "/v1/alerts?limit=all", secret: annSecret, status: 422, code: CodeInvalid, field: "limit", detail: "parameter limit"},
		{name: "a parameter spelt wrong", method: "GET", target: "/v1/alerts?state=firing&acount=x/acme", secret: annSecret, status: 400, code: CodeInvalid, detail: `parameter "acount" is unknown; expected account, cursor, level, limit, network, rule, state`},
		{name: "a parameter in capitals", method: "GET", target: "/v1/alerts?State=firing", secret: annSecret, status: 400, code: CodeInvalid, detail: `parameter "State" is unknown`},
		{name: "a parameter of another path", method: "GET", target: one + "?state=firing", secret: annSecret, status: 400, code: CodeInvalid, detail: `parameter "state" is unknown; expected none`},
		{name: "a parameter of an action", method: "POST", target: one + "/ack?by=tom", secret: annSecret, status: 400, code: CodeInvalid, detail: `parameter "by" is unknown; expected none`},
		{name: "a query that is none", method: "GET", target: "/v1/alerts?state=%zz", secret: annSecret, status: 400, code: CodeInvalid, detail: "the query cannot be read"},
		{name: "no cursor", method: "GET", target: "/v1/alerts?cursor=abc", secret: annSecret, status: 422, code: CodeInvalid, field: "cursor", detail: "field next"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFew()
			status, header, body := ask(t, handler(f), tt.method, tt.target, tt.secret, tt.body, tt.header...)
			var p Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			if status != tt.status || p.Status != tt.status || p.Code != tt.code || p.Field != tt.field || !strings.Contains(p.Detail, tt.detail) {
				t.Errorf("got %d %+v, want %d %s %q %q", status, p, tt.status, tt.code, tt.field, tt.detail)
			}
			if got := header.Get("Content-Type"); got != "application/problem+json" || p.Type != "about:blank" || p.Title != http.StatusText(tt.status) {
				t.Errorf("Content-Type %q, type %q, title %q", got, p.Type, p.Title)
			}
			if (header.Get("WWW-Authenticate") != "") != (tt.status == 401) {
				t.Errorf("WWW-Authenticate is %q", header.Get("WWW-Authenticate"))
			}
			for id, a := range f.alerts {
				if a.State != alerting.Firing || a.Assigned != nil || a.Judged != nil {
					t.Errorf("alert %s changed", id)
				}
			}
		})
	}
}

// TestFailing: a store that is away is told as what may pass.
func TestFailing(t *testing.T) {
	f := newFew()
	f.fail = errors.New("server is away")
	status, header, body := ask(t, handler(f), "GET", "/v1/alerts", annSecret, "")
	if status != 503 || header.Get("Retry-After") != "1" || !strings.Contains(body, `"code":"unavailable"`) {
		t.Errorf("%d %q %s", status, header.Get("Retry-After"), body)
	}
}

func TestNobody(t *testing.T) {
	var refused []string
	h := service(newFew()).Handler(func() []Token { return nil }, func(code string) { refused = append(refused, code) }, zap.NewNop())
	if status, _, body := ask(t, h, "GET", "/v1/alerts", annSecret, ""); status != 403 || !strings.Contains(body, "http.api has no tokens") {
		t.Errorf("%d %s", status, body)
	}
	if fmt.Sprint(refused) != "[forbidden]" {
		t.Errorf("told of refusals %v, want [forbidden]", refused)
	}
	status, header, body := ask(t, h, "GET", DocumentPath, "", "")
	if status != 200 || header.Get("Content-Type") != "application/yaml" || !strings.HasPrefix(body, "openapi: 3.0.3\n") {
		t.Errorf("%d %q %.40s", status, header.Get("Content-Type"), body)
	}
}

func TestFilter(t *testing.T) {
	open := []alerting.State{alerting.Firing, alerting.Acknowledged}
	for _, tt := range []struct {
		name, query string
		want        alerting.Filter
	}{
		{"what is open", "", alerting.Filter{States: open, Limit: 50}},
		{"a list", "?state=firing,resolved&level=high&level=critical", alerting.Filter{
			States: []alerting.State{alerting.Firing, alerting.Resolved}, Levels: []rules.Level{rules.High, rules.Critical}, Limit: 50,
		}},
		{"all else", "?account=x/acme&network=x&rule=posting_burst&limit=7&cursor=9", alerting.Filter{
			States: open, Account: "x/acme", Network: "x", Rule: "posting_burst", Limit: 7, Before: 9,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFew()
			if status, _, body := ask(t, handler(f), "GET", "/v1/alerts"+tt.query, screenSecret, ""); status != 200 {
				t.Fatalf("%d %s", status, body)
			}
			if !reflect.DeepEqual(f.filters[0], tt.want) {
				t.Errorf("got %+v, want %+v", f.filters[0], tt.want)
			}
		})
	}
}

func TestPages(t *testing.T) {
	h := handler(newFew())
	var numbers []string
	cursor := ""
	for range 3 {
		status, _, body := ask(t, h, "GET", "/v1/alerts?limit=2&cursor="+cursor, annSecret, "")
		var l List
		if err := json.Unmarshal([]byte(body), &l); err != nil || status != 200 {
			t.Fatalf("%d %v %s", status, err, body)
		}
		for i := range l.Alerts {
			numbers = append(numbers, l.Alerts[i].Number)
		}
		if cursor = l.Next; cursor == "" {
			break
		}
	}
	if want := []string{"PK-000003", "PK-000002", "PK-000001"}; !slices.Equal(numbers, want) || cursor != "" {
		t.Errorf("got %q and cursor %q, want %q", numbers, cursor, want)
	}
}

// TestUntold: what took effect is no error, although its subscribers wait.
func TestUntold(t *testing.T) {
	f := newFew()
	f.untold = errors.New("its subscribers are not told yet")
	status, _, body := ask(t, handler(f), "POST", "/v1/alerts/PK-000001/ack", botSecret, "")
	if status != 200 || !strings.Contains(body, `"warning":"its subscribers are not told yet"`) || f.deeds[0].Actor != "bot" {
		t.Errorf("%d %s %+v", status, body, f.deeds)
	}
}

// TestGenerated holds gen.go to openapi.yaml and the generator of go.mod.
func TestGenerated(t *testing.T) {
	got, err := os.ReadFile("gen.go")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("oapi-codegen.yaml")
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir() + "/gen.go"
	other := t.TempDir() + "/config.yaml"
	if err := os.WriteFile(other, []byte(strings.Replace(string(config), "output: gen.go", "output: "+to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "tool", "oapi-codegen", "-config", other, "openapi.yaml").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("gen.go is not what openapi.yaml gives: run go generate ./alerting/api")
	}
}

// TestDocument holds the schemas to the types that they stand for: every field
// of an alert that is listed there exists.
func TestDocument(t *testing.T) {
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Required   []string
				Properties map[string]any
			}
		}
	}
	if err := yaml.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	for name, typ := range map[string]reflect.Type{"Alert": reflect.TypeFor[alerting.Alert](), "Transition": reflect.TypeFor[alerting.Transition]()} {
		fields := map[string]bool{}
		for field := range typ.Fields() {
			tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields[tag] = true
		}
		schema := doc.Components.Schemas[name]
		if len(schema.Properties) == 0 {
			t.Errorf("schema %s has no properties", name)
		}
		for field := range schema.Properties {
			if !fields[field] {
				t.Errorf("%s has no field %q", typ, field)
			}
		}
		for _, field := range schema.Required {
			if !fields[field] {
				t.Errorf("%s has no field %q, which is required", typ, field)
			}
		}
	}
}
