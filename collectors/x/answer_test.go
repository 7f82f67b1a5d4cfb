package x

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dghubble/go-twitter/twitter" //nolint:staticcheck // archived, and the client this is built on: what it lacks is in this package
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
)

// translator returns an exchange that translates without a network.
func translator(tb testing.TB, api string) *exchange {
	tb.Helper()
	cfg := Config{Account: "x/acme", Username: "acme", API: api, BearerToken: bearerToken}
	c, err := New(cfg, collectors.Deps{HTTP: &http.Client{}, Log: zap.NewNop(), Now: start})
	if err != nil {
		tb.Fatal(err)
	}
	return &exchange{ctx: tb.Context(), c: c, user: 1000}
}

func okBody(text string) *body {
	return &body{endpoint: "GET /2/test", status: http.StatusOK, header: http.Header{}, bytes: []byte(text)}
}

func TestTranslateTimeline(t *testing.T) {
	rows := []struct {
		name, answer, want string
		malformed          []string
	}{
		{
			name:   "least that X sends",
			answer: `{"data":[{"id":"1460323737035677698","text":"a"}],"meta":{"result_count":1}}`,
			want:   `[{"id":1460323737035677698,"id_str":"1460323737035677698","full_text":"a","retweet_count":0,"reply_count":0,"favorite_count":0,"quote_count":0}]`,
		},
		{
			name: "metrics and time, old words",
			answer: `{"data":[{"id":"1460323737035677698","text":"a","created_at":"2021-11-15T19:08:05.000Z","author_id":"7","lang":"en",
				"public_metrics":{"retweet_count":1,"reply_count":2,"like_count":3,"quote_count":4}}]}`,
			want: `[{"created_at":"Mon Nov 15 19:08:05 +0000 2021","id":1460323737035677698,"id_str":"1460323737035677698","full_text":"a","lang":"en",
				"user":{"id":7,"id_str":"7","name":"","screen_name":"","description":"","location":"","protected":false,"verified":false,
				"followers_count":0,"friends_count":0,"listed_count":0,"statuses_count":0,"entities":{}},
				"retweet_count":1,"reply_count":2,"favorite_count":3,"quote_count":4}]`,
		},
		{
			name:   "metrics, new words",
			answer: `{"data":[{"id":"1460323737035677698","text":"a","public_metrics":{"repost_count":9,"reply_count":0,"like_count":0,"quote_count":0}}]}`,
			want:   `[{"id":1460323737035677698,"id_str":"1460323737035677698","full_text":"a","retweet_count":9,"reply_count":0,"favorite_count":0,"quote_count":0}]`,
		},
		{
			name:   "repost whose original X leaves out, with X's partial error about it",
			answer: `{"data":[{"id":"1460323737035677698","text":"RT @b: c","referenced_tweets":[{"type":"retweeted","id":"12"}]}],"errors":[{"resource_type":"tweet","resource_id":"12","title":"Not Found Error","type":"https://api.x.com/2/problems/resource-not-found"}]}`,
			want: `[{"id":1460323737035677698,"id_str":"1460323737035677698","full_text":"RT @b: c",
				"retweeted_status":{"id":12,"id_str":"12","full_text":"","retweet_count":0,"reply_count":0,"favorite_count":0,"quote_count":0},
				"retweet_count":0,"reply_count":0,"favorite_count":0,"quote_count":0}]`,
		},
		{
			name:   "attachment that X does not include",
			answer: `{"data":[{"id":"1460323737035677698","text":"a","attachments":{"media_keys":["13_5"]}}]}`,
			want: `[{"id":1460323737035677698,"id_str":"1460323737035677698","full_text":"a","extended_entities":{"media":[{"id_str":"13_5","type":"video"}]},
				"retweet_count":0,"reply_count":0,"favorite_count":0,"quote_count":0}]`,
		},
		{name: "no posts", answer: `{"meta":{"result_count":0}}`, want: `[]`},
		{name: "no posts, null", answer: `{"data":null,"meta":{"result_count":0}}`, want: `[]`},
		{
			name:   "no posts, and an error about something referenced",
			answer: `{"meta":{"result_count":0},"errors":[{"resource_type":"tweet","section":"includes","type":"https://api.x.com/2/problems/not-authorized-for-resource"}]}`,
			want:   `[]`,
		},
		{
			name:   "one bad post between good ones",
			answer: `{"data":[{"id":"1460323737035677699","text":"a"},{"id":12,"text":"b"},{"id":"1460323737035677697","text":"c"}]}`,
			want: `[{"id":1460323737035677699,"id_str":"1460323737035677699","full_text":"a","retweet_count":0,"reply_count":0,"favorite_count":0,"quote_count":0},
				{"id":1460323737035677697,"id_str":"1460323737035677697","full_text":"c","retweet_count":0,"reply_count":0,"favorite_count":0,"quote_count":0}]`,
			malformed: []string{"malformed data[1].id: GET /2/test: is a JSON number; want a string"},
		},
		{
			name: "every way in which a post can be bad",
			answer: `{"data":[{"id":"x"},{"id":"-4"},{"id":"1460323737035677698","created_at":"yesterday"},{"id":"12","text":"a"},"text",
				{"id":"1460323737035677698","referenced_tweets":[{"type":"quoted","id":""}]},{"id":"1460323737035677698","entities":{"urls":{}}}]}`,
			want: `[]`,
			malformed: []string{
				`malformed data[0]: GET /2/test: id "x"; want decimal digits`,
				`malformed data[1]: GET /2/test: id "-4"; want decimal digits`,
				`malformed data[2]: GET /2/test: created_at "yesterday"; want RFC 3339`,
				`malformed data[3]: GET /2/test: created_at is missing, and the id is too old to tell the time`,
				`malformed data[4]: GET /2/test: is a JSON string; want an object`,
				`malformed data[5]: GET /2/test: referenced post: id ""; want decimal digits`,
				`malformed data[6].entities.urls: GET /2/test: is a JSON object; want an array`,
			},
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := translator(t, APIv2)
			got, err := e.translate(callTimeline, okBody(row.answer))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decoded(t, []byte(row.want)), decoded(t, got)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			var malformed []string
			for _, m := range e.answer.malformed {
				malformed = append(malformed, m.Error())
			}
			if diff := cmp.Diff(row.malformed, malformed); diff != "" {
				t.Errorf("malformed (-want +got):\n%s", diff)
			}
		})
	}
}

func decoded(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

func TestTranslateRefusals(t *testing.T) {
	rows := []struct {
		name, call, answer, kind, says string
	}{
		{"not an object", callTimeline, `[]`, wantMalformed, "answer"},
		{"no data, no meta", callTimeline, `{}`, wantMalformed, "neither data nor errors nor meta"},
		{"data is an object", callTimeline, `{"data":{}}`, wantMalformed, "answer"},
		{"timeline of a protected account", callTimeline, `{"errors":[{"resource_type":"user","parameter":"id","title":"Authorization Error","type":"https://api.twitter.com/2/problems/not-authorized-for-resource"}],"meta":{"result_count":0}}`, wantForbidden, "protected"},
		{"user that X cannot tell now", callUser, `{"errors":[{"title":"Internal Error","type":"https://api.x.com/2/problems/internal-error"}]}`, wantRetry, "internal-error"},
		{"user unavailable for now", callUser, `{"errors":[{"title":"x","type":"https://api.x.com/2/problems/resource-unavailable","resource_type":"user"}]}`, wantRetry, "resource-unavailable"},
		{"user without id", callUser, `{"data":{"name":"a"}}`, wantMalformed, `id ""; want decimal digits`},
		{"user disallowed", callUser, `{"errors":[{"title":"Forbidden","type":"https://api.x.com/2/problems/disallowed-resource"}]}`, wantForbidden, "may read this account"},
		{"look-up without anything", callLookup, `{"meta":{}}`, wantMalformed, "neither data"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := translator(t, APIv2).translate(row.call, okBody(row.answer))
			if err == nil || kindOf(err) != row.kind || !strings.Contains(err.Error(), row.says) {
				t.Errorf("error %v of kind %s; want %s that says %q", err, kindOf(err), row.kind, row.says)
			}
		})
	}
}

// Only X's word that a post does not exist makes it missing.
func TestMissing(t *testing.T) {
	rows := []struct {
		name, problem string
		missing       bool
	}{
		{"as documented", `{"resource_id":"77","resource_type":"tweet","title":"Not Found Error","type":"https://api.x.com/2/problems/resource-not-found"}`, true},
		{"older host, value instead of resource_id", `{"value":"77","parameter":"ids","resource_type":"tweet","type":"https://api.twitter.com/2/problems/resource-not-found"}`, true},
		{"new word for a post", `{"resource_id":"77","resource_type":"post","type":"https://api.x.com/2/problems/resource-not-found"}`, true},
		{"not authorized", `{"resource_id":"77","resource_type":"tweet","type":"https://api.x.com/2/problems/not-authorized-for-resource"}`, false},
		{"unavailable", `{"resource_id":"77","resource_type":"tweet","type":"https://api.x.com/2/problems/resource-unavailable"}`, false},
		{"internal error", `{"resource_id":"77","resource_type":"tweet","type":"https://api.x.com/2/problems/internal-error"}`, false},
		{"about a user", `{"resource_id":"77","resource_type":"user","type":"https://api.x.com/2/problems/resource-not-found"}`, false},
		{"about an include", `{"resource_id":"77","resource_type":"tweet","section":"includes","type":"https://api.x.com/2/problems/resource-not-found"}`, false},
		{"another post", `{"resource_id":"78","resource_type":"tweet","type":"https://api.x.com/2/problems/resource-not-found"}`, false},
		{"value of an odd type", `{"value":{"id":"77"},"resource_type":"tweet","type":"https://api.x.com/2/problems/resource-not-found"}`, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := translator(t, APIv2)
			if _, err := e.translate(callLookup, okBody(`{"errors":[`+row.problem+`]}`)); err != nil {
				t.Fatal(err)
			}
			if got := e.answer.missing[77]; got != row.missing {
				t.Errorf("missing %t, want %t", got, row.missing)
			}
		})
	}
}

func TestSnowflake(t *testing.T) {
	// The example post of docs.x.com's data dictionary and its created_at.
	const id = 1212092628029698048
	made := time.Date(2019, 12, 31, 19, 26, 16, 0, time.UTC)
	if d := snowflakeTime(id).Sub(made); d < 0 || d >= time.Second {
		t.Errorf("time of %d is %s, want %s", id, snowflakeTime(id), made)
	}
	if got := snowflakeTime(snowflakeAt(made)); !got.Equal(made) {
		t.Errorf("%s became %s", made, got)
	}
	if got := snowflakeAt(time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC)); got != 0 {
		t.Errorf("id before there were any is %d, want 0", got)
	}
	rows := []struct {
		name    string
		id      int64
		created time.Time
		edited  bool
		want    time.Time
	}{
		{"agrees: the id's millisecond", id, made, false, snowflakeTime(id)},
		{"no created_at", id, time.Time{}, false, snowflakeTime(id)},
		{"two seconds off", id, made.Add(-2 * time.Second), false, made.Add(-2 * time.Second)},
		{"an hour off: what X says", id, made.Add(-time.Hour), false, made.Add(-time.Hour)},
		{"an edit, with the first version's created_at", id, made.Add(-time.Hour), true, snowflakeTime(id)},
		{"before snowflakes", 20, made, false, made},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := postTime(row.id, row.created, row.edited); !got.Equal(row.want) {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

func FuzzTranslate(f *testing.F) {
	for _, seed := range []string{
		`{"data":[{"id":"1460323737035677698","text":"a &amp; b","created_at":"2021-11-15T19:08:05.000Z","edit_history_tweet_ids":["1"],"note_tweet":{"text":"n","entities":{"urls":[{"start":0,"end":3,"url":"https://t.co/a","expanded_url":"https://b"}]}},"referenced_tweets":[{"type":"retweeted","id":"9"}],"attachments":{"media_keys":["3_1"]}}],"includes":{"tweets":[{"id":"9","text":"o"}],"users":[{"id":"7","username":"u"}],"media":[{"media_key":"3_1","type":"photo","url":"https://p"}]},"meta":{"result_count":1,"next_token":"t"}}`,
		`{"data":[{"id":"1460323737035677698","text":"a","note_post":{"text":"n"},"referenced_posts":[{"type":"replied_to","id":"9"}],"edit_history_post_ids":["1","2"]}],"includes":{"posts":[{"id":"9"}]}}`,
		`{"data":{"id":"7","name":"n","username":"u","public_metrics":{"followers_count":3,"tweet_count":1},"entities":{"url":{"urls":[{"url":"https://t.co/a","expanded_url":"https://b"}]}}}}`,
		`{"errors":[{"value":"77","resource_type":"tweet","type":"https://api.x.com/2/problems/resource-not-found"}]}`,
		`{"meta":{"result_count":0}}`, `{}`, `[]`, `null`, `{"data":null}`, `{"data":[null]}`, `{"includes":{"media":[null],"users":[1]}}`,
		`[{"id":1460323737035677698,"created_at":"Mon Nov 15 19:08:05 +0000 2021","full_text":"a","ext_edit_control":{"initial":{"edit_tweet_ids":["1"]}}}]`,
	} {
		for call := range calls() {
			f.Add(call, seed)
		}
	}
	f.Fuzz(func(t *testing.T, call int, text string) {
		b := okBody(text)
		if call < 0 || call >= len(calls()) || checkForm(b) != nil {
			return
		}
		name := calls()[call]
		for _, api := range []string{APIv2, APIv11} {
			e := translator(t, api)
			read := e.translate
			if api == APIv11 {
				read = e.sift
			}
			out, err := read(name, b)
			if err != nil {
				if !utf8.ValidString(err.Error()) && utf8.ValidString(text) {
					t.Errorf("%s: error is not UTF-8: %q", api, err)
				}
				continue
			}
			usable(t, e, name, out)
		}
	})
}

func calls() []string {
	return []string{callTimeline, callMentions, callLookup, callStatus, callUser, callSelf}
}

// usable checks that go-twitter can read a translated answer, and that what it
// read can be mapped.
func usable(t *testing.T, e *exchange, call string, out []byte) {
	t.Helper()
	switch call {
	case callUser, callSelf:
		var u twitter.User
		if err := json.Unmarshal(out, &u); err != nil || u.ID <= 0 {
			t.Fatalf("user %v in %s", err, out)
		}
		profileValues(&u)
	case callStatus:
		if !json.Valid(out) {
			t.Fatalf("not JSON: %s", out)
		}
	default:
		var tweets []twitter.Tweet
		if err := json.Unmarshal(out, &tweets); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		r := e.c.newRound(t.Context(), &state{})
		for i := range tweets {
			a := r.post(&tweets[i], e.answer.histories[tweets[i].ID])
			if tweets[i].ID <= 0 || parseID(a.ID) == 0 || call != callLookup && a.Time.IsZero() {
				t.Fatalf("activity %+v of %s", a, out)
			}
		}
	}
}

func FuzzState(f *testing.F) {
	f.Add(`{"v":1}`)
	f.Add(`{"v":1,"user":"1000","posts":{"since":"5","mark":"9","walk":{"start":1,"max":"7","read":1,"pages":1}},"watch":[{"id":"4","last":"5"}],"gone":[3],"profile":{"n":1,"values":{"name":"a"}}}`)
	f.Fuzz(func(t *testing.T, cursor string) {
		st, err := decodeState(json.RawMessage(cursor))
		if err != nil {
			return
		}
		first, err := collectors.EncodeCursor(st)
		if err != nil {
			return
		}
		again, err := decodeState(first)
		if err != nil {
			t.Fatalf("own cursor refused: %v", err)
		}
		second, err := collectors.EncodeCursor(again)
		if err != nil || string(first) != string(second) {
			t.Fatalf("%s became %s (%v)", first, second, err)
		}
	})
}

func FuzzErrorBody(f *testing.F) {
	f.Add(403, `{"title":"Forbidden","detail":"d","type":"about:blank","status":403}`)
	f.Add(429, `{"errors":[{"code":88,"message":"Rate limit exceeded"}]}`)
	f.Add(401, `{"request":"/1.1/x","error":"Not authorized."}`)
	f.Add(502, `<html>`+bearerToken+`</html>`)
	f.Add(400, `{"errors":[{"message":"`+bearerToken+`","value":{"a":1}}]}`)
	f.Fuzz(func(t *testing.T, status int, text string) {
		b := okBody(text)
		b.status = status
		err := translator(t, APIv2).c.fault(b)
		if err == nil {
			t.Fatal("no error")
		}
		said := err.Error()
		if len(secretsIn(said)) > 0 || len(said) > 2000 || strings.ContainsAny(said, "\n\r\x1b") {
			t.Errorf("error of %d bytes: %q", len(said), said)
		}
	})
}
