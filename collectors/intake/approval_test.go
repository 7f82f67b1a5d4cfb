package intake_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
)

func TestParseApproval(t *testing.T) {
	a, err := intake.ParseApproval([]byte(`{
		"account": "x/acme", "text": "We are hiring!", "links": ["https://acme.example/jobs"],
		"media": ["sha256:9f86d081"], "approvers": ["ann", "bob"],
		"valid_from": "2026-03-01T09:00:00+01:00", "valid_until": "2026-03-02T08:00:00Z",
		"max_uses": 3, "tool": "hootsuite", "time": "2026-02-28T17:00:00Z", "id": "campaign-7"}`), now())
	if err != nil {
		t.Fatal(err)
	}
	want := activity.Activity{
		ID: "campaign-7", Network: "x", Account: "x/acme", Kind: activity.KindApproval,
		Time: time.Date(2026, 2, 28, 17, 0, 0, 0, time.UTC), Seen: now(),
		Approval: activity.Approval{
			Text: "We are hiring!", Links: []string{"https://acme.example/jobs"}, Media: []string{"sha256:9f86d081"},
			Approvers: []string{"ann", "bob"}, MaxUses: 3, Tool: "hootsuite",
			From: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC),
		},
	}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("approval\n%+v\nwant\n%+v", a, want)
	}
}

// TestDerivedID holds the ids that are in journals.
func TestDerivedID(t *testing.T) {
	const first = `{"account":"x/acme","text":"hello","approvers":["ann"]}`
	for _, row := range []struct {
		name, in string
		same     bool
	}{
		{"again, later", first, true},
		{"members in another order", `{"approvers":["ann"],"text":"hello","account":"x/acme"}`, true},
		{"null and empty are absent", `{"account":"x/acme","text":"hello","approvers":["ann"],"links":[],"valid_from":null}`, true},
		{"time does not count", `{"account":"x/acme","text":"hello","approvers":["ann"],"time":"2026-01-01T00:00:00Z"}`, true},
		{"other text", `{"account":"x/acme","text":"hello!","approvers":["ann"]}`, false},
		{"other account", `{"account":"x/acme2","text":"hello","approvers":["ann"]}`, false},
		{"words moved between fields", `{"account":"x/acme","text":"","links":["hello"],"approvers":["ann"]}`, false},
		{"approvers joined", `{"account":"x/acme","text":"hello","approvers":["an","n"]}`, false},
		{"other validity", `{"account":"x/acme","text":"hello","approvers":["ann"],"valid_until":"2026-04-01T00:00:00Z"}`, false},
		{"more uses", `{"account":"x/acme","text":"hello","approvers":["ann"],"max_uses":2}`, false},
		{"other tool", `{"account":"x/acme","text":"hello","approvers":["ann"],"tool":"buffer"}`, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, err := intake.ParseApproval([]byte(row.in), now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			const want = "sha256:41106c5b0f10d3c16e8e189432e76059"
			if (a.ID == want) != row.same {
				t.Errorf("id %s, same as the first: %v, want %v", a.ID, a.ID == want, row.same)
			}
		})
	}
}

func TestBadApprovals(t *testing.T) {
	for _, row := range []struct{ name, in, field, want string }{
		{"a list", `[]`, "", "byte 0: expected an approval (an object)"},
		{"nothing", ``, "", "byte 0: expected an approval (an object)"},
		{"cut short", `{"account":"x/acme",`, "", "byte 20: expected more JSON, found the end of the input"},
		{"broken", `{"account":"x/acme" "text":"a"}`, "", "byte 20: expected JSON: invalid character '\"' after object key:value pair"},
		{"broken value", `{"text":tru}`, "text", "byte 8: text: expected JSON: invalid character '}' in literal true (expecting 'e')"},
		{"two values", `{"account":"x/acme","text":"a"}{}`, "", "byte 32: expected the end of the input after the approval"},
		{"invalid UTF-8", "{\"text\":\"\xff\"}", "", "byte 0: invalid UTF-8; encode the approval as UTF-8"},
		{"unknown field", `{"acount":"x/acme"}`, "acount", "byte 9: acount: unknown field; expected one of id, account, text, links, media, approvers, valid_from, valid_until, max_uses, tool, time"},
		{"other capitals", `{"Account":"x/acme"}`, "Account", "byte 10: Account: unknown field; expected one of id, account, text, links, media, approvers, valid_from, valid_until, max_uses, tool, time"},
		{"given twice", `{"text":"a","text":"b"}`, "text", "byte 18: text: given twice; keep one of the two"},
		{"text is a number", `{"text":7}`, "text", "byte 9: text: expected text, found number"},
		{"links is text", `{"links":"https://a.example"}`, "links", "byte 28: links: expected a list of text, found string"},
		{"a link is a number", `{"links":[1]}`, "links", "byte 12: links: expected a list of text, found number"},
		{"uses is a fraction", `{"max_uses":1.5}`, "max_uses", "byte 15: max_uses: expected a whole number, found number 1.5"},
		{"bad time", `{"valid_from":"tomorrow"}`, "valid_from", `byte 24: valid_from: "tomorrow" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z"`},
		{"time is a number", `{"valid_until":1700000000}`, "valid_until", `byte 25: valid_until: expected a time such as "2026-03-01T12:00:00Z", found number`},
		{"no account", `{"text":"a"}`, "account", `account: missing; expected the account that may publish, such as "x/acme"`},
		{"account without network", `{"account":"acme","text":"a"}`, "account", `account: "acme" has no network or no name; expected "network/name" such as "x/acme"`},
		{"approves nothing", `{"account":"x/acme","approvers":["ann"]}`, "text", "text: missing; expected at least one of text, links and media: an approval of nothing matches nothing"},
		{"negative uses", `{"account":"x/acme","text":"a","max_uses":-1}`, "max_uses", "max_uses: is -1; expected 1 or more, or none for once"},
		{"ends before it starts", `{"account":"x/acme","text":"a","valid_from":"2026-03-02T00:00:00Z","valid_until":"2026-03-01T00:00:00Z"}`, "valid_until", "valid_until: 2026-03-01T00:00:00Z is not after valid_from 2026-03-02T00:00:00Z; such an approval is never valid"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := intake.ParseApproval([]byte(row.in), now())
			if err == nil || err.Error() != row.want {
				t.Errorf("error %v\n want %s", err, row.want)
			}
			field := ""
			if syntax, ok := errors.AsType[*activity.SyntaxError](err); ok {
				field = syntax.Field
			} else if invalid, ok := errors.AsType[*activity.FieldError](err); ok {
				field = invalid.Field
			}
			if field != row.field {
				t.Errorf("field %q, want %q", field, row.field)
			}
		})
	}
}

func TestReceiveApprovals(t *testing.T) {
	var j journal
	answer, err := receiver(&j, &tally{}).Receive(t.Context(), intake.Body{
		Data:    []byte(`[{"account":"x/acme","text":"a","id":"one"},{"account":"x/acme","text":"b","text":"c"},{"account":"x/acme","text":"d"}]`),
		Content: intake.Approvals,
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"accepted":2,"refused":1,"results":[{"index":0,"status":"accepted","id":"one"},` +
		`{"index":1,"status":"refused","error":"byte 37: text: given twice; keep one of the two","field":"text"},` +
		`{"index":2,"status":"accepted","id":"sha256:32c80fac890aab95d9c28997d058a319"}]}`
	if got := string(answer.JSON()); got != want {
		t.Errorf("answer\n%s\nwant\n%s", got, want)
	}
	if j.kept[0].Kind != activity.KindApproval || j.kept[0].Approval.Text != "a" {
		t.Errorf("journal holds %+v", j.kept[0])
	}
}
