package youtube

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	api "google.golang.org/api/youtube/v3"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// followersEvery is how often the number of followers is told.
const followersEvery = time.Hour

// channel reads the channel: its ids, its profile, its followers.
func (r *round) channel() error {
	a, err := r.c.channelOf(r)
	if err != nil {
		return r.failed("channel", err)
	}
	r.took(a)
	if len(a.items) == 0 {
		return r.failed("channel", &collectors.Forbidden{
			Mend: mendChannel, Err: fmt.Errorf("%s: YouTube shows no channel %s", a.endpoint, r.c.cfg.Channel),
		})
	}
	ch, err := readChannel(a.items[0])
	if err != nil {
		return r.failed("channel", &collectors.Malformed{Field: a.endpoint + " answer, items[0]", Err: r.c.bare(err)})
	}
	r.st.Channel, r.st.Uploads = ch.id, ch.uploads
	r.profile(ch)
	if now := r.clock(); len(ch.metrics) > 0 && collectors.Due(now, r.st.Followers.At, followersEvery) {
		r.st.Followers.N++
		r.st.Followers.At = now.Unix()
		r.emit(&activity.Activity{
			ID: fmt.Sprintf("followers.%d", r.st.Followers.N), Kind: activity.KindFollowers,
			Time: r.second(), Metrics: ch.metrics,
		})
	}
	return nil
}

// channelOf asks for the channel, by the id that is known of it.
func (c *Collector) channelOf(r *round) (*answer, error) {
	return c.call(r.ctx, func(svc *api.Service) (caller, func() error) {
		call := svc.Channels.List([]string{"snippet,contentDetails,statistics,brandingSettings,status"}).Context(r.ctx)
		switch {
		case r.st.Channel != "":
			call.Id(r.st.Channel)
		case isChannelID(c.cfg.Channel):
			call.Id(c.cfg.Channel)
		default:
			call.ForHandle("@" + strings.TrimPrefix(c.cfg.Channel, "@"))
		}
		return call, func() error { _, err := call.Do(); return err }
	})
}

// profile tells what changed of the profile; the first one is only remembered.
func (r *round) profile(ch *channel) {
	old := r.st.Profile
	if old == nil {
		r.st.Profile = &snapshot{Values: ch.values}
		return
	}
	for name, was := range old.Values { // of a part that an answer leaves out all is as it was
		if _, told := ch.values[name]; !told {
			ch.values[name] = was
		}
	}
	if maps.Equal(old.Values, ch.values) {
		return
	}
	a := activity.Activity{Kind: activity.KindProfile, Time: r.second()}
	for _, name := range slices.Sorted(maps.Keys(ch.values)) {
		value := ch.values[name]
		a.Profile = append(a.Profile, activity.Field{Name: name, Value: value})
		if was, known := old.Values[name]; known && was != value {
			a.Changed = append(a.Changed, name)
			a.Old = append(a.Old, activity.Field{Name: name, Value: was})
		}
	}
	r.st.Profile = &snapshot{N: old.N + 1, Values: ch.values}
	if len(a.Changed) == 0 { // another version of Picket knew more names
		return
	}
	a.ID = fmt.Sprintf("profile.%d-%s", r.st.Profile.N, digest(fieldTexts(a.Profile)...))
	a.Text = ch.values["description"]
	a.Links = collectors.LinksIn(a.Text)
	a.LinkDomains = domainsOf(a.Links)
	r.tell(&a)
}

func fieldTexts(fields []activity.Field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Name, f.Value)
	}
	return out
}

// channel is what is read of a channel.
type channel struct {
	id, uploads, title, handle string
	values                     map[string]string
	metrics                    []activity.Metric
}

// maxValue bounds a value of the profile in the cursor, in bytes of JSON. A
// channel's description has at most 1,000 characters and its keywords 500; with as
// many videos as can be watched there is room for 4,000 bytes in all.
func maxValue(name string) int {
	switch name {
	case "description":
		return 1600
	case "keywords":
		return 600
	}
	return 200
}

// readChannel maps a channel. Names are those of the other networks where the
// thing is the same; pictures are told apart by their address without its size.
func readChannel(raw json.RawMessage) (*channel, error) {
	var c api.Channel
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	switch {
	case !isID(c.Id):
		return nil, fmt.Errorf("id %q; want a channel's", collectors.Clip(c.Id, 40))
	case c.Snippet == nil || c.Snippet.Title == "":
		return nil, errors.New("snippet.title: missing; want the channel's name")
	case c.ContentDetails == nil || c.ContentDetails.RelatedPlaylists == nil || !isID(c.ContentDetails.RelatedPlaylists.Uploads):
		return nil, errors.New("contentDetails.relatedPlaylists.uploads: missing; want the id of a playlist")
	}
	out := &channel{
		id: c.Id, uploads: c.ContentDetails.RelatedPlaylists.Uploads, title: c.Snippet.Title, handle: strings.TrimPrefix(c.Snippet.CustomUrl, "@"),
		values: map[string]string{
			"name": c.Snippet.Title, "handle": strings.TrimPrefix(c.Snippet.CustomUrl, "@"), "description": c.Snippet.Description,
			"country": c.Snippet.Country,
		},
	}
	if t := c.Snippet.Thumbnails; t != nil && t.Default != nil {
		out.values["picture"] = pictureOf(t.Default.Url)
	}
	if b := c.BrandingSettings; b != nil {
		if b.Channel != nil {
			out.values["keywords"], out.values["trailer"] = b.Channel.Keywords, b.Channel.UnsubscribedTrailer
		}
		out.values["banner"] = "" // there is no image where there is no banner
		if b.Image != nil {
			out.values["banner"] = pictureOf(b.Image.BannerExternalUrl)
		}
	}
	if c.Status != nil {
		out.values["privacy"] = c.Status.PrivacyStatus
	}
	for name, v := range out.values {
		out.values[name] = collectors.Bounded(plain(v), maxValue(name))
	}
	if s := c.Statistics; s != nil {
		if !s.HiddenSubscriberCount {
			out.metrics = append(out.metrics, activity.Metric{Name: "followers", Value: float64(s.SubscriberCount)})
		}
		out.metrics = append(out.metrics, activity.Metric{Name: "posts", Value: float64(s.VideoCount)}, activity.Metric{Name: "views", Value: float64(s.ViewCount)})
	}
	return out, nil
}

// pictureOf returns what of a picture's address tells the picture: host and size
// ("=s88-c-k") vary by themselves.
func pictureOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Path == "" {
		return address
	}
	name, _, _ := strings.Cut(path.Base(u.Path), "=")
	return name
}

// lines says what a channel is, for a person.
func (c *channel) lines() []string {
	parts := []string{plain(c.title), "@" + c.handle, "id " + c.id}
	for _, m := range c.metrics {
		parts = append(parts, strconv.FormatFloat(m.Value, 'f', -1, 64)+" "+m.Name)
	}
	return []string{strings.Join(parts, ", ")}
}
