package activity

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestValidateAccepts(t *testing.T) {
	tests := []struct {
		name string
		edit func(*Activity)
	}{
		{"a post", func(*Activity) {}},
		{"account with slash, space and umlaut", func(a *Activity) { a.Account = "x/Müller & Söhne/二" }},
		{"longest account", func(a *Activity) { a.Account = "x/" + strings.Repeat("a", 198) }},
		{"longest id", func(a *Activity) { a.ID = strings.Repeat("a", 512) }},
		{"first moment", func(a *Activity) { a.Time = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{"last moment", func(a *Activity) { a.Time = time.Date(2199, 12, 31, 23, 59, 59, 999_999_999, time.UTC) }},
		{"poles", func(a *Activity) { a.Geo.Lat, a.Geo.Lon, a.Geo.ASN = Some(-90), Some(180), Some(math.MaxUint32) }},
		{"longest text", func(a *Activity) { a.Text = strings.Repeat("a", 64<<10) }},
		{"text that is long when escaped", func(a *Activity) { a.Text = strings.Repeat("\n", 64<<10) }},
		{"approval of media", func(a *Activity) { a.Kind, a.Approval.Media = KindApproval, []string{"sha256:ab"} }},
		{"poll", func(a *Activity) { a.Kind, a.Poll.State = KindPoll, PollFailing }},
		{"verdict on an alert", func(a *Activity) {
			a.Kind, a.Verdict = KindVerdict, Verdict{Alert: "3fa29c00", Says: VerdictExpected, Until: a.Time, By: "jane"}
		}},
		{"verdict on values", func(a *Activity) {
			a.Kind, a.Verdict = KindVerdict, Verdict{Rule: "login_new_country", Says: VerdictForget, Values: []string{"RO"}, By: "jane"}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := usual()
			tt.edit(&a)
			if err := a.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
	for _, k := range Kinds() {
		a := usual()
		a.Kind = k
		var field *FieldError
		if err := a.Validate(); errors.As(err, &field) && field.Field == "kind" {
			t.Errorf("kind %s: %v", k, err)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	tests := []struct {
		name, field string
		edit        func(*Activity)
		want        string
	}{
		{"no id", "id", func(a *Activity) { a.ID = "" }, `missing; expected the native id, unique within network, account and kind`},
		{"long id", "id", func(a *Activity) { a.ID = strings.Repeat("a", 513) }, `513 bytes long; expected at most 512, so send a hash of it`},
		{"id is not UTF-8", "id", func(a *Activity) { a.ID = "\xff" }, `not valid UTF-8; expected text encoded as UTF-8`},
		{"no account", "account", func(a *Activity) { a.Account = "" }, `missing; expected "network/name" such as "x/acme"`},
		{"no slash", "account", func(a *Activity) { a.Account = "acme" }, `"acme" has no network or no name; expected "network/name" such as "x/acme"`},
		{"no name", "account", func(a *Activity) { a.Account = "x/" }, `"x/" has no network or no name; expected "network/name" such as "x/acme"`},
		{"network in capitals", "account", func(a *Activity) { a.Account = "X/acme" }, `network "X"; expected 1 to 32 lower-case letters a-z, digits, _ and -`},
		{"other network", "network", func(a *Activity) { a.Network = "okta" }, `"okta" contradicts account "x/acme_europe"; expected "x"`},
		{"long account", "account", func(a *Activity) { a.Account = "x/" + strings.Repeat("a", 199) }, `201 bytes long; expected at most 200`},
		{"space behind", "account", func(a *Activity) { a.Account = "x/acme " }, `"x/acme " starts or ends with a space; remove it`},
		{"line break in account", "account", func(a *Activity) { a.Account = "x/ac\nme" }, `byte 4 of "x/ac\nme" is not part of a printable character; expected visible UTF-8 text without control or formatting characters`},
		{"right-to-left override", "account", func(a *Activity) { a.Account = "x/\u202eacme" }, `byte 2 of "x/\u202eacme" is not part of a printable character; expected visible UTF-8 text without control or formatting characters`},
		{"account is not UTF-8", "account", func(a *Activity) { a.Account = "x/\xffacme" }, `byte 2 of "x/\xffacme" is not part of a printable character; expected visible UTF-8 text without control or formatting characters`},
		{"no kind", "kind", func(a *Activity) { a.Kind = "" }, `missing; expected one of post, repost, reply, edit, delete, message, login, login_failure, logout, session, token_grant, token_revoke, mfa_change, password_change, role_change, profile, followers, mention, approval, poll, verdict`},
		{"typo in kind", "kind", func(a *Activity) { a.Kind = "psot" }, `unknown kind "psot"; did you mean "post"?`},
		{"no time", "time", func(a *Activity) { a.Time = time.Time{} }, `missing; expected when it happened, such as "2026-03-01T12:00:00Z"`},
		{"milliseconds for seconds", "time", func(a *Activity) { a.Time = time.Unix(1_767_225_600_000, 0) }, `year 57971; expected a time from 2000 to 2199 (is the unit seconds?)`},
		{"1970", "seen", func(a *Activity) { a.Seen = time.Unix(1_767_225, 0) }, `year 1970; expected a time from 2000 to 2199 (is the unit seconds?)`},
		{"ip with port", "ip", func(a *Activity) { a.IP = "192.0.2.7:443" }, `not an IP address; expected IPv4 such as 192.0.2.7 or IPv6 such as 2001:db8::7, without port or zone`},
		{"ip with zone", "ip", func(a *Activity) { a.IP = "fe80::1%eth0" }, `not an IP address; expected IPv4 such as 192.0.2.7 or IPv6 such as 2001:db8::7, without port or zone`},
		{"country by name", "geo.country", func(a *Activity) { a.Geo.Country = "Germany" }, `not a country code; expected two capital letters of ISO 3166-1 such as DE`},
		{"country in small letters", "geo.country", func(a *Activity) { a.Geo.Country = "de" }, `not a country code; expected two capital letters of ISO 3166-1 such as DE`},
		{"lat", "geo.lat", func(a *Activity) { a.Geo.Lat = Some(90.1) }, `90.1; expected degrees from -90 to 90`},
		{"lat is not a number", "geo.lat", func(a *Activity) { a.Geo.Lat = Some(math.NaN()) }, `NaN; expected degrees from -90 to 90`},
		{"lon", "geo.lon", func(a *Activity) { a.Geo.Lon = Some(-181) }, `-181; expected degrees from -180 to 180`},
		{"asn", "geo.asn", func(a *Activity) { a.Geo.ASN = Some(1.5) }, `1.5; expected a whole number from 0 to 4294967295`},
		{"approval of nothing", "approval", func(a *Activity) { a.Kind = KindApproval }, `approves nothing; expected text, links or media`},
		{"approval with a post", "approval", func(a *Activity) { a.Approval.Tool = "t" }, `given with kind "post"; expected it with kind "approval" only`},
		{"approval ends before it starts", "approval.until", func(a *Activity) {
			a.Kind, a.Approval = KindApproval, Approval{Text: "a", From: a.Time, Until: a.Time}
		}, `is not after approval.from, so the approval is never valid; swap or correct them`},
		{"approval in another millennium", "approval.until", func(a *Activity) {
			a.Kind, a.Approval = KindApproval, Approval{Text: "a", Until: time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)}
		}, `year 3000; expected a time from 2000 to 2199 (is the unit seconds?)`},
		{"negative uses", "approval.max_uses", func(a *Activity) { a.Kind, a.Approval = KindApproval, Approval{Text: "a", MaxUses: -1} }, `-1; expected 1 or more, or nothing for once`},
		{"long approval", "approval.text", func(a *Activity) {
			a.Kind, a.Approval.Text = KindApproval, strings.Repeat("a", 64<<10+1)
		}, `65537 bytes long; expected at most 65536`},
		{"poll without state", "poll.state", func(a *Activity) { a.Kind = KindPoll }, `missing; expected one of complete, gap, forbidden, failing, exhausted, mentions_behind`},
		{"unknown state", "poll.state", func(a *Activity) { a.Kind, a.Poll.State = KindPoll, "completed" }, `unknown state "completed"; did you mean "complete"?`},
		{"poll with a post", "poll", func(a *Activity) { a.Poll.State = PollGap }, `given with kind "post"; expected it with kind "poll" only`},
		{"verdict with a post", "verdict", func(a *Activity) { a.Verdict.By = "jane" }, `given with kind "post"; expected it with kind "verdict" only`},
		{"verdict that says nothing", "verdict.says", func(a *Activity) { a.Kind, a.Verdict = KindVerdict, Verdict{Alert: "3f", By: "jane"} }, `missing; expected one of true, expected, false`},
		{"unknown verdict", "verdict.says", func(a *Activity) { a.Kind, a.Verdict = KindVerdict, Verdict{Says: VerdictTrue, By: "jane"} }, `"true"; expected one of trust, forget`},
		{"verdict of nobody", "verdict.by", func(a *Activity) { a.Kind, a.Verdict = KindVerdict, Verdict{Says: VerdictTrust} }, `missing; expected who says so`},
		{"alert and values", "verdict.values", func(a *Activity) {
			a.Kind, a.Verdict = KindVerdict, Verdict{Alert: "3f", Says: VerdictTrue, Values: []string{"RO"}, By: "jane"}
		}, `given with an alert, which has its own; remove them`},
		{"values of no rule", "verdict.rule", func(a *Activity) {
			a.Kind, a.Verdict = KindVerdict, Verdict{Says: VerdictForget, Values: []string{"RO"}, By: "jane"}
		}, `missing; expected the rule that the values belong to`},
		{"forgotten for a while", "verdict.until", func(a *Activity) {
			a.Kind, a.Verdict = KindVerdict, Verdict{Rule: "r", Says: VerdictForget, Until: a.Time, By: "jane"}
		}, `given with "forget"; expected it with expected or trust`},
		{"trusted for a thousand years", "verdict.until", func(a *Activity) {
			a.Kind, a.Verdict = KindVerdict, Verdict{Rule: "r", Says: VerdictTrust, Until: time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), By: "jane"}
		}, `year 3000; expected a time from 2000 to 2199 (is the unit seconds?)`},
		{"long text", "text", func(a *Activity) { a.Text = strings.Repeat("a", 64<<10+1) }, `65537 bytes long; expected at most 65536`},
		{"infinite metric", "metrics.posts", func(a *Activity) { a.Metrics = []Metric{{"posts", math.Inf(1)}} }, `+Inf; expected a finite number`},
		{"raw is a list", "raw", func(a *Activity) { a.Raw = []byte("[]") }, `not a JSON object; expected the source's own event, nested at most 64 levels deep`},
		{"too large", "raw", func(a *Activity) { a.Raw = []byte(`{"a":"` + strings.Repeat("a", 200<<10) + `"}`) }, `the activity is 205856 bytes long when encoded; expected at most 204800, so shorten or omit raw and lists`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := usual()
			tt.edit(&a)
			err := a.Validate()
			var field *FieldError
			if !errors.As(err, &field) {
				t.Fatalf("got %v, want a *FieldError", err)
			}
			if field.Field != tt.field || field.Msg != tt.want {
				t.Errorf("got  %s\nwant %s: %s", err, tt.field, tt.want)
			}
		})
	}
}

// TestVolumeBounds holds the cheap bound of Validate against the true size.
func TestVolumeBounds(t *testing.T) {
	for seed := range uint64(2000) {
		a := anything(seed)
		if n := len(AppendActivity(nil, &a)); n > 6*a.volume() {
			t.Fatalf("seed %d: %d bytes encoded, bound says %d", seed, n, 6*a.volume())
		}
	}
}
