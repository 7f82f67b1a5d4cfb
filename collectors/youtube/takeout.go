package youtube

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Columns of the files of Google Takeout that are read, in lower case: Takeout
// has changed the case of them, and translates them for accounts in another
// language than English.
const (
	ColumnChannel     = "channel id"
	ColumnVanity      = "channel vanity url 1 name"
	ColumnVideo       = "video id"
	ColumnTitle       = "video title (original)"
	ColumnDescription = "video description (original)"
	ColumnPublished   = "video publish timestamp"
	ColumnCreated     = "video create timestamp"
	ColumnPrivacy     = "privacy"
	ColumnLanguage    = "video audio language"
	ColumnComment     = "comment id"
	ColumnCommented   = "comment create timestamp"
	ColumnText        = "comment text"
	ColumnParent      = "parent comment id"
	ColumnPost        = "post id"
)

const maxTags = 100

// ErrNotPublic says that a video is not public, or not yet: that it is published is
// news, which knowing its id before would hide.
var ErrNotPublic = errors.New("is not public")

// TakeoutVideo maps a line of videos.csv of Google Takeout, its values by lower-
// case column, as Poll maps the video when it is new, under the same id. Takeout
// says neither whether a video was a broadcast nor whether it is made for kids.
// Network and Account are the caller's to set. Of a video that is not public the
// error is ErrNotPublic.
func TakeoutVideo(row map[string]string) (activity.Activity, error) {
	if !isID(row[ColumnVideo]) {
		return activity.Activity{}, fmt.Errorf("video id: %q; want a video's, such as dQw4w9WgXcQ", collectors.Clip(plain(row[ColumnVideo]), 40))
	}
	name, at := ColumnPublished, row[ColumnPublished]
	if at == "" { // older exports leave it out
		name, at = ColumnCreated, row[ColumnCreated]
	}
	published, err := parseTime(at)
	if err != nil {
		return activity.Activity{}, fmt.Errorf("%s: %w", name, err)
	}
	privacy := strings.ToLower(row[ColumnPrivacy])
	if privacy != "public" {
		return activity.Activity{}, ErrNotPublic
	}
	v := video{
		place: place{At: published.UnixMilli(), ID: row[ColumnVideo]},
		title: plain(row[ColumnTitle]), description: plain(row[ColumnDescription]),
		lang: collectors.Clip(plain(row[ColumnLanguage]), 40), privacy: privacy,
	}
	for i := 1; i <= maxTags; i++ {
		if tag := plain(row["tag "+strconv.Itoa(i)]); tag != "" {
			v.tags = append(v.tags, tag)
		}
	}
	return v.activity(activity.KindPost, v.ID, published.Truncate(time.Second)), nil
}

// TakeoutComment maps a line of comments.csv: a comment of the channel itself,
// under its own videos, where Poll meets it, or under those of others.
func TakeoutComment(row map[string]string) (activity.Activity, error) {
	if !isID(row[ColumnComment]) {
		return activity.Activity{}, fmt.Errorf("comment id: %q; want a comment's", collectors.Clip(plain(row[ColumnComment]), 40))
	}
	at, err := parseTime(row[ColumnCommented])
	if err != nil {
		return activity.Activity{}, fmt.Errorf("comment create timestamp: %w", err)
	}
	text, err := commentText(row[ColumnText])
	if err != nil {
		return activity.Activity{}, fmt.Errorf("comment text: %w", err)
	}
	a := activity.Activity{ID: row[ColumnComment], Kind: activity.KindReply, Time: at.Truncate(time.Second)}
	for _, column := range []string{ColumnParent, ColumnVideo, ColumnPost} {
		if id := row[column]; a.ReplyTo == "" && isID(id) {
			a.ReplyTo = id
		}
	}
	fill(&a, text)
	return a, nil
}

// commentText reads a comment's text, which stands in JSON objects one behind
// the other, in older exports in one object around them, and in the oldest as it
// is.
func commentText(s string) (string, error) {
	if !strings.HasPrefix(s, "{") {
		return s, nil
	}
	type segment struct {
		Text string `json:"text"`
	}
	var list []struct {
		segment
		Segments []segment `json:"takeoutSegments"`
	}
	if json.Unmarshal([]byte("["+s+"]"), &list) != nil {
		return "", errors.New(`want segments such as {"text":"Thanks!"}`)
	}
	var b strings.Builder
	for _, one := range list {
		b.WriteString(one.Text)
		for _, seg := range one.Segments {
			b.WriteString(seg.Text)
		}
	}
	return b.String(), nil
}
