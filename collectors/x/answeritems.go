package x

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Objects of API v2 in both vocabularies (docs.x.com,
// x-api/fundamentals/data-dictionary and openapi.json 2.167, read 2026-08-22).

type spanV2 struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

type entitiesV2 struct {
	URLs []struct {
		spanV2
		URL         string `json:"url"`
		ExpandedURL string `json:"expanded_url"`
		DisplayURL  string `json:"display_url"`
		MediaKey    string `json:"media_key"`
	} `json:"urls"`
	Mentions []struct {
		spanV2
		ID       string `json:"id"`
		Username string `json:"username"`
	} `json:"mentions"`
	Hashtags []struct {
		spanV2
		Tag string `json:"tag"`
	} `json:"hashtags"`
}

type noteV2 struct {
	Text     string      `json:"text"`
	Entities *entitiesV2 `json:"entities"`
}

type referenceV2 struct {
	Type string `json:"type"` // retweeted, quoted, replied_to
	ID   string `json:"id"`
}

type postFieldsV2 struct {
	ID          string      `json:"id"`
	Text        string      `json:"text"`
	AuthorID    string      `json:"author_id"`
	CreatedAt   string      `json:"created_at"`
	Lang        string      `json:"lang"`
	Source      string      `json:"source"`
	ReplyToUser string      `json:"in_reply_to_user_id"`
	Entities    *entitiesV2 `json:"entities"`
	Attachments struct {
		MediaKeys []string `json:"media_keys"`
	} `json:"attachments"`
	Metrics struct {
		Retweets int `json:"retweet_count"`
		Reposts  int `json:"repost_count"`
		Replies  int `json:"reply_count"`
		Likes    int `json:"like_count"`
		Quotes   int `json:"quote_count"`
	} `json:"public_metrics"`

	NoteTweet        *noteV2       `json:"note_tweet"`
	NotePost         *noteV2       `json:"note_post"`
	ReferencedTweets []referenceV2 `json:"referenced_tweets"`
	ReferencedPosts  []referenceV2 `json:"referenced_posts"`
	TweetVersions    []string      `json:"edit_history_tweet_ids"`
	PostVersions     []string      `json:"edit_history_post_ids"`
}

type mediaV2 struct {
	Key     string `json:"media_key"`
	Type    string `json:"type"`
	URL     string `json:"url"`
	Preview string `json:"preview_image_url"`
}

type userFieldsV2 struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Username    string `json:"username"`
	CreatedAt   string `json:"created_at"`
	Description string `json:"description"`
	Location    string `json:"location"`
	URL         string `json:"url"`
	Image       string `json:"profile_image_url"`
	Banner      string `json:"profile_banner_url"`
	Protected   bool   `json:"protected"`
	Verified    bool   `json:"verified"`
	Entities    struct {
		URL         *entitiesV2 `json:"url"`
		Description *entitiesV2 `json:"description"`
	} `json:"entities"`
	Metrics *struct {
		Followers int `json:"followers_count"`
		Following int `json:"following_count"`
		Tweets    int `json:"tweet_count"`
		Posts     int `json:"post_count"`
		Listed    int `json:"listed_count"`
	} `json:"public_metrics"`
}

// besideV2 is what an answer includes beside its data, by id.
type besideV2 struct {
	posts map[string]json.RawMessage
	users map[string]json.RawMessage
	media map[string]mediaV2
}

// includesV2 indexes the includes. An object without id is reported; a post
// that refers to it comes without its part.
func includesV2(a *answerV2) (*besideV2, []error) {
	out := &besideV2{posts: map[string]json.RawMessage{}, users: map[string]json.RawMessage{}, media: map[string]mediaV2{}}
	var bad []error
	index := func(where string, items []json.RawMessage, into map[string]json.RawMessage) {
		for i, item := range items {
			var o struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(item, &o); err != nil || o.ID == "" {
				bad = append(bad, fmt.Errorf("includes.%s[%d]: no id", where, i))
				continue
			}
			into[o.ID] = item
		}
	}
	index("tweets", a.Includes.Tweets, out.posts)
	index("posts", a.Includes.Posts, out.posts)
	index("users", a.Includes.Users, out.users)
	for i, item := range a.Includes.Media {
		var m mediaV2
		if err := json.Unmarshal(item, &m); err != nil || m.Key == "" {
			bad = append(bad, fmt.Errorf("includes.media[%d]: no media_key", i))
			continue
		}
		out.media[m.Key] = m
	}
	return out, bad
}

// postV2 translates one post and returns the ids of its versions, oldest
// first.
func postV2(item json.RawMessage, beside *besideV2) (*statusV1, []int64, error) {
	var p postFieldsV2
	if err := json.Unmarshal(item, &p); err != nil {
		return nil, nil, err
	}
	s, err := p.status(beside)
	if err != nil {
		return nil, nil, err
	}
	for _, ref := range append(p.ReferencedTweets, p.ReferencedPosts...) {
		id := parseID(ref.ID)
		if id == 0 {
			return nil, nil, fmt.Errorf("referenced post: id %q; want decimal digits", collectors.Clip(ref.ID, 40))
		}
		switch ref.Type {
		case "replied_to":
			s.ReplyTo = id
		case "quoted":
			s.Quoted = id
		case "retweeted":
			s.Retweeted = original(id, ref.ID, beside)
		}
	}
	return s, parseIDs(append(p.TweetVersions, p.PostVersions...)), nil
}

// original returns a reposted post from the includes; where X left it out (it
// was deleted, its author is protected) only its id is known.
func original(id int64, key string, beside *besideV2) *statusV1 {
	var p postFieldsV2
	if raw, ok := beside.posts[key]; ok && json.Unmarshal(raw, &p) == nil {
		if s, err := p.status(beside); err == nil {
			return s
		}
	}
	return &statusV1{ID: id, IDStr: key}
}

func (p *postFieldsV2) status(beside *besideV2) (*statusV1, error) {
	id := parseID(p.ID)
	if id == 0 {
		return nil, fmt.Errorf("id %q; want decimal digits", collectors.Clip(p.ID, 40))
	}
	s := &statusV1{
		ID: id, IDStr: p.ID, FullText: p.Text, Lang: p.Lang, Source: p.Source,
		Retweets: max(p.Metrics.Retweets, p.Metrics.Reposts), Replies: p.Metrics.Replies,
		Likes: p.Metrics.Likes, Quotes: p.Metrics.Quotes,
		ReplyToUser: parseID(p.ReplyToUser),
	}
	if p.CreatedAt != "" {
		t, err := time.Parse(time.RFC3339, p.CreatedAt)
		if err != nil {
			return nil, fmt.Errorf("created_at %q; want RFC 3339", collectors.Clip(p.CreatedAt, 40))
		}
		s.CreatedAt = t.UTC().Format(time.RubyDate)
	} else if snowflakeTime(id).IsZero() {
		return nil, errors.New("created_at is missing, and the id is too old to tell the time")
	}
	entities := p.Entities
	for _, note := range []*noteV2{p.NoteTweet, p.NotePost} {
		if note != nil && note.Text != "" {
			s.FullText = note.Text
			if note.Entities != nil {
				entities = note.Entities
			}
		}
	}
	s.Entities = entities.v1()
	s.attach(p.Attachments.MediaKeys, p.Entities.mediaURLs(), beside)
	if author := parseID(p.AuthorID); author != 0 {
		s.User = &userV1{ID: author, IDStr: p.AuthorID}
		if raw, ok := beside.users[p.AuthorID]; ok {
			if u, _, err := userV2(raw); err == nil {
				s.User = u
			}
		}
	}
	return s, nil
}

// isMedia reports whether a URL entity stands for an attachment: it names one,
// or leads to an attachment's own page, https://x.com/acme/status/1/photo/1.
func isMedia(mediaKey, expanded string) bool {
	if mediaKey != "" {
		return true
	}
	path, ok := strings.CutPrefix(expanded, "https://x.com/")
	if !ok {
		path, ok = strings.CutPrefix(expanded, "https://twitter.com/")
	}
	parts := strings.Split(path, "/")
	return ok && len(parts) == 5 && parts[1] == "status" && parseID(parts[2]) != 0 &&
		(parts[3] == "photo" || parts[3] == "video") && parseID(parts[4]) != 0
}

// mediaURLs returns the short addresses that stand for attachments.
func (e *entitiesV2) mediaURLs() []string {
	if e == nil {
		return nil
	}
	var out []string
	for _, u := range e.URLs {
		if isMedia(u.MediaKey, u.ExpandedURL) && u.URL != "" {
			out = append(out, u.URL)
		}
	}
	return out
}

func (e *entitiesV2) v1() *entitiesV1 {
	if e == nil {
		return nil
	}
	out := &entitiesV1{}
	for _, u := range e.URLs {
		if isMedia(u.MediaKey, u.ExpandedURL) {
			continue
		}
		out.URLs = append(out.URLs, urlV1{URL: u.URL, Expanded: u.ExpandedURL, Display: u.DisplayURL, Indices: [2]int{u.Start, u.End}})
	}
	for _, m := range e.Mentions {
		if m.Username == "" {
			continue
		}
		out.Mentions = append(out.Mentions, mentionV1{ScreenName: m.Username, ID: parseID(m.ID), Indices: [2]int{m.Start, m.End}})
	}
	for _, h := range e.Hashtags {
		out.Hashtags = append(out.Hashtags, hashtagV1{Text: h.Tag, Indices: [2]int{h.Start, h.End}})
	}
	return out
}

// userV2 translates one user and reports whether it came with counts.
func userV2(item json.RawMessage) (*userV1, bool, error) {
	var u userFieldsV2
	if err := json.Unmarshal(item, &u); err != nil {
		return nil, false, err
	}
	id := parseID(u.ID)
	if id == 0 {
		return nil, false, fmt.Errorf("id %q; want decimal digits", collectors.Clip(u.ID, 40))
	}
	out := &userV1{
		ID: id, IDStr: u.ID, Name: u.Name, ScreenName: u.Username, Description: u.Description,
		Location: u.Location, URL: u.URL, Image: u.Image, Banner: u.Banner,
		Protected: u.Protected, Verified: u.Verified,
	}
	out.Entities.URL, out.Entities.Description = u.Entities.URL.v1(), u.Entities.Description.v1()
	if t, err := time.Parse(time.RFC3339, u.CreatedAt); err == nil {
		out.CreatedAt = t.UTC().Format(time.RubyDate)
	}
	if m := u.Metrics; m != nil {
		out.Followers, out.Friends, out.Listed = m.Followers, m.Following, m.Listed
		out.Statuses = max(m.Tweets, m.Posts)
	}
	return out, u.Metrics != nil, nil
}
