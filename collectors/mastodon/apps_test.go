package mastodon

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

// tokenKinds returns kind and app of what was told of tokens, in order.
func tokenKinds(as []activity.Activity) []string {
	var out []string
	for _, a := range as {
		if a.Kind == activity.KindTokenGrant || a.Kind == activity.KindTokenRevoke {
			out = append(out, string(a.Kind)+" "+a.App)
		}
	}
	slices.Sort(out)
	return out
}

// watchesTokens connects to a GoToSocial where the app Planner has access.
func watchesTokens(t *testing.T) (*world, json.RawMessage) {
	t.Helper()
	w := newWorld(t, mastodontest.Options{Software: mastodontest.GoToSocial}, withToken)
	w.srv.Grant("acme", mastodontest.Grant{App: "Planner", Scope: "read write"})
	return w, w.connect()
}

func TestApps(t *testing.T) {
	rows := []struct {
		software string
		raw      string
		made     bool // the server tells when
	}{
		{mastodontest.GoToSocial, `{"scope":"read write","website":"https://legit.example"}`, true},
		{mastodontest.Pleroma, `{"valid_until":"2126-03-06T12:20:00.000000"}`, false},
	}
	for _, row := range rows {
		for mode, change := range map[string]func(*Config){"token": withToken, "mentions": withMentions} {
			t.Run(row.software+" "+mode, func(t *testing.T) {
				w := newWorld(t, mastodontest.Options{Software: row.software}, change)
				w.srv.Grant("acme", mastodontest.Grant{App: "Planner", At: start().Add(-24 * time.Hour)})
				cursor := w.connect()
				made := w.clock()
				id := w.srv.Grant("acme", mastodontest.Grant{App: "Totally legit", Website: "https://legit.example", Scope: "read write"})
				w.pass(11 * time.Minute)
				got, page := w.drain(cursor)
				want := activity.Activity{
					ID: "token-" + id, Network: "mastodon", Account: "mastodon/acme", Kind: activity.KindTokenGrant,
					Time: w.clock(), Seen: w.clock(), App: "Totally legit", Changed: []string{"token_granted"}, Raw: json.RawMessage(row.raw),
				}
				if row.made {
					want.Time = made
				}
				if diff := cmp.Diff(want, only(t, got, activity.KindTokenGrant), cmpopts.EquateEmpty()); diff != "" || page.Backfill {
					t.Errorf("history %t, %s", page.Backfill, diff)
				}
				w.srv.Revoke("acme", "Planner")
				w.pass(11 * time.Minute)
				got, page = w.drain(page.Cursor)
				if a := only(t, got, activity.KindTokenRevoke); a.App != "Planner" || !a.Time.Equal(w.clock()) || !slices.Equal(a.Changed, []string{"token_revoked"}) {
					t.Errorf("revocation %+v", a)
				}
				w.pass(11 * time.Minute)
				if got, _ = w.drain(page.Cursor); tokenKinds(got) != nil {
					t.Errorf("told again: %v", tokenKinds(got))
				}
			})
		}
	}
}

// The first list teaches, and no live item is on its page.
func TestFirstListIsHistory(t *testing.T) {
	w := newWorld(t, mastodontest.Options{Software: mastodontest.GoToSocial}, withMentions)
	w.srv.Grant("acme", mastodontest.Grant{App: "Planner"})
	w.old("old")
	var cursor json.RawMessage
	var told []string
	for range 10 {
		page := w.poll(cursor)
		if names := tokenKinds(page.Activities); names != nil {
			told = append(told, names...)
			if !page.Backfill || count(page.Activities, activity.KindMention) != 0 {
				t.Errorf("history %t, with %v", page.Backfill, ids(page.Activities))
			}
		}
		if len(told) > 0 && !page.More {
			break
		}
		w.srv.Post("reader", mastodontest.Status{Text: "@acme hello"})
		cursor = page.Cursor
	}
	if want := []string{"token_grant " + mastodontest.AskingApp, "token_grant Planner"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

// A server without a list is asked at the beginning and once a day; where an
// update or a move brings one it is read from then on.
func TestNoListOfTokens(t *testing.T) {
	w := newWorld(t, mastodontest.Options{}, withToken)
	cursor := w.connect()
	for range 23 {
		_, page := w.drain(cursor)
		cursor = page.Cursor
		w.pass(time.Hour)
	}
	if n := w.srv.Count(mastodontest.Tokens) + w.srv.Count(mastodontest.OAuthTokens); n != 2 {
		t.Errorf("%d questions in a day, want one of each list", n)
	}
	w.srv.SetSoftware(mastodontest.GoToSocial)
	w.pass(2 * time.Hour)
	got, page := w.drain(cursor)
	if want := []string{"token_grant " + mastodontest.AskingApp}; !slices.Equal(tokenKinds(got), want) {
		t.Errorf("told %v, want %v", tokenKinds(got), want)
	}
	w.srv.Grant("acme", mastodontest.Grant{App: "Planner"})
	w.pass(11 * time.Minute)
	if got, _ = w.drain(page.Cursor); !slices.Equal(tokenKinds(got), []string{"token_grant Planner"}) {
		t.Errorf("told %v", tokenKinds(got))
	}
}

// What keeps a list from being found is said once, in words, and hides nothing
// else of the account.
func TestTokensNotShown(t *testing.T) {
	rows := []struct {
		name   string
		token  collectors.Secret
		scopes []string
		fault  string // of GoToSocial's list
		says   string // in the log
		level  zapcore.Level
		asked  int // in 13 hours
	}{
		{"no such list", token, nil, mastodontest.Fault404HTML, "has no list of the apps", zap.InfoLevel, 1},
		{"no such method", token, nil, mastodontest.Fault405, "has no list of the apps", zap.InfoLevel, 1},
		{"not implemented", token, nil, mastodontest.Fault501, "has no list of the apps", zap.InfoLevel, 1},
		{"without the scope", token, []string{"read:statuses", "read:accounts"}, mastodontest.Fault403Scope, "with the scope read:accounts", zap.WarnLevel, 1},
		{"another's token", readerToken, nil, "", "not the account's own", zap.InfoLevel, 0},
		{"an application's token", appToken, nil, "", "not the account's own", zap.InfoLevel, 0},
		{"500", token, nil, mastodontest.Fault500, "asked again in an hour", zap.WarnLevel, 13},
		{"a page", token, nil, mastodontest.FaultHTML, "asked again in an hour", zap.WarnLevel, 13},
		{"an object", token, nil, mastodontest.FaultHollow, "asked again in an hour", zap.WarnLevel, 13},
		{"an empty list", token, nil, mastodontest.FaultNone, "asked again in an hour", zap.WarnLevel, 13},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			opts := mastodontest.Options{Software: mastodontest.GoToSocial, Tokens: map[string]mastodontest.Token{
				token: {User: "acme", Scopes: row.scopes}, readerToken: {User: "reader"}, appToken: {},
			}}
			w := newWorld(t, opts, func(c *Config) { c.Token = row.token })
			core, logs := observer.New(zap.InfoLevel)
			w.log = zap.New(core)
			if row.fault != "" {
				w.fault(row.fault, mastodontest.Tokens)
			}
			_, page := w.drain(nil)
			id := w.srv.Post("acme", mastodontest.Status{Text: "still seen"})
			var got []activity.Activity
			for range 12 {
				w.pass(time.Hour + time.Minute)
				var more []activity.Activity
				more, page = w.drain(page.Cursor)
				got = append(got, more...)
			}
			if a := only(t, got, activity.KindPost); a.ID != id || tokenKinds(got) != nil {
				t.Errorf("told %v", ids(got))
			}
			if all := logs.All(); len(all) != 1 || !strings.Contains(all[0].Message, row.says) || all[0].Level != row.level {
				t.Errorf("said %+v, want once %q", all, row.says)
			}
			if n := w.srv.Count(mastodontest.Tokens); n != row.asked {
				t.Errorf("asked %d times, want %d", n, row.asked)
			}
		})
	}
}

// A list that is known and does not come as it should says of nobody that all
// was revoked. Where it is gone or refused it is looked for each hour.
func TestListOfTokensFails(t *testing.T) {
	rows := []struct {
		fault, kind string // kind "" where the poll goes on without
	}{
		{mastodontest.Fault400, wantForbidden},
		{mastodontest.Fault401, ""},
		{mastodontest.Fault403Scope, ""},
		{mastodontest.Fault404, ""},
		{mastodontest.Fault404HTML, ""},
		{mastodontest.Fault405, ""},
		{mastodontest.Fault410, ""},
		{mastodontest.Fault418, wantRetry},
		{mastodontest.Fault429, wantLimited},
		{mastodontest.Fault500, wantRetry},
		{mastodontest.Fault501, ""},
		{mastodontest.Fault503Empty, wantRetry},
		{mastodontest.FaultTruncated, wantRetry},
		{mastodontest.FaultBroken, wantRetry},
		{mastodontest.FaultHTML, wantRetry},
		{mastodontest.FaultEmpty, wantRetry},
		{mastodontest.FaultHollow, wantMalformed},
		{mastodontest.FaultError200, wantMalformed},
		{mastodontest.FaultNone, wantMalformed},
		{mastodontest.FaultNumbers, ""}, // items that cannot be read
		{mastodontest.FaultNull, wantRetry},
	}
	for _, row := range rows {
		t.Run(row.fault, func(t *testing.T) {
			w, cursor := watchesTokens(t)
			w.fault(row.fault, mastodontest.Tokens)
			page, err := w.try(cursor)
			switch {
			case row.kind == "" && (err != nil || tokenKinds(page.Activities) != nil):
				t.Fatalf("error %v, told %v", err, tokenKinds(page.Activities))
			case row.kind == "":
				cursor = page.Cursor
			case err == nil || kindOf(err) != row.kind || !strings.Contains(err.Error(), "list of tokens of mastodon/acme"):
				t.Fatalf("error %v, want of kind %s", err, row.kind)
			}
			w.srv.ClearFaults()
			w.srv.Revoke("acme", "Planner")
			w.srv.Grant("acme", mastodontest.Grant{App: "Legit"})
			w.pass(61 * time.Minute)
			got, _ := w.drain(cursor)
			if want := []string{"token_grant Legit", "token_revoke Planner"}; !slices.Equal(tokenKinds(got), want) {
				t.Errorf("told after it %v, want %v", tokenKinds(got), want)
			}
		})
	}
}

// A token that cannot be read may be one that is missed.
func TestTokenUnreadable(t *testing.T) {
	w, cursor := watchesTokens(t)
	w.srv.Revoke("acme", "Planner")
	w.srv.Grant("acme", mastodontest.Grant{App: "Odd", Broken: true})
	got, page := w.drain(cursor)
	if tokenKinds(got) != nil || len(page.Malformed) == 0 {
		t.Errorf("told %v, malformed %v", tokenKinds(got), page.Malformed)
	}
	w.srv.Revoke("acme", "Odd")
	w.pass(11 * time.Minute)
	if got, _ = w.drain(page.Cursor); !slices.Equal(tokenKinds(got), []string{"token_revoke Planner"}) {
		t.Errorf("told %v", tokenKinds(got))
	}
}

// While a token of the first list cannot be read nothing is taken for known, so
// that it is not told as new later.
func TestFirstListUnreadable(t *testing.T) {
	w := newWorld(t, mastodontest.Options{Software: mastodontest.Pleroma}, withToken)
	w.srv.Grant("acme", mastodontest.Grant{App: "Odd", Broken: true})
	cursor := w.connect()
	w.srv.Revoke("acme", "Odd")
	w.srv.Grant("acme", mastodontest.Grant{App: "Odd"})
	page := w.poll(cursor)
	if want := []string{"token_grant " + mastodontest.AskingApp, "token_grant Odd"}; !slices.Equal(tokenKinds(page.Activities), want) || !page.Backfill {
		t.Errorf("told %v, history %t; want %v as history", tokenKinds(page.Activities), page.Backfill, want)
	}
}

// The newest tokens are compared. Those below are neither told as gone nor, when
// there is room for them, as new.
func TestManyTokens(t *testing.T) {
	for _, opts := range []mastodontest.Options{
		{Software: mastodontest.GoToSocial}, {Software: mastodontest.GoToSocial, PageSize: 30}, {Software: mastodontest.Pleroma},
	} {
		t.Run(fmt.Sprintf("%s pages of %d", opts.Software, opts.PageSize), func(t *testing.T) {
			w := newWorld(t, opts, withToken)
			for i := range 3 * maxApps {
				w.srv.Grant("acme", mastodontest.Grant{App: fmt.Sprint("App ", i)})
			}
			got, page := w.drain(nil)
			if n := len(tokenKinds(got)); n != maxApps {
				t.Fatalf("%d tokens of history, want %d", n, maxApps)
			}
			steps := []struct {
				change func()
				want   []string
			}{
				{func() { w.srv.Grant("acme", mastodontest.Grant{App: "New"}) }, []string{"token_grant New"}},
				{func() { w.srv.Revoke("acme", "New") }, []string{"token_revoke New"}},
				{func() { w.srv.Revoke("acme", "App 200") }, []string{"token_revoke App 200"}},
				{func() { w.srv.Revoke("acme", "App 3") }, nil}, // below
				{func() {
					for i := range 200 {
						w.srv.Revoke("acme", fmt.Sprint("App ", i))
					}
				}, nil},
				{func() { w.srv.Grant("acme", mastodontest.Grant{App: "Last"}) }, []string{"token_grant Last"}},
			}
			for i, step := range steps {
				step.change()
				w.pass(11 * time.Minute)
				if got, page = w.drain(page.Cursor); i != 4 && !slices.Equal(tokenKinds(got), step.want) {
					t.Errorf("step %d: told %v, want %v", i, tokenKinds(got), step.want)
				}
				if n := slices.IndexFunc(tokenKinds(got), func(s string) bool { return strings.HasPrefix(s, "token_grant App") }); n >= 0 {
					t.Errorf("step %d: an old token is told as new: %v", i, tokenKinds(got))
				}
			}
		})
	}
}

// A list is that of whoever asks: a token of somebody else tells nothing of this
// account, and the account's own goes on where it was.
func TestTokenOfAnother(t *testing.T) {
	w, cursor := watchesTokens(t)
	w.srv.Grant("reader", mastodontest.Grant{App: "Reader's"})
	w.cfg.Token = readerToken
	got, page := w.drain(cursor)
	if tokenKinds(got) != nil {
		t.Errorf("told %v", tokenKinds(got))
	}
	w.cfg.Token = token
	w.srv.Grant("acme", mastodontest.Grant{App: "Legit"})
	w.pass(61 * time.Minute)
	if got, _ = w.drain(page.Cursor); !slices.Equal(tokenKinds(got), []string{"token_grant Legit"}) {
		t.Errorf("told %v", tokenKinds(got))
	}
}

// A cursor from before there were lists of tokens goes on.
func TestCursorWithoutTokens(t *testing.T) {
	w, cursor := watchesTokens(t)
	var old map[string]any
	w.must(json.Unmarshal(cursor, &old))
	delete(old, "apps")
	cursor, err := json.Marshal(old)
	w.must(err)
	page := w.poll(cursor)
	if want := []string{"token_grant " + mastodontest.AskingApp, "token_grant Planner"}; !slices.Equal(tokenKinds(page.Activities), want) || !page.Backfill {
		t.Errorf("told %v, history %t; want %v as history", tokenKinds(page.Activities), page.Backfill, want)
	}
}
