package profile

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/picketd/picket/collectors/activity"
)

func TestStateIsSmallAndHasNoPointers(t *testing.T) {
	if size := unsafe.Sizeof(State{}); size > 640 {
		t.Errorf("state has %d bytes, want at most 640", size)
	}
	for _, of := range []reflect.Type{reflect.TypeFor[State](), reflect.TypeFor[World]()} {
		plain(t, of, of.Name())
	}
}

// plain holds that a type is made of numbers of at most 8 bytes.
func plain(t *testing.T, of reflect.Type, path string) {
	t.Helper()
	switch of.Kind() {
	case reflect.Struct:
		for f := range of.Fields() {
			plain(t, f.Type, path+"."+f.Name)
		}
	case reflect.Array:
		plain(t, of.Elem(), path+"[]")
	case reflect.Uint8, reflect.Int8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32:
	default:
		t.Errorf("%s is a %s", path, of.Kind())
	}
}

// account plays posts of one account into a model.
type account struct {
	s     State
	w     *World
	r     *Reader
	m     Model
	name  string
	alert int
}

func newAccount(name string, w *World) *account {
	return &account{w: w, r: NewReader(), m: Default(1), name: name}
}

func (a *account) judge(act activity.Activity) (Verdict, Post) {
	act.Account = a.name
	var p Post
	a.r.Read(&p, &act, act.Time.Unix(), act.Time.Hour())
	since, posts := a.s.Known()
	ready := posts >= 300 && p.Time-since >= 30*86400
	return a.s.Judge(&p, &a.m, ready), p
}

func (a *account) see(act activity.Activity) Verdict {
	v, p := a.judge(act)
	a.s.Learn(&p, a.w, &a.m)
	a.w.Learn(&p)
	if v.Alert {
		a.alert++
	}
	return v
}

func words(rng *rand.Rand, from []string, n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = from[rng.IntN(len(from))]
	}
	return strings.Join(out, " ") + "."
}

func vocabulary(seed string) []string {
	out := make([]string, 60)
	for i := range out {
		out[i] = fmt.Sprintf("%s%c%c", seed, 'a'+i%26, 'a'+i/26)
	}
	return out
}

// habitual is an account that posts a few times a day between 9 and 17 h with
// two clients; another one fills the world meanwhile.
func habitual(days int) (*account, *rand.Rand, time.Time) {
	w := &World{}
	own, other := newAccount("x/own", w), newAccount("x/other", w)
	rng := rand.New(rand.NewPCG(1, 2))
	mine, theirs := vocabulary("mine"), vocabulary("their")
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := range days {
		for range 3 + rng.IntN(3) {
			at := start.AddDate(0, 0, d).Add(9*time.Hour + time.Duration(rng.IntN(8*3600))*time.Second)
			app := []string{"Web", "Web", "Phone"}[rng.IntN(3)]
			own.see(activity.Activity{Kind: activity.KindPost, Time: at, App: app, Lang: "en", Text: words(rng, mine, 5+rng.IntN(10))})
			other.see(activity.Activity{Kind: activity.KindPost, Time: at, App: "Suite", Lang: "en", Text: words(rng, theirs, 5+rng.IntN(10))})
		}
	}
	return own, rng, start.AddDate(0, 0, days)
}

func TestBudgetIsHeld(t *testing.T) {
	own, _, _ := habitual(720)
	months := 690 / 30.44
	if rate := float64(own.alert) / months; rate > 1.1 {
		t.Errorf("%.2f alerts a month, want about the budget of 1", rate)
	}
}

func TestWhatIsOddIsNoticedAndSaid(t *testing.T) {
	own, rng, day := habitual(360)
	mine := vocabulary("mine")
	usual := activity.Activity{Kind: activity.KindPost, Time: day.Add(12 * time.Hour), App: "Web", Lang: "en", Text: words(rng, mine, 10)}
	for _, row := range []struct {
		name   string
		change func(*activity.Activity)
		posts  int
		field  string // of the weightiest reason; "" for silence
		says   string
	}{
		{"as always", func(*activity.Activity) {}, 1, "", ""},
		{"another client", func(a *activity.Activity) { a.App = "Bitly" }, 1, "app", "app Bitly, new to the account; no new app in about a year"},
		{"in the night", func(a *activity.Activity) { a.Time = day.Add(27 * time.Hour) }, 3, "time", "03 to 04 h; 0 of "},
		{"words of another", func(a *activity.Activity) { a.Text = words(rng, vocabulary("their"), 12) }, 3, "text", " of 12 words are not the account's own; usually "},
		{"bait", func(a *activity.Activity) { a.Text = "Bitcoin giveaway, send to this wallet and claim double" }, 1, "text", "words that hijackers use"},
	} {
		t.Run(row.name, func(t *testing.T) {
			fork := *own
			for i := range row.posts {
				a := usual
				row.change(&a)
				a.Time = a.Time.Add(time.Duration(i) * time.Minute)
				v, p := fork.judge(a)
				if i < row.posts-1 && !v.Alert {
					continue
				}
				if v.Alert != (row.field != "") {
					t.Fatalf("alert %v at post %d, score %.2f of %.2f", v.Alert, i+1, v.Score, v.Threshold)
				}
				if !v.Alert {
					return
				}
				why := fork.s.Reasons(&p, &a, &v)
				if len(why) == 0 || why[0].Field != row.field || !strings.Contains(why[0].Seen+"; "+why[0].Expected, row.says) {
					t.Errorf("reasons %+v, want %q about %s first", why, row.says, row.field)
				}
				return
			}
		})
	}
}

// TestFastest holds which run of posts is told.
func TestFastest(t *testing.T) {
	for _, row := range []struct {
		name string
		gaps []float64 // the latest last
		says string
	}{
		{"nothing known", nil, "10 posts in about 9830 min"},
		{"three at once", []float64{3600, 5, 5}, "3 posts in 10 s"},
		{"ten in minutes", []float64{60, 60, 60, 60, 60, 60, 60, 60, 60}, "10 posts in about 9 min"},
		{"six in minutes", []float64{9000, 9000, 9000, 9000, 40, 40, 40, 40, 40}, "6 posts in about 3 min"},
		{"a week between", []float64{7 * 86400, 1, 1}, "3 posts in 2 s"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := State{gaps: noGaps()}
			for _, g := range row.gaps {
				s.follow(g)
			}
			if got := s.seenPace(); got != row.says {
				t.Errorf("got %q, want %q", got, row.says)
			}
		})
	}
}

// TestNothingIsLearnedByJudging holds that a post which is judged a hundred
// times stays as new as it was.
func TestNothingIsLearnedByJudging(t *testing.T) {
	own, _, day := habitual(360)
	before := own.s
	for i := range 100 {
		own.judge(activity.Activity{Kind: activity.KindPost, Time: day.Add(time.Duration(12*60+i) * time.Minute), App: "Bitly", Lang: "tr", Text: "Something else #entirely"})
	}
	after := own.s
	if after.voice != before.voice || after.names != before.names || after.seen != before.seen || after.clients != before.clients || after.langs != before.langs || after.hours != before.hours {
		t.Error("judging changed what is known of the account")
	}
}

func TestSamePostsGiveTheSameState(t *testing.T) {
	a, _, _ := habitual(60)
	b, _, _ := habitual(60)
	if a.s != b.s || *a.w != *b.w {
		t.Error("the same posts gave another state")
	}
}

func TestLateAndFuturePosts(t *testing.T) {
	own, _, day := habitual(60)
	for _, at := range []time.Time{day.AddDate(0, 0, -50), day.AddDate(-30, 0, 0), time.Unix(0, 0), day.AddDate(40, 0, 0), day} {
		v := own.see(activity.Activity{Kind: activity.KindPost, Time: at, App: "Web", Text: "late"})
		if v.Score != v.Score || v.Threshold != v.Threshold { // not a number
			t.Errorf("%v: score %v of %v", at, v.Score, v.Threshold)
		}
	}
}

func TestWorldKeepsNobodyTooOften(t *testing.T) {
	w := &World{}
	loud, quiet := newAccount("x/loud", w), newAccount("x/quiet", w)
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 5000 {
		loud.see(activity.Activity{Kind: activity.KindPost, Time: at.Add(time.Duration(i) * time.Minute), Text: "Louder and louder"})
		if i%100 == 0 {
			quiet.see(activity.Activity{Kind: activity.KindPost, Time: at.Add(time.Duration(i) * time.Minute), Text: "Hush"})
		}
	}
	slots := map[uint16]int{}
	for i := range w.Posts {
		if w.Posts[i].N > 0 {
			slots[w.Posts[i].Owner]++
		}
	}
	var p Post
	NewReader().Read(&p, &activity.Activity{Account: "x/loud"}, 0, 0)
	if n := slots[p.Owner]; n == 0 || n > perAccount {
		t.Errorf("the loud account fills %d slots, want at most %d", n, perAccount)
	}
	if len(slots) != 2 {
		t.Errorf("%d accounts are in the sample, want both", len(slots))
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"", "Hello, world! https://example.org/x", "日本語のつぶやき #タグ", "@a @b RT \xff\xfe", strings.Repeat("word ", 500), "http", "İstanbul’da ÇOK güzel"} {
		f.Add(s, "App", int64(1700000000))
	}
	r, w, m := NewReader(), &World{}, Default(1)
	var s State
	f.Fuzz(func(t *testing.T, text, app string, at int64) {
		var p, again Post
		a := activity.Activity{Account: "x/fuzz", Kind: activity.KindPost, Text: text, App: app, Mentions: strings.Fields(text)}
		r.Read(&p, &a, at, int(uint64(at)%24))
		r.Read(&again, &a, at, int(uint64(at)%24))
		if p != again || int(p.n) > maxTokens || p.words > p.n || p.bait > 15 {
			t.Fatalf("read %d tokens, %d words, bait %d, or not the same twice", p.n, p.words, p.bait)
		}
		v := s.Judge(&p, &m, true)
		s.Learn(&p, w, &m)
		w.Learn(&p)
		if v.Score != v.Score || v.Threshold != v.Threshold {
			t.Fatalf("score %v of %v", v.Score, v.Threshold)
		}
	})
}

func BenchmarkPost(b *testing.B) {
	own, rng, day := habitual(60)
	mine := vocabulary("mine")
	posts := make([]activity.Activity, 64)
	for i := range posts {
		posts[i] = activity.Activity{Account: "x/own", Kind: activity.KindPost, App: "Web", Lang: "en", Text: words(rng, mine, 14)}
	}
	var p Post
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			own.r.Read(&p, &posts[i%64], day.Unix(), 12)
		}
	})
	b.Run("judge and learn", func(b *testing.B) {
		b.ReportAllocs()
		at := day.Unix()
		for b.Loop() {
			at += 3000
			p.Time, p.Hour = at, uint8(at/3600%24)
			own.s.Judge(&p, &own.m, true)
			own.s.Learn(&p, own.w, &own.m)
			own.w.Learn(&p)
		}
	})
}
