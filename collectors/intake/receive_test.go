package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
)

func TestReceiveBodies(t *testing.T) {
	for _, row := range []struct {
		name string
		form intake.Form
		body string
		ids  string
	}{
		{"one object", intake.FormJSON, post("1"), "1"},
		{"object with white space around", intake.FormJSON, " \r\n\t" + post("1") + "\n\n", "1"},
		{"byte order mark", intake.FormJSON, "\xef\xbb\xbf" + post("1"), "1"},
		{"array", intake.FormJSON, "[" + post("1") + " , " + post("2") + "]", "1 2"},
		{"array over lines", intake.FormJSON, "[\n" + post("1") + ",\r\n" + post("2") + "\n]\n", "1 2"},
		{"objects on lines, told by the first byte", intake.FormJSON, post("1") + "\n" + post("2") + "\r\n\n" + post("3"), "1 2 3"},
		{"objects over several lines each", intake.FormJSON, strings.ReplaceAll(post("1"), ",", ",\n") + "\n" + strings.ReplaceAll(post("2"), ",", ",\n"), "1 2"},
		{"lines", intake.FormLines, post("1") + "\n\r\n  \n" + post("2") + "\r\n", "1 2"},
		{"last line without line break", intake.FormLines, post("1") + "\n" + post("2"), "1 2"},
		{"brackets and quotes inside text", intake.FormJSON, `[` + strings.ReplaceAll(post("1"), `"hi"`, `"a ] } \" , ["`) + `,` + post("2") + `]`, "1 2"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var j journal
			var counts tally
			answer, err := receiver(&j, &counts).Receive(t.Context(), intake.Body{Data: []byte(row.body), Form: row.form, Content: intake.Activities})
			if err != nil {
				t.Fatal(err)
			}
			if got := j.ids(); got != row.ids {
				t.Errorf("journal holds %q, want %q", got, row.ids)
			}
			if want := len(strings.Fields(row.ids)); answer.Outcome() != intake.AllAccepted || answer.Accepted != want || counts.accepted != want {
				t.Errorf("answer %s, counted %d, want %d accepted", answer.JSON(), counts.accepted, want)
			}
		})
	}
}

// TestRefuseItem holds that a bad item has one clear error, and that the items
// around it are kept.
// TestItemsShareNothing has items with escapes and lists, some of them refused:
// none shows anything of another, nor changes when the next body comes.
func TestItemsShareNothing(t *testing.T) {
	const time = `,"kind":"post","time":"2026-03-01T12:00:00Z"`
	var kept keeper
	r := &intake.Receiver{Intake: &kept, Now: now, Metrics: &tally{}, MaxItems: 100}
	for _, body := range []string{
		`{"id":"1","account":"x/acme","text":"say \"one\"","links":["https://a.example/\u0031"]` + time + "}\n" +
			`{"id":"2","account":"x/acme","text":"say \"two\"","links":["https://b.example/\u0032"],"mentions":["m"],"drill":"d","nonsense":1` + time + "}\n" +
			`{"id":"3","account":"x/acme","text":"say \"three\""` + time + "}\n",
		`{"id":"4","account":"x/acme","text":"none of \"them\"","links":["https://c.example/\u0034"]` + time + "}\n",
	} {
		if _, err := r.Receive(t.Context(), intake.Body{Data: []byte(body), Form: intake.FormLines, Content: intake.Activities}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for i := range kept {
		a := &kept[i]
		got = append(got, fmt.Sprintf("%s %s %s %s %s %q", a.ID, a.Text, a.Links, a.LinkDomains, a.Mentions, a.Drill))
	}
	want := []string{
		`1 say "one" [https://a.example/1] [a.example] [] ""`,
		`3 say "three" [] [] [] ""`,
		`4 none of "them" [https://c.example/4] [c.example] [] ""`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// keeper is an intake that keeps what it gets as it is.
type keeper []activity.Activity

func (k *keeper) Submit(_ context.Context, activities []activity.Activity) []error {
	*k = append(*k, activities...)
	return make([]error, len(activities))
}

func TestRefuseItem(t *testing.T) {
	for _, row := range []struct{ name, item, field, reason, want string }{
		{"not JSON", `{"id":}`, "id", "malformed", `byte 6: id: expected text in double quotes, found '}'`},
		{"a bare word", `hello`, "", "malformed", `byte 0: expected an activity (an object), found a word without quotes`},
		{"a list", `[]`, "", "malformed", "byte 0: expected an activity (an object), found a list"},
		{"nothing between commas", ``, "", "malformed", "byte 0: expected an activity (an object), found the end of the input"},
		{"unknown field", `{"id":"b","acount":"x/acme"}`, "acount", "malformed", `byte 19: acount: unknown field; did you mean "account"?`},
		{"given twice", `{"id":"b","id":"c"}`, "id", "malformed", "byte 15: id: given twice; keep one of the two"},
		{"wrong type", `{"id":7}`, "id", "malformed", "byte 6: id: expected text in double quotes, found a number"},
		{"bad time", `{"id":"b","time":"yesterday"}`, "time", "malformed", `byte 17: time: "yesterday" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"invalid UTF-8", "{\"id\":\"\xff\"}", "id", "malformed", "byte 7: id: invalid UTF-8: byte 0xff; expected text encoded as UTF-8"},
		{"network contradicts", `{"id":"b","network":"y","account":"x/acme"}`, "network", "malformed", `byte 0: network: "y" contradicts account "x/acme"; omit network or make both agree`},
		{"no id", `{"account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z"}`, "id", "invalid", "id: missing; expected the native id, unique within network, account and kind"},
		{"no account", `{"id":"b","kind":"post","time":"2026-03-01T11:00:00Z"}`, "account", "invalid", `account: missing; expected "network/name" such as "x/acme"`},
		{"account without network", `{"id":"b","account":"acme","kind":"post","time":"2026-03-01T11:00:00Z"}`, "account", "invalid", `account: "acme" has no network or no name; expected "network/name" such as "x/acme"`},
		{"no time", `{"id":"b","account":"x/acme","kind":"post"}`, "time", "invalid", `time: missing; expected when it happened, such as "2026-03-01T12:00:00Z"`},
		{"time in milliseconds", `{"id":"b","account":"x/acme","kind":"post","time":"1970-01-01T00:00:00Z"}`, "time", "invalid", "time: year 1970; expected a time from 2000 to 2199 (is the unit seconds?)"},
		{"bad address", `{"id":"b","account":"x/acme","kind":"login","time":"2026-03-01T11:00:00Z","ip":"192.0.2.1:443"}`, "ip", "invalid", `ip: not an IP address; expected IPv4 such as 192.0.2.7 or IPv6 such as 2001:db8::7, without port or zone`},
		{"kind verdict", `{"id":"b","account":"x/acme","kind":"verdict","time":"2026-03-01T11:00:00Z","verdict":{"says":"trust","rule":"login_new_country","by":"mallory"}}`, "kind", "forbidden_kind", `kind: kind is written by Picket only: "verdict" is what a person said of an alert; say it with picket alerts resolve --verdict, or picket baseline`},
		{"kind poll", `{"id":"b","account":"x/acme","kind":"poll","time":"2026-03-01T11:00:00Z","poll":{"state":"complete"}}`, "kind", "forbidden_kind", `kind: kind is written by Picket only: "poll" is a collector's report about itself`},
		{"unknown account", `{"id":"b","account":"bluesky/acme","kind":"post","time":"2026-03-01T11:00:00Z"}`, "account", "unknown_account", `account "bluesky/acme": account is not in the configuration`},
		{"refused by the journal", `{"id":"b","account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z","text":"invalid"}`, "text", "invalid", "invalid activity: text: says invalid"},
		{"no room", `{"id":"b","account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z","text":"no room"}`, "", "no_room", "journal has no room: free disk space is below journal.reserve"},
		{"passing fault", `{"id":"b","account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z","text":"fault"}`, "", "fault", "no leader"},
		{"not the sender's", `{"id":"b","account":"x/rival","kind":"post","time":"2026-03-01T11:00:00Z"}`, "account", "not_allowed", `account: not allowed for "x/rival": token "ci" may send only for the accounts that it is configured for`},
	} {
		for form, body := range map[intake.Form]string{
			intake.FormJSON:  "[" + post("a") + "," + row.item + "," + post("c") + "]",
			intake.FormLines: post("a") + "\n" + row.item + "\n" + post("c"),
		} {
			if form == intake.FormLines && row.item == "" {
				continue // a blank line is no item
			}
			t.Run(row.name, func(t *testing.T) {
				var j journal
				var counts tally
				answer, err := receiver(&j, &counts).Receive(t.Context(), intake.Body{
					Data: []byte(body), Form: form, Content: intake.Activities,
					Sender: `token "ci"`, May: func(account string) bool { return account != "x/rival" },
				})
				if err != nil {
					t.Fatal(err)
				}
				if got := j.ids(); got != "a c" {
					t.Errorf("journal holds %q, want the neighbours %q", got, "a c")
				}
				if answer.Outcome() != intake.SomeRefused || answer.Accepted != 2 || answer.Refused != 1 || counts.accepted != 2 || counts.refused[row.reason] != 1 {
					t.Errorf("answer %s, counted %+v", answer.JSON(), counts.refused)
				}
				got := answer.Results[1]
				if got.Error != row.want || got.Field != row.field || got.Reason() != row.reason {
					t.Errorf("error %q\n      field %q reason %q\n want %q\n      field %q reason %q", got.Error, got.Field, got.Reason(), row.want, row.field, row.reason)
				}
				if retry := row.reason == "no_room" || row.reason == "fault"; got.Retry != retry {
					t.Errorf("retry %v, want %v", got.Retry, retry)
				}
				if answer.FirstRefused() != &answer.Results[1] {
					t.Errorf("first refused %+v, want item 1", answer.FirstRefused())
				}
			})
		}
	}
}

// TestRefuseBody holds that a body whose structure is broken is refused whole.
func TestRefuseBody(t *testing.T) {
	many := "[" + strings.Repeat("{},", 100) + "{}]"
	for _, row := range []struct {
		name, body, want string
		form             intake.Form
	}{
		{"empty", "", "line 1:1: body is empty; expected an object, an array of objects, or one object a line", intake.FormJSON},
		{"white space", " \n ", "line 1:1: body is empty; expected an object, an array of objects, or one object a line", intake.FormLines},
		{"no item", "[ ]", "line 1:1: body holds no item; expected at least one object", intake.FormJSON},
		{"text", `"hello"`, `line 1:1: expected "{" or "[", found '"'`, intake.FormJSON},
		{"form post", "id=1&kind=post", `line 1:1: expected "{" or "[", found 'i'`, intake.FormJSON},
		{"open array", "[" + post("1"), "line 1:87: the input ends inside an item", intake.FormJSON},
		{"array ends after a comma", "[{},", "line 1:5: the input ends inside an array", intake.FormJSON},
		{"open object", "{\n\"id\":", "line 2:6: the input ends inside an item", intake.FormJSON},
		{"open text", `[{"id":"a},{"id":"b"}]`, "line 1:23: the input ends inside an item", intake.FormJSON},
		{"wrong bracket", "[{\n\"a\":[}]", `line 2:6: expected ']', found '}'`, intake.FormJSON},
		{"bracket too many", "[{}}]", `line 1:4: found '}' that nothing opens`, intake.FormJSON},
		{"something after the array", "[{}] x", `line 1:6: expected the end after the array, found 'x'`, intake.FormJSON},
		{"two objects on a line", "{} {}", "line 1:4: a second object on the line of the first; put objects on lines of their own or in an array", intake.FormJSON},
		{"something after an object", "{}\n]", `line 2:1: expected "{" or "[", found ']'`, intake.FormJSON},
		{"too deep", "[" + strings.Repeat("[", 300), "line 1:258: brackets nest more than 256 deep; flatten the item", intake.FormJSON},
		{"too many items", many, "body is too large: more than 100 items; split it", intake.FormJSON},
		{"too many lines", strings.Repeat("{}\n", 101), "body is too large: more than 100 items; split it", intake.FormLines},
	} {
		t.Run(row.name, func(t *testing.T) {
			var j journal
			var counts tally
			answer, err := receiver(&j, &counts).Receive(t.Context(), intake.Body{Data: []byte(row.body), Form: row.form, Content: intake.Activities})
			if answer != nil || err == nil || err.Error() != row.want {
				t.Errorf("error %v, want %s", err, row.want)
			}
			if j.ids() != "" || counts.refused[intake.BodyReason(err)] != 1 {
				t.Errorf("journal holds %q, counted %v", j.ids(), counts.refused)
			}
		})
	}
}

func TestItemTooLong(t *testing.T) {
	long := `{"id":"` + strings.Repeat("x", intake.MaxItem) + `"}`
	for name, body := range map[string]string{
		"array": "[" + post("a") + "," + long + "," + post("c") + "]",
		"lines": post("a") + "\n" + long + "\n" + post("c"),
	} {
		t.Run(name, func(t *testing.T) {
			var j journal
			form := intake.FormJSON
			if name == "lines" {
				form = intake.FormLines
			}
			answer, err := receiver(&j, &tally{}).Receive(t.Context(), intake.Body{Data: []byte(body), Form: form, Content: intake.Activities})
			if err != nil {
				t.Fatal(err)
			}
			if got := answer.Results[1]; got.Error != "item is too long: 1048585 bytes, expected at most 1048576" || got.Reason() != intake.ReasonTooLarge || j.ids() != "a c" {
				t.Errorf("result %+v, journal %q", got, j.ids())
			}
		})
	}
}

func TestOutcomes(t *testing.T) {
	with := func(text string) string { return strings.ReplaceAll(post("z"), `"hi"`, `"`+text+`"`) }
	for _, row := range []struct {
		name, body string
		want       intake.Outcome
	}{
		{"all", post("a"), intake.AllAccepted},
		{"mixed", "[" + post("a") + "," + with("no room") + "]", intake.SomeRefused},
		{"none", "[{}]", intake.AllRefused},
		{"no room beside a bad item", "[{}," + with("no room") + "," + with("fault") + "]", intake.NoRoom},
		{"fault beside a bad item", "[" + with("fault") + ",{}]", intake.Fault},
	} {
		t.Run(row.name, func(t *testing.T) {
			answer, err := receiver(&journal{}, &tally{}).Receive(t.Context(), intake.Body{Data: []byte(row.body), Content: intake.Activities})
			if err != nil || answer.Outcome() != row.want {
				t.Errorf("outcome %v of %s (%v), want %v", answer.Outcome(), answer.JSON(), err, row.want)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	var j journal
	body := `{"id":"1","account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z",
		"links":["https://Acme.Example:8443/a","https://acme.example/b","not a url","mailto:a@b.example","http://[2001:db8::1]/"],
		"hashtags":["#One","＃two","three"," # "],"mentions":["@Ann","bob"]}`
	given := `{"id":"2","account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z","seen":"2026-03-01T11:00:05Z","links":["https://t.example/x"],"link_domains":["real.example"]}`
	answer, err := receiver(&j, &tally{}).Receive(t.Context(), intake.Body{Data: []byte("[" + body + "," + given + "]"), Content: intake.Activities})
	if err != nil || answer.Accepted != 2 {
		t.Fatalf("answer %s, error %v", answer.JSON(), err)
	}
	a, b := j.kept[0], j.kept[1]
	if a.Network != "x" || !a.Seen.Equal(now()) {
		t.Errorf("network %q, seen %s; want x and %s", a.Network, a.Seen, now())
	}
	for _, list := range []struct {
		name      string
		got, want []string
	}{
		{"link_domains", a.LinkDomains, []string{"acme.example", "2001:db8::1"}},
		{"hashtags", a.Hashtags, []string{"One", "two", "three"}},
		{"mentions", a.Mentions, []string{"Ann", "bob"}},
		{"link_domains as given", b.LinkDomains, []string{"real.example"}},
	} {
		if !slices.Equal(list.got, list.want) {
			t.Errorf("%s %q, want %q", list.name, list.got, list.want)
		}
	}
	if b.Seen.Format("15:04:05") != "11:00:05" {
		t.Errorf("seen %s, want it as given", b.Seen)
	}
}

func TestAnswerJSON(t *testing.T) {
	var j journal
	answer, err := receiver(&j, &tally{}).Receive(t.Context(), intake.Body{Data: []byte("[" + post("1") + ",{}]"), Content: intake.Activities})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"accepted":1,"refused":1,"results":[{"index":0,"status":"accepted"},` +
		`{"index":1,"status":"refused","error":"id: missing; expected the native id, unique within network, account and kind","field":"id"}]}`
	if got := string(answer.JSON()); got != want {
		t.Errorf("answer\n%s\nwant\n%s", got, want)
	}
	if got := string((&intake.Answer{Error: "no"}).JSON()); got != `{"accepted":0,"refused":0,"results":[],"error":"no"}` {
		t.Errorf("answer of a refused body: %s", got)
	}
}

func TestAnswerFit(t *testing.T) {
	bodies := strings.Repeat(post("1")+"\n{}\n", 50)
	answer, err := receiver(&journal{}, &tally{}).Receive(t.Context(), intake.Body{Data: []byte(bodies), Form: intake.FormLines, Content: intake.Activities})
	if err != nil {
		t.Fatal(err)
	}
	whole := answer.JSON()
	if got := answer.Fit(len(whole)); string(got) != string(whole) {
		t.Error("an answer that fits was changed")
	}
	for _, limit := range []int{len(whole) - 1, 2000, 60} {
		var got intake.Answer
		data := answer.Fit(limit)
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if len(data) > limit && len(got.Results) > 0 {
			t.Errorf("%d bytes, want at most %d", len(data), limit)
		}
		if got.Accepted != 50 || got.Refused != 50 || len(got.Results)+got.LeftOut != 100 {
			t.Errorf("limit %d: %d accepted, %d refused, %d results, %d left out", limit, got.Accepted, got.Refused, len(got.Results), got.LeftOut)
		}
		for _, r := range got.Results {
			if r.Status != intake.Refused {
				t.Errorf("limit %d: an accepted item was kept before refused ones", limit)
			}
		}
		answer, _ = receiver(&journal{}, &tally{}).Receive(t.Context(), intake.Body{Data: []byte(bodies), Form: intake.FormLines, Content: intake.Activities})
	}
}

// mute answers for fewer items than it is given.
type mute struct{}

func (mute) Submit(context.Context, []activity.Activity) []error { return []error{nil} }

func TestIntakeThatSaysTooLittle(t *testing.T) {
	r := &intake.Receiver{Intake: mute{}, Now: now, Metrics: intake.NoMetrics{}, MaxItems: 9}
	answer, err := r.Receive(t.Context(), intake.Body{Data: []byte("[" + post("1") + "," + post("2") + "]"), Content: intake.Activities})
	if err != nil || answer.Outcome() != intake.Fault || answer.Results[0].Error != "the journal answered for 1 of 2 items; send them again" {
		t.Errorf("answer %s, error %v", answer.JSON(), err)
	}
}

func TestFormOf(t *testing.T) {
	for header, want := range map[string]intake.Form{
		"": intake.FormJSON, "application/json": intake.FormJSON, "application/json; charset=UTF-8": intake.FormJSON,
		"text/json": intake.FormJSON, "application/x-ndjson": intake.FormLines, "APPLICATION/JSONL": intake.FormLines,
	} {
		if got, err := intake.FormOf(header); err != nil || got != want {
			t.Errorf("%q: form %v, error %v, want %v", header, got, err, want)
		}
	}
	for header, want := range map[string]string{
		"text/csv":                               `media type is not supported: Content-Type "text/csv"; send application/json or application/x-ndjson`,
		"application/x-www-form-urlencoded":      `media type is not supported: Content-Type "application/x-www-form-urlencoded"; send application/json or application/x-ndjson`,
		"application/json; charset=iso-8859-1":   `media type is not supported: charset "iso-8859-1"; encode the body as UTF-8`,
		"application/json; charset=utf-8; broke": `media type is not supported: Content-Type "application/json; charset=utf-8; broke" is not a media type; send application/json or application/x-ndjson`,
	} {
		if _, err := intake.FormOf(header); err == nil || err.Error() != want || !errors.Is(err, intake.ErrMediaType) {
			t.Errorf("%q: error %v, want %s", header, err, want)
		}
	}
}

func TestReasonsAreDistinct(t *testing.T) {
	reasons := intake.Reasons()
	slices.Sort(reasons)
	if got := len(slices.Compact(slices.Clone(reasons))); got != 15 || len(reasons) != 15 {
		t.Errorf("%d reasons, %d distinct, want 15", len(reasons), got)
	}
}
