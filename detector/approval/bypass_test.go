package approval_test

import (
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/approval"
)

// message is what one side of a comparison gives to Normalise.
type message struct {
	text         string
	links, media []string
}

func (m message) normal() approval.Message { return approval.Normalise(m.text, m.links, m.media) }

// TestSameLinks holds that no link can be brought in, swapped or hidden: only
// a network's own wrapper of unknown target is taken by its number.
func TestSameLinks(t *testing.T) {
	links := func(l ...string) []string { return l }
	plain := message{text: "Big sale today"}
	sale := message{text: "Sale https://acme.example/sale"}
	tests := []struct {
		name           string
		post, approved message
		want           bool
	}{
		{"a wrapper that hides another shortener", message{"Big sale today https://t.co/abc", links("https://bit.ly/evil"), nil}, plain, false},
		{"a wrapper written out as another shortener", message{"Big sale today https://bit.ly/evil", links("https://bit.ly/evil"), nil}, plain, false},
		{"a link beside the text", message{"Big sale today", links("https://evil.example"), nil}, plain, false},
		{"a shortener beside the text", message{"Big sale today", links("https://bit.ly/evil"), nil}, plain, false},
		{"something else beside the text", message{"Big sale today", links("mailto:a@evil.example"), nil}, plain, false},
		{"a shortener for a page", message{text: "Sale https://bit.ly/evil"}, sale, false},
		{"an expanded shortener for a page", message{"Sale https://t.co/abc", links("https://bit.ly/evil"), nil}, sale, false},
		{"another video", message{text: "Watch https://youtu.be/EVIL"}, message{text: "Watch https://youtu.be/GOOD"}, false},
		{"the same video", message{"Watch https://t.co/abc", links("https://youtu.be/GOOD"), nil}, message{text: "Watch https://youtu.be/GOOD"}, true},
		{"the same shortener", message{text: "Sale https://bit.ly/sale"}, message{text: "Sale https://bit.ly/sale"}, true},
		{"a wrapper hidden by a link that is written out", message{"Sale https://acme.example/sale https://t.co/evil", links("https://acme.example/sale"), nil}, sale, false},
		{"a wrapper hidden by a link given twice", message{"Sale https://t.co/abc https://t.co/evil", links("https://acme.example/sale", "http://www.acme.example/sale/"), nil}, sale, false},
		{"a wrapper for one of two links", message{"Sale https://acme.example/sale https://t.co/abc", links("https://acme.example/sale"), nil}, message{text: "Sale https://acme.example/sale https://acme.example/more"}, true},
		{"another link and a wrapper for two links", message{text: "Sale https://evil.example https://t.co/abc"}, message{text: "Sale https://acme.example/sale https://acme.example/more"}, false},
		{"the same wrapper twice", message{text: "Sale https://t.co/abc https://t.co/abc"}, sale, true},
		{"a wrapper that the source names as target", message{"Sale https://t.co/evil", links("https://t.co/evil"), nil}, sale, false},
		{"another network's wrapper as target", message{"Sale https://t.co/abc", links("https://lnkd.in/evil"), nil}, sale, false},
		{"a wrapper of LinkedIn, by number", message{text: "Sale https://lnkd.in/abc"}, sale, true},
		{"an approved wrapper for itself", message{text: "Sale https://t.co/abc"}, message{text: "Sale https://t.co/abc"}, true},
		{"an approved wrapper for itself, named as target", message{"Sale https://t.co/abc", links("https://t.co/abc"), nil}, message{text: "Sale https://t.co/abc"}, true},
		{"a page for an approved wrapper", message{"Sale https://t.co/abc", links("https://evil.example"), nil}, message{text: "Sale https://t.co/def"}, false},
		{"the bare host of a wrapper", message{text: "Sale https://t.co"}, sale, false},
		{"a look-alike of a wrapper", message{text: "Sale https://t.co.evil.example/abc"}, sale, false},
		{"approved in links, posted in the text", sale, message{"Sale", links("https://acme.example/sale"), nil}, true},
		{"a scheme in capitals", message{text: "Sale HTTPS://acme.example/sale"}, sale, true},
		{"a link in brackets", message{"Sale (https://acme.example/sale)", links("https://acme.example/sale"), nil}, message{text: "Sale (https://acme.example/sale)"}, true},
		{"another fragment", message{text: "Sale https://acme.example/sale#/evil"}, sale, false},
		{"a query that is no list of pairs", message{text: "Sale https://acme.example/sale?to=evil;x"}, sale, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := approval.Same(tt.post.normal(), tt.approved.normal()); got != tt.want {
				t.Errorf("Same = %v, want %v\npost     %+v\napproved %+v", got, tt.want, tt.post.normal(), tt.approved.normal())
			}
		})
	}
}

func TestSameMedia(t *testing.T) {
	media := func(m ...string) []string { return m }
	tests := []struct {
		name           string
		post, approved []string
		want           bool
	}{
		{"none", nil, nil, true},
		{"none, in other words", media(), nil, true},
		{"an image on an approved text", media("sha256:aa"), nil, false},
		{"an image without a hash on an approved text", media("3_1234"), nil, false},
		{"an image of which nothing is known on an approved text", media(""), nil, false},
		{"an approved image left out", nil, media("sha256:aa"), false},
		{"an approved image without a hash left out", nil, media("3_1234"), false},
		{"one more", media("3_1", "3_2"), media("sha256:aa"), false},
		{"the same", media("sha256:aa", "sha256:bb"), media("sha256:bb", "sha256:aa"), true},
		{"the same in capitals", media("SHA256:AA"), media("sha256:aa"), true},
		{"another", media("sha256:bb"), media("sha256:aa"), false},
		{"the same twice for two", media("sha256:aa", "sha256:aa"), media("sha256:aa", "sha256:bb"), false},
		{"unknown ones by number", media("3_1", "3_2"), media("sha256:aa", "sha256:bb"), true},
		{"one unknown, one the same", media("3_1", "sha256:aa"), media("sha256:aa", "sha256:bb"), true},
		{"one unknown, one another", media("3_1", "sha256:cc"), media("sha256:aa", "sha256:bb"), false},
		{"approved without a hash", media("sha256:aa"), media("draft-7"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			post, approved := message{"hi", nil, tt.post}, message{"hi", nil, tt.approved}
			if got := approval.Same(post.normal(), approved.normal()); got != tt.want {
				t.Errorf("Same = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestDifference(t *testing.T) {
	tests := []struct {
		name           string
		approved, post message
		want           string
	}{
		{"words", message{text: "we open at nine"}, message{text: "we open at ten"}, "we open at [-nine-] {+ten+}"},
		{"a link added", message{text: "Sale"}, message{"Sale https://t.co/abc", []string{"https://bit.ly/evil"}, nil}, "Sale {+bit.ly/evil+}"},
		{"a link swapped", message{text: "Sale https://acme.example/sale"}, message{text: "Sale https://bit.ly/evil"}, "Sale [-acme.example/sale-] {+bit.ly/evil+}"},
		{"a link of unknown target added", message{text: "Sale"}, message{text: "Sale https://t.co/evil"}, "Sale {+t.co/evil+}"},
		{"media added", message{text: "Sale"}, message{"Sale", nil, []string{"3_1"}}, "Sale {+1 media+}"},
		{"media removed", message{"Sale", nil, []string{"sha256:aa", "3_1"}}, message{text: "Sale"}, "Sale [-2 media-]"},
		{"media swapped", message{"Sale", nil, []string{"sha256:aa"}}, message{"Sale", nil, []string{"sha256:bb"}}, "Sale [-1 media-] {+1 media+}"},
		{"one of two media swapped", message{"Sale", nil, []string{"sha256:aa", "sha256:bb"}}, message{"Sale", nil, []string{"sha256:bb", "sha256:cc"}}, "Sale [-1 media-] {+1 media+}"},
		{"media of unknown content", message{"Sale", nil, []string{"sha256:aa"}}, message{"Sale today", nil, []string{"3_1"}}, "Sale {+today+}"},
		{"media at the end of a long text", message{text: strings.Repeat("word ", 40)}, message{strings.Repeat("word ", 40), nil, []string{"3_1"}}, strings.Repeat("word ", 16) + "wor… {+1 media+}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := approval.Difference(tt.approved.normal(), tt.post.normal(), 98); got != tt.want {
				t.Errorf("Difference = %q\nwant         %q", got, tt.want)
			}
		})
	}
}

// approve is an approval activity of the text "hello there" for x/a.
func approve(id string, with func(*activity.Approval)) *activity.Activity {
	a := activity.Activity{ID: id, Account: "x/a", Kind: activity.KindApproval}
	a.Approval.Text = "hello there"
	if with != nil {
		with(&a.Approval)
	}
	return &a
}

// TestJudgeEdited holds that what is added to an approved text is told as an
// edit of it, with the approval.
func TestJudgeEdited(t *testing.T) {
	for name, post := range map[string]message{
		"an image": {"hello there", nil, []string{"3_1"}},
		"a link":   {"hello there https://t.co/x", []string{"https://bit.ly/evil"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var l approval.Ledger
			l.Add(approve("1", nil), 1)
			j := l.Judge("x/a", post.normal(), 2, true)
			if j.Verdict != approval.Edited || j.Entry == nil || j.Entry.ID != "1" {
				t.Errorf("verdict %s of %+v, want edited of 1", j.Verdict, j.Entry)
			}
		})
	}
}

func TestApprovalAheadIsKept(t *testing.T) {
	const day = 24 * time.Hour
	at := func(d time.Duration) time.Time { return time.Unix(0, 0).Add(d).UTC() }
	tests := []struct {
		name string
		with func(*activity.Approval)
		ask  time.Duration
		want approval.Verdict
	}{
		{"begins in 60 days", func(a *activity.Approval) { a.From = at(60 * day) }, 60 * day, approval.Approved},
		{"began 29 days ago", func(a *activity.Approval) { a.From = at(60 * day) }, 89 * day, approval.Approved},
		{"began 179 days ago", func(a *activity.Approval) { a.From = at(60 * day) }, 239 * day, approval.Approved},
		{"began 181 days ago", func(a *activity.Approval) { a.From = at(60 * day) }, 241 * day, approval.Missing},
		{"not yet begun", func(a *activity.Approval) { a.From = at(60 * day) }, 59 * day, approval.Expired},
		{"ended 29 days ago", func(a *activity.Approval) { a.From, a.Until = at(60*day), at(70*day) }, 99 * day, approval.Expired},
		{"ended 31 days ago", func(a *activity.Approval) { a.From, a.Until = at(60*day), at(70*day) }, 101 * day, approval.Missing},
		{"ends beyond nanoseconds", func(a *activity.Approval) { a.Until = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }, 99 * day, approval.Approved},
		{"ended before nanoseconds", func(a *activity.Approval) { a.Until = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC) }, day, approval.Expired},
		{"ended with the epoch", func(a *activity.Approval) { a.Until = at(0) }, day, approval.Expired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l approval.Ledger
			l.Add(approve("1", tt.with), 0)
			other := approve("2", nil)
			other.Approval.Text = "quite another message"
			l.Add(other, int64(tt.ask)) // forgets what has expired
			m := approval.Normalise("hello there", nil, nil)
			if j := l.Judge("x/a", m, int64(tt.ask), true); j.Verdict != tt.want {
				t.Errorf("verdict %s, want %s", j.Verdict, tt.want)
			}
		})
	}
}
