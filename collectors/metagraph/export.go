package metagraph

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
)

// Mended is a text of the files that Meta gives to who downloads their
// information: these hold each byte of UTF-8 as a character of its own, "Ã©" for
// "é", which reading mends.
type Mended string

// UnmarshalJSON implements json.Unmarshaler.
func (m *Mended) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*m = Mended(Mend(s))
	return nil
}

// Mend undoes that the bytes of a text were taken for characters. A text that
// holds another character, or that would not be UTF-8, was none of these and
// stays.
func Mend(s string) string {
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return s
		}
		raw = append(raw, byte(r))
	}
	if !utf8.Valid(raw) {
		return s
	}
	return string(raw)
}

// Loose is a part of an item that the item stands without: another form than
// documented is as good as absent.
type Loose[T any] struct{ V T }

// UnmarshalJSON implements json.Unmarshaler.
func (l *Loose[T]) UnmarshalJSON(data []byte) error {
	var v T
	if json.Unmarshal(data, &v) == nil {
		l.V = v
	}
	return nil
}

// ExportTime reads a time of such a file, in seconds since 1970.
func ExportTime(field string, seconds int64) (time.Time, error) {
	at := time.Unix(seconds, 0).UTC()
	if at.Year() < 2000 || at.Year() >= 2200 {
		return time.Time{}, fmt.Errorf("%s: %d; want seconds since 1970 of the years 2000 to 2199", field, seconds)
	}
	return at, nil
}

// ExportFile is a picture or a film of such a file, "" where that is not known.
func ExportFile(uri string) (activity.Media, bool) {
	m := activity.Media{Type: "image", URL: Text(uri, 2048)}
	switch strings.ToLower(path.Ext(uri)) {
	case ".mp4", ".mov", ".m4v", ".webm", ".avi", ".mkv":
		m.Type = "video"
	}
	return m, m.URL != ""
}

// Fill puts a text into an activity.
func Fill(a *activity.Activity, text string) {
	a.Text = Text(text, activity.MaxText)
	a.Mentions, a.Hashtags, a.Links = Words(a.Text)
	for _, link := range a.Links {
		a.LinkDomains = AppendNew(a.LinkDomains, Domain(link))
	}
}
