package app

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

// TestKnownOnlyAnswersEach: a refusal must not shift the answers behind it.
func TestKnownOnlyAnswersEach(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j, err := journal.Open(t.Context(), js, journal.Config{Partitions: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	in := knownOnly{cfg: newCurrent(configured(t, "accounts: [{account: x/acme}]\n")), places: &places{}, journal: j}
	for _, tt := range []struct {
		name, accounts, ids string
		want                string // of each: stored, unknown or invalid
	}{
		{"all known", "aa", "12", "ss"},
		{"none known", "bb", "12", "uu"},
		{"one between", "aba", "123", "sus"},
		{"the first, and one without an id", "baaa", "12-4", "usis"},
	} {
		var list []activity.Activity
		for i, c := range tt.accounts {
			a := activity.Activity{
				ID: tt.ids[i : i+1], Network: "x", Account: "x/acme", Kind: activity.KindPost,
				Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
			}
			if c == 'b' {
				a.Account = "x/other"
			}
			if a.ID == "-" {
				a.ID = ""
			}
			list = append(list, a)
		}
		got := ""
		for _, err := range in.Submit(t.Context(), list) {
			switch {
			case err == nil:
				got += "s"
			case errors.Is(err, collectors.ErrUnknownAccount):
				got += "u"
			case errors.Is(err, collectors.ErrInvalid):
				got += "i"
			default:
				got += fmt.Sprintf("(%v)", err)
			}
		}
		if got != tt.want {
			t.Errorf("%s: answers %s, want %s", tt.name, got, tt.want)
		}
	}
}
