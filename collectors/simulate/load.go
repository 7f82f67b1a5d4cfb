package simulate

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Load yields n activities of about 900 bytes each as JSON, for load tests:
// fast, evenly spread over that many accounts ("x/load-0000000" and on) in a
// scrambled order, a millisecond apart from 2026-01-01 on, four posts to one
// login. They have no rhythm and no truth. Accounts below 1 count as 1. Their
// slices are shared between activities and must not be changed.
func Load(seed uint64, accounts, n int) iter.Seq[activity.Activity] {
	return func(yield func(activity.Activity) bool) {
		patterns := loadPatterns(seed)
		r := rand.New(rand.NewPCG(seed, 2))
		at := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
		var room [32]byte
		for i := range n {
			a := patterns[r.IntN(len(patterns))]
			a.ID = strconv.FormatUint(1<<60+uint64(i), 10)
			a.Account = string(appendPadded(append(room[:0], "x/load-"...), r.IntN(max(accounts, 1))))
			a.Time = at
			at = at.Add(time.Millisecond)
			a.Seen = at
			if !yield(a) {
				return
			}
		}
	}
}

// appendPadded appends v with seven digits, or more where it needs them.
func appendPadded(b []byte, v int) []byte {
	for limit := 1_000_000; limit > max(v, 1); limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(v), 10)
}

// loadPatterns are activities without id, account and time.
func loadPatterns(seed uint64) []activity.Activity {
	w := newWorld(Config{Seed: seed, Accounts: 64, Start: time.Unix(0, 0)})
	out := make([]activity.Activity, 0, 320)
	for i := range cap(out) {
		a, p := &w.accounts[i%len(w.accounts)], &w.people[i%len(w.people)]
		c := w.content(a, uint64(i+1), linked)
		x := activity.Activity{
			Network: "x", Kind: activity.KindPost, Actor: p.id, App: a.apps[i%2],
			Metrics: []activity.Metric{{Name: "likes", Value: float64(i)}, {Name: "replies", Value: float64(i % 7)}},
		}
		c.fill(&x)
		x.Media = []activity.Media{{
			Hash: hash(w.text), Type: "image", URL: fmt.Sprintf("https://cdn.example.com/%s/%d", a.handle, i),
		}}
		w.whereabouts(p, &step{aux: uint8(i % 3)}, &x)
		if i%5 == 0 {
			x.Kind = activity.KindLogin
			x.Outcome = activity.Outcome{Result: "success", Reason: "second factor approved"}
		}
		out = append(out, x)
	}
	return out
}
