package youtube

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	api "google.golang.org/api/youtube/v3"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// video is what is read of a video.
type video struct {
	place
	title, description string
	tags               []string
	lang               string
	privacy, live      string
	kids               string
	started            time.Time // when its broadcast began
	lacking            bool      // its status was left out
}

// readVideo maps a video as videos.list answers it.
func readVideo(raw json.RawMessage) (*video, error) {
	var v api.Video
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	if !isID(v.Id) {
		return nil, fmt.Errorf("id %q; want a video's, such as dQw4w9WgXcQ", collectors.Clip(v.Id, 40))
	}
	if v.Snippet == nil {
		return nil, errors.New("snippet: missing; want an object")
	}
	at, err := parseTime(v.Snippet.PublishedAt)
	if err != nil {
		return nil, fmt.Errorf("snippet.publishedAt: %w", err)
	}
	s := v.Snippet
	out := &video{
		place: place{At: at.UnixMilli(), ID: v.Id}, title: plain(s.Title), description: plain(s.Description),
		lang: collectors.Clip(plain(s.DefaultLanguage), 40), live: collectors.Clip(plain(s.LiveBroadcastContent), 20),
	}
	out.lang = cmp.Or(out.lang, collectors.Clip(plain(s.DefaultAudioLanguage), 40))
	if out.live == "none" {
		out.live = ""
	}
	for _, tag := range s.Tags {
		out.tags = append(out.tags, plain(tag))
	}
	if out.lacking = v.Status == nil; !out.lacking {
		out.privacy, out.kids = collectors.Clip(plain(v.Status.PrivacyStatus), 20), strconv.FormatBool(v.Status.MadeForKids)
	}
	if l := v.LiveStreamingDetails; l != nil {
		out.started, _ = parseTime(l.ActualStartTime)
	}
	return out, nil
}

// watched is what is remembered of a video, with the counts of what was known. What
// of it an answer does not tell is as it was.
func (v *video) watched(known watched) watched {
	now := watched{
		place: v.place, Title: digest(v.title), Text: digest(v.description),
		Rest: digest(append([]string{v.lang, v.kids}, v.tags...)...), Privacy: v.privacy, Live: v.live,
		Edits: known.Edits, Gone: known.Gone,
	}
	if v.lacking {
		now.Rest, now.Privacy = known.Rest, known.Privacy
	}
	return now
}

// changed names what differs from what was known. A broadcast that ends is no
// edit.
func (v *video) changed(known *watched) []string {
	now := v.watched(*known)
	var out []string
	for _, c := range []struct {
		name    string
		differs bool
	}{
		{"description", now.Text != known.Text},
		{"details", now.Rest != known.Rest && known.Rest != ""}, // else it was not told yet
		{"privacy", now.Privacy != known.Privacy && known.Rest != ""},
		{"title", now.Title != known.Title},
	} {
		if c.differs {
			out = append(out, c.name)
		}
	}
	return out
}

// activity returns an activity with what a video shows.
func (v *video) activity(kind activity.Kind, id string, at time.Time) activity.Activity {
	a := activity.Activity{
		ID: id, Kind: kind, Time: at, Lang: v.lang,
		Media: []activity.Media{{Hash: v.ID, Type: "video", URL: "https://www.youtube.com/watch?v=" + v.ID}},
	}
	fill(&a, strings.TrimSpace(v.title+"\n\n"+v.description))
	for _, f := range []activity.Field{
		{Name: "live", Value: v.live},
		{Name: "made_for_kids", Value: v.kids},
		{Name: "privacy", Value: v.privacy},
		{Name: "tags", Value: collectors.Clip(strings.Join(v.tags, ", "), 2000)},
		{Name: "title", Value: v.title},
	} {
		if f.Value != "" {
			a.Profile = append(a.Profile, f)
		}
	}
	return a
}

// edit returns an edit of a video; known has counted it.
func (v *video) edit(known watched, changed []string, at time.Time) activity.Activity {
	a := v.activity(activity.KindEdit, "", at)
	now := v.watched(known)
	a.ID = fmt.Sprintf("%s.%d-%s", v.ID, known.Edits, digest(now.Title, now.Text, now.Rest, now.Privacy))
	a.Object, a.Changed = v.ID, changed
	return a
}

// fill puts a text into an activity.
func fill(a *activity.Activity, text string) {
	a.Text = collectors.Clip(plain(text), activity.MaxText)
	a.Links = collectors.LinksIn(a.Text)
	a.LinkDomains = domainsOf(a.Links)
	for word := range strings.FieldsSeq(a.Text) {
		word = strings.TrimLeft(word, "(\"'“‘[")
		switch {
		case strings.HasPrefix(word, "@"):
			a.Mentions = appendNew(a.Mentions, nameOf(word[1:], "_.-·"))
		case strings.HasPrefix(word, "#"):
			a.Hashtags = appendNew(a.Hashtags, nameOf(word[1:], "_"))
		}
	}
}

// nameOf returns the letters, digits and given signs that a word begins with.
func nameOf(word, signs string) string {
	end := strings.IndexFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(signs, r)
	})
	if end >= 0 {
		word = word[:end]
	}
	return strings.TrimRight(word, ".-·")
}

func domainsOf(links []string) []string {
	var out []string
	for _, link := range links {
		if u, err := url.Parse(link); err == nil {
			out = appendNew(out, strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")))
		}
	}
	return out
}

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// plain takes control characters, line feeds excepted, and what is no UTF-8 out
// of a text.
func plain(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd")))
}

// digest is a short fingerprint of texts.
func digest(parts ...string) string {
	sum := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(sum, "%q\n", p)
	}
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:9])
}

// parseTime reads a time as the API writes it, 2026-03-06T12:00:00Z.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, errors.New("missing; want a time such as 2026-03-06T12:00:00Z")
	}
	t, err := time.Parse(time.RFC3339, s)
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("%q; want a time such as 2026-03-06T12:00:00Z", collectors.Clip(plain(s), 40))
	case t.UTC().Year() < 2000 || t.UTC().Year() >= 2200:
		return time.Time{}, fmt.Errorf("year %d; want 2000 to 2199", t.UTC().Year())
	}
	return t.UTC(), nil
}
