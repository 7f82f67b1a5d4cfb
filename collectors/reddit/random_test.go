package reddit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

// broken fails requests at random.
type broken struct {
	http.RoundTripper
	dice *rand.Rand
	part float64
}

func (b broken) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.dice.Float64() < b.part {
		return nil, errors.New("connection reset")
	}
	return b.RoundTripper.RoundTrip(r)
}

// TestChangesOnce lives through hours in which items are posted, edited, deleted
// and removed at random, answers fail, and pages are lost before they are stored:
// each change is told once, and nothing else is.
func TestChangesOnce(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 9))
			w := newWorld(t, reddittest.Options{Shuffle: seed + 1}, withMentions, func(c *Config) { c.Moderates = []string{"acme"} })
			w.size = 20
			w.srv.Moderate("acme", reddittest.Action{})
			cursor := w.connect()
			want, got := map[string]int{}, map[string]int{}
			texts := map[string]string{} // of what stands, by name
			var names []string
			known := map[uint64]bool{}
			poll := func(part float64) {
				w.Pass(time.Minute)
				for more := true; more; {
					deps := w.deps()
					deps.HTTP = &http.Client{Transport: broken{deps.HTTP.Transport, dice, part}}
					c, err := New(w.cfg, deps)
					if err != nil {
						t.Fatal(err)
					}
					c.size = w.size
					page, err := c.Poll(t.Context(), cursor)
					if err != nil || dice.Float64() < part { // the page is lost before it is stored
						return
					}
					cursor, more = page.Cursor, page.More
					for _, a := range page.Activities {
						if a.Kind == activity.KindFollowers || known[a.Key()] {
							continue
						}
						known[a.Key()] = true
						id := a.ID
						switch a.Kind {
						case activity.KindEdit:
							id = a.Object + " " + a.Text
						case activity.KindDelete:
							id = a.Object + " " + a.Profile[0].Value
						default:
						}
						got[string(a.Kind)+" "+id]++
					}
				}
			}
			for step := range 60 {
				switch n := dice.IntN(10); {
				case n < 3 || len(names) == 0:
					item, kind := entry{Text: fmt.Sprint(step)}, "reply "
					if n != 1 {
						item.Title, kind = "t", "post "
					} else {
						item.Parent = "t3_1abc23"
					}
					name := w.srv.Post(item)
					names, texts[name] = append(names, name), item.Text
					want[kind+name]++
				case n < 8:
					poll(0) // what was never seen cannot be told to have changed
					name := names[dice.IntN(len(names))]
					title := ""
					if name[1] == '3' {
						title = "t\n\n"
					}
					switch text := texts[name] + "."; {
					case text == ".": // it is gone
					case n == 3:
						w.srv.Edit(name, func(o *entry) { o.Deleted = true })
						want["delete "+name+" author"]++
						texts[name] = ""
					case n == 4 && title != "":
						w.srv.Edit(name, func(o *entry) { o.RemovedBy = "moderator" })
						want["delete "+name+" moderator"]++
						texts[name] = ""
					default:
						w.srv.Edit(name, func(o *entry) { o.Text = text })
						texts[name] = text
						want["edit "+name+" "+title+text]++
					}
					for range 12 { // until the change must have been seen
						poll(0)
					}
				case n == 8:
					want["mention "+w.srv.Receive(reddittest.Note{Author: "fan", Text: "hi"})]++
				default:
					want["role_change "+w.srv.Moderate("acme", reddittest.Action{Action: "setpermissions", Mod: "acme", Target: "jane"})]++
				}
				poll(0.3)
			}
			for range 15 {
				poll(0)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !slices.ContainsFunc(names, func(name string) bool { return want["delete "+name+" author"] == 1 }) {
				t.Error("nothing was deleted")
			}
		})
	}
}
