package mastodon

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	api "github.com/mattn/go-mastodon"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

const (
	// appsEvery is how often a list of tokens is read where there is one.
	appsEvery = 10 * time.Minute
	// lostEvery is how often a list is looked for that was there before, or that
	// could not be asked for, and seekEvery where the server has none.
	lostEvery = time.Hour
	seekEvery = 24 * time.Hour

	maxApps     = 80 // newest tokens that are compared: GoToSocial's documented page
	maxAppPages = 4  // where a server's pages are smaller
	maxAppName  = 60 // bytes
)

// Why no list of tokens is read, as the cursor says it.
const (
	lackList    = "list"    // the server has none
	lackScope   = "scope"   // it refuses this token
	lackOwn     = "own"     // the token is not the account's own, and so would the list be
	lackTrouble = "trouble" // whether there is one could not be found out
)

// apps tells which apps were let in and which no longer are, where the server
// has a list of the account's tokens. Whether it has is found out first, and
// again once a day. The first list is handed over as history: it teaches which
// apps are known, and that grants are seen at all.
func (r *round) apps() error {
	if r.c.cfg.Token == "" || !r.seen {
		return nil
	}
	known := r.st.Apps
	if known == nil {
		known = &apps{}
	}
	now := r.clock()
	if known.At != 0 && now.Unix()-known.At < int64(known.every()/time.Second) {
		return nil
	}
	found, lack, err := r.readApps(known.List)
	_, limited := errors.AsType[*collectors.RateLimited](err)
	if err != nil && (limited || r.ctx.Err() != nil || lack == lackTrouble && known.List != 0) {
		return r.failed("list of tokens", err)
	}
	if lack != "" {
		r.st.Apps = r.withoutApps(known, lack, now, err)
		return nil
	}
	r.st.Apps = r.compareApps(known, found, now)
	return nil
}

// every returns how long the next question waits.
func (k *apps) every() time.Duration {
	switch {
	case k.List != 0:
		return appsEvery
	case k.Read || k.Lack == lackTrouble:
		return lostEvery
	}
	return seekEvery
}

// withoutApps notes that there is no list now. What was on it stays known, since
// one that is not shown does not say that all were revoked. It is said once.
func (r *round) withoutApps(known *apps, lack string, now time.Time, err error) *apps {
	if lack != known.Lack {
		log := r.c.deps.Log.Info
		if known.Read || lack == lackScope || lack == lackTrouble {
			log = r.c.deps.Log.Warn
		}
		said := map[string]string{
			lackList:    "the server has no list of the apps that have access; which are let in is not told",
			lackScope:   "the server does not show this token which apps have access, so which are let in is not told; to see it, make the token anew with the scope read:accounts",
			lackOwn:     "the token is not the account's own, so which apps are let in is not told",
			lackTrouble: "whether the server has a list of the apps that have access cannot be found out; it is asked again in an hour",
		}
		log(said[lack], zap.String("account", r.c.cfg.Account), zap.Error(err))
	}
	next := *known
	next.At, next.List, next.Lack = now.Unix(), 0, lack
	return &next
}

// foundApps is a list as it was read.
type foundApps struct {
	list  int
	all   []*grant // newest first, each once
	whole bool     // nothing on it was unreadable
	cut   bool     // there are more, older than these
}

// readApps reads the list of that number, or with 0 the first that the server
// has. Without one it says what lacks, and why as far as an answer says it.
func (r *round) readApps(list int) (*foundApps, string, error) {
	if lack, err := r.ownToken(); lack != "" {
		return nil, lack, err
	}
	if list != 0 {
		found, err := r.readList(list)
		return found, lackOf(err), err
	}
	lack, why := lackList, error(nil)
	for list := range len(appLists()) {
		found, err := r.readList(list + 1)
		if err == nil {
			return found, "", nil
		}
		if _, limited := errors.AsType[*collectors.RateLimited](err); limited || r.ctx.Err() != nil {
			return nil, lackTrouble, err
		}
		if l := lackOf(err); why == nil || l != lackList {
			lack, why = l, err
		}
	}
	return nil, lack, why
}

// ownToken makes sure that the token is the account's: a list is that of
// whoever asks, and the token may have been changed for another's.
func (r *round) ownToken() (lack string, err error) {
	if r.owner == "" {
		u, err := r.client.self(r.ctx, "")
		refused, answered := errors.AsType[*APIError](err)
		switch {
		case err == nil:
			r.owner = string(u.ID)
		case answered && (refused.Status == http.StatusUnprocessableEntity || refused.Status == http.StatusNotFound):
			return lackOwn, err // an application's
		default:
			return lackOf(err), err
		}
	}
	if r.owner != r.st.User {
		return lackOwn, nil
	}
	return "", nil
}

// lackOf says what an error of a list means, "" for none.
func lackOf(err error) string {
	if err == nil {
		return ""
	}
	if refused, answered := errors.AsType[*APIError](err); answered {
		switch refused.Status {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
			return lackList
		case http.StatusUnauthorized, http.StatusForbidden: // all else is shown to this token
			return lackScope
		}
	}
	return lackTrouble
}

// readList reads a list to its end, or as far as it is compared.
func (r *round) readList(list int) (*foundApps, error) {
	out := &foundApps{list: list, whole: true}
	last, ended := "", false
	for page := 0; page < maxAppPages && !ended && len(out.all) < maxApps; page++ {
		grants, next, err := r.client.grants(r.ctx, appLists()[list-1], last)
		if err != nil {
			return nil, err
		}
		a := &r.client.ex.answer
		if page == 0 && a.count == 0 {
			return nil, &collectors.Malformed{Field: a.endpoint + " answer", Err: errors.New("the list is empty; want at least the token that asks")}
		}
		if err := checkNext(next, last); err != nil {
			return nil, err
		}
		out.whole = out.whole && len(a.malformed) == 0
		out.all = append(out.all, grants...)
		last, ended = next, next == "" || a.count == 0
		r.note()
	}
	slices.SortFunc(out.all, func(a, b *grant) int { return b.ID.Compare(a.ID) })
	out.all = slices.CompactFunc(out.all, func(a, b *grant) bool { return a.ID == b.ID })
	out.cut = !ended
	if len(out.all) > maxApps {
		out.all, out.cut = out.all[:maxApps], true
	}
	return out, nil
}

// compareApps tells what differs from the last list. Both lists may be cut off
// below; what lies there is neither new nor gone.
func (r *round) compareApps(known *apps, found *foundApps, now time.Time) *apps {
	next := &apps{At: now.Unix(), List: found.list, Read: known.Read || found.whole, Cut: found.cut}
	if !next.Read {
		return next // what cannot be read yet would be told as new later
	}
	for _, g := range found.all {
		next.Known = append(next.Known, app{ID: string(g.ID), Name: collectors.Clip(r.c.words(g.name()), maxAppName)})
		if !known.Read {
			r.page.Backfill = true
		} else if known.has(string(g.ID)) || known.below(string(g.ID)) {
			continue
		}
		r.granted(g, now)
	}
	for _, o := range known.Known {
		switch {
		case next.has(o.ID) || next.below(o.ID):
		case found.whole:
			r.revoked(o, now)
		default: // it may be the one that cannot be read
			next.Known = append(next.Known, o)
		}
	}
	slices.SortFunc(next.Known, func(a, b app) int { return compareIDs(b.ID, a.ID) })
	if len(next.Known) > maxApps {
		next.Known, next.Cut = next.Known[:maxApps], true
	}
	return next
}

func (k *apps) has(id string) bool {
	return slices.ContainsFunc(k.Known, func(a app) bool { return a.ID == id })
}

// below reports whether a token is older than all that a list was read for.
func (k *apps) below(id string) bool {
	return k.Cut && !slices.ContainsFunc(k.Known, func(a app) bool { return compareIDs(a.ID, id) < 0 })
}

// granted hands a token over. Where the server does not tell when it was made,
// the time is that of the look.
func (r *round) granted(g *grant, now time.Time) {
	at, err := time.Parse(time.RFC3339, g.Created)
	if err != nil || !sensible(at) || at.After(now) {
		at = now.Truncate(time.Second)
	}
	a := r.activity(activity.KindTokenGrant, "token-"+string(g.ID), at)
	a.App, a.Changed, a.Raw = r.c.words(g.name()), []string{"token_granted"}, r.c.raw(g)
	r.emit(&a, true)
}

// revoked tells of a token that is no longer on the list: it was revoked or has
// expired. By whom and when no server tells.
func (r *round) revoked(o app, now time.Time) {
	a := r.activity(activity.KindTokenRevoke, "token-"+o.ID, now.Truncate(time.Second))
	a.App, a.Changed = o.Name, []string{"token_revoked"}
	r.emit(&a, true)
}

// grant is one token of a list, in GoToSocial's form (tokenInfo) or Pleroma's.
// The secret is in neither, and what is not named here is dropped: Pleroma's
// before 2020 did hold it.
type grant struct {
	ID          api.ID `json:"id"`
	Created     string `json:"created_at"`
	Scope       string `json:"scope"`
	Application *struct {
		Name    string `json:"name"`
		Website string `json:"website"`
	} `json:"application"`
	AppName string `json:"app_name"`
	Until   string `json:"valid_until"`
}

func (g *grant) name() string {
	if g.AppName == "" && g.Application != nil {
		return g.Application.Name
	}
	return g.AppName
}

// raw is what a list says of a token beside what an activity has a field for.
func (c *Collector) raw(g *grant) json.RawMessage {
	said := map[string]string{"scope": g.Scope, "valid_until": g.Until}
	if g.Application != nil {
		said["website"] = g.Application.Website
	}
	for name, value := range said {
		if said[name] = c.words(value); value == "" {
			delete(said, name)
		}
	}
	b, err := json.Marshal(said)
	if err != nil || len(said) == 0 {
		return nil
	}
	return b
}
