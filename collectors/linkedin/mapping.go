package linkedin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// millis is a time in ms since 1970.
type millis int64

// at returns the time, or what is wrong with it.
func (m millis) at(field string) (time.Time, error) {
	t := time.UnixMilli(int64(m)).UTC()
	if t.Year() < 2000 || t.Year() >= 2200 {
		return time.Time{}, fmt.Errorf("%s: %d; want a time of 2000 to 2199 in ms since 1970, such as 1634790968775", field, int64(m))
	}
	return t, nil
}

// item is a post as an activity, and what an activity does not say of it.
type item struct {
	Activity activity.Activity
	modified time.Time
	edited   bool // by its author, at some time
}

func (it *item) place() place {
	return place{At: it.modified.UnixMilli(), ID: it.Activity.ID}
}

// hash is of what an edit changes.
func (it *item) hash() string {
	parts := append([]string{it.Activity.Text}, it.Activity.Links...)
	for i := range it.Activity.Media {
		parts = append(parts, it.Activity.Media[i].Hash)
	}
	return collectors.Digest(parts...)
}

// post is one of the Posts API.
type post struct {
	ID          string `json:"id"`
	Author      string `json:"author"`
	Commentary  string `json:"commentary"`
	State       string `json:"lifecycleState"`
	LandingPage string `json:"contentLandingPage"`
	Created     millis `json:"createdAt"`
	Published   millis `json:"publishedAt"`
	Modified    millis `json:"lastModifiedAt"`
	Info        struct {
		Edited bool `json:"isEditedByAuthor"`
	} `json:"lifecycleStateInfo"`
	Reshare struct {
		Parent string `json:"parent"`
	} `json:"reshareContext"`
	Content loose[content] `json:"content"`
}

// content is what hangs on a post: one of these.
type content struct {
	Media   *medium `json:"media"`
	Article *struct {
		Source string `json:"source"`
		Title  string `json:"title"`
	} `json:"article"`
	MultiImage *struct {
		Images []medium `json:"images"`
	} `json:"multiImage"`
	Carousel *struct {
		Cards []struct {
			LandingPage string `json:"landingPage"`
			Media       medium `json:"media"`
		} `json:"cards"`
	} `json:"carousel"`
	Poll *struct {
		Question string `json:"question"`
	} `json:"poll"`
}

// medium is a picture, a film or a document.
type medium struct {
	ID    string `json:"id"` // "urn:li:image:C5F10AQGKQg_6y2a4sQ"
	Title string `json:"title"`
}

// loose is a part without which the whole still stands: another form of it is as
// good as none.
type loose[T any] struct {
	it  T
	bad bool // it was there, in another form
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *loose[T]) UnmarshalJSON(data []byte) error {
	var it T
	if l.bad = json.Unmarshal(data, &it) != nil; !l.bad {
		l.it = it
	}
	return nil
}

// readPost maps a post of an organisation; one that is not published is passed
// over. One that shares another is a repost of it.
func readPost(raw json.RawMessage, author string) (*item, error) {
	p := post{}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	if p.State != "" && !strings.HasPrefix(p.State, "PUBLISHED") { // older parts of the API know PUBLISHED_EDITED, too
		return nil, nil //nolint:nilnil // a draft, or one that is still made
	}
	if err := checkURN("id", p.ID); err != nil {
		return nil, err
	}
	if p.Author != author {
		return nil, fmt.Errorf("author: %q; want %s", collectors.Clip(plain(p.Author), 60), author)
	}
	published, err := cmp.Or(p.Published, p.Created).at("publishedAt")
	if err != nil {
		return nil, err
	}
	modified, err := cmp.Or(p.Modified, p.Published, p.Created).at("lastModifiedAt")
	if err != nil {
		return nil, err
	}
	if modified.Before(published) { // what is published was made at the latest then
		modified = published
	}
	it := &item{modified: modified, edited: p.Info.Edited}
	a := &it.Activity
	a.ID, a.Kind, a.Time, a.Raw = p.ID, activity.KindPost, published, raw
	if p.Reshare.Parent != "" {
		if err := checkURN("reshareContext.parent", p.Reshare.Parent); err != nil {
			return nil, err
		}
		a.Kind, a.Object = activity.KindRepost, p.Reshare.Parent
	}
	said, mentions := little(collectors.Clip(p.Commentary, 2*activity.MaxText))
	fill(a, cmp.Or(said, p.Content.it.title()))
	for _, m := range mentions {
		a.Mentions = appendNew(a.Mentions, m)
	}
	hang(a, &p)
	return it, nil
}

// title is what a post without words says.
func (c *content) title() string {
	switch {
	case c.Article != nil:
		return c.Article.Title
	case c.Poll != nil:
		return c.Poll.Question
	case c.Media != nil:
		return c.Media.Title
	}
	return ""
}

// fill puts a text into an activity.
func fill(a *activity.Activity, said string) {
	a.Text = text(said, activity.MaxText)
	a.Hashtags, a.Links = words(a.Text)
	for _, link := range a.Links {
		a.LinkDomains = appendNew(a.LinkDomains, domainOf(link))
	}
}

// hang puts content into an activity: where it leads as links, the rest as media.
func hang(a *activity.Activity, p *post) {
	link := func(address string) {
		if domain := domainOf(address); domain != "" {
			a.Links = appendNew(a.Links, address)
			a.LinkDomains = appendNew(a.LinkDomains, domain)
		}
	}
	media := func(m medium) {
		if isURN(m.ID) {
			a.Media = append(a.Media, activity.Media{Hash: m.ID, Type: mediaType(m.ID)})
		}
	}
	c := &p.Content.it
	if c.Media != nil {
		media(*c.Media)
	}
	if c.Article != nil {
		link(c.Article.Source)
	}
	if c.MultiImage != nil {
		for _, m := range c.MultiImage.Images {
			media(m)
		}
	}
	if c.Carousel != nil {
		for _, card := range c.Carousel.Cards {
			media(card.Media)
			link(card.LandingPage)
		}
	}
	link(p.LandingPage)
}

// mediaType returns the kind of a medium by its URN; documents have none.
func mediaType(urn string) string {
	switch kind := strings.Split(urn, ":")[2]; kind {
	case "image", "video":
		return kind
	}
	return ""
}

// comment is one under a post.
type comment struct {
	ID      string `json:"id"`
	URN     string `json:"commentUrn"`
	Actor   string `json:"actor"`
	Object  string `json:"object"`
	Parent  string `json:"parentComment"`
	Created struct {
		Time millis `json:"time"`
	} `json:"created"`
	Message struct {
		Text string `json:"text"`
	} `json:"message"`
}

// readComment maps a comment under a post of an organisation: one of its own is a
// reply, those of others mention it. Of people it tells the URN.
func readComment(raw json.RawMessage, under, own string) (*activity.Activity, error) {
	c := comment{}
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	if c.URN == "" && c.ID != "" {
		c.URN = "urn:li:comment:(" + cmp.Or(c.Object, under) + "," + c.ID + ")"
	}
	if err := checkURN("commentUrn", c.URN); err != nil {
		return nil, err
	}
	at, err := c.Created.Time.at("created.time")
	if err != nil {
		return nil, err
	}
	a := &activity.Activity{ID: c.URN, Kind: activity.KindMention, Time: at, ReplyTo: under, Raw: raw}
	if isURN(c.Parent) {
		a.ReplyTo = c.Parent
	}
	if c.Actor == own {
		a.Kind = activity.KindReply
	} else if isURN(c.Actor) {
		a.Actor = c.Actor
	}
	fill(a, c.Message.Text)
	return a, nil
}

// organization is a page as it says of itself.
type organization struct {
	id string
	// values are watched for changes; an empty one means that there is none, and one
	// that cannot be read is left out.
	values map[string]string
}

// localized is a text in several languages.
type localized struct {
	Localized map[string]string `json:"localized"`
	Preferred struct {
		Country  string `json:"country"`
		Language string `json:"language"`
	} `json:"preferredLocale"`
}

// or returns a text that is given by itself, else the one in the preferred
// language.
func (l localized) or(given string) string {
	return cmp.Or(given, l.Localized[l.Preferred.Language+"_"+l.Preferred.Country])
}

// picture is a logo or a cover; either URN changes with it.
type picture struct {
	Original string `json:"original"`
	Cropped  string `json:"cropped"`
}

func (p picture) urn() string { return cmp.Or(p.Original, p.Cropped) }

// location is where the organisation is.
type location struct {
	Address struct {
		Line    string `json:"line1"`
		City    string `json:"city"`
		Country string `json:"country"`
	} `json:"address"`
	Phone struct {
		Number string `json:"number"`
	} `json:"phoneNumber1"`
}

// readOrganization maps the page. Names are those of the other networks where the
// thing is the same.
func readOrganization(raw json.RawMessage) (*organization, error) {
	var o struct {
		ID          json.Number       `json:"id"`
		Name        string            `json:"localizedName"`
		Vanity      string            `json:"vanityName"`
		Description string            `json:"localizedDescription"`
		Website     string            `json:"localizedWebsite"`
		Status      string            `json:"organizationStatus"`
		Names       loose[localized]  `json:"name"`
		Texts       loose[localized]  `json:"description"`
		Websites    loose[localized]  `json:"website"`
		Logo        loose[picture]    `json:"logoV2"`
		Cover       loose[picture]    `json:"coverPhotoV2"`
		Industries  loose[[]string]   `json:"industries"`
		Specialties loose[[]string]   `json:"localizedSpecialties"`
		Aliases     loose[[]string]   `json:"alternativeNames"`
		Locations   loose[[]location] `json:"locations"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	name := o.Names.it.or(o.Name)
	if name == "" {
		return nil, errors.New("localizedName: missing; want the organisation's")
	}
	var places, phones []string
	for i := range o.Locations.it {
		l := &o.Locations.it[i]
		places = appendNew(places, joined(", ", l.Address.Line, l.Address.City, l.Address.Country))
		phones = appendNew(phones, l.Phone.Number)
	}
	out := &organization{id: o.ID.String(), values: map[string]string{
		"name": name, "handle": o.Vanity, "description": o.Texts.it.or(o.Description), "link": o.Websites.it.or(o.Website),
		"picture": o.Logo.it.urn(), "banner": o.Cover.it.urn(), "category": strings.Join(o.Industries.it, " "),
		"keywords": strings.Join(o.Specialties.it, ", "), "aliases": strings.Join(o.Aliases.it, ", "), "status": o.Status,
		"location": strings.Join(places, "; "), "phone": strings.Join(phones, " "),
	}}
	unread := map[string]bool{
		"description": o.Texts.bad && o.Description == "", "link": o.Websites.bad && o.Website == "", "picture": o.Logo.bad, "banner": o.Cover.bad,
		"category": o.Industries.bad, "keywords": o.Specialties.bad, "aliases": o.Aliases.bad, "location": o.Locations.bad, "phone": o.Locations.bad,
	}
	maps.DeleteFunc(out.values, func(key, _ string) bool { return unread[key] })
	for key, value := range out.values {
		out.values[key] = collectors.Bounded(text(value, activity.MaxText), maxValue)
	}
	return out, nil
}

// joined puts what is not empty together.
func joined(between string, parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, between)
}

// requestedMark is before a role that somebody asks for and does not have yet.
const requestedMark = "REQUESTED:"

func requested(role string) bool { return strings.HasPrefix(role, requestedMark) }

// readRole returns who has a role and which one, marked where it is only
// requested; empty where it was refused or taken back.
func readRole(raw json.RawMessage, own string) (id, role string, err error) {
	var acl struct {
		Assignee     string `json:"roleAssignee"`
		Role         string `json:"role"`
		State        string `json:"state"`
		Organization string `json:"organization"`
		Target       string `json:"organizationTarget"`
	}
	if err := json.Unmarshal(raw, &acl); err != nil {
		return "", "", err
	}
	if err := checkURN("roleAssignee", acl.Assignee); err != nil {
		return "", "", err
	}
	if of := cmp.Or(acl.Organization, acl.Target); of != own {
		return "", "", fmt.Errorf("organization: %q; want %s", collectors.Clip(plain(of), 60), own)
	}
	if acl.Role == "" || len(acl.Role) > 60 || strings.ContainsFunc(acl.Role, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') }) {
		return "", "", fmt.Errorf("role: %q; want one such as ADMINISTRATOR", collectors.Clip(plain(acl.Role), 60))
	}
	switch acl.State {
	case approved:
		return acl.Assignee, acl.Role, nil
	case "REQUESTED":
		return acl.Assignee, requestedMark + acl.Role, nil
	case "REVOKED", "REJECTED":
		return acl.Assignee, "", nil
	}
	return "", "", fmt.Errorf("state: %q; want APPROVED, REQUESTED, REJECTED or REVOKED", collectors.Clip(plain(acl.State), 60))
}
