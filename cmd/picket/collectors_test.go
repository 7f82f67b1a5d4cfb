package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/cmd/internal/app"
)

// TestCollectorsText holds the words for a person.
func TestCollectorsText(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time {
		t := now.Add(d)
		return &t
	}
	lag := 4.2
	for _, row := range []struct {
		name        string
		all         []app.CollectorStatus
		credentials []app.CredentialStatus
		want        string
	}{
		{"none", nil, nil, "nothing is polled\n"},
		{
			"all is well",
			[]app.CollectorStatus{
				{Source: "file/feed", State: "complete", LastOK: at(-300 * time.Millisecond), NextPoll: at(-time.Second)},
				{Source: "x/acme", State: "complete", Credential: "acme-x", LastOK: at(-61 * time.Second), NextPoll: at(59 * time.Second), Lag: &lag, Cursor: json.RawMessage(`{"posts":{"since":1899999999999999999,"gone":[1,2]},"v":"a\u001b[31m"}`)},
				{Source: "x/bank", State: "standby"},
				{Source: "x/club", State: "starting", Credential: "acme-x"},
			},
			[]app.CredentialStatus{{
				Name: "acme-x", Month: "2026-03", Spent: 2.5, Dollars: 10,
				Quotas: []app.QuotaStatus{{Remaining: 5}, {Endpoint: "GET /2/users/:id/tweets", Limit: 900, Remaining: 880, Reset: at(12 * time.Minute)}, {Endpoint: "configured", Limit: 100, Remaining: 0, Reset: at(-time.Second)}},
			}},
			`
SOURCE     STATE     LAST OK    LAG  NEXT       CREDENTIAL  CURSOR
file/feed  complete  300ms ago  -    now        -           -
x/acme     complete  1m 1s ago  4s   in 59s     acme-x      posts.gone=2 items posts.since=1899999999999999…
x/bank     standby   never      -    -          -           -
x/club     starting  never      -    polls now  acme-x      -

CREDENTIAL  QUOTA                    LEFT             ANEW
acme-x      requests                 5                -
acme-x      GET /2/users/:id/tweets  880 of 900       in 12m
acme-x      requests, as configured  0 of 100         now
acme-x      dollars                  $7.50 of $10.00  in 17d 21h
`,
		},
		{
			"what is wrong, and what mends it",
			[]app.CollectorStatus{
				{Source: "x/acme", State: "forbidden", Since: at(-26 * time.Hour), LastOK: at(-27 * time.Hour), NextPoll: at(time.Hour), Error: "status 401", ErrorAt: at(-2 * time.Minute), Mend: "make a new token", Held: at(time.Hour)},
				{Source: "x/bank", State: "complete", LastOK: at(-time.Minute), NextPoll: at(time.Second), Error: "status 500", ErrorAt: at(-time.Second)},
			},
			[]app.CredentialStatus{{Name: "acme-x", Month: "2026-02", Spent: 9, Dollars: 10}},
			`
SOURCE  STATE      LAST OK    LAG  NEXT   CREDENTIAL  CURSOR
x/acme  forbidden  1d 3h ago  -    in 1h  -           -
x/bank  complete   1m ago     -    in 1s  -           -

x/acme is forbidden since 2026-03-13 00:12Z, for 1d 2h
  2m ago: status 401
  its credential waits until 2026-03-14 03:12:00Z
  → make a new token

x/bank is complete
  1s ago: status 500

CREDENTIAL  QUOTA    LEFT              ANEW
acme-x      dollars  $10.00 of $10.00  in 17d 21h
`,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(strings.TrimPrefix(row.want, "\n"), collectorsText(row.all, row.credentials, now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestShortCursor(t *testing.T) {
	t.Parallel()
	for cursor, want := range map[string]string{
		``:                                  "-",
		`{}`:                                "-",
		`{"a":1,"b":{"c":"d e"}}`:           "a=1 b.c=d e",
		`17`:                                "17",
		`"page2"`:                           "page2",
		`["a"]`:                             "1 item",
		`{"esc":"\u001b[2J\n"}`:             `esc=\x1b[2J\n`,
		`{"id":1234567890123456789}`:        "id=1234567890123456789",
		`{"on":true,"off":null}`:            "off=<nil> on=true",
		`{"a":`:                             "not JSON",
		`"` + strings.Repeat("ü", 60) + `"`: strings.Repeat("ü", 47) + "…",
	} {
		if got := shortCursor(json.RawMessage(cursor)); got != want {
			t.Errorf("%s is shown as %q, want %q", cursor, got, want)
		}
	}
}
