package github

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// activity maps an event of a guarded identity.
func (r *round) activity(e *event, kind activity.Kind, changed, identity string, fresh bool) (activity.Activity, error) {
	a := activity.Activity{
		ID: e.ID, Network: Network, Account: identity, Kind: kind,
		Time: e.time, Seen: r.c.deps.Now().UTC(), Actor: strings.TrimSpace(e.Actor), Raw: e.raw,
	}
	if changed != "" {
		a.Changed = []string{changed}
	}
	p := parts{r: r, event: e.ID}
	if err := json.Unmarshal(e.raw, &p.members); err != nil {
		return a, err // decodeEvent read it as an object
	}
	if ip, err := netip.ParseAddr(p.text("actor_ip")); err == nil {
		a.IP = ip.WithZone("").Unmap().String()
	}
	a.UserAgent = p.text("user_agent")
	a.App = p.app(kind)
	a.Geo.Country = p.country()
	a.Outcome = outcome(kind)
	if p.partial {
		r.count(fresh, &r.counts.Partial)
	}
	return a, r.check(&a, fresh)
}

// outcome says how an attempt ended. GitHub tells it by the name of the event.
func outcome(kind activity.Kind) activity.Outcome {
	switch kind {
	case activity.KindLogin:
		return activity.Outcome{Result: "success"}
	case activity.KindLoginFailure:
		return activity.Outcome{Result: "failure"}
	default:
		return activity.Outcome{}
	}
}

// parts are the members of an event that are left out one by one where they are
// not as documented.
type parts struct {
	r       *round
	event   string
	members map[string]json.RawMessage
	partial bool
}

// read decodes a member; one of another type is logged once, and counted.
func (p *parts) read(name string, into any) {
	raw := p.members[name]
	if len(raw) == 0 {
		return
	}
	if err := json.Unmarshal(raw, into); err != nil {
		p.partial = true
		is := "unreadable"
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			is = wrong.Value
		}
		p.r.c.warnOnce("partial "+name, "a part of GitHub's events is not of the documented type and is left out",
			zap.String("field", name), zap.String("is", is), zap.String("event", collectors.Clip(p.event, 80)))
	}
}

func (p *parts) text(name string) string {
	var s string
	p.read(name, &s)
	return strings.TrimSpace(s)
}

// country is where the actor's address is, as GitHub places it. What is no code
// of ISO 3166-1 is left out.
func (p *parts) country() string {
	var where struct {
		Code string `json:"country_code"`
	}
	p.read("actor_location", &where)
	code := strings.ToUpper(where.Code)
	if len(code) != 2 || code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z' {
		return ""
	}
	return code
}

// app is the application that was let in, or with which it was done.
func (p *parts) app(kind activity.Kind) string {
	names := []string{"oauth_application_name", "oauth_application", "integration", "user_programmatic_access_name"}
	if kind != activity.KindTokenGrant && kind != activity.KindTokenRevoke {
		names = names[:1:1]
		names = append(names, "user_programmatic_access_name")
	}
	for _, name := range names {
		if s := p.text(name); s != "" {
			return s
		}
	}
	return ""
}

// check makes sure that the activity may be stored. A raw event that does not
// fit is left out, since the rest is what most rules look at.
func (r *round) check(a *activity.Activity, fresh bool) error {
	err := a.Validate()
	if field, ok := errors.AsType[*activity.FieldError](err); ok && field.Field == "raw" {
		r.count(fresh, &r.counts.RawDropped)
		r.c.deps.Log.Warn("event does not fit an activity; its raw form is left out",
			zap.String("source", r.c.cfg.Source), zap.String("event", collectors.Clip(a.ID, 80)), zap.Int("bytes", len(a.Raw)), zap.Error(err))
		a.Raw = nil
		err = a.Validate()
	}
	return err
}
