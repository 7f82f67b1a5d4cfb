package alerting

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// TestAnswer: what somebody says who was asked "was this you?" is told, closes
// nothing, and raises the urgency where it was not them.
func TestAnswer(t *testing.T) {
	for _, tt := range []struct {
		name    string
		me      bool
		level   rules.Level
		mode    rules.Mode
		urgency Urgency
		says    []string
	}{
		{"no, of a low level", false, rules.Low, rules.Enforce, UrgencyPage, []string{"State  ann says it was not them 02:13Z: I was asleep", "paged now: ann says it was not them"}},
		{"yes, of a low level", true, rules.Low, rules.Enforce, UrgencyDigest, []string{"State  ann says it was them 02:13Z: I was asleep"}},
		{"yes, critical", true, rules.Critical, rules.Enforce, UrgencyPage, []string{"ann says it was them", "paged now, at any hour"}},
		{"no, where the rule observes", false, rules.High, rules.Observe, UrgencyNone, []string{"ann says it was not them", "recorded only"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newMemory()
			m := manager(t, s)
			f := finding("e1", detector.Open, 0, 1)
			f.Rule.Level, f.Rule.Mode = tt.level, tt.mode
			report(t, m, f)
			s.now = func() time.Time { return start().Add(time.Minute) }
			m.cfg.Now = s.now
			a, err := m.Act(t.Context(), "e1", Deed{Action: ActionAnswer, Actor: "ann", Me: tt.me, Reason: "I was asleep"})
			if err != nil {
				t.Fatal(err)
			}
			if a.State != Firing || a.Change != ChangeAnswered || a.Judged != nil {
				t.Errorf("it is %s by %s, verdict %v", a.State, a.Change, a.Judged)
			}
			if got := UrgencyOf(&a, AccountInfo{}, a.Updated); got != tt.urgency {
				t.Errorf("urgency %s, want %s", got, tt.urgency)
			}
			text := TextAt(a, nil, a.Updated)
			for _, want := range tt.says {
				if !strings.Contains(text, want) {
					t.Errorf("the text does not say %q:\n%s", want, text)
				}
			}
		})
	}
}

func TestAnswerTooLate(t *testing.T) {
	s := newMemory()
	m := manager(t, s)
	report(t, m, finding("e1", detector.Open, 0, 1))
	if _, err := m.Act(t.Context(), "e1", resolving("tom", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Act(t.Context(), "e1", Deed{Action: ActionAnswer, Actor: "ann"}); !errors.Is(err, ErrState) {
		t.Errorf("an answer on what is resolved: %v", err)
	}
}

// TestCopiesKept: the text says what is kept of what a post shows.
func TestCopiesKept(t *testing.T) {
	for kept, want := range map[int]string{0: "+2 images ", 1: "+2 images (copy kept) ", 2: "+2 images (2 copies kept) "} {
		a, _ := Apply(Alert{}, finding("e1", detector.Open, 0, 1))
		a.Evidence[0].Media = []activity.Media{{Type: "image"}, {Type: "image"}}
		a.Around.Kept = kept
		if text := strings.Join(strings.Fields(Text(a, nil)), " "); !strings.Contains(text, want) {
			t.Errorf("%d kept: %s\nwant %q", kept, text, want)
		}
	}
}

// TestNoTakesTheAcknowledgementBack: whoever said to be on it may be whom the
// alert is about.
func TestNoTakesTheAcknowledgementBack(t *testing.T) {
	m := manager(t, newMemory())
	report(t, m, finding("e1", detector.Open, 0, 1))
	if _, err := m.Act(t.Context(), "e1", acking("mallory", "")); err != nil {
		t.Fatal(err)
	}
	a, err := m.Act(t.Context(), "e1", Deed{Action: ActionAnswer, Actor: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if a.State != Firing || a.Ack != nil || a.Change != ChangeAnswered {
		t.Errorf("it is %s, acknowledged by %v, %s", a.State, a.Ack, a.Change)
	}
}

// TestNamesAreWhatTheyLookLike: characters that do not show make no other name.
func TestNamesAreWhatTheyLookLike(t *testing.T) {
	for _, tt := range []struct{ name, by, want string }{
		{"of nobody else", "pick\u200bet", ""},
		{"for a terminal", "jane\x1b[2K\u202e", "jane[2K"},
		{"with spaces", "  ann  roe ", "ann roe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := Act(Alert{ID: "e1", State: Firing}, acking(tt.by, ""), start())
			if tt.want == "" {
				if !errors.Is(err, ErrActor) {
					t.Errorf("%v, want ErrActor", err)
				}
				return
			}
			if err != nil || a.Ack.By != tt.want {
				t.Errorf("by %+v, %v; want %q", a.Ack, err, tt.want)
			}
		})
	}
}
