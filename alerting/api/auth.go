package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"

	"github.com/picketd/picket/alerting"
)

// Right is what a token can do.
type Right string

// The rights of tokens.
const (
	MayRead Right = "read" // list, get, history
	MayAct  Right = "act"  // acknowledge, assign, resolve
)

// Token lets whoever holds its secret ask, as "Authorization: Bearer <secret>".
type Token struct {
	Name   string // who acts
	Secret string
	Can    []Right
}

// caller finds the token of a request without telling by its time how near a
// guess was.
func caller(tokens []Token, header http.Header) (Token, error) {
	auth := header.Values("Authorization")
	if len(auth) != 1 {
		return Token{}, unauthorized("send one header Authorization: Bearer <token>")
	}
	scheme, secret, _ := strings.Cut(auth[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Token{}, unauthorized("Authorization is not of the form: Bearer <token>")
	}
	given := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	found := -1
	for i := range tokens {
		digest := sha256.Sum256([]byte(tokens[i].Secret))
		if tokens[i].Secret != "" && subtle.ConstantTimeCompare(digest[:], given[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Token{}, unauthorized("token is not known")
	}
	return tokens[found], nil
}

func unauthorized(detail string) error {
	return &problem{http.StatusUnauthorized, CodeUnauthorized, detail}
}

// allow checks that a token has the right that a request needs.
func (t *Token) allow(r *http.Request) error {
	need := MayAct
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		need = MayRead
	}
	if !slices.Contains(t.Can, need) {
		return &problem{http.StatusForbidden, CodeForbidden, "token " + t.Name + " cannot " + string(need) + ": see can under http.api.tokens"}
	}
	return nil
}

type callerKey struct{}

// actor is the name of the token that a request came with.
func actor(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}

// deed begins what the caller does.
func deed(ctx context.Context, action alerting.Action, reason string) alerting.Deed {
	return alerting.Deed{Action: action, Actor: actor(ctx), Reason: reason}
}
