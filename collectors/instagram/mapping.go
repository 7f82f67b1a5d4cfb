package instagram

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/metagraph"
)

// media is an IG Media: a photo, a film, an album, a reel, a story.
type media struct {
	ID        string   `json:"id"`
	Caption   string   `json:"caption"`
	Type      string   `json:"media_type"` // "IMAGE", "VIDEO", "CAROUSEL_ALBUM"
	Time      string   `json:"timestamp"`
	Username  string   `json:"username"`
	URL       string   `json:"media_url"`
	Thumbnail string   `json:"thumbnail_url"`
	Children  children `json:"children"`
}

// children are an album's parts; another form is as good as none.
type children struct{ list []media }

// UnmarshalJSON implements json.Unmarshaler.
func (c *children) UnmarshalJSON(data []byte) error {
	var edge struct {
		Data []media `json:"data"`
	}
	if json.Unmarshal(data, &edge) != nil {
		return nil //nolint:nilerr // the post stands without
	}
	c.list = edge.Data
	return nil
}

// readMedia maps what the account published.
func readMedia(raw json.RawMessage, _ metagraph.Me) (*metagraph.Item, error) {
	m, item, err := decodeMedia(raw)
	if err != nil {
		return nil, err
	}
	item.Activity.Kind = activity.KindPost
	hang(&item.Activity, m)
	return item, nil
}

// readTagged maps another's post that tags the account.
func readTagged(raw json.RawMessage, me metagraph.Me) (*metagraph.Item, error) {
	m, item, err := decodeMedia(raw)
	if err != nil {
		return nil, err
	}
	if m.Username != "" && strings.EqualFold(m.Username, me.Handle) {
		return nil, nil //nolint:nilnil // the account's own, which its timeline tells
	}
	item.Activity.Kind, item.Activity.Actor = activity.KindMention, metagraph.Text(m.Username, 200)
	return item, nil
}

func decodeMedia(raw json.RawMessage) (*media, *metagraph.Item, error) {
	m := &media{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, nil, err
	}
	item, err := newItem(m.ID, m.Time, m.Caption)
	return m, item, err
}

// newItem returns an item with what media and comments have in common.
func newItem(id, timestamp, text string) (*metagraph.Item, error) {
	if err := metagraph.CheckID("id", id); err != nil {
		return nil, err
	}
	at, err := metagraph.ParseTime(timestamp)
	if err != nil {
		return nil, fmt.Errorf("timestamp: %w", err)
	}
	item := &metagraph.Item{Activity: activity.Activity{ID: id, Time: at}}
	metagraph.Fill(&item.Activity, text)
	return item, nil
}

// hang puts pictures and films into an activity. Their ids tell them apart:
// addresses change by themselves.
func hang(a *activity.Activity, m *media) {
	if len(m.Children.list) > 0 {
		for i := range m.Children.list {
			hang(a, &m.Children.list[i])
		}
		return
	}
	t := map[string]string{"IMAGE": "image", "VIDEO": "video"}[m.Type]
	if t != "" && metagraph.IsID(m.ID) {
		a.Media = append(a.Media, activity.Media{Hash: m.ID, Type: t, URL: cmp.Or(m.URL, m.Thumbnail)})
	}
}

// readComment maps a comment under the account's media, or a reply to one: the
// account's own are replies, those of others mention it.
func readComment(raw json.RawMessage, under string, me metagraph.Me) (*metagraph.Item, error) {
	c := struct {
		ID       string `json:"id"`
		Text     string `json:"text"`
		Time     string `json:"timestamp"`
		Username string `json:"username"`
		Parent   string `json:"parent_id"`
		From     struct {
			ID       string `json:"id"`
			Username string `json:"username"`
		} `json:"from"`
	}{}
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	item, err := newItem(c.ID, c.Time, c.Text)
	if err != nil {
		return nil, err
	}
	a := &item.Activity
	a.Kind, a.ReplyTo = activity.KindMention, under
	if metagraph.IsID(c.Parent) {
		a.ReplyTo = c.Parent
	}
	who := cmp.Or(c.Username, c.From.Username)
	if c.From.ID == me.ID || who != "" && strings.EqualFold(who, me.Handle) {
		a.Kind = activity.KindReply
	} else {
		a.Actor = metagraph.Text(who, 200)
	}
	return item, nil
}

// readProfile maps the account's node. Names are those of the other networks
// where the thing is the same.
func readProfile(raw json.RawMessage) (*metagraph.Profile, error) {
	u := struct {
		ID        string   `json:"id"`
		Username  string   `json:"username"`
		Name      string   `json:"name"`
		Biography string   `json:"biography"`
		Website   string   `json:"website"`
		Picture   string   `json:"profile_picture_url"`
		Followers *float64 `json:"followers_count"`
		Follows   *float64 `json:"follows_count"`
		Media     *float64 `json:"media_count"`
	}{}
	if err := json.Unmarshal(raw, &u); err != nil {
		return nil, err
	}
	if u.Username == "" {
		return nil, errors.New("username: missing; want an Instagram professional account's")
	}
	out := &metagraph.Profile{ID: u.ID, Handle: u.Username, Items: -1, Values: map[string]string{
		"name": u.Name, "handle": u.Username, "description": u.Biography, "link": u.Website,
		"picture": metagraph.FileOf(u.Picture),
	}}
	for _, m := range []struct {
		name string
		n    *float64
	}{{"followers", u.Followers}, {"following", u.Follows}, {"posts", u.Media}} {
		if m.n != nil && *m.n >= 0 {
			out.Metrics = append(out.Metrics, activity.Metric{Name: m.name, Value: *m.n})
		}
	}
	if u.Media != nil && *u.Media >= 0 && *u.Media < 1<<53 {
		out.Items = int64(*u.Media)
	}
	return out, nil
}
