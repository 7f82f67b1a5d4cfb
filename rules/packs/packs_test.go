package packs

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

func load(t *testing.T, name string) *rules.Program {
	t.Helper()
	files, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := rules.Compile(files)
	if err != nil {
		t.Fatalf("pack %s:\n%v", name, err)
	}
	return p
}

func byName(t *testing.T, p *rules.Program, name string) *rules.Rule {
	t.Helper()
	i := slices.IndexFunc(p.Rules(), func(r *rules.Rule) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("no rule is named %s", name)
	}
	return p.Rules()[i]
}

// matches reports whether the activity matches a detection rule, or one of
// those that feed another rule.
func matches(p *rules.Program, r *rules.Rule, a activity.Activity) bool {
	for _, hit := range p.Match(&a, p.NewMatcher()) {
		if hit == r.Index || slices.Contains(r.Inputs, hit) || slices.Contains(r.Then, hit) {
			return true
		}
	}
	return false
}

// TestSocialRules gives each rule, or what feeds it, an activity that it is
// about and one that it must ignore.
func TestSocialRules(t *testing.T) {
	kind := func(k activity.Kind) activity.Activity {
		return activity.Activity{ID: "1", Network: "x", Account: "x/acme", Kind: k, App: "Studio", Text: "Hello"}
	}
	login := func(outcome string) activity.Activity {
		a := kind(activity.KindLogin)
		a.Geo, a.Outcome.Result = activity.Geo{Country: "RO", ASN: activity.Some(64500)}, outcome
		return a
	}
	aloft := login("success")
	aloft.Geo.ASOrg = "Panasonic Avionics Corporation"
	noApp := kind(activity.KindPost)
	noApp.App = ""
	counted := func(what string) activity.Activity {
		a := kind(activity.KindFollowers)
		a.Metrics = []activity.Metric{{Name: what, Value: 12000}}
		return a
	}
	scored := func(sentiment float64) activity.Activity {
		a := kind(activity.KindMention)
		a.Metrics = []activity.Metric{{Name: "sentiment", Value: sentiment}}
		return a
	}
	tokenOfNone := kind(activity.KindTokenGrant)
	tokenOfNone.App = ""
	role := func(changes ...string) activity.Activity {
		a := kind(activity.KindRoleChange)
		a.Changed = changes
		return a
	}
	mfa := func(changes ...string) activity.Activity {
		a := kind(activity.KindMFAChange)
		a.Changed = changes
		return a
	}
	changed := func(fields ...string) activity.Activity {
		a := kind(activity.KindProfile)
		a.Changed = fields
		return a
	}
	poll := func(state string) activity.Activity {
		a := kind(activity.KindPoll)
		a.Poll.State = state
		return a
	}
	tested := func(account, drill string) activity.Activity {
		a := kind(activity.KindMessage)
		a.Account, a.Drill = account, drill
		return a
	}
	rows := []struct {
		rule, row string
		a         activity.Activity
		want      bool
	}{
		{"social_login", "success", login("success"), true},
		{"social_login", "failure", login("failure"), false},
		{"login_new_country", "a login that says nothing of its outcome", login(""), true},
		{"login_new_country", "a failure", login("failure"), false},
		{"login_new_country", "a failure of its own kind", kind(activity.KindLoginFailure), false},
		{"login_new_network", "a login", login("success"), true},
		{"login_new_network", "a post", kind(activity.KindPost), false},
		{"login_unlike_person", "a login", login("success"), true},
		{"login_unlike_person", "a failure", login("failure"), false},
		{"impossible_travel", "a login", login("success"), true},
		{"impossible_travel", "a failure", login("failure"), false},
		{"social_login_nowhere", "an aircraft", aloft, true},
		{"social_login_nowhere", "a network on the ground", login("success"), false},
		{"social_post", "a post", kind(activity.KindPost), true},
		{"social_post", "a reply", kind(activity.KindReply), false},
		{"social_spoken", "a repost", kind(activity.KindRepost), true},
		{"social_spoken", "a deletion", kind(activity.KindDelete), false},
		{"unlike_itself", "a reply", kind(activity.KindReply), true},
		{"unlike_itself", "a direct message", kind(activity.KindMessage), false},
		{"posting_burst", "a post", kind(activity.KindPost), true},
		{"posting_burst", "a repost", kind(activity.KindRepost), false},
		{"social_publish", "a reply", kind(activity.KindReply), true},
		{"social_publish", "a login", login("success"), false},
		{"new_client_app", "a post", kind(activity.KindPost), true},
		{"new_client_app", "a post whose app is not told", noApp, false},
		{"social_delete", "a deletion", kind(activity.KindDelete), true},
		{"social_delete", "a post", kind(activity.KindPost), false},
		{"many_deletions", "a deletion", kind(activity.KindDelete), true},
		{"many_deletions", "an edit", kind(activity.KindEdit), false},
		{"social_message", "an edit", kind(activity.KindEdit), true},
		{"social_message", "a reply", kind(activity.KindReply), false},
		{"message_not_approved", "a post", kind(activity.KindPost), true},
		{"message_not_approved", "a direct message", kind(activity.KindMessage), false},
		{"message_wrong_account", "a post", kind(activity.KindPost), true},
		{"message_wrong_account", "a reply", kind(activity.KindReply), false},
		{"message_edited", "an edit", kind(activity.KindEdit), true},
		{"message_edited", "a deletion", kind(activity.KindDelete), false},
		{"message_expired", "a post", kind(activity.KindPost), true},
		{"message_expired", "an approval", kind(activity.KindApproval), false},
		{"profile_changed", "name", changed("name"), true},
		{"profile_changed", "link among others", changed("description", "link"), true},
		{"profile_changed", "handle", changed("handle"), true},
		{"profile_changed", "picture", changed("picture"), true},
		{"profile_changed", "description only", changed("description"), false},
		{"profile_changed", "seen for the first time", changed(), false},
		{"collector_blind", "forbidden", poll(activity.PollForbidden), true},
		{"collector_blind", "gap", poll(activity.PollGap), true},
		{"collector_blind", "failing", poll(activity.PollFailing), false},
		{"collector_blind", "complete", poll(activity.PollComplete), false},
		{"social_sighted", "complete", poll(activity.PollComplete), true},
		{"social_sighted", "gap", poll(activity.PollGap), false},
		{"social_mfa_removed", "removed", mfa("mfa_removed"), true},
		{"social_mfa_removed", "added", mfa("mfa_added"), false},
		{"social_mfa_removed", "a removal that failed", mfa(), false},
		{"social_mfa_added", "added", mfa("mfa_added"), true},
		{"social_mfa_added", "removed", mfa("mfa_removed"), false},
		{"social_mfa_changed", "updated", mfa("mfa_updated"), true},
		{"social_mfa_changed", "a change that failed", mfa(), false},
		{"mfa_removed", "removed", mfa("mfa_removed"), true},
		{"mfa_removed", "added", mfa("mfa_added"), false},
		{"social_forwarding", "added", role("forwarding_added"), true},
		{"social_forwarding", "a group", role("group_added"), false},
		{"social_forwarding", "a change that failed", role(), false},
		{"social_password_changed", "changed", kind(activity.KindPasswordChange), true},
		{"social_password_changed", "a login", login("success"), false},
		{"social_token", "granted to an app", kind(activity.KindTokenGrant), true},
		{"social_token", "granted to nobody knows what", tokenOfNone, false},
		{"new_token_app", "granted to an app", kind(activity.KindTokenGrant), true},
		{"new_token_app", "revoked", kind(activity.KindTokenRevoke), false},
		{"social_login_failed", "a failure", kind(activity.KindLoginFailure), true},
		{"social_login_failed", "a login that failed", login("failure"), true},
		{"social_login_failed", "a login", login("success"), false},
		{"password_spray", "a failure", kind(activity.KindLoginFailure), true},
		{"password_spray", "a login", login("success"), false},
		{"takeover", "a password change", kind(activity.KindPasswordChange), true},
		{"takeover", "a repost", kind(activity.KindRepost), false},
		{"social_mention", "a mention", kind(activity.KindMention), true},
		{"social_mention", "a reply of its own", kind(activity.KindReply), false},
		{"public_storm", "a mention", kind(activity.KindMention), true},
		{"social_mention_harsh", "hostile words", scored(-0.6), true},
		{"social_mention_harsh", "a mild word", scored(-0.4), false},
		{"social_mention_harsh", "a mention without a score", kind(activity.KindMention), false},
		{"criticism_storm", "hostile words", scored(-0.9), true},
		{"criticism_storm", "praise", scored(0.9), false},
		{"public_storm", "a post", kind(activity.KindPost), false},
		{"social_counts", "followers counted", counted("followers"), true},
		{"social_counts", "only posts counted", counted("posts"), false},
		{"followers_fell", "followers counted", counted("followers"), true},
		{"followers_fell", "only posts counted", counted("posts"), false},
		{"followers_rose", "followers counted", counted("followers"), true},
		{"followers_rose", "only posts counted", counted("posts"), false},
		{"gone_silent", "a reply", kind(activity.KindReply), true},
		{"gone_silent", "a login", login("success"), false},
		{"test_alert", "a test", tested("picket/test", "test"), true},
		{"test_alert", "no test", tested("picket/test", ""), false},
		{"test_alert", "a drill", tested("picket/test", "spring"), false},
		{"test_alert", "another account", tested("x/acme", "test"), false},
	}
	p := load(t, "social")
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, row := range rows {
		t.Run(row.rule+"/"+row.row, func(t *testing.T) {
			if got := matches(p, byName(t, p, row.rule), row.a); got != row.want {
				t.Errorf("matches: %v, want %v", got, row.want)
			}
		})
		fires[row.rule] = fires[row.rule] || row.want
		silent[row.rule] = silent[row.rule] || !row.want
	}
	for _, r := range p.Rules() {
		if (!fires[r.Name] || !silent[r.Name]) && len(r.Lacks) == 0 {
			t.Errorf("rule %s needs a row that fires and one that stays silent", r.Name)
		}
	}
}

// TestSocialMeaning pins what the rules do with what feeds them.
func TestSocialMeaning(t *testing.T) {
	const day = 24 * time.Hour
	learn := rules.Learn{Period: 14 * day, Events: 20, AtMost: 42 * day}
	for _, want := range []struct {
		name      string
		kind      rules.Type
		level     rules.Level
		field     string
		condition string
		span      time.Duration
		verdict   string
		learn     rules.Learn
		forget    time.Duration
		grace     time.Duration
		quiet     time.Duration
	}{
		{name: "login_new_country", kind: rules.TypeNewValue, level: rules.High, field: "geo.country", learn: learn, forget: 90 * day, quiet: 6 * time.Hour},
		{name: "login_new_network", kind: rules.TypeNewValue, level: rules.Low, field: "geo.asn", learn: learn, forget: 90 * day, quiet: 6 * time.Hour},
		{name: "login_unlike_person", kind: rules.TypeLoginRisk, level: rules.High, learn: learn, quiet: 6 * time.Hour},
		{name: "impossible_travel", kind: rules.TypeTravel, level: rules.High, quiet: 6 * time.Hour},
		{name: "new_client_app", kind: rules.TypeNewValue, level: rules.Medium, field: "app", learn: learn, forget: 90 * day, quiet: 6 * time.Hour},
		{name: "posting_burst", kind: rules.TypePeak, level: rules.Medium, span: 10 * time.Minute, learn: learn, forget: 90 * day, quiet: time.Hour},
		{name: "unlike_itself", kind: rules.TypeProfile, level: rules.Medium, learn: rules.Learn{Period: 30 * day, Events: 300, AtMost: 90 * day}, quiet: time.Hour},
		{name: "mfa_removed", kind: rules.TypeWithout, level: rules.Critical, quiet: 6 * time.Hour},
		{name: "takeover", kind: rules.TypeSequence, level: rules.Critical, quiet: 6 * time.Hour},
		{name: "new_token_app", kind: rules.TypeNewValue, level: rules.Medium, field: "app", learn: rules.Learn{Period: 14 * day, Events: 5, Either: true, AtMost: 42 * day}, forget: 90 * day, quiet: 6 * time.Hour},
		{name: "many_deletions", kind: rules.TypePeak, level: rules.High, span: 15 * time.Minute, learn: learn, forget: 90 * day, quiet: time.Hour},
		{name: "message_not_approved", kind: rules.TypeApproval, level: rules.Critical, verdict: "missing", grace: 2 * time.Minute, quiet: time.Hour},
		{name: "message_wrong_account", kind: rules.TypeApproval, level: rules.Critical, verdict: "wrong_account", grace: 2 * time.Minute, quiet: time.Hour},
		{name: "message_edited", kind: rules.TypeApproval, level: rules.Medium, verdict: "edited", grace: 2 * time.Minute, quiet: time.Hour},
		{name: "message_expired", kind: rules.TypeApproval, level: rules.Medium, verdict: "expired", grace: 2 * time.Minute, quiet: time.Hour},
		{name: "profile_changed", kind: rules.TypeDetection, level: rules.High, quiet: 6 * time.Hour},
		{name: "password_spray", kind: rules.TypeValueCount, level: rules.Medium, field: "account", condition: "gte: 5", span: time.Hour, quiet: 6 * time.Hour},
		{name: "public_storm", kind: rules.TypeStorm, level: rules.Medium, span: 5 * time.Minute, quiet: 3 * time.Hour},
		{name: "gone_silent", kind: rules.TypeRate, level: rules.Low, quiet: 7 * day},
		{name: "followers_fell", kind: rules.TypeDrift, level: rules.Medium, field: "metrics.followers", quiet: day},
		{name: "followers_rose", kind: rules.TypeDrift, level: rules.Low, field: "metrics.followers", quiet: day},
		{name: "collector_blind", kind: rules.TypeDetection, level: rules.High, quiet: day},
	} {
		t.Run(want.name, func(t *testing.T) {
			p := load(t, "social")
			got := want
			r := byName(t, p, want.name)
			got.kind, got.level, got.condition, got.span = r.Type, r.Level, r.Condition.Text, r.Timespan
			got.verdict, got.learn, got.forget, got.grace, got.quiet = r.Verdict, r.Learn, r.Forget, r.Grace, r.Quiet
			if got.field = ""; r.Field != nil {
				got.field = r.Field.Name
			}
			if got != want {
				t.Errorf("rule is\n%+v, want\n%+v", got, want)
			}
		})
	}
}

func TestBlindIsResolvedBySight(t *testing.T) {
	p := load(t, "social")
	sighted := byName(t, p, "social_sighted")
	if got := byName(t, p, "collector_blind").ResolvedBy; !slices.Equal(got, []int{sighted.Index}) || !sighted.Silent {
		t.Errorf("resolved by %v, want by the silent rule %d", got, sighted.Index)
	}
}

// TestRulesAreComplete holds what a person woken at night needs of a rule.
func TestRulesAreComplete(t *testing.T) {
	for _, pack := range Names() {
		p := load(t, pack)
		raising := 0
		for _, r := range p.Rules() {
			if r.Name == "" || strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyz_") != "" {
				t.Errorf("%s: name %q, want lower-case letters and _", pack, r.Name)
			}
			if n := utf8.RuneCountInString(r.Title); n > 60 {
				t.Errorf("%s: title %q has %d characters, want at most 60", pack, r.Title, n)
			}
			if r.Description == "" {
				t.Errorf("%s: %s has no description", pack, r.Name)
			}
			if r.Silent {
				continue
			}
			if !slices.Contains(r.Tags, rules.TagTest) {
				raising++
			}
			if len(r.Response) < 3 || len(r.FalsePositives) == 0 {
				t.Errorf("%s: %s has %d steps and %d false positives, want at least 3 and 1", pack, r.Name, len(r.Response), len(r.FalsePositives))
			}
			for _, step := range r.Response {
				if !strings.HasSuffix(step, ".") || utf8.RuneCountInString(step) > 100 {
					t.Errorf("%s: %s: step %q, want one sentence or two of at most 100 characters", pack, r.Name, step)
				}
			}
		}
		if raising != 23 {
			t.Errorf("pack %s raises with %d rules, want 23", pack, raising)
		}
	}
}

func TestLoad(t *testing.T) {
	files, err := Load("social")
	if err != nil || len(files) != 9 || files[0].Name != "social/approval.yml" {
		t.Errorf("got %d files, %v; want 9, the first social/approval.yml", len(files), err)
	}
	_, err = Load("socail")
	if err == nil || err.Error() != `rule pack "socail" is unknown; expected one of social` {
		t.Errorf("error %v", err)
	}
}

// TestTests holds that tests come with a pack, and apart from its rules.
func TestTests(t *testing.T) {
	files, err := Tests("social")
	if err != nil || len(files) != 70 || files[0].Name != "social/tests/incidents/ap_2013.test.yml" {
		t.Errorf("got %d files, %v; want 70, the first social/tests/incidents/ap_2013.test.yml", len(files), err)
	}
	_, err = Tests("socail")
	if err == nil || err.Error() != `rule pack "socail" is unknown; expected one of social` {
		t.Errorf("error %v", err)
	}
}
