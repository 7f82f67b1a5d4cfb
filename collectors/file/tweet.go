package file

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// tweet is an item of tweets.js and deleted-tweets.js. Archives hold every
// number as text.
type tweet struct {
	ID        string    `json:"id_str"`
	Created   string    `json:"created_at"`
	Deleted   string    `json:"deleted_at"` // deleted-tweets.js only
	Text      string    `json:"full_text"`
	OldText   string    `json:"text"` // before 2018
	Source    string    `json:"source"`
	Lang      string    `json:"lang"`
	ReplyTo   string    `json:"in_reply_to_status_id_str"`
	Entities  entities  `json:"entities"`
	Extended  *entities `json:"extended_entities"`
	EditsInfo struct {
		Edit *struct {
			Initial string `json:"initialTweetId"`
		} `json:"edit"` // absent on the first version
	} `json:"edit_info"`
}

type entities struct {
	Hashtags []struct {
		Text string `json:"text"`
	} `json:"hashtags"`
	Mentions []struct {
		ScreenName string        `json:"screen_name"`
		Indices    []json.Number `json:"indices"` // text or number, by the archive's age
	} `json:"user_mentions"`
	URLs []struct {
		URL      string `json:"url"`
		Expanded string `json:"expanded_url"`
	} `json:"urls"`
	Media []struct {
		ID    string `json:"id_str"`
		Type  string `json:"type"`
		URL   string `json:"media_url_https"`
		Short string `json:"url"` // as it stands at the end of the text
	} `json:"media"`
}

func parseTweet(data []byte) (*tweet, error) {
	var wrapper struct {
		Tweet *tweet `json:"tweet"`
	}
	if err := decodeItem(data, &wrapper); err != nil {
		return nil, err
	}
	t := wrapper.Tweet
	switch {
	case t == nil:
		return nil, errors.New(`tweet: missing; expected an item {"tweet": {…}}`)
	case t.ID == "":
		return nil, errors.New("tweet.id_str: missing; expected the post's id")
	}
	return t, nil
}

// decodeItem says in one line what is wrong with an item.
func decodeItem(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s: expected %s, found %s", cmp.Or(wrong.Field, "item"), wordFor(wrong), wrong.Value)
	}
	if err != nil {
		return fmt.Errorf("expected an item (an object): %w", err)
	}
	return nil
}

func wordFor(wrong *json.UnmarshalTypeError) string {
	switch wrong.Type.Kind().String() {
	case "string":
		return "text"
	case "slice":
		return "a list"
	}
	return "an object"
}

// readTweet maps a post, repost, reply or edit.
func readTweet(data []byte) (activity.Activity, error) {
	t, err := parseTweet(data)
	if err != nil {
		return activity.Activity{}, err
	}
	at, err := archiveTime(t.Created)
	if err != nil {
		return activity.Activity{}, fmt.Errorf("tweet.created_at: %w", err)
	}
	if t.Text == "" {
		t.Text = t.OldText
	}
	a := activity.Activity{
		ID: t.ID, Kind: activity.KindPost, Time: at,
		App: appName(t.Source), Lang: realLang(t.Lang), ReplyTo: t.ReplyTo,
	}
	t.addEntities(&a)
	switch {
	case t.isRepost():
		a.Kind = activity.KindRepost
		_, t.Text, _ = strings.Cut(t.Text, ": ") // "RT @name: " stands before the original's text
	case t.EditsInfo.Edit != nil && t.EditsInfo.Edit.Initial != "" && t.EditsInfo.Edit.Initial != t.ID:
		a.Kind, a.Object = activity.KindEdit, t.EditsInfo.Edit.Initial
	case t.ReplyTo != "":
		a.Kind = activity.KindReply
	}
	// X escapes &, < and > in texts, and only those.
	a.Text = html.UnescapeString(strings.TrimSpace(t.Text))
	return a, nil
}

// readDelete maps the delete of a post.
func readDelete(data []byte) (activity.Activity, error) {
	t, err := parseTweet(data)
	if err != nil {
		return activity.Activity{}, err
	}
	at, err := archiveTime(t.Deleted)
	if err != nil {
		return activity.Activity{}, fmt.Errorf("tweet.deleted_at: %w", err)
	}
	return activity.Activity{ID: t.ID, Kind: activity.KindDelete, Time: at, Object: t.ID}, nil
}

// isRepost goes by the text, as archives do not say: reposts start with
// "RT @name:" and mention that name at that place.
func (t *tweet) isRepost() bool {
	if !strings.HasPrefix(t.Text, "RT @") {
		return false
	}
	for _, m := range t.Entities.Mentions {
		if len(m.Indices) > 0 && m.Indices[0] == "3" {
			return true
		}
	}
	return false
}

// addEntities maps what X found in the text, and takes the links of attached
// media out of it.
func (t *tweet) addEntities(a *activity.Activity) {
	for _, h := range t.Entities.Hashtags {
		a.Hashtags = append(a.Hashtags, h.Text)
	}
	for _, m := range t.Entities.Mentions {
		a.Mentions = append(a.Mentions, m.ScreenName)
	}
	for _, u := range t.Entities.URLs {
		if u.Expanded == "" {
			u.Expanded = u.URL
		}
		if u.Expanded != "" {
			a.Links = append(a.Links, u.Expanded)
		}
	}
	media := t.Entities.Media
	if t.Extended != nil && len(t.Extended.Media) > 0 {
		media = t.Extended.Media // entities hold the first only
	}
	for _, m := range media {
		a.Media = append(a.Media, activity.Media{Hash: m.ID, Type: mediaType(m.Type), URL: m.URL})
		if m.Short != "" {
			t.Text = strings.ReplaceAll(t.Text, m.Short, "")
		}
	}
}

func mediaType(s string) string {
	switch s {
	case "photo":
		return "image"
	case "animated_gif":
		return "gif"
	}
	return s
}

// appName takes the name out of the link that X gives as source.
func appName(source string) string {
	if i := strings.IndexByte(source, '>'); i >= 0 && strings.HasPrefix(source, "<a ") {
		source, _, _ = strings.Cut(source[i+1:], "</a>")
	}
	return html.UnescapeString(strings.TrimSpace(source))
}

// realLang drops the codes with which X says that it knows no language.
func realLang(code string) string {
	switch code {
	case "und", "zxx", "art", "qam", "qct", "qht", "qme", "qst":
		return ""
	case "in":
		return "id" // X kept the withdrawn code of Indonesian
	case "iw":
		return "he" // and of Hebrew
	}
	return code
}

// readLogin maps an item of ip-audit.js.
func readLogin(data []byte) (activity.Activity, error) {
	var wrapper struct {
		Login *struct {
			Created string `json:"createdAt"`
			IP      string `json:"loginIp"`
		} `json:"ipAudit"`
	}
	if err := decodeItem(data, &wrapper); err != nil {
		return activity.Activity{}, err
	}
	login := wrapper.Login
	if login == nil {
		return activity.Activity{}, errors.New(`ipAudit: missing; expected an item {"ipAudit": {…}}`)
	}
	at, err := archiveTime(login.Created)
	if err != nil {
		return activity.Activity{}, fmt.Errorf("ipAudit.createdAt: %w", err)
	}
	if login.IP == "" {
		return activity.Activity{}, errors.New("ipAudit.loginIp: missing; expected an IP address")
	}
	return activity.Activity{
		// X gives no id: what is told apart by time and address is.
		ID: "ip-audit/" + at.Format(time.RFC3339Nano) + "/" + login.IP, Kind: activity.KindLogin, Time: at,
		IP: login.IP, Outcome: activity.Outcome{Result: "success"},
	}, nil
}
