package alerting

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// around is a manager that knows who guards whom.
func aroundManager(t *testing.T, s *memory) *Manager {
	t.Helper()
	m, err := New(Config{Store: s, Publisher: s, Now: s.now, Directory: testDirectory(t)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// of is a finding about an account by a rule of a level.
func of(id, account string, level rules.Level, second float64) detector.Finding {
	f := finding(id, detector.Open, second, 1)
	f.Account, f.First = account, f.LogTime
	f.Network, _, _ = strings.Cut(account, "/")
	f.Rule.Level = level
	return f
}

func besideOf(a *Alert) []string {
	var out []string
	for i := range a.Around.Beside {
		out = append(out, a.Around.Beside[i].ID)
	}
	return out
}

// TestBeside tells which alerts stand beside which, to a manager that has seen
// them and to one that looks them up.
func TestBeside(t *testing.T) {
	observed := of("observed", "x/acme", rules.High, 40)
	observed.Rule.Mode = rules.Observe
	drill := of("drill", "x/acme", rules.High, 41)
	drill.Evidence[0].Drill = "spring"
	login := of("login", "okta/editor-2", rules.High, 100)
	login.Rule.Title, login.Reasons = "Login from a new country", []detector.Reason{{Seen: "country RO"}}
	log := []detector.Finding{
		of("stale", "x/acme", rules.Critical, 1), observed, drill, login,
		of("other", "x/bank", rules.Critical, 200),
		of("help", "x/acme_help", rules.Medium, 300), // guarded by the same identity
		of("post", "x/acme", rules.Critical, 900),
		of("burst", "x/acme", rules.Medium, 901),
	}
	log[0].First = start().Add(-BesideWithin)
	want := map[string][]string{
		"post":  {"login", "burst"}, // and not what was resolved too long before
		"burst": {"post", "login"},
		"login": {"post", "burst", "help"},
		"help":  {"login"},
		"other": nil,
		"drill": nil,
	}
	s := newMemory()
	m := aroundManager(t, s)
	report(t, m, log...)
	if _, err := m.Act(t.Context(), "stale", resolving("jana", "")); err != nil {
		t.Fatal(err)
	}
	fresh := aroundManager(t, s)
	if err := fresh.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, ids := range want {
		a := s.get(id)
		for name, got := range map[string]Around{"live": m.around(&a), "recovered": fresh.around(&a)} {
			if a.Around = got; !slices.Equal(besideOf(&a), ids) {
				t.Errorf("%s, beside %s: %q, want %q", name, id, besideOf(&a), ids)
			}
		}
		seen, err := fresh.Look(t.Context(), id)
		if err != nil || !slices.Equal(besideOf(&seen), ids) {
			t.Errorf("looked up, beside %s: %q, %v, want %q", id, besideOf(&seen), err, ids)
		}
	}
	post := s.get("post")
	post.Around = m.around(&post)
	got := strings.Join(strings.Fields(Text(post, testDirectory(t))), " ")
	if !strings.Contains(got, " Also 03:13 okta/editor-2 login from RO (PK-LOGIN); 03:27 posting burst (PK-BURST) Reach ") {
		t.Errorf("text:\n%s", got)
	}
}

func TestCopiesTellWhatIsAround(t *testing.T) {
	s := newMemory()
	m := aroundManager(t, s)
	report(t, m, of("login", "okta/editor-2", rules.High, 1))
	report(t, m, of("post", "x/acme", rules.Critical, 60))
	if got := besideOf(&s.copies[1]); !slices.Equal(got, []string{"login"}) {
		t.Errorf("the copy has %q beside it, want the login", got)
	}
	if stored := s.get("post"); len(stored.Around.Beside) != 0 {
		t.Error("what is around an alert became part of it")
	}
}

func TestNeighboursAreBounded(t *testing.T) {
	s := newMemory()
	m := aroundManager(t, s)
	report(t, m, of("first", "x/acme", rules.Critical, 0))
	for i := range 3 * maxPosted {
		report(t, m, of(fmt.Sprintf("e%03d", i), "x/acme", rules.High, float64(i)))
	}
	if n := len(m.board.accounts["x/acme"]); n != maxPosted || len(m.board.alerts) != maxPosted {
		t.Errorf("%d alerts of the account on the board, %d in all, want %d", n, len(m.board.alerts), maxPosted)
	}
	a := s.get("e191")
	a.Around = m.around(&a)
	if got := besideOf(&a); len(got) != MaxBeside || got[0] != "first" || got[1] != "e190" {
		t.Errorf("beside it %q, want the critical one, then the newest", got)
	}
}

func TestBoardForgetsWhatIsOver(t *testing.T) {
	b := newBoard()
	now := start()
	for i := range 2000 {
		h := Head{ID: fmt.Sprint("e", i), Seq: uint64(i + 1), State: Resolved, Brief: Brief{Rule: "r", Account: fmt.Sprint("x/", i), First: now}}
		b.note(&h, now)
	}
	late := Head{ID: "late", Seq: 9000, State: Firing, Brief: Brief{Rule: "r", Account: "x/late", First: now.Add(72 * time.Hour)}}
	b.swept = 0
	b.note(&late, now.Add(72*time.Hour))
	if len(b.alerts) != 1 || len(b.accounts) != 1 {
		t.Errorf("%d alerts of %d accounts are remembered, want the one that is open", len(b.alerts), len(b.accounts))
	}
}

// TestVerdictsAreCounted follows the count over verdicts that change, reopening
// and a restart.
func TestVerdictsAreCounted(t *testing.T) {
	s := newMemory()
	m := aroundManager(t, s)
	say := func(id string, v Verdict) {
		t.Helper()
		d := resolving("jana", "")
		d.Verdict = v
		if _, err := m.Act(t.Context(), id, d); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		report(t, m, of(fmt.Sprint("e", i), "x/acme", rules.High, float64(i)))
	}
	report(t, m, of("elsewhere", "x/bank", rules.High, 9), of("unjudged", "x/acme", rules.High, 10))
	say("e0", VerdictTrue)
	say("e1", VerdictTrue)
	say("e2", VerdictFalse)
	say("e2", VerdictExpected) // thought better of it
	say("e3", VerdictFalse)
	say("e4", VerdictTrue)
	say("elsewhere", VerdictTrue)
	again := finding("e3", detector.Update, 60, 2) // opens it again: the verdict cannot be about this
	report(t, m, again)

	want := Tally{True: 3, Expected: 1}
	fresh := aroundManager(t, s)
	if err := fresh.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	follower := aroundManager(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := follower.Run(ctx); err != nil {
		t.Fatal(err)
	}
	a := s.get("unjudged")
	for name, m := range map[string]*Manager{"live": m, "recovered": fresh, "following": follower} {
		if got := m.around(&a).Verdicts; got != want {
			t.Errorf("%s: verdicts %+v, want %+v", name, got, want)
		}
	}
	seen, err := fresh.Look(t.Context(), "unjudged")
	if err != nil || seen.Around.Verdicts != want {
		t.Errorf("looked up: verdicts %+v (%v), want %+v", seen.Around.Verdicts, err, want)
	}
	if got := s.get("e2"); got.Judged.Verdict != VerdictExpected || got.Change != ChangeNoted || got.Resolution.By != "jana" {
		t.Errorf("e2: %+v, change %s", got.Judged, got.Change)
	}
	if got := s.get("e3"); got.Judged != nil || got.State != Firing {
		t.Errorf("e3: verdict %+v, state %s after a new match", got.Judged, got.State)
	}
}

// TestVerdictsOfDrillsAreTheirOwn: a drill says nothing of how often a rule is
// right about an account, and a real match makes one an alert like any other.
func TestVerdictsOfDrillsAreTheirOwn(t *testing.T) {
	s := newMemory()
	m := aroundManager(t, s)
	drill := func(id string, second float64) detector.Finding {
		f := of(id, "x/acme", rules.High, second)
		f.Evidence[0].Drill = "spring"
		return f
	}
	report(t, m, of("real", "x/acme", rules.High, 1), drill("d1", 2), drill("d2", 3), drill("d3", 4), of("next", "x/acme", rules.High, 5))
	for _, id := range []string{"real", "d1", "d2"} {
		d := resolving("jana", "")
		d.Verdict = VerdictTrue
		if _, err := m.Act(t.Context(), id, d); err != nil {
			t.Fatal(err)
		}
	}
	fresh := aroundManager(t, s)
	if err := fresh.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]Tally{"next": {True: 1}, "d3": {True: 2}} {
		a := s.get(id)
		looked, err := fresh.Look(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]Tally{"live": m.around(&a).Verdicts, "recovered": fresh.around(&a).Verdicts, "looked up": looked.Around.Verdicts} {
			if got != want {
				t.Errorf("%s, around %s: %+v, want %+v", name, id, got, want)
			}
		}
	}
	b := newBoard()
	said := Head{ID: "d", Seq: 1, State: Resolved, Brief: Brief{Rule: "r", Account: "x/acme", First: start(), Drill: "spring", Verdict: VerdictTrue}}
	b.note(&said, start())
	said.Seq, said.Brief.Drill = 2, ""
	b.note(&said, start())
	if got := b.tallies[judgedOf{"r", "x/acme", false}]; len(b.tallies) != 1 || got != (Tally{True: 1}) {
		t.Errorf("after a real match of the drill: %+v", b.tallies)
	}
}

// TestVerdictsAboutNoAccount: rules that count across accounts are judged, too.
func TestVerdictsAboutNoAccount(t *testing.T) {
	s := newMemory()
	m := aroundManager(t, s)
	report(t, m, of("a", "", rules.High, 1), of("b", "", rules.High, 2))
	d := resolving("jana", "")
	d.Verdict = VerdictFalse
	if _, err := m.Act(t.Context(), "a", d); err != nil {
		t.Fatal(err)
	}
	b := s.get("b")
	looked, err := m.Look(t.Context(), "b")
	if err != nil || looked.Around.Verdicts != (Tally{False: 1}) || m.around(&b).Verdicts != (Tally{False: 1}) {
		t.Errorf("looked up %+v (%v), live %+v; want one false", looked.Around.Verdicts, err, m.around(&b).Verdicts)
	}
	if len(m.board.alerts) != 0 {
		t.Errorf("%d alerts about no account are on the board", len(m.board.alerts))
	}
}

func TestSureSaysHowOften(t *testing.T) {
	tests := []struct {
		kind  rules.Type
		tally Tally
		want  string
	}{
		{rules.TypeNewValue, Tally{}, "learned rule; verdicts here none yet"},
		{rules.TypeNewValue, Tally{True: 3, Expected: 1, False: 1}, "learned rule; verdicts here 3 true of 5"},
		{rules.TypeEventCount, Tally{False: 2}, "counting rule; verdicts here 0 true of 2"},
		{rules.TypeApproval, Tally{True: 8, Expected: 1}, "policy rule; verdicts here 8 true, 1 expected"},
		{rules.TypeDetection, Tally{False: 4}, "policy rule; verdicts here 4 false"},
	}
	for _, tt := range tests {
		w := writer{a: &Alert{Rule: Rule{Type: tt.kind}, Around: Around{Verdicts: tt.tally}}}
		if got := w.sure(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.kind, got, tt.want)
		}
	}
}

func TestHeadline(t *testing.T) {
	const login = "Login from a new country"
	tests := []struct{ title, words, want string }{
		{login, "country RO", "login from RO"},
		{"Login from a new network", "network AS64500", "login from AS64500"},
		{"Post with a new app", "app Poster", "post with Poster"},
		{"Post with a new app", "app Évil-2", "post with Évil-2"},
		{"Post with a new app", "app Evil Poster", `post with "Evil Poster"`},
		{"Post with a new app", `app nothing" (PK-000000); all clear`, `post with "nothing' (PK-000000); all clear"`},
		{login, "", "login from a new country"},
		{"Post with a new app", "", "post with a new app"},
		{login, "hour 3", "login from a new country"},
		{login, "country RO, TR", "login from a new country"},
		{"Login from a country during the night", "country RO", "login from a country during the night"},
		{"Something a new account did", "about x", "something a new account did"},
		{"Post nobody approved", "no match among 12 approvals", "post nobody approved"},
		{"MFA removed", "changed mfa_removed", "MFA removed"},
		{"Post with a new app", "app evil.example\x1b", `post with "evil[.]example"`},
	}
	for _, tt := range tests {
		if got := headline(tt.title, tt.words); got != tt.want {
			t.Errorf("headline(%q, %q) = %q, want %q", tt.title, tt.words, got, tt.want)
		}
	}
}
