package hijack

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
)

// TestHistoryKeepsWhatItIsGiven: what is read of a history is what was put in, in
// the order of time, whatever becomes of the memory that it was put in from.
func TestHistoryKeepsWhatItIsGiven(t *testing.T) {
	at := time.Date(2026, 3, 14, 1, 12, 0, 123456789, time.UTC)
	post := activity.Activity{
		ID: "1", Network: "x", Account: "x/acme", Kind: activity.KindPost, Time: at.Add(time.Hour), Seen: at.Add(2 * time.Hour), App: "Web",
		Text: "Giving \"back\"\nto you \u00e4\u2028", Lang: "en", Links: []string{"https://acme.example/a?b=c&d"}, LinkDomains: []string{"acme.example"},
		Mentions: []string{"jane"}, Hashtags: []string{"win"}, Media: []activity.Media{{Type: "image", URL: "https://img.example/1"}},
		Metrics: []activity.Metric{{Name: "likes", Value: 12.5}}, ReplyTo: "0", Raw: []byte(`{"id":1}`),
	}
	reply := activity.Activity{ID: "2", Network: "x", Account: "x/acme", Kind: activity.KindReply, Time: at, App: "Web", Text: "first"}
	same := activity.Activity{ID: "3", Network: "x", Account: "x/acme", Kind: activity.KindApproval, Time: at.Add(time.Hour), Approval: activity.Approval{Text: "Giving", Tool: "tool"}}
	odd := activity.Activity{ID: "4", Kind: "unheard of", Time: at.Add(3 * time.Hour), Text: "neither network nor account"}
	given := []activity.Activity{post, reply, same, odd}
	h := NewHistory("x/acme", false, given)
	want := []activity.Activity{reply, post, same, odd}
	for i := range want {
		want[i] = want[i].Clone()
	}
	clear(given)
	var got []activity.Activity
	for i := range h.Len() {
		got = append(got, *h.At(i))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("kept (-want +got):\n%s", d)
	}
	if h.Posts() != 2 || h.time(0) != reply.Time || h.app(1) != "Web" || !h.HasApprovals() || !h.HasApps() || h.before(post.Time) != 1 {
		t.Errorf("%d posts, the first at %s, the second from %q", h.Posts(), h.time(0), h.app(1))
	}
	h.At(1).Links[0] = "changed"
	if h.At(1).Links[0] != post.Links[0] {
		t.Error("what was read of a history changes it")
	}
}
