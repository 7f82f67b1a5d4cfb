package metagraph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Token is what Meta says of an access token.
type Token struct {
	Type       string // "PAGE", "USER", "SYSTEM_USER", "APP"
	App        string
	Scopes     []string // sorted
	Expires    time.Time
	DataEnds   time.Time // when access to data ends though the token does not
	Valid      bool
	Restricted bool // granular scopes name the accounts that it is for
}

// Token asks what the token that was configured may do. This is the one request that has
// the token in its URL: debug_token takes it as a parameter only.
func (c *Client) Token(ctx context.Context) (*Token, error) {
	a, err := c.get(ctx, c.given, url.Values{"input_token": {c.given.Reveal()}}, "debug_token")
	if err != nil {
		return nil, err
	}
	var said struct {
		Data *struct {
			Type    string   `json:"type"`
			App     string   `json:"application"`
			Valid   bool     `json:"is_valid"`
			Expires int64    `json:"expires_at"`
			Ends    int64    `json:"data_access_expires_at"`
			Scopes  []string `json:"scopes"`
			Narrow  []struct {
				Targets []string `json:"target_ids"`
			} `json:"granular_scopes"`
			Error *struct {
				Code    int    `json:"code"`
				Message string `json:"message"`
				Subcode int    `json:"subcode"`
			} `json:"error"`
		} `json:"data"`
	}
	if err := json.Unmarshal(a.Body, &said); err != nil {
		return nil, &collectors.Malformed{Field: a.Endpoint + " answer", Err: err}
	}
	d := said.Data
	if d == nil {
		return nil, &collectors.Malformed{Field: a.Endpoint + " answer", Err: errors.New("data is missing; want an object")}
	}
	if !d.Valid {
		e := &Error{Endpoint: a.Endpoint, Status: 200, Code: codeToken, Message: "the token is not valid"}
		if d.Error != nil {
			e.Message, e.Subcode = c.words(d.Error.Message), d.Error.Subcode
		}
		return nil, &collectors.Forbidden{Mend: mend(e), Err: e}
	}
	t := &Token{Type: c.words(d.Type), App: c.words(d.App), Valid: true, Expires: unix(d.Expires), DataEnds: unix(d.Ends)}
	for _, s := range d.Scopes {
		t.Scopes = AppendNew(t.Scopes, c.words(s))
	}
	for _, n := range d.Narrow {
		t.Restricted = t.Restricted || len(n.Targets) > 0
	}
	slices.Sort(t.Scopes)
	return t, nil
}

func unix(sec int64) time.Time {
	if sec <= 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}

// Lacks returns those scopes that the token has not.
func (t *Token) Lacks(scopes ...string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return slices.Contains(t.Scopes, s) })
}

// Seen describes the token to a person: lines of what it is, and warnings of
// what it may beyond the scopes that are needed, and of its end.
func (t *Token) Seen(now time.Time, needed ...string) (lines, warnings []string) {
	lines = append(lines, fmt.Sprintf("token of type %s, app %s, with %s", orNone(t.Type), orNone(t.App), orNone(strings.Join(t.Scopes, ", "))))
	if beyond := slices.DeleteFunc(slices.Clone(t.Scopes), func(s string) bool { return slices.Contains(needed, s) || reads(s) }); len(beyond) > 0 {
		warnings = append(warnings, "the token can do more than read: "+strings.Join(beyond, ", ")+"; make it anew without these")
	}
	if lacks := t.Lacks(needed...); len(lacks) > 0 {
		warnings = append(warnings, "the token lacks "+strings.Join(lacks, ", ")+", which what is configured needs; make it anew with these")
	}
	for _, end := range []struct {
		what string
		at   time.Time
	}{{"the token ends", t.Expires}, {"the token's access to data ends", t.DataEnds}} {
		if !end.at.IsZero() {
			warnings = append(warnings, fmt.Sprintf("%s on %s, in %d days; a system user's need not", end.what, end.at.Format(time.DateOnly), int(end.at.Sub(now).Hours()/24)))
		}
	}
	return lines, warnings
}

// reads reports whether a scope only reads.
func reads(scope string) bool {
	switch scope {
	case "pages_show_list", "pages_read_engagement", "pages_read_user_content", "read_insights", "public_profile",
		"instagram_basic", "instagram_business_basic", "instagram_manage_insights", "instagram_business_manage_insights", "ads_read":
		return true
	}
	return false
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
