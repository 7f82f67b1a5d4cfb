package reddit

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

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

const (
	// profileEvery is how often the profile is read, and followersEvery how often
	// counts are told.
	profileEvery   = 10 * time.Minute
	followersEvery = time.Hour
)

// profile reads what everybody sees of the account, and tells what has changed.
// Reddit tells no time of that.
func (r *round) profile() error {
	if !r.due(r.st.Looked, profileEvery) {
		return nil
	}
	u, err := r.user()
	if err != nil {
		return r.failed("profile", err)
	}
	now := r.second()
	r.st.Looked, r.held = now.Unix(), true
	r.changed(u.values())
	if r.due(r.st.Followers.At, followersEvery) {
		r.st.Followers = sample{N: r.st.Followers.N + 1, At: now.Unix()}
		r.emit(&activity.Activity{
			ID: fmt.Sprintf("followers.%d", r.st.Followers.N), Kind: activity.KindFollowers, Time: now, Metrics: u.metrics(),
		})
	}
	return nil
}

// user asks for the account.
func (r *round) user() (*user, error) {
	b, err := r.c.get(r.ctx, "/user/"+r.c.cfg.name()+"/about", nil)
	if err != nil {
		return nil, err
	}
	if t := b.date(); !t.IsZero() {
		r.page.ServerTime = t
	}
	var raw json.RawMessage
	if err := r.c.read(b, &raw, "an account"); err != nil {
		return nil, err
	}
	u, err := readUser(raw)
	if err == nil && !strings.EqualFold(u.Name, r.c.cfg.name()) {
		err = fmt.Errorf("name %q; want %s", collectors.Clip(u.Name, 40), r.c.cfg.name())
	}
	if err != nil {
		return nil, &collectors.Malformed{Field: b.endpoint + " answer", Err: r.c.bare(err)}
	}
	if u.Suspended {
		return nil, &collectors.Forbidden{Mend: mendUser, Err: fmt.Errorf("%s: Reddit has suspended the account", b.endpoint)}
	}
	return u, nil
}

// changed tells what changed of the profile; the first one is only remembered.
func (r *round) changed(now map[string]string) {
	old := r.st.Profile
	if old == nil {
		r.st.Profile = &snapshot{Values: now}
		return
	}
	for _, name := range watchedNames() { // what an answer leaves out is as it was
		if was, known := old.Values[name]; known {
			if _, told := now[name]; !told {
				now[name] = was
			}
		}
	}
	if maps.Equal(old.Values, now) {
		return
	}
	a := activity.Activity{Kind: activity.KindProfile, Time: r.second()}
	var content []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		content = append(content, name, now[name])
		a.Profile = append(a.Profile, activity.Field{Name: name, Value: now[name]})
		if was := old.Values[name]; was != now[name] {
			a.Changed = append(a.Changed, name)
			a.Old = append(a.Old, activity.Field{Name: name, Value: was})
		}
	}
	r.st.Profile = &snapshot{N: old.N + 1, Values: now}
	if len(a.Changed) == 0 { // another version of Picket knew more names
		return
	}
	a.ID = fmt.Sprintf("profile.%d-%s", r.st.Profile.N, collectors.Digest(content...))
	fill(&a, now["description"])
	r.tell(&a)
}

// user is an account (t2) as Reddit writes it.
type user struct {
	Name         string   `json:"name"`
	Suspended    bool     `json:"is_suspended"`
	Karma        *float64 `json:"total_karma"`
	LinkKarma    *float64 `json:"link_karma"`
	CommentKarma *float64 `json:"comment_karma"`
	Icon         *string  `json:"icon_img"`
	Snoovatar    *string  `json:"snoovatar_img"`
	EmailProven  *bool    `json:"has_verified_email"`
	Subreddit    *struct {
		Title       string   `json:"title"`
		Description string   `json:"public_description"`
		Banner      string   `json:"banner_img"`
		Subscribers *float64 `json:"subscribers"`
		NSFW        bool     `json:"over_18"`
	} `json:"subreddit"` // the profile; null where the account never had one
}

func readUser(raw json.RawMessage) (*user, error) {
	var it struct {
		Kind string `json:"kind"`
		Data user   `json:"data"`
	}
	if err := json.Unmarshal(raw, &it); err != nil {
		return nil, err
	}
	if it.Kind != "t2" {
		return nil, fmt.Errorf("kind %q; want t2, an account", collectors.Clip(plain(it.Kind), 40))
	}
	if it.Data.Name == "" {
		return nil, errors.New("name: missing; want the account's")
	}
	return &it.Data, nil
}

// watchedNames are what is watched of the profile.
func watchedNames() []string {
	return []string{"avatar", "banner", "description", "email_verified", "name", "nsfw", "picture"}
}

// values are those of the profile that are watched, as far as the answer holds
// them. Names are those of the other networks where the thing is the same;
// pictures are told apart by their files.
func (u *user) values() map[string]string {
	out := map[string]string{}
	if u.Icon != nil {
		out["picture"] = fileOf(*u.Icon)
	}
	if u.Snoovatar != nil {
		out["avatar"] = fileOf(*u.Snoovatar)
	}
	if u.EmailProven != nil {
		out["email_verified"] = strconv.FormatBool(*u.EmailProven)
	}
	if s := u.Subreddit; s != nil {
		out["name"], out["description"], out["banner"], out["nsfw"] = s.Title, s.Description, fileOf(s.Banner), strconv.FormatBool(s.NSFW)
	}
	for name, v := range out {
		out[name] = collectors.Bounded(plain(v), maxValue)
	}
	return out
}

// metrics are the account's counts.
func (u *user) metrics() []activity.Metric {
	var out []activity.Metric
	add := func(name string, n *float64) {
		if n != nil && (*n >= 0 || name != "followers") { // karma may be negative
			out = append(out, activity.Metric{Name: name, Value: *n})
		}
	}
	add("comment_karma", u.CommentKarma)
	if u.Subreddit != nil {
		add("followers", u.Subreddit.Subscribers)
	}
	add("karma", u.Karma)
	add("link_karma", u.LinkKarma)
	return out
}

// fileOf returns what of a picture's address tells the picture: host, size and
// signature vary by themselves.
func fileOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		return address
	}
	return path.Base(u.Path)
}
