package activity

import (
	"errors"
	"strings"
	"testing"
)

type bad struct{ name, in, want string }

func badActivities() []bad {
	return []bad{
		{"nothing", ``, `byte 0: expected an activity (an object), found the end of the input`},
		{"a list", `[]`, `byte 0: expected an activity (an object), found a list`},
		{"cut off", `{"id":"1"`, `byte 9: expected "," or "}", found the end of the input`},
		{"cut off in text", `{"id":"1`, `byte 8: id: expected a closing double quote, found the end of the input`},
		{"more behind", `{"id":"1"} {"id":"2"}`, `byte 11: expected the end of the input, found an object`},
		{"trailing comma", `{"id":"1",}`, `byte 10: expected a field name in double quotes, found '}'`},
		{"single quotes", `{'id':'1'}`, `byte 1: expected a field name in double quotes, found '\''`},
		{"no colon", `{"id" "1"}`, `byte 6: expected ":" after a field name, found text`},
		{"no comma", `{"id":"1" "kind":"post"}`, `byte 10: expected "," or "}", found text`},
		{"id is a number", `{"id":1}`, `byte 6: id: expected text in double quotes, found a number`},
		{"id given twice", `{"id":"1","kind":"post","id":"2"}`, `byte 29: id: given twice; keep one of the two`},
		{"kind is a list", `{"kind":["post"]}`, `byte 8: kind: expected text in double quotes, found a list`},
		{"time is seconds", `{"time":1767225600}`, `byte 8: time: expected a time such as "2026-03-01T12:00:00Z" in double quotes, found a number`},
		{"time without zone", `{"time":"2026-03-01T12:00:00"}`, `byte 8: time: "2026-03-01T12:00:00" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"time with a space", `{"time":"2026-03-01 12:00:00Z"}`, `byte 8: time: "2026-03-01 12:00:00Z" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"no such day", `{"time":"2025-02-29T12:00:00Z"}`, `byte 8: time: "2025-02-29T12:00:00Z" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"ten decimals", `{"time":"2026-03-01T12:00:00.1234567890Z"}`, `byte 8: time: "2026-03-01T12:00:00.1234567890Z" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"control character", "{\"text\":\"a\nb\"}", `byte 10: text: control character 0x0a inside text; write it as \u000a`},
		{"invalid UTF-8", "{\"text\":\"abc\xff\"}", `byte 12: text: invalid UTF-8: byte 0xff; expected text encoded as UTF-8`},
		{"UTF-8 of a surrogate", "{\"text\":\"\xed\xa0\x80\"}", `byte 9: text: invalid UTF-8: byte 0xed; expected text encoded as UTF-8`},
		{"unknown escape", `{"text":"C:\dir"}`, `byte 11: text: unknown escape \d; expected one of \" \\ \/ \b \f \n \r \t \uXXXX`},
		{"short escape", `{"text":"\u12"}`, `byte 9: text: expected four hexadecimal digits after \u`},
		{"half a surrogate pair", `{"text":"\ud83d!"}`, `byte 9: text: \ud83d is half of a surrogate pair; expected both halves, or \ufffd where one is lost`},
		{"links is text", `{"links":"https://acme.example"}`, `byte 9: links: expected a list of texts, found text`},
		{"null in a list", `{"links":["a",null]}`, `byte 14: links[1]: expected text in double quotes, found null`},
		{"list not closed", `{"links":["a"}`, `byte 13: links: expected "," or "]", found '}'`},
		{"lat is text", `{"geo":{"lat":"52.5"}}`, `byte 14: geo.lat: expected a number, found text`},
		{"geo is text", `{"geo":"DE"}`, `byte 7: geo: expected an object, found text`},
		{"geo.lat twice", `{"geo":{"lat":1,"lat":2}}`, `byte 22: geo.lat: given twice; keep one of the two`},
		{"number beyond range", `{"geo":{"lat":1e999}}`, `byte 14: geo.lat: number is beyond the range of a 64-bit float (1.8e308)`},
		{"leading zero", `{"geo":{"asn":0123}}`, `byte 14: geo.asn: number with a leading zero; JSON numbers have none`},
		{"no digit after the point", `{"geo":{"lat":1.}}`, `byte 16: geo.lat: expected a digit after the decimal point, found '}'`},
		{"plus sign", `{"geo":{"lat":+1}}`, `byte 14: geo.lat: expected a number, found '+'`},
		{"NaN", `{"metrics":{"followers":NaN}}`, `byte 24: metrics.followers: expected a number, found NaN`},
		{"metric is text", `{"metrics":{"followers":"12"}}`, `byte 24: metrics.followers: expected a number, found text`},
		{"metric twice", `{"metrics":{"b":1,"a":1,"b":2}}`, `byte 11: metrics.b: given twice; keep one of the two`},
		{"profile value is a number", `{"profile":{"name":7}}`, `byte 19: profile.name: expected text in double quotes, found a number`},
		{"profile is a list", `{"profile":["name"]}`, `byte 11: profile: expected an object of texts, found a list`},
		{"profile name twice", `{"profile":{"name":"a","name":"b"}}`, `byte 11: profile.name: given twice; keep one of the two`},
		{"media is a list of texts", `{"media":["sha256:ab"]}`, `byte 10: media[0]: expected an object with "hash", "type" or "url", found text`},
		{"media url is a number", `{"media":[{},{"url":1}]}`, `byte 20: media[1].url: expected text in double quotes, found a number`},
		{"half a use", `{"approval":{"max_uses":1.5}}`, `byte 24: approval.max_uses: 1.5 is not a whole number from 0 to 2147483647`},
		{"approval is text", `{"approval":"yes"}`, `byte 12: approval: expected an object, found text`},
		{"raw with a broken escape", `{"raw":{"a":"\x"}}`, `byte 13: raw: expected one of the escapes \" \\ \/ \b \f \n \r \t \uXXXX`},
		{"offset without colon", `{"time":"2026-03-01T12:00:00+0100"}`, `byte 8: time: "2026-03-01T12:00:00+0100" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"offset of a day", `{"time":"2026-03-01T12:00:00+24:00"}`, `byte 8: time: "2026-03-01T12:00:00+24:00" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"letters in a time", `{"time":"2026-0x-01T12:00:00Z"}`, `byte 8: time: "2026-0x-01T12:00:00Z" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"long text for a time", `{"time":"the first of March in the year of our Lord 2026"}`, `byte 8: time: "the first of March in the year of our Lo…" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"time before year 1 in UTC", `{"time":"0001-01-01T00:00:00+01:00"}`, `byte 8: time: "0001-01-01T00:00:00+01:00" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"approval until", `{"approval":{"until":"soon"}}`, `byte 21: approval.until: "soon" is not a time; expected RFC 3339 such as "2026-03-01T12:00:00Z", years 1 to 9999, at most 9 decimals`},
		{"raw is text", `{"raw":"event"}`, `byte 7: raw: expected an object: the source's own event, found text`},
		{"raw is broken", `{"raw":{"a":tru}}`, `byte 12: raw: expected true or false, found a word without quotes`},
		{"raw is too deep", `{"raw":` + strings.Repeat(`{"a":`, 65) + `1` + strings.Repeat(`}`, 65) + `}`, `byte 327: raw: nested more than 64 levels deep; flatten it`},
		{"unknown field is broken", `{"new":[1 2]}`, `byte 10: new: expected "," or "]", found a number`},
		{"network contradicts account", `{"network":"okta","account":"x/acme"}`, `byte 0: network: "okta" contradicts account "x/acme"; omit network or make both agree`},
	}
}

func badBatches() []bad {
	return []bad{
		{"no version", `{"activities":[]}`, `byte 0: v: missing; expected the version of the format, 1`},
		{"later version", `{"v":2,"activities":[]}`, `byte 5: v: 2 is not a version that this reader knows; expected 1`},
		{"version is text", `{"v":"1"}`, `byte 5: v: expected a number, found text`},
		{"backfill is text", `{"v":1,"backfill":"yes"}`, `byte 18: backfill: expected true or false, found text`},
		{"recent is not base64", `{"v":1,"recent":"?"}`, `byte 16: recent: expected base64 (with padding) of little-endian 64-bit numbers`},
		{"recent is cut", `{"v":1,"recent":"AQAAAA=="}`, `byte 16: recent: expected base64 (with padding) of little-endian 64-bit numbers`},
		{"cursor is broken", `{"v":1,"cursor":{"a"}}`, `byte 20: cursor: expected ":" after a field name, found '}'`},
		{"one activity is bad", `{"v":1,"activities":[{"id":"1"},{"id":"2","geo":{"lat":true}}]}`, `byte 55: activities[1].geo.lat: expected a number, found true`},
		{"activity is null", `{"v":1,"activities":[null]}`, `byte 21: activities[0]: expected an activity (an object), found null`},
		{"activities is an object", `{"v":1,"activities":{}}`, `byte 20: activities: expected a list of activities, found an object`},
	}
}

func badStrict() []bad {
	return []bad{
		{"typo", `{"txt":"a"}`, `byte 7: txt: unknown field; did you mean "text"?`},
		{"camel case", `{"userAgent":"a"}`, `byte 13: userAgent: unknown field; did you mean "user_agent"?`},
		{"swapped letters", `{"gep":{}}`, `byte 7: gep: unknown field; did you mean "geo"?`},
		{"typo in geo", `{"geo":{"contry":"DE"}}`, `byte 17: geo.contry: unknown field; did you mean "country"?`},
		{"typo in media", `{"media":[{"hsah":"a"}]}`, `byte 18: media[0].hsah: unknown field; did you mean "hash"?`},
		{"nothing near", `{"outcome":{"verdict":"ok"}}`, `byte 22: outcome.verdict: unknown field; expected one of result, reason`},
		{"swapped vowels", `{"links":["a"],"mentoins":["b"]}`, `byte 26: mentoins: unknown field; did you mean "mentions"?`},
		{"field of another object", `{"country":"DE"}`, `byte 11: country: unknown field; did you mean "geo.country"?`},
	}
}

func TestBadInput(t *testing.T) {
	var lenient Decoder
	strict := Decoder{Strict: true}
	var a Activity
	var b Batch
	for _, set := range []struct {
		name   string
		rows   []bad
		decode func(data []byte) error
	}{
		{"activity", badActivities(), func(data []byte) error { return lenient.Activity(data, &a) }},
		{"batch", badBatches(), func(data []byte) error { return lenient.Batch(data, &b) }},
		{"strict", badStrict(), func(data []byte) error { return strict.Activity(data, &a) }},
	} {
		for _, tt := range set.rows {
			t.Run(set.name+"/"+tt.name, func(t *testing.T) {
				err := set.decode([]byte(tt.in))
				var syntax *SyntaxError
				if !errors.As(err, &syntax) {
					t.Fatalf("got %v, want a *SyntaxError", err)
				}
				if got := err.Error(); got != tt.want {
					t.Errorf("%s\ngot  %s\nwant %s", tt.in, got, tt.want)
				}
				if syntax.Offset < 0 || syntax.Offset > len(tt.in) {
					t.Errorf("offset %d is outside the input", syntax.Offset)
				}
			})
		}
	}
}
