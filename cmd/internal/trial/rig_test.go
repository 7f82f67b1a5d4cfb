package trial

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the goldens anew")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// plan compiles the rules of testdata/rules, a handful of every type whose
// alerts are told in words of their own, so that the goldens stay when the
// built-in pack changes.
func plan(t *testing.T) *detector.Plan {
	t.Helper()
	data, err := os.ReadFile("testdata/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "rules.yml", Data: data}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var start = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// life writes the history of a test.
type life struct {
	acts []activity.Activity
	n    int
}

func (l *life) add(account string, kind activity.Kind, at time.Duration, change func(*activity.Activity)) {
	l.n++
	network, _, _ := strings.Cut(account, "/")
	a := activity.Activity{
		ID: fmt.Sprint(l.n), Network: network, Account: account, Kind: kind,
		Time: start.Add(at), Seen: start.Add(1000 * time.Hour),
	}
	if change != nil {
		change(&a)
	}
	l.acts = append(l.acts, a)
}

// year lets an account post twice a day for so many days.
func (l *life) posts(account, app string, days int) {
	for d := range days {
		for _, hour := range []int{0, 7} {
			l.add(account, activity.KindPost, time.Duration(24*d+hour)*time.Hour, func(a *activity.Activity) {
				a.App, a.Text = app, fmt.Sprintf("Bread of day %d", d)
			})
		}
	}
}

func (l *life) history(o Origin) *History {
	h := &History{Origin: o, Source: "test", Activities: l.acts}
	h.order()
	return h
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// told runs the rules over a history and returns the screen.
func told(t *testing.T, h *History, all bool) string {
	t.Helper()
	r, err := Try(t.Context(), h, plan(t))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := r.Text(&b, all); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := columns(strings.TrimRight(line, "\n")); n > width {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	return b.String()
}
