package silence_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting/calendar"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/silence"
)

func at(tb testing.TB, s string) time.Time {
	tb.Helper()
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func noon() time.Time { return time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC) }

func matchers(tb testing.TB, s string) match.Matchers {
	tb.Helper()
	m, err := match.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func make1(tb testing.TB, text string, start, end time.Time) silence.Silence {
	tb.Helper()
	s, err := silence.New(silence.Request{Matchers: matchers(tb, text), Author: "jane", Reason: "campaign", Start: start, End: end}, noon())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestNew(t *testing.T) {
	tests := []struct {
		name       string
		start, end time.Time
		from, to   string
	}{
		{"at once, for a week", time.Time{}, time.Time{}, "2026-03-10T12:00:00Z", "2026-03-17T12:00:00Z"},
		{"later, for a week", noon().Add(time.Hour), time.Time{}, "2026-03-10T13:00:00Z", "2026-03-17T13:00:00Z"},
		{"with an end", time.Time{}, noon().Add(time.Hour), "2026-03-10T12:00:00Z", "2026-03-10T13:00:00Z"},
		{"from before now is from now", noon().Add(-time.Hour), noon().Add(time.Hour), "2026-03-10T12:00:00Z", "2026-03-10T13:00:00Z"},
		{"as long as may be", time.Time{}, noon().Add(90 * 24 * time.Hour), "2026-03-10T12:00:00Z", "2026-06-08T12:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := make1(t, `level="low"`, tt.start, tt.end)
			if !s.Start.Equal(at(t, tt.from)) || !s.End.Equal(at(t, tt.to)) {
				t.Errorf("from %s to %s, want %s to %s", s.Start, s.End, tt.from, tt.to)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	low := matchers(t, `level="low"`)
	tests := []struct {
		name    string
		request silence.Request
		want    string
		is      error
	}{
		{"no matchers", silence.Request{Author: "jane", Reason: "r"}, "would match every alert", match.ErrNone},
		{"no author", silence.Request{Matchers: low, Reason: "r"}, "name the person", silence.ErrActor},
		{"Picket itself", silence.Request{Matchers: low, Author: "Picket", Reason: "r"}, "name the person", silence.ErrActor},
		{"a long name", silence.Request{Matchers: low, Author: strings.Repeat("j", 129), Reason: "r"}, "at most 128", silence.ErrActor},
		{"no reason", silence.Request{Matchers: low, Author: "jane", Reason: "  "}, "no reason", nil},
		{"a long reason", silence.Request{Matchers: low, Author: "jane", Reason: strings.Repeat("r", 1025)}, "at most 1024", nil},
		{"over before it begins", silence.Request{Matchers: low, Author: "jane", Reason: "r", End: noon()}, "not after its start", silence.ErrSpan},
		{"too long", silence.Request{Matchers: low, Author: "jane", Reason: "r", End: noon().Add(91 * 24 * time.Hour)}, "at most 90 days", silence.ErrSpan},
		{"a span too long", silence.Request{Matchers: low, Author: "jane", Reason: "r", Span: 91 * 24 * time.Hour}, "it ends 2026-06-09T12:00:00Z; expected at most 90 days", silence.ErrSpan},
		{"an end and a span", silence.Request{Matchers: low, Author: "jane", Reason: "r", End: noon().Add(time.Hour), Span: time.Hour}, "give one of them", silence.ErrSpan},
		{"too far ahead", silence.Request{Matchers: low, Author: "jane", Reason: "r", Start: noon().Add(91 * 24 * time.Hour)}, "within 90 days", silence.ErrSpan},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := silence.New(tt.request, noon())
			if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v, want one with %q that is %v", err, tt.want, tt.is)
			}
		})
	}
}

// TestLife walks silences through their states.
func TestLife(t *testing.T) {
	type step struct {
		after time.Duration
		do    string // "", or a deed and who does it
		want  string // the state, or what the error says
	}
	const hour = time.Hour
	tests := []struct {
		name     string
		matchers string
		start    time.Duration
		steps    []step
	}{
		{"one that can match nothing critical", `level!="critical"`, 0, []step{
			{0, "", "active"},
			{hour, "confirm tom", "needs no second person"},
			{2*hour - 1, "", "active"},
			{2 * hour, "", "over"},
			{2 * hour, "expire tom", "it is over since 2026-03-10T14:00:00Z"},
		}},
		{"one that is planned", `level="low"`, hour, []step{
			{0, "", "scheduled"}, {hour, "", "active"}, {3 * hour, "", "over"},
		}},
		{"one that waits for a second person", `account="x/acme"`, 0, []step{
			{0, "", "awaiting"},
			{1, "confirm jane", "somebody else must confirm it"},
			{1, "confirm JANE ", "somebody else must confirm it"},
			{1, "confirm picket", "name the person who acts"},
			{hour, "confirm tom", "active"},
			{hour, "confirm ann", "it is active, confirmed by tom"},
			{2 * hour, "", "over"},
		}},
		{"one confirmed before it begins", `account="x/acme"`, hour, []step{
			{1, "confirm tom", "scheduled"}, {hour, "", "active"},
		}},
		{"one that nobody confirmed in time", `account="x/acme"`, 0, []step{
			{2 * hour, "confirm tom", "it is over since 2026-03-10T14:00:00Z"},
		}},
		{"one ended by hand", `level="low"`, 0, []step{
			{hour, "expire tom", "over"},
			{hour + 1, "expire tom", "it is over since 2026-03-10T13:00:00Z by tom"},
		}},
		{"one ended before it began", `level="low"`, hour, []step{
			{1, "expire jane", "over"}, {hour, "", "over"},
		}},
		{"one ended by nobody", `level="low"`, 0, []step{
			{1, "expire", "name the person who acts"}, {1, "", "active"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := noon().Add(tt.start)
			s := make1(t, tt.matchers, start, start.Add(2*hour))
			for _, st := range tt.steps {
				now := noon().Add(st.after)
				deed, who, _ := strings.Cut(st.do, " ")
				before, err := s, error(nil)
				switch deed {
				case "confirm":
					s, err = s.Confirm(who, "because", now)
				case "expire":
					s, err = s.Expire(who, "because", now)
				}
				if err != nil {
					if !strings.Contains(err.Error(), st.want) {
						t.Errorf("%s after %s: error %v, want one with %q", st.do, st.after, err, st.want)
					}
					if diff := cmp.Diff(before, s, cmp.Comparer(sameMatchers)); diff != "" {
						t.Errorf("a refused deed changed it: %s", diff)
					}
					continue
				}
				if got := string(s.State(now)); got != st.want {
					t.Errorf("%s after %s: %s, want %s", st.do, st.after, got, st.want)
				}
				if deed != "" && s.Revision != before.Revision+1 {
					t.Errorf("%s makes revision %d of %d", st.do, s.Revision, before.Revision)
				}
			}
		})
	}
}

func sameMatchers(a, b match.Matchers) bool { return a.String() == b.String() }

func TestStored(t *testing.T) {
	s := make1(t, `account="x/acme"`, time.Time{}, time.Time{})
	s, err := s.Confirm("tom", "right", noon().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	data, err := silence.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"v":1,"id":"` + "%s" + `","revision":2,"change":"confirmed","matchers":"{account=\"x/acme\"}",` +
		`"author":"jane","reason":"campaign","created":"2026-03-10T12:00:00Z","start":"2026-03-10T12:00:00Z","end":"2026-03-17T12:00:00Z",` +
		`"two_persons":true,"confirmed":{"by":"tom","at":"2026-03-10T12:01:00Z","reason":"right"}}`
	if got := string(data); got != fmt.Sprintf(want, s.ID) {
		t.Errorf("stored as\n%s", got)
	}
	back, err := silence.Decode(data)
	if diff := cmp.Diff(s, back, cmp.Comparer(sameMatchers)); err != nil || diff != "" {
		t.Errorf("read back: %v\n%s", err, diff)
	}
	bad := map[string]string{
		"not JSON":       `{`,
		"another form":   `{"v":2,"id":"a"}`,
		"empty":          `{"v":1}`,
		"no matcher":     strings.Replace(string(data), `{account=\"x/acme\"}`, "", 1),
		"a wrong label":  strings.Replace(string(data), "account=", "acount=", 1),
		"by one person":  strings.Replace(string(data), `"by":"tom"`, `"by":"Jane"`, 1),
		"without an end": strings.Replace(string(data), `"end"`, `"ends"`, 1),
	}
	for name, doc := range bad {
		t.Run(name, func(t *testing.T) {
			if got, err := silence.Decode([]byte(doc)); err == nil {
				t.Errorf("read as %+v", got)
			}
		})
	}
}

func TestSet(t *testing.T) {
	labels := match.Set{"account": {"x/acme"}, "level": {"medium"}}
	short := make1(t, `account="x/acme", level!="critical"`, time.Time{}, noon().Add(time.Hour))
	long := make1(t, `level="medium"`, time.Time{}, noon().Add(2*time.Hour))
	other := make1(t, `level="low"`, time.Time{}, time.Time{})
	var set silence.Set
	if _, ok := set.Silenced(labels, noon()); ok {
		t.Error("the zero value silences")
	}
	for _, s := range []silence.Silence{short, other, long} {
		set.Note(s)
	}
	if s, ok := set.Silenced(labels, noon()); !ok || s.ID != long.ID {
		t.Errorf("silenced by %v, %v; want the one that ends last", s.Matchers, ok)
	}
	if s, ok := set.Silenced(labels, noon().Add(2*time.Hour)); ok {
		t.Errorf("silenced by %v after its end", s.Matchers)
	}
	if s, ok := set.Silenced(match.Set{"account": {"x/acme"}, "level": {"critical"}}, noon()); ok {
		t.Errorf("critical is silenced by %v", s.Matchers)
	}
	ended, err := long.Expire("tom", "", noon().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	set.Note(ended)
	set.Note(long) // comes again
	if s, ok := set.Silenced(labels, noon().Add(30*time.Minute)); !ok || s.ID != short.ID {
		t.Errorf("silenced by %v, %v; want the one that is left", s.Matchers, ok)
	}
	if n := set.Len(noon().Add(30 * time.Minute)); n != 2 {
		t.Errorf("%d silences, want 2", n)
	}
	// A silence of much later lets go of those that are long over.
	later, err := silence.New(silence.Request{Matchers: matchers(t, `level="low"`), Author: "jane", Reason: "r"}, noon().Add(30*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	set.Note(later)
	if n := set.Len(noon()); n != 1 {
		t.Errorf("%d silences are held, want the newest alone", n)
	}
}

func TestSetConcurrent(t *testing.T) {
	var set silence.Set
	var g sync.WaitGroup
	for i := range 4 {
		g.Go(func() {
			for j := range 50 {
				s, err := silence.New(silence.Request{Matchers: matchers(t, `level="low"`), Author: "jane", Reason: fmt.Sprint(i, j)}, noon())
				if err != nil {
					t.Error(err)
					return
				}
				set.Note(s)
				if _, ok := set.Silenced(match.Set{"level": {"low"}}, noon()); !ok {
					t.Error("not silenced by what it was just told")
				}
				set.SetWindows(nil)
			}
		})
	}
	g.Wait()
	if n := set.Len(noon()); n != 200 {
		t.Errorf("%d silences, want 200", n)
	}
}

// TestWindow has a window every Saturday night over a turn of the clocks:
// Berlin's go from 02:00 to 03:00 on 2026-03-29.
func TestWindow(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	recurs, err := calendar.NewRecurrence("FREQ=WEEKLY;BYDAY=SA", time.Date(2026, 3, 7, 22, 0, 0, 0, time.UTC), berlin)
	if err != nil {
		t.Fatal(err)
	}
	window := silence.Window{
		Name: "backup", Matchers: matchers(t, `account="x/acme"`), Author: "jane", ConfirmedBy: "tom", Reason: "the archive is restored",
		Recurs: recurs, Lasts: 6 * time.Hour,
	}
	unconfirmed := window
	unconfirmed.ConfirmedBy = ""
	labels := match.Set{"account": {"x/acme"}, "level": {"critical"}}
	tests := []struct {
		name, at string
		window   silence.Window
		want     string // its end
	}{
		{"before the first", "2026-03-07T20:59:59Z", window, ""},
		{"at its start", "2026-03-07T21:00:00Z", window, "2026-03-08T03:00:00Z"},
		{"in its last second", "2026-03-08T02:59:59Z", window, "2026-03-08T03:00:00Z"},
		{"at its end", "2026-03-08T03:00:00Z", window, ""},
		{"on another day", "2026-03-11T21:30:00Z", window, ""},
		{"over the turn of the clocks it lasts as long", "2026-03-29T02:59:59Z", window, "2026-03-29T03:00:00Z"},
		{"in summer an hour earlier", "2026-04-04T20:00:00Z", window, "2026-04-05T02:00:00Z"},
		{"without the second person", "2026-03-07T21:00:00Z", unconfirmed, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var set silence.Set
			set.SetWindows([]silence.Window{tt.window})
			s, ok := set.Silenced(labels, at(t, tt.at))
			if ok != (tt.want != "") || ok && (!s.End.Equal(at(t, tt.want)) || s.Window != "backup") {
				t.Errorf("silenced %v until %s by %q, want until %q", ok, s.End, s.Window, tt.want)
			}
			if _, ok := set.Silenced(match.Set{"account": {"x/beta"}}, at(t, tt.at)); ok {
				t.Error("another account is silenced")
			}
		})
	}
	// Moments in any order, as partitions and people ask.
	var set silence.Set
	set.SetWindows([]silence.Window{window})
	for _, i := range []int{6, 1, 0, 5, 2, 3, 1, 4, 6, 0, 2} {
		if _, ok := set.Silenced(labels, at(t, tests[i].at)); ok != (tests[i].want != "") {
			t.Errorf("%s, asked out of order: %v", tests[i].name, ok)
		}
	}
	next := window.Next(at(t, "2026-03-08T00:00:00Z"), 4*7*24*time.Hour)
	var starts []string
	for _, s := range next {
		starts = append(starts, s.Start.Format(time.RFC3339))
	}
	if diff := cmp.Diff([]string{"2026-03-14T21:00:00Z", "2026-03-21T21:00:00Z", "2026-03-28T21:00:00Z", "2026-04-04T20:00:00Z"}, starts); diff != "" {
		t.Errorf("next ones (-want +got):\n%s", diff)
	}
}

// FuzzDecode holds that what is read survives writing.
func FuzzDecode(f *testing.F) {
	s, err := silence.New(silence.Request{Matchers: matchers(f, `account="x/acme"`), Author: "jane", Reason: "r"}, noon())
	if err != nil {
		f.Fatal(err)
	}
	data, err := silence.Encode(s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"v":1,"id":"a","revision":1,"matchers":"level=low","start":"2026-01-01T00:00:00Z","end":"2026-01-02T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := silence.Decode(data)
		if err != nil {
			return
		}
		again, err := silence.Encode(s)
		if err != nil {
			t.Fatalf("%+v is read and cannot be written: %v", s, err)
		}
		back, err := silence.Decode(again)
		if err != nil {
			t.Fatalf("%s cannot be read: %v", again, err)
		}
		if third, err := json.Marshal(back); err != nil || string(third) != string(again) {
			t.Errorf("%s becomes %s, %v", again, third, err)
		}
	})
}
