package x

import (
	"cmp"
	"strings"
)

// Objects of API v1.1 under the names by which go-twitter reads them, as far as
// answers of v2 have something for them.

type statusV1 struct {
	CreatedAt   string      `json:"created_at,omitempty"`
	ID          int64       `json:"id"`
	IDStr       string      `json:"id_str"`
	FullText    string      `json:"full_text"`
	Lang        string      `json:"lang,omitempty"`
	Source      string      `json:"source,omitempty"`
	ReplyTo     int64       `json:"in_reply_to_status_id,omitempty"`
	ReplyToUser int64       `json:"in_reply_to_user_id,omitempty"`
	Quoted      int64       `json:"quoted_status_id,omitempty"`
	Retweeted   *statusV1   `json:"retweeted_status,omitempty"`
	User        *userV1     `json:"user,omitempty"`
	Entities    *entitiesV1 `json:"entities,omitempty"`
	Extended    *struct {
		Media []mediaV1 `json:"media"`
	} `json:"extended_entities,omitempty"`
	Retweets int `json:"retweet_count"`
	Replies  int `json:"reply_count"`
	Likes    int `json:"favorite_count"`
	Quotes   int `json:"quote_count"`
}

type entitiesV1 struct {
	URLs     []urlV1     `json:"urls,omitempty"`
	Mentions []mentionV1 `json:"user_mentions,omitempty"`
	Hashtags []hashtagV1 `json:"hashtags,omitempty"`
}

type urlV1 struct {
	URL      string `json:"url"`
	Expanded string `json:"expanded_url,omitempty"`
	Display  string `json:"display_url,omitempty"`
	Indices  [2]int `json:"indices"`
}

type mentionV1 struct {
	ScreenName string `json:"screen_name"`
	ID         int64  `json:"id,omitempty"`
	Indices    [2]int `json:"indices"`
}

type hashtagV1 struct {
	Text    string `json:"text"`
	Indices [2]int `json:"indices"`
}

type mediaV1 struct {
	IDStr    string `json:"id_str"` // v2's media_key, "3_1460323737035677698"
	URL      string `json:"url,omitempty"`
	MediaURL string `json:"media_url_https,omitempty"`
	Type     string `json:"type,omitempty"`
}

type userV1 struct {
	ID          int64  `json:"id"`
	IDStr       string `json:"id_str"`
	Name        string `json:"name"`
	ScreenName  string `json:"screen_name"`
	CreatedAt   string `json:"created_at,omitempty"`
	Description string `json:"description"`
	Location    string `json:"location"`
	URL         string `json:"url,omitempty"`
	Image       string `json:"profile_image_url_https,omitempty"`
	Banner      string `json:"profile_banner_url,omitempty"`
	Protected   bool   `json:"protected"`
	Verified    bool   `json:"verified"`
	Followers   int    `json:"followers_count"`
	Friends     int    `json:"friends_count"`
	Listed      int    `json:"listed_count"`
	Statuses    int    `json:"statuses_count"`
	Entities    struct {
		URL         *entitiesV1 `json:"url,omitempty"`
		Description *entitiesV1 `json:"description,omitempty"`
	} `json:"entities"`
}

// attach adds the attachments and the short addresses that stand for them. An
// attachment that X named but did not include keeps its key and the type that
// the key tells.
func (s *statusV1) attach(keys, short []string, beside *besideV2) {
	for i, key := range keys {
		m := mediaV1{IDStr: key}
		if known, ok := beside.media[key]; ok {
			m.Type, m.MediaURL = known.Type, known.URL
			m.MediaURL = cmp.Or(m.MediaURL, known.Preview)
		} else {
			m.Type = typeOfKey(key)
		}
		if len(short) > 0 {
			m.URL = short[min(i, len(short)-1)]
		}
		if s.Extended == nil {
			s.Extended = &struct {
				Media []mediaV1 `json:"media"`
			}{}
		}
		s.Extended.Media = append(s.Extended.Media, m)
	}
}

// typeOfKey tells a medium's type from the number before the underscore of its
// key, "" when unknown.
func typeOfKey(key string) string {
	switch prefix, _, _ := strings.Cut(key, "_"); prefix {
	case "3":
		return "photo"
	case "7", "13":
		return "video"
	case "16":
		return "animated_gif"
	}
	return ""
}
