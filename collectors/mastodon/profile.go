package mastodon

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// followersEvery is how often the follower count is told.
const followersEvery = time.Hour

// lookup learns the account's id from its name, and with it the profile.
func (r *round) lookup() error {
	u, err := r.client.lookup(r.ctx, r.c.cfg.Name)
	if err == nil {
		err = r.look(u)
	}
	if err != nil {
		return r.failed("look-up of the account", err)
	}
	return nil
}

// profile reads the account and tells what has changed. Where mentions are
// wanted it asks for the token's own account, since notifications are that
// one's. Mastodon does not tell when a profile was changed; the time is that
// of the look.
func (r *round) profile() error {
	ask := r.client.account
	if r.c.cfg.Mentions {
		ask = r.client.self
	}
	u, err := ask(r.ctx, r.st.User)
	if err == nil && r.c.cfg.Mentions {
		r.owner = string(u.ID)
	}
	if err == nil && r.c.cfg.Mentions && string(u.ID) != r.st.User {
		err = &collectors.Forbidden{
			Mend: "give the token of the account itself, or switch mentions off",
			Err:  fmt.Errorf("the token is of %s, and mentions are shown to the account's own token only", r.c.words(u.Acct)),
		}
	}
	if err == nil {
		err = r.look(u)
	}
	if err != nil {
		return r.failed("profile", err)
	}
	return nil
}

// look takes over what an account says of itself.
func (r *round) look(u *account) error {
	now := r.note()
	id := string(u.ID)
	if r.st.User != "" && r.st.User != id {
		return fmt.Errorf("asked for account %s and got %s", r.st.User, id)
	}
	if u.Suspended {
		return &collectors.Forbidden{Mend: mendSuspended, Err: &APIError{
			Endpoint: r.client.ex.answer.endpoint, Status: r.client.ex.answer.status, Message: "the account is suspended",
		}}
	}
	r.st.User, r.seen, r.statuses = id, true, -1
	at := now.Truncate(time.Second)
	r.compare(u, at)
	if u.FollowersCount != nil {
		r.statuses = u.StatusesCount
		if u.StatusesCount < r.st.Count && r.c.cfg.Watch > 0 { // something was deleted: find out what
			r.st.Swept, r.page.More = 0, true
		}
		r.st.Count = u.StatusesCount
		if collectors.Due(at, r.st.Followers.At, followersEvery) {
			r.followers(u, at)
		}
	}
	return nil
}

// compare emits a profile activity when the profile differs from the one kept.
// Its id is made of the count of changes and the content, so that the same
// cursor yields the same id, and a change back and forth yields several.
func (r *round) compare(u *account, at time.Time) {
	now := profileValues(u)
	before := r.st.Profile
	if before == nil {
		r.st.Profile = &snapshot{Values: now}
		return
	}
	var changed []string
	names := slices.Sorted(maps.Keys(now))
	for _, name := range names {
		if now[name] != before.Values[name] {
			changed = append(changed, name)
		}
	}
	if len(changed) == 0 {
		return
	}
	next := &snapshot{N: before.N + 1, Values: now}
	sum := sha256.New()
	for _, name := range names {
		fmt.Fprintf(sum, "%q=%q\n", name, now[name])
	}
	a := r.activity(activity.KindProfile, fmt.Sprintf("profile-%d-%s", next.N, hex.EncodeToString(sum.Sum(nil)[:8])), at)
	a.Changed = changed
	for _, name := range names {
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

// profileValues returns what of a profile is watched. An empty value means that
// there is none. Names are those of the other networks where the thing is the
// same; link is every link of the table that Mastodon shows under the
// description, so that no change of one is missed, and fields that table's
// text.
func profileValues(u *account) map[string]string {
	description, _ := plain(u.Note, false)
	var fields, links []string
	for _, f := range u.Fields {
		name, _ := plain(f.Name, false)
		value, found := plain(f.Value, false)
		fields = append(fields, name+": "+value)
		for _, link := range found {
			links = appendNew(links, link)
		}
	}
	moved := ""
	if u.Moved != nil {
		moved = u.Moved.Acct
	}
	out := map[string]string{
		"name":        u.DisplayName,
		"handle":      u.Acct,
		"description": description,
		"link":        strings.Join(links, " "),
		"fields":      strings.Join(fields, "\n"),
		"url":         u.URL,
		"picture":     u.Avatar,
		"banner":      u.Header,
		"moved":       moved,
		"protected":   strconv.FormatBool(u.Locked),
		"bot":         strconv.FormatBool(u.Bot),
	}
	for name, value := range out {
		out[name] = bounded(strings.Map(printable, value))
	}
	return out
}

// bounded cuts a long value so that it fits the cursor. What it ends with tells
// values apart that differ behind the cut.
func bounded(value string) string {
	if len(value) <= maxValue {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return collectors.Clip(value, maxValue-20) + "… " + hex.EncodeToString(sum[:8])
}

func (r *round) followers(u *account, at time.Time) {
	r.st.Followers = sample{N: r.st.Followers.N + 1, At: at.Unix()}
	a := r.activity(activity.KindFollowers, fmt.Sprintf("followers-%d", r.st.Followers.N), at)
	for _, m := range []activity.Metric{
		{Name: "followers", Value: float64(*u.FollowersCount)},
		{Name: "following", Value: float64(u.FollowingCount)},
		{Name: "posts", Value: float64(u.StatusesCount)},
	} {
		if m.Value >= 0 { // a server that hides a count may say -1
			a.Metrics = append(a.Metrics, m)
		}
	}
	r.emit(&a, true)
}
