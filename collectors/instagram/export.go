package instagram

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/metagraph"
)

// exportedFile is a picture or a film of an item.
type exportedFile struct {
	URI     metagraph.Loose[metagraph.Mended] `json:"uri"`
	Created int64                             `json:"creation_timestamp"`
	Title   metagraph.Loose[metagraph.Mended] `json:"title"`
}

// exportedMedia is an item of posts_1.json and its like, a file alone as in
// stories.json, or an item of posts.json with its values behind labels.
type exportedMedia struct {
	exportedFile
	Timestamp int64                                     `json:"timestamp"`
	Media     metagraph.Loose[[]exportedFile]           `json:"media"`
	Labels    metagraph.Loose[[]metagraph.Loose[label]] `json:"label_values"`
}

type label struct {
	Label metagraph.Mended                  `json:"label"`
	Value metagraph.Loose[metagraph.Mended] `json:"value"`
	Media metagraph.Loose[[]exportedFile]   `json:"media"`
}

// ExportedMedia maps an item of posts_1.json, posts.json, archived_posts.json,
// reels.json or stories.json, in what Instagram gives to who downloads their
// information, as Poll maps the post where it can. The files do not say its id,
// so it has one of its own that is made of what it is, "post" or "story", and of
// its time: several of these files hold the same post. Network and Account are
// the caller's to set.
func ExportedMedia(data []byte, what string) (activity.Activity, error) {
	m := exportedMedia{}
	if err := json.Unmarshal(data, &m); err != nil {
		return activity.Activity{}, fmt.Errorf("expected a post (an object): %w", err)
	}
	files, caption := m.Media.V, string(m.Title.V)
	for _, l := range m.Labels.V {
		files = append(files, l.V.Media.V...)
		if caption == "" && strings.EqualFold(string(l.V.Label), "Caption") {
			caption = string(l.V.Value.V)
		}
	}
	if m.URI.V != "" {
		files = append(files, m.exportedFile)
	}
	seconds := cmp.Or(m.Created, m.Timestamp)
	if len(files) > 0 {
		seconds = cmp.Or(seconds, files[0].Created)
		caption = cmp.Or(caption, string(files[0].Title.V))
	}
	at, err := metagraph.ExportTime("creation_timestamp", seconds)
	if err != nil {
		return activity.Activity{}, err
	}
	a := activity.Activity{ID: madeUp(what, at), Kind: activity.KindPost, Time: at}
	metagraph.Fill(&a, caption)
	for _, f := range files {
		if media, ok := metagraph.ExportFile(string(f.URI.V)); ok {
			a.Media = append(a.Media, media)
		}
	}
	return a, nil
}

func madeUp(what string, at time.Time) string {
	return fmt.Sprintf("%s%s/%d", activity.ExportID, what, at.Unix())
}

// entry is a value of an item whose values stand behind names in the language of
// the account.
type entry struct {
	Value     metagraph.Loose[metagraph.Mended] `json:"value"`
	Timestamp metagraph.Loose[int64]            `json:"timestamp"`
}

// entries reads such an item, and when that was: no language is needed for it.
func entries(data []byte) (map[string]entry, time.Time, error) {
	var item struct {
		Values map[string]entry `json:"string_map_data"`
	}
	if err := json.Unmarshal(data, &item); err != nil {
		return nil, time.Time{}, fmt.Errorf("expected an item with string_map_data (an object): %w", err)
	}
	seconds := int64(0)
	for _, e := range item.Values {
		seconds = max(seconds, e.Timestamp.V)
	}
	at, err := metagraph.ExportTime("string_map_data: timestamp", seconds)
	return item.Values, at, err
}

// ExportedSecurity maps an item of login_activity.json, logout_activity.json or
// password_change_activity.json, which is of the given kind. Address and user
// agent are told by their form, whatever they are called.
func ExportedSecurity(data []byte, kind activity.Kind) (activity.Activity, error) {
	values, at, err := entries(data)
	if err != nil {
		return activity.Activity{}, err
	}
	a := activity.Activity{ID: madeUp(string(kind), at), Kind: kind, Time: at}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := string(values[name].Value.V)
		switch ip, err := netip.ParseAddr(value); {
		case err == nil && a.IP == "":
			a.IP = ip.WithZone("").String()
		case strings.EqualFold(metagraph.Mend(name), "User Agent"), strings.HasPrefix(value, "Mozilla/"), strings.HasPrefix(value, "Instagram "):
			a.UserAgent = metagraph.Text(value, 1024)
		}
	}
	if kind == activity.KindLogin {
		if a.IP == "" {
			return a, errors.New("string_map_data: no IP address")
		}
		a.ID += "/" + a.IP
		a.Outcome.Result = "success"
	}
	return a, nil
}

// ErrOther says that a change of the profile is one of which Picket cannot tell
// what it was: it is named in another language than English.
var ErrOther = errors.New("is named in another language than English, or new")

// ExportedChange maps an item of profile_changes.json.
func ExportedChange(data []byte) (activity.Activity, error) {
	values, at, err := entries(data)
	if err != nil {
		return activity.Activity{}, err
	}
	said := map[string]string{}
	for name, e := range values {
		said[strings.ToLower(name)] = string(e.Value.V)
	}
	field, ok := map[string]string{
		"name": "name", "username": "handle", "bio": "description", "biography": "description",
		"website": "link", "profile bio link": "link", "profile photo": "picture", "profile picture": "picture",
		"email": "email", "phone number": "phone",
	}[strings.ToLower(said["changed"])]
	if !ok {
		return activity.Activity{}, fmt.Errorf("%.40q: %w", said["changed"], ErrOther)
	}
	a := activity.Activity{ID: madeUp("profile", at) + "/" + field, Kind: activity.KindProfile, Time: at, Changed: []string{field}}
	if now := metagraph.Text(said["new value"], 2048); now != "" {
		a.Profile = []activity.Field{{Name: field, Value: now}}
	}
	if was := metagraph.Text(said["previous value"], 2048); was != "" {
		a.Old = []activity.Field{{Name: field, Value: was}}
	}
	return a, nil
}
