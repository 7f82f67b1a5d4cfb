package alerting

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// TestStates goes through every state and event.
func TestStates(t *testing.T) {
	ack := func(a Alert) (Alert, error) { return Act(a, acking("jana", ""), start()) }
	resolve := func(a Alert) (Alert, error) { return Act(a, resolving("jana", "false alarm"), start()) }
	judge := func(a Alert) (Alert, error) {
		return Act(a, Deed{Action: ActionResolve, Actor: "jana", Verdict: VerdictExpected}, start())
	}
	assign := func(a Alert) (Alert, error) {
		return Act(a, Deed{Action: ActionAssign, Actor: "jana", To: "tom"}, start())
	}
	find := func(phase detector.Phase, second float64, count int) func(Alert) (Alert, error) {
		return func(a Alert) (Alert, error) {
			a, _ = Apply(a, finding("e1", phase, second, count))
			return a, nil
		}
	}
	type steps []func(Alert) (Alert, error)
	opened := steps{find(detector.Open, 1, 1)}
	tests := []struct {
		name   string
		steps  steps
		state  State
		change Change // of the last step
		err    error
	}{
		{"open", opened, Firing, ChangeOpened, nil},
		{"firing, match", append(slices.Clone(opened), find(detector.Update, 2, 2)), Firing, ChangeUpdated, nil},
		{"firing, quiet", append(slices.Clone(opened), find(detector.Close, 2, 1)), Resolved, ChangeResolved, nil},
		{"firing, ack", append(slices.Clone(opened), ack), Acknowledged, ChangeAcknowledged, nil},
		{"firing, resolve", append(slices.Clone(opened), resolve), Resolved, ChangeResolved, nil},
		{"firing, assign", append(slices.Clone(opened), assign), Firing, ChangeAssigned, nil},
		{"firing, resolve with a verdict", append(slices.Clone(opened), judge), Resolved, ChangeResolved, nil},
		{"acknowledged, assign", append(slices.Clone(opened), ack, assign), Acknowledged, ChangeAssigned, nil},
		{"acknowledged, match", append(slices.Clone(opened), ack, find(detector.Update, 2, 2)), Acknowledged, ChangeUpdated, nil},
		{"acknowledged, quiet", append(slices.Clone(opened), ack, find(detector.Close, 2, 1)), Resolved, ChangeResolved, nil},
		{"acknowledged, ack", append(slices.Clone(opened), ack, ack), Acknowledged, "", ErrState},
		{"acknowledged, resolve", append(slices.Clone(opened), ack, resolve), Resolved, ChangeResolved, nil},
		{"resolved by hand, match", append(slices.Clone(opened), resolve, find(detector.Update, 2, 2)), Firing, ChangeReopened, nil},
		{"resolved by hand, same count", append(slices.Clone(opened), resolve, find(detector.Update, 2, 1)), Resolved, ChangeNoted, nil},
		{"resolved by hand, quiet", append(slices.Clone(opened), resolve, find(detector.Close, 2, 1)), Resolved, ChangeNoted, nil},
		{"resolved by hand, ack", append(slices.Clone(opened), resolve, ack), Resolved, "", ErrState},
		{"resolved by hand, resolve", append(slices.Clone(opened), resolve, resolve), Resolved, "", ErrState},
		{"resolved by hand, assign", append(slices.Clone(opened), resolve, assign), Resolved, "", ErrState},
		{"resolved by hand, verdict", append(slices.Clone(opened), resolve, judge), Resolved, ChangeNoted, nil},
		{"resolved by quiet, verdict", append(slices.Clone(opened), find(detector.Close, 2, 1), judge), Resolved, ChangeNoted, nil},
		{"resolved with a verdict, match", append(slices.Clone(opened), judge, find(detector.Update, 2, 2)), Firing, ChangeReopened, nil},
		{"resolved by quiet, match", append(slices.Clone(opened), find(detector.Close, 2, 1), find(detector.Update, 3, 2)), Firing, ChangeReopened, nil},
		{"resolved by quiet, quiet", append(slices.Clone(opened), find(detector.Close, 2, 1), find(detector.Close, 3, 1)), Resolved, ChangeNoted, nil},
		{"unknown, quiet", steps{find(detector.Close, 2, 4)}, Resolved, ChangeResolved, nil},
		{"unknown, match", steps{find(detector.Update, 2, 4)}, Firing, ChangeOpened, nil},
		{"unknown, ack", steps{ack}, "", "", ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var a, before Alert
			var err error
			for _, step := range tt.steps {
				before = a
				a, err = step(a)
			}
			if !errors.Is(err, tt.err) {
				t.Fatalf("error = %v, want %v", err, tt.err)
			}
			if a.State != tt.state {
				t.Errorf("state = %q, want %q", a.State, tt.state)
			}
			if err == nil && changeOf(&before, &a) != tt.change {
				t.Errorf("change = %q, want %q", changeOf(&before, &a), tt.change)
			}
			if (a.Resolution != nil) != (a.State == Resolved) || a.State == Acknowledged && a.Ack == nil || a.State == Firing && a.Ack != nil {
				t.Errorf("marks do not fit state %q: %+v, %+v", a.State, a.Ack, a.Resolution)
			}
			if a.Judged != nil && a.State != Resolved {
				t.Errorf("a verdict on an alert that is %s: %+v", a.State, a.Judged)
			}
		})
	}
}

func TestApplyIgnoresWhatItHolds(t *testing.T) {
	a, _ := Apply(Alert{}, finding("e1", detector.Open, 5, 1))
	a.Applied = detector.Position{Partition: 1, Sequence: 50, Index: 3}
	tests := []struct {
		name    string
		episode string
		at      detector.Position
		logTime time.Duration
		changed bool
	}{
		{"same position", "e1", detector.Position{Partition: 1, Sequence: 50, Index: 3}, 5 * time.Second, false},
		{"earlier in the message", "e1", detector.Position{Partition: 1, Sequence: 50, Index: 2}, 5 * time.Second, false},
		{"earlier message", "e1", detector.Position{Partition: 1, Sequence: 49, Index: 9}, 9 * time.Second, false},
		{"later in the message", "e1", detector.Position{Partition: 1, Sequence: 50, Index: 4}, 5 * time.Second, true},
		{"later message", "e1", detector.Position{Partition: 1, Sequence: 51}, 5 * time.Second, true},
		{"other partition, older log time", "e1", detector.Position{Partition: 0, Sequence: 99}, 4 * time.Second, false},
		{"other partition, newer log time", "e1", detector.Position{Partition: 0, Sequence: 1}, 6 * time.Second, true},
		{"other episode", "e2", detector.Position{Partition: 1, Sequence: 51}, 6 * time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := finding(tt.episode, detector.Update, 5, 2)
			f.Position, f.LogTime = tt.at, start().Add(tt.logTime)
			next, changed := Apply(a, f)
			if changed != tt.changed {
				t.Errorf("changed = %t, want %t", changed, tt.changed)
			}
			if !changed && next.Count != 1 {
				t.Errorf("an ignored finding set the count to %d", next.Count)
			}
		})
	}
}

func TestActRefuses(t *testing.T) {
	a, _ := Apply(Alert{}, finding("e1", detector.Open, 1, 1))
	tests := []struct {
		name string
		deed Deed
		want string
	}{
		{"nobody", Deed{Action: ActionAck, Actor: " "}, "name the person"},
		{"Picket itself", Deed{Action: ActionResolve, Actor: "Picket"}, "name the person"},
		{"unknown action", Deed{Action: "silence", Actor: "jana"}, "use ack, assign, resolve or answer"},
		{"assigned to nobody", Deed{Action: ActionAssign, Actor: "jana", To: " "}, `assigned to ""; name a person`},
		{"acknowledged for another", Deed{Action: ActionAck, Actor: "jana", To: "tom"}, `assigned to "tom"; name a person to assign`},
		{"verdict too early", Deed{Action: ActionAck, Actor: "jana", Verdict: VerdictTrue}, "a verdict is given with resolve"},
		{"unknown verdict", Deed{Action: ActionResolve, Actor: "jana", Verdict: "maybe"}, `verdict "maybe"; expected one of [true expected false]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Act(a, tt.deed, start())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
			if got.State != Firing {
				t.Errorf("state = %s, want firing", got.State)
			}
		})
	}
}

func TestHistoryKeepsHowItBegan(t *testing.T) {
	a, _ := Apply(Alert{}, finding("e1", detector.Open, 0, 1))
	for i := range 40 {
		var err error
		if a, err = Act(a, resolving("jana", "again"), start()); err != nil {
			t.Fatal(err)
		}
		a, _ = Apply(a, finding("e1", detector.Update, float64(i+1), i+2))
	}
	if len(a.History) != MaxHistory || a.Forgotten != 81-MaxHistory {
		t.Errorf("history has %d transitions, %d forgotten, want 32 and 49", len(a.History), a.Forgotten)
	}
	if a.History[0].From != "" || a.History[MaxHistory-1].To != Firing {
		t.Errorf("history begins with %+v and ends with %+v", a.History[0], a.History[MaxHistory-1])
	}
}

func TestObservedAlertIsToldOnceEnforced(t *testing.T) {
	f := finding("e1", detector.Open, 1, 1)
	f.Rule.Mode = rules.Observe
	a, _ := Apply(Alert{}, f)
	first := revise(Alert{}, a)
	if first.Announced() {
		t.Error("an observed alert is announced")
	}
	next, _ := Apply(first, finding("e1", detector.Update, 1.1, 2))
	if !due(&first, &next) {
		t.Error("enforcing waits")
	}
	if second := revise(first, next); second.Change != ChangeOpened || !second.Announced() {
		t.Errorf("enforced alert: change %q, announced %t, want opened, true", second.Change, second.Announced())
	}
}

func TestStoredFormIsBounded(t *testing.T) {
	long := strings.Repeat("\x01ü", 60_000)
	f := finding("e1", detector.Open, 1, 1)
	f.Reasons = slices.Repeat([]detector.Reason{{Seen: long, Expected: long, Detail: map[string]string{long: long}}}, 100)
	act := activity.Activity{
		ID: long, Network: "x", Account: "x/acme", Kind: activity.KindPost, Time: start(), Text: long, Raw: []byte(`{"a":1}`),
		Links: slices.Repeat([]string{long}, 99), Mentions: slices.Repeat([]string{long}, 99),
		Media:   slices.Repeat([]activity.Media{{Hash: long, URL: long}}, 99),
		Profile: []activity.Field{{Name: "name", Value: long}},
	}
	f.Evidence = slices.Repeat([]activity.Activity{act}, 20)
	post := activity.Activity{ID: long, Network: "x", Account: "x/acme", Kind: activity.KindPost, Time: start(), Text: long, Raw: []byte(`{"a":1}`)}
	f.Since = &detector.Since{Count: 99, Activities: slices.Repeat([]activity.Activity{post}, 20)}
	f.Usual = f.Reasons
	f.Related = slices.Repeat([]detector.Related{{Episode: long, Rule: long, Title: long, Account: long, Words: long}}, 99)
	a, _ := Apply(Alert{}, f)
	if len(a.Evidence) != detector.MaxEvidence || len(a.Reasons) != maxReasons {
		t.Errorf("kept %d activities and %d reasons, want 8 and 8", len(a.Evidence), len(a.Reasons))
	}
	if len(a.Since.Activities) != detector.MaxSince || len(a.Usual) != 4 || len(a.Related) != 8 {
		t.Errorf("kept %d activities since, %d usual and %d related, want 4, 4 and 8", len(a.Since.Activities), len(a.Usual), len(a.Related))
	}
	if a.Evidence[0].Raw != nil || a.Since.Activities[0].Raw != nil {
		t.Error("raw event kept")
	}
	data, err := Encode(a)
	if err != nil || len(data) > MaxState {
		t.Fatalf("stored form has %d bytes (%v), want at most %d", len(data), err, MaxState)
	}
	back, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if back.ID != "e1" || back.Count != 1 || len(back.Evidence) == 0 || back.Since.Count != 99 {
		t.Errorf("read back %s with count %d and %d activities", back.ID, back.Count, len(back.Evidence))
	}
}

// TestAddressesOfMedia: signed addresses are long, and one that is cut leads
// nowhere.
func TestAddressesOfMedia(t *testing.T) {
	long := "https://cdn.example/a.jpg?signature=" + strings.Repeat("a", 900)
	f := finding("e1", detector.Open, 1, 1)
	f.Evidence[0].Media = []activity.Media{{Type: "image", URL: long}, {Type: "image", URL: long + strings.Repeat("a", 2000)}}
	a, _ := Apply(Alert{}, f)
	want := []activity.Media{{Type: "image", URL: long}, {Type: "image"}}
	if diff := cmp.Diff(want, a.Evidence[0].Media); diff != "" {
		t.Errorf("media (-want +got):\n%s", diff)
	}
}

func TestEvidenceIsCopied(t *testing.T) {
	f := finding("e1", detector.Open, 1, 1)
	f.Evidence[0].Links = []string{"https://acme.example"}
	a, _ := Apply(Alert{}, f)
	f.Evidence[0].Links[0] = "overwritten"
	if got := a.Evidence[0].Links[0]; got != "https://acme.example" {
		t.Errorf("evidence aliases the finding: %q", got)
	}
}

// TestWhatAFindingSaysIsKept holds that later findings add and never take away
// what they leave out, and that all of it is stored.
func TestWhatAFindingSaysIsKept(t *testing.T) {
	f := finding("e1", detector.Open, 1, 1)
	f.Usual = []detector.Reason{{Field: "hour", Seen: "hour (6 % of logins)"}}
	f.Related = []detector.Related{{Episode: "b071d2e4", Rule: "login_new_country", Title: "Login", Account: "okta/editor-2", Time: start(), Words: "country RO"}}
	f.Since = &detector.Since{AsOf: start()}
	a, _ := Apply(Alert{}, f)
	more := finding("e1", detector.Update, 2, 1)
	more.Since = &detector.Since{AsOf: start().Add(time.Second), Count: 1, Activities: []activity.Activity{{ID: "p9", Kind: activity.KindPost, Account: "x/acme", Network: "x", Time: start()}}}
	a, _ = Apply(a, more)
	a, _ = Apply(a, finding("e1", detector.Close, 900, 1))
	data, err := Encode(revise(Alert{}, a))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{f.Usual, f.Related, more.Since}, []any{got.Usual, got.Related, got.Since}); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// TestOlderAlertsAreRead reads what the first release stored.
func TestOlderAlertsAreRead(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "stored", "first-release.json"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if a.Account != "okta/editor-2" || a.State != Resolved || a.Resolution.By != "tom" || a.Judged != nil || a.Since != nil {
		t.Errorf("read %+v", a)
	}
	if got, want := BriefOf(&a).Words, "country RO"; got != want {
		t.Errorf("words %q, want %q", got, want)
	}
	again, err := Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(again)
	if diff := cmp.Diff(a, back); err != nil || diff != "" {
		t.Errorf("written and read again (%v, -want +got):\n%s", err, diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"not JSON", `{`, "decode alert"},
		{"newer version", `{"v":2,"id":"e1","state":"firing"}`, "version 2, this Picket reads 1 to 1"},
		{"no version", `{"id":"e1","state":"firing"}`, "version 0"},
		{"unknown state", `{"v":1,"id":"e1","state":"asleep"}`, `field state: "asleep"`},
		{"no id", `{"v":1,"state":"firing"}`, "field id: missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Decode([]byte(tt.in)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	a, _ := Apply(Alert{}, finding("e1", detector.Open, 1, 1))
	seed, err := Encode(revise(Alert{}, a))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"v":1,"id":"e1","state":"resolved","evidence":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Decode(data)
		if err != nil {
			return
		}
		first, err := Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Decode(first)
		if err != nil {
			t.Fatalf("%s does not survive: %v", first, err)
		}
		if second, err := Encode(b); err != nil || string(first) != string(second) {
			t.Fatalf("%s became %s (%v)", first, second, err)
		}
		_ = Text(a, nil)
	})
}
