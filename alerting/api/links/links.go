package links

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// Validity is how long a link can be used: over a weekend.
const Validity = 72 * time.Hour

// Path begins the path of every link.
const Path = "/act/"

const audience = "picket.link"

// Alerts is what links act on; an alerting.Manager is one.
type Alerts interface {
	Get(ctx context.Context, id string) (alerting.Alert, error)
	Act(ctx context.Context, id string, d alerting.Deed) (alerting.Alert, error)
}

var _ Alerts = (*alerting.Manager)(nil)

// Incidents is where the other alerts of a message are found; a
// dispatch.StreamStore is one.
type Incidents interface {
	Incident(ctx context.Context, id string) (incident.Incident, error)
}

// Config is what Links work with. All but Incidents and Log is required.
type Config struct {
	Book   *Book
	Alerts Alerts
	// Incidents lets a link to acknowledge act on all alerts of its incident that
	// wait for somebody; nil: on its own alone.
	Incidents Incidents
	Now       func() time.Time
	// Base is where people reach the daemon, "https://picket.example.com"; ""
	// where they do not, and there are no links then. It is asked each time.
	Base func() string
	Log  *zap.Logger // nil: silent
}

// Links makes links and serves them. It is safe for concurrent use.
type Links struct {
	cfg    Config
	parser *jwt.Parser
}

// New returns Links.
func New(cfg Config) *Links {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	return &Links{cfg, jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(cfg.Now), jwt.WithStrictDecoding(),
	)}
}

// claims are what a link says, in names short enough for a URL: its subject is
// the alert's id.
type claims struct {
	jwt.RegisteredClaims

	Action   notify.Action `json:"act"`
	Receiver string        `json:"rcv"`
	Person   string        `json:"who,omitempty"` // for whom it was made; empty: the page asks
	Incident string        `json:"inc,omitempty"` // id of that of the message; empty: not known
	Fired    int64         `json:"at"`            // when the alert began to fire, for the last time, Unix milliseconds
}

// For returns links to what can be done with an alert as it is, for a message
// about its incident, "" where there is none, to one receiver; person is the one whom the message is for, nameless where it
// is for several. Each call makes new ones. There are none without a Base, and
// for a rule that only observes.
func (l *Links) For(a *alerting.Alert, in, receiver string, person notify.Person) []notify.Link {
	var out []notify.Link
	for _, action := range actionsOf(a) {
		if link, ok := l.make(a, in, action, receiver, person); ok {
			out = append(out, link)
		}
	}
	return out
}

// Ask returns the link to "was this you?" for the person whose login or account
// an alert is about; false where there is none.
func (l *Links) Ask(a *alerting.Alert, receiver string, person notify.Person) (notify.Link, bool) {
	if a.State == alerting.Resolved || a.Rule.Mode == rules.Observe || person.Name == "" {
		return notify.Link{}, false
	}
	return l.make(a, "", notify.ActAnswer, receiver, person)
}

// actionsOf returns what can be done with an alert, likeliest first.
func actionsOf(a *alerting.Alert) []notify.Action {
	if a.Rule.Mode == rules.Observe {
		return nil
	}
	switch a.State {
	case alerting.Firing:
		return []notify.Action{notify.ActAck, notify.ActAssign, notify.ActExpected, notify.ActFalse, notify.ActTrue}
	case alerting.Acknowledged:
		return []notify.Action{notify.ActAssign, notify.ActExpected, notify.ActFalse, notify.ActTrue}
	case alerting.Resolved:
		if a.Judged == nil {
			return []notify.Action{notify.ActExpected, notify.ActFalse, notify.ActTrue}
		}
	}
	return nil
}

func (l *Links) make(a *alerting.Alert, in string, action notify.Action, receiver string, person notify.Person) (notify.Link, bool) {
	base := l.cfg.Base()
	if base == "" {
		return notify.Link{}, false
	}
	token, err := l.sign(claims{
		RegisteredClaims: jwt.RegisteredClaims{
			ID: rand.Text(), Subject: a.ID, Audience: jwt.ClaimStrings{audience},
			ExpiresAt: jwt.NewNumericDate(l.cfg.Now().Add(Validity)),
		},
		Action: action, Receiver: receiver, Person: person.Name, Incident: in, Fired: fired(a),
	})
	if err != nil { // a message without a link is better than none
		l.cfg.Log.Error("link not made", zap.String("alert", a.ID), zap.Error(err))
		return notify.Link{}, false
	}
	return notify.Link{Action: action, Text: label(action), URL: base + Path + token}, true
}

func (l *Links) sign(c claims) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(l.cfg.Book.key)
}

// Errors of links that cannot be used.
var (
	errExpired = errors.New("this link has expired")
	errForged  = errors.New("this is no link of Picket's, or not all of it")
)

// read returns what a token says.
func (l *Links) read(token string) (*claims, error) {
	var c claims
	_, err := l.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return l.cfg.Book.key, nil })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return nil, errExpired
	case err != nil || c.ID == "" || c.Subject == "" || label(c.Action) == "":
		return nil, errForged
	}
	return &c, nil
}

// label is what a link is called in a message, "" for an action that links do
// not have.
func label(action notify.Action) string {
	switch action {
	case notify.ActAck:
		return "ack"
	case notify.ActAssign:
		return "assign"
	case notify.ActExpected:
		return "expected"
	case notify.ActFalse:
		return "false"
	case notify.ActTrue:
		return "true"
	case notify.ActAnswer:
		return "was this you?"
	case notify.ActOpen:
	}
	return ""
}

// holder names whoever holds a link that was made for a person: others of the
// receiver have it too.
func (c *claims) holder() string { return c.Person + " (link in " + c.Receiver + ")" }

// fired is when an alert began to fire, for the last time: a link is good for
// one episode only.
func fired(a *alerting.Alert) int64 {
	for _, t := range slices.Backward(a.History) {
		if t.To == alerting.Firing && t.From != alerting.Acknowledged {
			return t.At.UnixMilli()
		}
	}
	return a.Opened.UnixMilli()
}

// deed is what pressing the button does: by whom, to whom and what was answered
// come from the form.
func (c *claims) deed(form func(string) string) alerting.Deed {
	d := alerting.Deed{Actor: form("by"), Reason: form("reason")}
	if c.Person != "" {
		d.Actor = c.holder()
	}
	through := fmt.Sprintf("by link to %s", c.Receiver)
	if d.Reason == "" {
		d.Reason = through
	} else {
		d.Reason += " (" + through + ")"
	}
	switch c.Action {
	case notify.ActAck:
		d.Action = alerting.ActionAck
	case notify.ActAssign:
		d.Action, d.To = alerting.ActionAssign, form("to")
	case notify.ActAnswer:
		d.Action, d.Me = alerting.ActionAnswer, form("answer") == "yes"
	case notify.ActExpected, notify.ActFalse, notify.ActTrue:
		d.Action, d.Verdict = alerting.ActionResolve, alerting.Verdict(c.Action)
	case notify.ActOpen:
	}
	return d
}
