package entra

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/picketd/picket/collectors"
)

// Values of Config.Identity: which part of a user names the identity. All are
// made lower case.
const (
	// IdentityEmailLocal takes the part of userPrincipalName before @: "jane.roe"
	// of jane.roe@acme.example. Users of one name in two domains become one
	// identity, and so does whoever types that name with any domain into a login
	// page; where that matters, take IdentityLogin.
	IdentityEmailLocal = "email_local"
	// IdentityLogin takes userPrincipalName whole, "jane.roe@acme.example".
	IdentityLogin = "login"
	// IdentityID takes the user's object id; it survives a change of name.
	IdentityID = "id"
)

// Defaults and bounds of Config.
const (
	// DefaultBaseURL is where Microsoft Graph answers, DefaultLoginURL where it
	// gives tokens.
	DefaultBaseURL  = "https://graph.microsoft.com"
	DefaultLoginURL = "https://login.microsoftonline.com"
	DefaultOverlap  = 3 * time.Hour
	DefaultBackfill = 29 * 24 * time.Hour // all that is kept, but for a day
	DefaultPageSize = 1000

	// Lag is the longest delay that Microsoft ever documented for sign-ins, of
	// their risk; see the package comment.
	Lag = 2 * time.Hour
	// Retention is how long Microsoft keeps both logs with a P1 or P2 licence.
	Retention = 30 * 24 * time.Hour

	minOverlap  = time.Minute
	maxOverlap  = 48 * time.Hour
	maxPage     = 1000
	maxBackfill = Retention - time.Hour // a request takes a while
)

// Config says which tenant is read and how. Tenant, ClientID, ClientSecret and
// Accept must be given.
type Config struct {
	// Source is the source as Picket calls it, "entra/acme"; it stands in error
	// texts. Empty: "entra/" and the tenant.
	Source string
	// BaseURL is DefaultBaseURL when empty, LoginURL DefaultLoginURL: national
	// clouds have their own. Other than https is taken only for loopback addresses.
	BaseURL, LoginURL string
	// Tenant is the tenant's id or one of its domains.
	Tenant string
	// ClientID is the application's id, ClientSecret the value of one of its
	// secrets (not the secret's id).
	ClientID     string
	ClientSecret collectors.Secret
	// NoSignIns leaves the sign-ins out, which need a licence.
	NoSignIns bool
	// Accept reports whether an identity, "entra/jane.roe", guards an account.
	// Events of others are dropped. It is called from Poll only and must not
	// block.
	Accept func(identity string) bool
	// Identity is one of the Identity constants, IdentityEmailLocal when empty.
	Identity string
	// Overlap is how long before the last walk began the next one reads again,
	// because events turn up late; 0 takes DefaultOverlap.
	Overlap time.Duration
	// Backfill is how much history the first connection reads, 0 takes
	// DefaultBackfill. It teaches and raises no findings.
	Backfill time.Duration
	// PageSize is how many events one request asks for, 0 takes DefaultPageSize.
	PageSize int
}

// complete fills in defaults and returns every fault of the configuration.
func (c Config) complete() (Config, error) {
	c.BaseURL = cmp.Or(c.BaseURL, DefaultBaseURL)
	c.LoginURL = cmp.Or(c.LoginURL, DefaultLoginURL)
	c.Identity = cmp.Or(c.Identity, IdentityEmailLocal)
	c.Overlap = cmp.Or(c.Overlap, DefaultOverlap)
	c.Backfill = cmp.Or(c.Backfill, DefaultBackfill)
	c.PageSize = cmp.Or(c.PageSize, DefaultPageSize)
	c.BaseURL, c.LoginURL = strings.TrimRight(c.BaseURL, "/"), strings.TrimRight(c.LoginURL, "/")
	c.Source = cmp.Or(c.Source, Network+"/"+strings.ToLower(c.Tenant))

	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := checkURL(c.BaseURL, DefaultBaseURL); err != nil {
		fault("base_url: %w", err)
	}
	if err := checkURL(c.LoginURL, DefaultLoginURL); err != nil {
		fault("login_url: %w", err)
	}
	if err := checkTenant(c.Tenant); err != nil {
		fault("tenant: %w", err)
	}
	if err := checkClientID(c.ClientID); err != nil {
		fault("client_id: %w", err)
	}
	if err := checkSecret(c.ClientSecret); err != nil {
		fault("client_secret: %w", err)
	}
	if !strings.HasPrefix(c.Source, Network+"/") || len(c.Source) == len(Network)+1 {
		fault("source: %q; want %s/ and a name, such as %s/acme", c.Source, Network, Network)
	}
	if c.Accept == nil {
		fault("accept: none; give a function that tells which identities guard an account")
	}
	switch c.Identity {
	case IdentityEmailLocal, IdentityLogin, IdentityID:
	default:
		fault("identity: %q; want %s, %s or %s", c.Identity, IdentityEmailLocal, IdentityLogin, IdentityID)
	}
	if c.Overlap < minOverlap || c.Overlap > maxOverlap {
		fault("overlap: %s; want %s to %s", c.Overlap, minOverlap, maxOverlap)
	}
	if c.Backfill < time.Hour || c.Backfill > maxBackfill {
		fault("backfill: %s; want 1h to %s, as Microsoft keeps 30 days", c.Backfill, maxBackfill)
	}
	if c.PageSize < 1 || c.PageSize > maxPage {
		fault("page_size: %d; want 1 to %d", c.PageSize, maxPage)
	}
	return c, errors.Join(errs...)
}

// checkTenant keeps what is no name out of the token endpoint's path.
func checkTenant(s string) error {
	if s == "" || len(s) > 253 || strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '.'
	}) {
		return fmt.Errorf("%q; want the tenant's id or one of its domains, such as acme.onmicrosoft.com", collectors.Clip(s, 60))
	}
	switch strings.ToLower(s) {
	case "common", "organizations", "consumers":
		return fmt.Errorf("%q; want one tenant's id or domain: an application without a user belongs to one", s)
	}
	return nil
}

func checkClientID(s string) error {
	if len(s) != 36 || strings.Count(s, "-") != 4 {
		return fmt.Errorf("%q; want the application (client) id, such as 11111111-2222-3333-4444-555555555555", collectors.Clip(s, 60))
	}
	return nil
}

func checkSecret(secret collectors.Secret) error {
	s := secret.Reveal()
	switch {
	case s == "":
		return errors.New("empty; give the value of a client secret, made in the Entra admin center under App registrations, Certificates and secrets")
	case len(s) == 36 && strings.Count(s, "-") == 4:
		return errors.New("is an id; give the secret's value, which is shown only when it is made")
	case strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }):
		return errors.New("holds spaces, line ends or other characters that no secret has; copy it again")
	}
	return nil
}

// checkURL keeps secrets and tokens off the open network.
func checkURL(s, example string) error {
	u, err := collectors.ParseURL(s, example, "requests carry a token")
	if err != nil {
		return err
	}
	if strings.HasSuffix(u.Path, "/v1.0") || strings.HasSuffix(u.Path, "/beta") {
		return fmt.Errorf("%q; leave the API's version out, such as %s", collectors.Clip(s, 120), example)
	}
	return nil
}
