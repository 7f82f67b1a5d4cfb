package linkedin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors"
)

// TestLargestCursor fills every part with the longest that it takes, of the
// characters that JSON writes longest: whoever has the page must not be able to
// make the cursor too large, since nothing would be read any more.
func TestLargestCursor(t *testing.T) {
	const at = 7258118399999
	id := func(i int) string { return fmt.Sprintf("urn:li:ugcPost:%0*d", maxURN-len("urn:li:ugcPost:"), i) }
	p := place{At: at, ID: id(1)}
	st := &state{
		Version: cursorVersion, Asked: DefaultBaseURL + " 999999999999999999", Since: at, Mark: p,
		Walk:      &walk{First: true, Start: at, From: MaxBackfill, Top: p, Low: p, Handed: p, Read: MaxBackfill, Pages: maxPages, Met: true, Again: maxAgain},
		Profile:   &snapshot{N: 1 << 40, At: at, Values: map[string]string{}},
		Followers: sample{N: 1 << 40, At: at}, Roles: &roles{N: 1 << 40, At: at},
		Comments: &talk{Since: at, Mark: p, At: at, Start: at, Top: p},
	}
	for i := range MaxWatch {
		st.Watch = append(st.Watch, watched{place: place{At: at, ID: id(i)}, Hash: collectors.Digest(""), Met: true, Missing: true, Asked: at})
	}
	for i := range maxGone {
		st.Gone = append(st.Gone, place{At: at, ID: id(i)})
	}
	for i := range MaxCommentPosts {
		st.Comments.Left = append(st.Comments.Left, id(i))
	}
	for i := range maxEntries {
		next := append(st.Roles.Entries, entry{ID: id(i), Roles: collectors.Bounded(strings.Repeat("ADMINISTRATOR ", 100), 300)})
		if sizeOf(next) > maxEntryBytes {
			break
		}
		st.Roles.Entries = next
	}
	o, err := readOrganization([]byte(`{"id":7,"localizedName":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name := range o.values {
		st.Profile.Values[name] = collectors.Bounded(strings.Repeat(`"`, 5000), maxValue)
	}
	b, err := collectors.EncodeCursor(st)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeState(b); err != nil {
		t.Error(err)
	}
	t.Logf("%d of %d bytes", len(b), collectors.MaxCursor)
}

func TestCursorRefused(t *testing.T) {
	for _, tt := range []struct{ name, cursor, want string }{
		{"of another version", `{"v":2}`, "version 2; want 1"},
		{"no object", `[]`, "cannot unmarshal"},
		{"too many posts", `{"v":1,"watch":[` + strings.Repeat(`{"id":"urn:li:share:1"},`, MaxWatch) + `{"id":"urn:li:share:1"}]}`, "more watched or deleted posts than 100 and 50"},
		{"id with a slash", `{"v":1,"gone":[{"at":1,"id":"urn:li:share:../1"}]}`, `id: "urn:li:share:../1"; want a URN`},
		{"negative", `{"v":1,"since":-1}`, "negative time or index"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decodeState([]byte(tt.cursor))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "clear the account's cursor") {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
