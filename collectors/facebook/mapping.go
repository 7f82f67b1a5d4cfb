package facebook

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/metagraph"
)

// named is a person, a Page or an app.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// call returns what people call it.
func (n *named) call() string {
	if n == nil {
		return ""
	}
	return metagraph.Text(cmp.Or(n.Name, n.ID), 200)
}

// post is a PagePost, or a post of others that tags the Page.
type post struct {
	ID          string    `json:"id"`
	Created     string    `json:"created_time"`
	Updated     string    `json:"updated_time"`
	Message     string    `json:"message"`
	Story       string    `json:"story"`
	StatusType  string    `json:"status_type"`
	ParentID    string    `json:"parent_id"`
	From        *named    `json:"from"`
	Application *named    `json:"application"`
	Creator     *named    `json:"admin_creator"`
	Tags        tags      `json:"message_tags"`
	Attachments attaching `json:"attachments"`
}

// tags are who is tagged in a text. The Graph API sends a list, and sent an
// object of lists by offset before; another form is as good as none.
type tags []named

// UnmarshalJSON implements json.Unmarshaler.
func (t *tags) UnmarshalJSON(data []byte) error {
	var list []named
	if json.Unmarshal(data, &list) != nil {
		return nil //nolint:nilerr // the post stands without
	}
	*t = list
	return nil
}

// attaching is what hangs on a post; another form is as good as none.
type attaching struct{ list []attachment }

// UnmarshalJSON implements json.Unmarshaler.
func (a *attaching) UnmarshalJSON(data []byte) error {
	var edge struct {
		Data []attachment `json:"data"`
	}
	if json.Unmarshal(data, &edge) != nil {
		return nil //nolint:nilerr // the post stands without
	}
	a.list = edge.Data
	return nil
}

type attachment struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type"`
	URL       string `json:"url"`
	Unshimmed string `json:"unshimmed_url"`
	Target    struct {
		ID string `json:"id"`
	} `json:"target"`
	Media struct {
		Source string `json:"source"`
		Image  struct {
			Src string `json:"src"`
		} `json:"image"`
	} `json:"media"`
	Sub attaching `json:"subattachments"`
}

// readPost maps a post of the Page. One that shares another post is a repost of
// it; links are shared too, without a parent.
func readPost(raw json.RawMessage, _ metagraph.Me) (*metagraph.Item, error) {
	p, item, err := decodePost(raw)
	if err != nil {
		return nil, err
	}
	a := &item.Activity
	a.Kind = activity.KindPost
	if p.ParentID != "" && p.StatusType == "shared_story" {
		if err := metagraph.CheckID("parent_id", p.ParentID); err != nil {
			return nil, err
		}
		a.Kind, a.Object = activity.KindRepost, p.ParentID
	}
	a.Actor, a.App = p.Creator.call(), p.Application.call()
	return item, nil
}

// readTagged maps a post of others that tags the Page. Who wrote it is shown
// only where that is a Page.
func readTagged(raw json.RawMessage, me metagraph.Me) (*metagraph.Item, error) {
	p, item, err := decodePost(raw)
	if err != nil {
		return nil, err
	}
	if p.From != nil && p.From.ID == me.ID {
		return nil, nil //nolint:nilnil // the Page's own, which its timeline tells
	}
	item.Activity.Kind, item.Activity.Actor = activity.KindMention, p.From.call()
	return item, nil
}

// decodePost reads what all posts have in common.
func decodePost(raw json.RawMessage) (*post, *metagraph.Item, error) {
	p := &post{}
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, nil, err
	}
	if err := metagraph.CheckID("id", p.ID); err != nil {
		return nil, nil, err
	}
	created, err := metagraph.ParseTime(p.Created)
	if err != nil {
		return nil, nil, fmt.Errorf("created_time: %w", err)
	}
	item := &metagraph.Item{Activity: activity.Activity{ID: p.ID, Time: created}}
	if updated, err := metagraph.ParseTime(p.Updated); err == nil {
		item.Updated = updated
	}
	a := &item.Activity
	text := p.Message
	if text == "" {
		text, item.Unwritten = p.Story, true // "Acme updated their cover photo."
	}
	fill(a, text, p.Tags)
	hang(a, p.Attachments.list)
	return p, item, nil
}

// fill puts a text into an activity. Whom it tags the API names by what is
// shown, which may have spaces.
func fill(a *activity.Activity, text string, tagged tags) {
	metagraph.Fill(a, text)
	for _, t := range tagged {
		if !strings.HasPrefix(t.Name, "#") {
			a.Mentions = metagraph.AppendNew(a.Mentions, metagraph.Text(t.Name, 200))
		}
	}
}

// hang puts attachments into an activity: pictures and films as media, what
// leads elsewhere as a link.
func hang(a *activity.Activity, list []attachment) {
	for i := range list {
		at := &list[i]
		switch {
		case len(at.Sub.list) > 0:
			hang(a, at.Sub.list)
		case isMedia(at.MediaType):
			m := activity.Media{Hash: at.Target.ID, Type: mediaType(at.MediaType), URL: cmp.Or(at.Media.Source, at.Media.Image.Src)}
			if m.Hash == "" {
				m.Hash = metagraph.FileOf(at.Media.Image.Src)
			}
			if metagraph.IsID(m.Hash) && !slices.Contains(a.Media, m) {
				a.Media = append(a.Media, m)
			}
		case at.Unshimmed != "" || at.URL != "":
			link := cmp.Or(at.Unshimmed, metagraph.Direct(at.URL))
			if domain := metagraph.Domain(link); domain != "" {
				a.Links = metagraph.AppendNew(a.Links, link)
				a.LinkDomains = metagraph.AppendNew(a.LinkDomains, domain)
			}
		}
	}
}

func isMedia(t string) bool { return t == "photo" || t == "video" || t == "image" }

func mediaType(t string) string {
	if t == "video" {
		return "video"
	}
	return "image"
}

// comment is one under a post.
type comment struct {
	ID      string `json:"id"`
	Created string `json:"created_time"`
	Message string `json:"message"`
	Parent  *named `json:"parent"`
	From    *named `json:"from"`
	App     *named `json:"application"`
	Creator *named `json:"admin_creator"`
}

// readComment maps a comment under a post of the Page: one of the Page itself
// is a reply, those of others mention it.
func readComment(raw json.RawMessage, under string, me metagraph.Me) (*metagraph.Item, error) {
	c := comment{}
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	if err := metagraph.CheckID("id", c.ID); err != nil {
		return nil, err
	}
	created, err := metagraph.ParseTime(c.Created)
	if err != nil {
		return nil, fmt.Errorf("created_time: %w", err)
	}
	item := &metagraph.Item{Activity: activity.Activity{ID: c.ID, Time: created, Kind: activity.KindMention, ReplyTo: under}}
	a := &item.Activity
	if c.Parent != nil && metagraph.IsID(c.Parent.ID) {
		a.ReplyTo = c.Parent.ID
	}
	a.Actor = c.From.call()
	if c.From != nil && c.From.ID == me.ID {
		a.Kind, a.Actor, a.App = activity.KindReply, c.Creator.call(), c.App.call()
	}
	fill(a, c.Message, nil)
	return item, nil
}

// page is the Page's node.
type page struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Username     string   `json:"username"`
	About        string   `json:"about"`
	Description  string   `json:"description"`
	Website      string   `json:"website"`
	Phone        string   `json:"phone"`
	Emails       []string `json:"emails"`
	Category     string   `json:"category"`
	Link         string   `json:"link"`
	Verification string   `json:"verification_status"`
	Published    *bool    `json:"is_published"`
	Address      string   `json:"single_line_address"`
	Cover        *named   `json:"cover"`
	Picture      struct {
		Data struct {
			URL string `json:"url"`
		} `json:"data"`
	} `json:"picture"`
	Followers *float64 `json:"followers_count"`
	Fans      *float64 `json:"fan_count"`
}

// readProfile maps the Page's node. Names are those of the other networks where
// the thing is the same. Pictures are told apart by the names of their files.
func readProfile(raw json.RawMessage) (*metagraph.Profile, error) {
	p := page{}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	if p.Name == "" {
		return nil, errors.New("name: missing; want a Page's")
	}
	published := ""
	if p.Published != nil {
		published = strconv.FormatBool(*p.Published)
	}
	out := &metagraph.Profile{ID: p.ID, Handle: p.Username, Items: -1, Values: map[string]string{
		"name": p.Name, "handle": p.Username, "description": joined(p.About, p.Description), "link": p.Website,
		"phone": p.Phone, "email": strings.Join(p.Emails, " "), "category": p.Category, "url": p.Link,
		"verified": p.Verification, "published": published, "location": p.Address,
		"banner": "", "picture": metagraph.FileOf(p.Picture.Data.URL),
	}}
	if p.Cover != nil {
		out.Values["banner"] = p.Cover.ID
	}
	for _, m := range []struct {
		name string
		n    *float64
	}{{"followers", p.Followers}, {"likes", p.Fans}} {
		if m.n != nil && *m.n >= 0 {
			out.Metrics = append(out.Metrics, activity.Metric{Name: m.name, Value: *m.n})
		}
	}
	return out, nil
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return s == "" }), "\n\n")
}

// readMember maps a person or an app with access. Tasks are in no order.
func readMember(raw json.RawMessage) (metagraph.Entry, error) {
	var m struct {
		named
		Tasks []string `json:"tasks"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return metagraph.Entry{}, err
	}
	slices.Sort(m.Tasks)
	return metagraph.Entry{ID: m.ID, Name: m.Name, Tasks: strings.Join(m.Tasks, " ")}, nil
}
