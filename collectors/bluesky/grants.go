package bluesky

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

const (
	// grantsEvery is how often the list of app passwords is read.
	grantsEvery = 5 * time.Minute
	// refusedEvery is how often it is asked for where this session is refused.
	refusedEvery = time.Hour
)

// appPasswords reads the list of app passwords; each new one is a grant, each
// one that is gone was revoked. The list names no secret. The first look only
// learns what is there.
func (r *round) appPasswords() error {
	now := r.clock()
	known := r.st.Grants
	if known != nil && since(now, known.At) < grantsEvery || known != nil && known.Refused && since(now, known.At) < refusedEvery {
		return nil
	}
	var answer struct {
		Passwords []json.RawMessage `json:"passwords"`
	}
	err := r.authed("com.atproto.server.listAppPasswords", nil, &answer)
	if e, ok := errors.AsType[*APIError](err); ok && refusedScope(e) {
		r.c.deps.Log.Warn("the server does not show app passwords to this session; no token_grant is told",
			zap.String("account", r.c.cfg.Account), zap.Error(err))
		if known == nil {
			known = &grants{}
			r.st.Grants = known
		}
		known.At, known.Refused = now.Unix(), true
		return nil
	}
	if err != nil {
		return r.failed("app passwords", err)
	}
	if answer.Passwords == nil { // not that all were revoked
		return r.failed("app passwords", &collectors.Malformed{
			Field: "com.atproto.server.listAppPasswords passwords", Err: errors.New("missing; want a list"),
		})
	}
	first := known == nil || known.Refused && len(known.Known) == 0
	next := &grants{At: now.Unix()}
	whole := true
	for i, data := range answer.Passwords {
		a, g, err := r.granted(data, now)
		if err != nil {
			r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{
				Field: fmt.Sprintf("com.atproto.server.listAppPasswords passwords[%d]", i), Err: err,
			})
			whole = false
			continue
		}
		if len(next.Known) >= maxGrants {
			r.c.deps.Log.Warn("more app passwords than are compared", zap.String("account", r.c.cfg.Account), zap.Int("most", maxGrants))
			break
		}
		next.Known = append(next.Known, g)
		if !first && !slices.ContainsFunc(known.Known, func(o grant) bool { return o.ID == g.ID }) {
			r.emit(&a, true)
		}
	}
	switch {
	case first:
	case whole:
		r.revoked(known, next, now)
	default: // what cannot be read may be one that is missed
		next.keep(known)
	}
	r.st.Grants = next
	return nil
}

// refusedScope reports whether an answer says that the session may not, rather
// than that it is over.
func refusedScope(e *APIError) bool {
	return e.Status == http.StatusForbidden || e.Name == nameInvalidToken && e.Message == "Bad token scope" ||
		e.Status == http.StatusNotFound || e.Status == http.StatusNotImplemented
}

// granted reads one entry of the list.
func (r *round) granted(data json.RawMessage, now time.Time) (activity.Activity, grant, error) {
	var entry struct {
		Name    string `json:"name"`
		Created string `json:"createdAt"`
	}
	if err := json.Unmarshal(data, &entry); err != nil {
		return activity.Activity{}, grant{}, err
	}
	if entry.Name == "" {
		return activity.Activity{}, grant{}, errors.New("name is missing")
	}
	sum := sha256.Sum256([]byte(entry.Name + "\n" + entry.Created))
	g := grant{ID: hex.EncodeToString(sum[:8]), Name: collectors.Within(entry.Name, maxName)}
	at := parseTime(entry.Created)
	if at.IsZero() || at.After(now) {
		at = now
	}
	a := r.activity(activity.KindTokenGrant, "app-password-"+g.ID, at)
	a.App = collectors.Clip(entry.Name, maxWords)
	if len(data) <= maxRaw {
		a.Raw = data
	}
	return a, g, nil
}

// keep takes over what was known and was not met.
func (g *grants) keep(known *grants) {
	for _, o := range known.Known {
		if len(g.Known) < maxGrants && !slices.ContainsFunc(g.Known, func(n grant) bool { return n.ID == o.ID }) {
			g.Known = append(g.Known, o)
		}
	}
}

func (r *round) revoked(known, next *grants, now time.Time) {
	for _, g := range known.Known {
		if slices.ContainsFunc(next.Known, func(o grant) bool { return o.ID == g.ID }) {
			continue
		}
		a := r.activity(activity.KindTokenRevoke, "app-password-"+g.ID, now.Truncate(time.Second))
		a.App = g.Name
		r.emit(&a, true)
	}
}
