package x

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/dghubble/go-twitter/twitter" //nolint:staticcheck // archived, and the client this is built on: what it lacks is in this package

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// followersEvery is how often the follower count is told.
const followersEvery = time.Hour

// profile reads the account's user object. The first time it learns the
// account's number and keeps the profile; later it tells what has changed.
// Neither X version tells when, so the time is that of the look.
func (r *round) profile() error {
	u, err := r.user()
	if err != nil {
		return r.failed("profile", err)
	}
	now := r.note()
	if r.st.PaidProfile != day(now) {
		r.charge(0, r.ex.answer.users)
		r.st.PaidProfile = day(now)
	}
	if r.st.User != 0 && r.st.User != u.ID {
		return fmt.Errorf("x: profile of %s: asked for user %d and got %d", r.c.cfg.Account, r.st.User, u.ID)
	}
	r.st.User, r.seen = u.ID, true
	at := now.Truncate(time.Second)
	r.compare(u, at)
	if collectors.Due(at, r.st.Followers.At, followersEvery) && r.ex.answer.counts {
		r.followers(u, at)
	}
	return nil
}

// user asks for the account by the surest name there is: its number, else its
// handle, else that the credential is its own.
func (r *round) user() (*twitter.User, error) {
	id := r.st.User
	if id == 0 {
		id = parseID(r.c.cfg.UserID)
	}
	switch {
	case id != 0:
		return r.client.userByID(id)
	case r.c.cfg.Username != "":
		return r.client.userByHandle(r.c.cfg.Username)
	default:
		return r.client.self()
	}
}

// compare emits a profile activity when the profile differs from the one kept.
// Its id is made of the count of changes and the content, so that the same
// cursor yields the same id, and a change back and forth yields several.
func (r *round) compare(u *twitter.User, at time.Time) {
	now := profileValues(u)
	before := r.st.Profile
	if before == nil {
		r.st.Profile = &snapshot{Values: now}
		return
	}
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if now[name] != before.Values[name] {
			changed = append(changed, name)
		}
	}
	if len(changed) == 0 {
		return
	}
	next := &snapshot{N: before.N + 1, Values: now}
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		fmt.Fprintf(sum, "%q=%q\n", name, now[name])
	}
	a := r.activity(activity.KindProfile, fmt.Sprintf("profile-%d-%s", next.N, hex.EncodeToString(sum.Sum(nil)[:8])), at)
	a.Changed = changed
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if now[name] != "" {
			a.Profile = append(a.Profile, activity.Field{Name: name, Value: now[name]})
		}
	}
	for _, name := range changed {
		if before.Values[name] != "" {
			a.Old = append(a.Old, activity.Field{Name: name, Value: before.Values[name]})
		}
	}
	r.st.Profile = next
	r.emit(&a, true)
}

// profileValues returns what of a profile is watched. An empty value means
// that there is none. Values are cut at maxValue bytes; X allows fewer.
func profileValues(u *twitter.User) map[string]string {
	picture := cmp.Or(u.ProfileImageURLHttps, u.ProfileImageURL)
	link, description := u.URL, u.Description
	if u.Entities != nil {
		link = expand(link, u.Entities.URL.Urls)
		description = expand(description, u.Entities.Description.Urls)
	}
	out := map[string]string{
		"name":        unescape(u.Name),
		"handle":      u.ScreenName,
		"description": unescape(description),
		"link":        link,
		"picture":     picture,
		"banner":      u.ProfileBannerURL,
		"location":    unescape(u.Location),
		"protected":   strconv.FormatBool(u.Protected),
		"verified":    strconv.FormatBool(u.Verified),
	}
	for name, value := range out {
		out[name] = collectors.Clip(value, maxValue)
	}
	return out
}

func (r *round) followers(u *twitter.User, at time.Time) {
	r.st.Followers = sample{N: r.st.Followers.N + 1, At: at.Unix()}
	a := r.activity(activity.KindFollowers, fmt.Sprintf("followers-%d", r.st.Followers.N), at)
	a.Metrics = []activity.Metric{
		{Name: "followers", Value: float64(u.FollowersCount)},
		{Name: "following", Value: float64(u.FriendsCount)},
		{Name: "listed", Value: float64(u.ListedCount)},
		{Name: "posts", Value: float64(u.StatusesCount)},
	}
	r.emit(&a, true)
}
