package bluesky

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/identity"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

const (
	// identityEvery is how often handle, server and key are read.
	identityEvery = 5 * time.Minute
	// countsEvery is how often followers, follows and posts are told.
	countsEvery = time.Hour
)

// profile reads the profile's record and tells what has changed. The time is
// that of the revision that has it.
func (r *round) profile() error {
	var rec listed
	err := r.get(r.ctx, r.pds(), "com.atproto.repo.getRecord",
		map[string]any{"repo": r.st.DID, "collection": collectionProfile, "rkey": "self"}, &rec)
	if err != nil && !refusedAs(err, nameNoRecord) {
		return r.failed("profile", err)
	}
	record := newRecord(rec, "self")
	if err == nil && record.fields == nil { // not that all of it was taken away
		return r.failed("profile", &collectors.Malformed{Field: "com.atproto.repo.getRecord value", Err: errors.New("missing; want an object")})
	}
	r.compare(profileValues(record), r.revTime(r.st.Round.Rev))
	return nil
}

// profileValues returns what of a profile's record is watched; empty means that
// there is none. Names are those of the other networks where the thing is the
// same.
func profileValues(rec *record) map[string]string {
	image := func(name string) string {
		var b blob
		rec.read(name, &b)
		return b.Ref.Link
	}
	var pinned ref
	rec.read("pinnedPost", &pinned)
	var labels struct {
		Values []struct {
			Val string `json:"val"`
		} `json:"values"`
	}
	rec.read("labels", &labels)
	var own []string
	for _, l := range labels.Values {
		own = appendNew(own, l.Val)
	}
	return map[string]string{
		"name":        rec.text("displayName"),
		"description": rec.text("description"),
		"link":        rec.text("website"),
		"pronouns":    rec.text("pronouns"),
		"picture":     image("avatar"),
		"banner":      image("banner"),
		"pinned":      pinned.URI,
		"labels":      strings.Join(own, " "),
	}
}

// identity reads who the account is to the network, and tells what has changed:
// its handle, the server that holds it and the key that signs for it. Whoever
// can change the last two owns the account.
func (r *round) identity() error {
	now := r.clock()
	stirred := r.c.heard.takeIdentity()
	if !stirred && since(now, r.st.Looked) < identityEvery {
		return nil
	}
	var said struct {
		Handle string          `json:"handle"`
		DID    string          `json:"did"`
		Doc    json.RawMessage `json:"didDoc"`
	}
	err := r.get(r.ctx, r.pds(), "com.atproto.repo.describeRepo", map[string]any{"repo": r.st.DID}, &said)
	if err == nil && said.DID != r.st.DID {
		err = &collectors.Malformed{Field: "com.atproto.repo.describeRepo did", Err: fmt.Errorf("is %q; asked for %s", collectors.Clip(said.DID, maxDID), r.st.DID)}
	}
	if err == nil && said.Handle == "" {
		err = &collectors.Malformed{Field: "com.atproto.repo.describeRepo handle", Err: errors.New("missing")}
	}
	if err != nil {
		return r.failed("identity", err)
	}
	r.st.Looked = r.clock().Unix()
	values := map[string]string{"handle": said.Handle}
	var doc identity.DIDDocument
	if json.Unmarshal(said.Doc, &doc) == nil && doc.DID.String() == r.st.DID {
		ident := identity.ParseIdentity(&doc)
		values["server"] = strings.TrimRight(ident.PDSEndpoint(), "/")
		values["key"] = ident.Keys["atproto"].PublicKeyMultibase
	}
	r.compare(values, r.clock())
	if server := values["server"]; server != "" && server != r.st.Server {
		r.moved() // the old server may go on as if nothing were
	}
	return nil
}

// since returns how long ago a time in seconds since 1970 was; a time that is
// still to come, of a clock that was wrong, was long ago.
func since(now time.Time, at int64) time.Duration {
	if d := now.Sub(time.Unix(at, 0)); d >= 0 {
		return d
	}
	return 1<<63 - 1
}

// compare emits a profile activity when values differ from those kept. A value
// that is seen for the first time is no change. The id is made of the count of
// changes and the content, so that the same cursor yields the same id, and a
// change back and forth yields several.
func (r *round) compare(values map[string]string, at time.Time) {
	if r.st.Profile == nil {
		r.st.Profile = &snapshot{Values: map[string]string{}}
	}
	before := r.st.Profile
	now := maps.Clone(before.Values)
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := watchedValue(values[name])
		if was, known := before.Values[name]; known && was != value {
			changed = append(changed, name)
		}
		now[name] = value
	}
	next := &snapshot{N: before.N, Values: now}
	r.st.Profile = next
	if len(changed) == 0 {
		return
	}
	next.N++
	names := slices.Sorted(maps.Keys(now))
	sum := sha256.New()
	for _, name := range names {
		fmt.Fprintf(sum, "%q=%q\n", name, now[name])
	}
	a := r.activity(activity.KindProfile, fmt.Sprintf("profile-%d-%s", next.N, hex.EncodeToString(sum.Sum(nil)[:8])), at.Truncate(time.Second))
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
	r.emit(&a, true)
}

// watchedValue is a value of the profile as it is kept and told.
func watchedValue(value string) string {
	return bounded(strings.Map(printable, strings.ToValidUTF8(value, "\ufffd")))
}

// bounded cuts a long value so that it fits the cursor. What it ends with tells
// values apart that differ behind the cut.
func bounded(value string) string {
	cut := collectors.Within(value, maxValue)
	if cut == value {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return collectors.Within(value, maxValue-20) + "… " + hex.EncodeToString(sum[:8])
}

// counts tells how many follow the account, which only an app view knows.
func (r *round) counts() error {
	now := r.clock()
	if r.c.cfg.AppView == none || since(now, r.st.Counts.At) < countsEvery {
		return nil
	}
	var said struct {
		DID       string   `json:"did"`
		Followers *float64 `json:"followersCount"`
		Following *float64 `json:"followsCount"`
		Posts     *float64 `json:"postsCount"`
	}
	err := r.get(r.ctx, r.client(r.c.cfg.AppView, nil), "app.bsky.actor.getProfile", map[string]any{"actor": r.st.DID}, &said)
	if err == nil && said.DID != r.st.DID {
		err = &collectors.Malformed{Field: "app.bsky.actor.getProfile did", Err: fmt.Errorf("is %q; asked for %s", collectors.Clip(said.DID, maxDID), r.st.DID)}
	}
	if err != nil {
		return r.failed("counts (app_view: none leaves them out)", err)
	}
	r.st.Counts = sample{N: r.st.Counts.N + 1, At: now.Unix()}
	a := r.activity(activity.KindFollowers, fmt.Sprintf("followers-%d", r.st.Counts.N), now.Truncate(time.Second))
	for _, m := range []struct {
		name  string
		value *float64
	}{{"followers", said.Followers}, {"following", said.Following}, {"posts", said.Posts}} {
		if m.value != nil && *m.value >= 0 {
			a.Metrics = append(a.Metrics, activity.Metric{Name: m.name, Value: *m.value})
		}
	}
	r.emit(&a, true)
	return nil
}
