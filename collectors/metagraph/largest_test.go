package metagraph

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors"
)

// TestLargestCursor fills every part with the longest that it takes, of the
// characters that JSON writes longest: whoever has the account must not be able to
// make the cursor too large, since nothing would be read any more. The sources are
// as large as any is: one or two timelines, three lists of who has access.
func TestLargestCursor(t *testing.T) {
	const at = 7258118399999
	id := func(i int) string { return fmt.Sprintf("%032d_%031d", i, i) }
	full := func() lane {
		p := place{At: at, ID: id(1)}
		return lane{Since: at, Mark: p, Walk: &walk{First: true, Deep: true, Start: at, After: strings.Repeat("<", maxAfter), Top: p, Low: p, Below: p, Read: MaxBackfill, Pages: maxPages, Met: true, Again: maxAgain}}
	}
	timeline := func() *track {
		tr := &track{lane: full(), Swept: at}
		for i := range MaxWatch {
			tr.Watch = append(tr.Watch, watched{place: place{At: at, ID: id(i)}, Hash: collectors.Digest(""), Edits: 999, Met: true, Missing: true})
		}
		for i := range maxGone {
			tr.Gone = append(tr.Gone, place{At: at, ID: id(i)})
		}
		return tr
	}
	for _, tt := range []struct {
		name              string
		timelines, grants int
		values            []string
	}{
		{"facebook", 1, 3, []string{"name", "handle", "description", "link", "phone", "email", "category", "url", "verified", "published", "location", "banner", "picture"}},
		{"instagram", 2, 0, []string{"name", "handle", "description", "link", "picture"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := &state{
				Version: cursorVersion, Host: "graph.facebook.com", Object: id(1), Me: Me{ID: id(1), Handle: strings.Repeat("a", maxID)},
				Tracks: map[string]*track{}, Voices: map[string]*lane{}, Grants: map[string]*grant{}, Items: at, Followers: sample{N: 1 << 40, At: at},
				Profile: &snapshot{N: 1 << 40, Values: map[string]string{}},
			}
			for i := range tt.timelines {
				st.Tracks[fmt.Sprint("timeline", i)] = timeline()
			}
			voice, comments := full(), full()
			st.Voices["tagged posts"], st.Comments = &voice, &comments
			for i := range tt.grants {
				g := &grant{N: 1 << 40, At: at}
				for j := range maxEntries {
					e := Entry{ID: id(j), Name: collectors.Within(strings.Repeat(`"`, 5000), 60), Tasks: collectors.Bounded(strings.Repeat(`"`, 5000), 300)}
					r := &round{st: st}
					if r.sizeWith(&Grant{Name: "next"}, append(slices.Clone(g.Entries), e)) > maxEntryBytes {
						break
					}
					g.Entries = append(g.Entries, e)
				}
				st.Grants[fmt.Sprint("assigned users", i)] = g
			}
			for _, name := range tt.values {
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
		})
	}
}
