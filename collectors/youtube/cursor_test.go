package youtube

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors"
)

// TestCursorFits: whoever has the channel cannot fill the cursor until it does not
// fit, which would end all polls.
func TestCursorFits(t *testing.T) {
	item := func(i int) watched {
		return watched{
			place: place{At: math.MaxInt32 * 1000, ID: fmt.Sprintf("video%06d", i)}, Title: digest("t"), Text: digest("d"), Rest: digest("r"),
			Privacy: "unlisted", Live: "upcoming", Edits: 9999, Gone: 99, Missing: true,
		}
	}
	token := strings.Repeat("T", 200)
	down := walk{First: true, Start: math.MaxInt32 * 1000, Token: token, Top: item(1).place, Low: math.MaxInt32 * 1000, Read: 9999, Pages: 999, Again: 9}
	st := &state{Version: cursorVersion, Asked: strings.Repeat("a", 200), Channel: "UC0123456789abcdefghijkl", Uploads: "UU0123456789abcdefghijkl"}
	st.lane = lane{Since: math.MaxInt32 * 1000, Mark: item(1).place, Walk: &down}
	st.Comments = &lane{Since: math.MaxInt32 * 1000, Mark: item(1).place, Walk: &down}
	for i := range MaxWatch {
		st.Watch = append(st.Watch, item(i))
	}
	for i := range maxGone {
		st.Gone = append(st.Gone, item(i))
	}
	st.Profile = &snapshot{N: 9999, Values: map[string]string{}}
	for _, name := range []string{"name", "handle", "description", "country", "picture", "banner", "keywords", "trailer", "privacy"} {
		st.Profile.Values[name] = collectors.Bounded(strings.Repeat("\u2028", 5000), maxValue(name))
	}
	st.Followers = sample{9999, math.MaxInt32}
	cursor, err := collectors.EncodeCursor(st)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeState(cursor); err != nil {
		t.Error(err)
	}
}
