package okta

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/picketd/picket/collectors"
)

// Values of Config.Identity: which part of a user names the identity. All are
// made lower case.
const (
	// IdentityEmailLocal takes the part of alternateId before @: "editor-2" of
	// editor-2@acme.example. Users of one name in two domains become one
	// identity, and so does whoever types that name with any domain into a
	// login page; where that matters, take IdentityLogin.
	IdentityEmailLocal = "email_local"
	// IdentityLogin takes alternateId whole, "editor-2@acme.example".
	IdentityLogin = "login"
	// IdentityID takes Okta's own id, "00u1qw1mqitPHM8AJ0g7" in lower case; it
	// survives a change of name. Failed logins of a name that Okta does not
	// know have none.
	IdentityID = "id"
)

// Defaults and bounds of Config.
const (
	DefaultOverlap  = 5 * time.Minute
	DefaultBackfill = 30 * 24 * time.Hour // 20 working days or more: rules about logins learn from so many
	DefaultPageSize = 1000

	// Retention is how long Okta keeps events.
	Retention = 90 * 24 * time.Hour

	maxOverlap  = 24 * time.Hour
	minPage     = 10
	maxPage     = 1000
	maxFilter   = 4 << 10
	maxBackfill = Retention - time.Hour // a request takes a while
)

// DefaultFilter asks for the event types that are mapped, and as few others as
// can be said briefly: it is a part of each request's address.
const DefaultFilter = `eventType sw "user.session." or eventType sw "user.authentication." or eventType sw "user.mfa."` +
	` or eventType eq "user.account.update_password" or eventType eq "user.account.reset_password"` +
	` or eventType eq "user.account.update_primary_email" or eventType eq "user.account.update_secondary_email"` +
	` or eventType sw "user.account.lock" or eventType sw "user.account.unlock" or eventType eq "user.account.use_token"` +
	` or eventType eq "user.account.report_suspicious_activity_by_enduser" or eventType sw "user.risk." or eventType sw "user.lifecycle."` +
	` or eventType ew ".privilege.grant" or eventType ew ".privilege.revoke" or eventType sw "iam." or eventType sw "group.user_membership."` +
	` or eventType sw "app.oauth2.token." or eventType sw "app.oauth2.as.token." or eventType sw "app.oauth2.credentials."` +
	` or eventType sw "app.oauth2.consent." or eventType sw "app.oauth2.as.consent." or eventType sw "app.oauth2.admin.consent."` +
	` or eventType sw "system.api_token." or eventType sw "system.oauth2.token." or eventType sw "system.idp." or eventType sw "system.mfa."` +
	` or eventType sw "application.policy." or eventType sw "application.lifecycle." or eventType sw "application.user_membership."` +
	` or eventType sw "app.generic." or eventType eq "policy.evaluate_sign_on" or eventType sw "policy.lifecycle." or eventType sw "policy.rule."` +
	` or eventType sw "zone." or eventType sw "security."`

// Config says which organisation is read and how. BaseURL, Token and Accept
// must be given.
type Config struct {
	// Source is the source as Picket calls it, "okta/acme"; it stands in error
	// texts. Empty: "okta/" and the first label of the URL's host.
	Source string
	// BaseURL is the organisation's URL, "https://acme.okta.com", or its own
	// domain with any port. Other than https is taken only for loopback
	// addresses.
	BaseURL string
	// Token is an API token (SSWS) of a user with the role Read-Only
	// Administrator. It has that user's rights, and expires when it is not used
	// for 30 days.
	Token collectors.Secret
	// Accept reports whether an identity, "okta/editor-2", guards an account.
	// Events of others are dropped. It is called from Poll only and must not
	// block.
	Accept func(identity string) bool
	// Identity is one of the Identity constants, IdentityEmailLocal when empty.
	Identity string
	// Filter is Okta's filter expression, DefaultFilter when empty. What it
	// leaves out, rules never see.
	Filter string
	// Overlap is how long before the newest event read events are read again,
	// because some become visible late; 0 takes DefaultOverlap.
	Overlap time.Duration
	// Backfill is how much history the first connection reads, 0 takes
	// DefaultBackfill. It teaches and raises no findings.
	Backfill time.Duration
	// PageSize is how many events one request asks for, 0 takes
	// DefaultPageSize.
	PageSize int
}

// complete fills in defaults and returns every fault of the configuration.
func (c Config) complete() (Config, error) {
	c.Identity = cmp.Or(c.Identity, IdentityEmailLocal)
	c.Filter = cmp.Or(c.Filter, DefaultFilter)
	c.Overlap = cmp.Or(c.Overlap, DefaultOverlap)
	c.Backfill = cmp.Or(c.Backfill, DefaultBackfill)
	c.PageSize = cmp.Or(c.PageSize, DefaultPageSize)
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")

	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := checkBaseURL(c.BaseURL); err != nil {
		fault("base_url: %w", err)
	} else if c.Source == "" {
		c.Source = defaultSource(c.BaseURL)
	}
	if c.Source != "" && (!strings.HasPrefix(c.Source, Network+"/") || len(c.Source) == len(Network)+1) {
		fault("source: %q; want okta/ and a name, such as okta/acme", c.Source)
	}
	if err := checkToken(c.Token); err != nil {
		fault("token: %w", err)
	}
	if c.Accept == nil {
		fault("accept: none; give a function that tells which identities guard an account")
	}
	switch c.Identity {
	case IdentityEmailLocal, IdentityLogin, IdentityID:
	default:
		fault("identity: %q; want %s, %s or %s", c.Identity, IdentityEmailLocal, IdentityLogin, IdentityID)
	}
	if len(c.Filter) > maxFilter {
		fault("filter: %d bytes; want at most %d", len(c.Filter), maxFilter)
	}
	if c.Overlap < 0 || c.Overlap > maxOverlap {
		fault("overlap: %s; want 0s to %s", c.Overlap, maxOverlap)
	}
	if c.Backfill < 0 || c.Backfill > maxBackfill {
		fault("backfill: %s; want 0s to %s, as Okta keeps 90 days", c.Backfill, maxBackfill)
	}
	if c.PageSize < minPage || c.PageSize > maxPage {
		fault("page_size: %d; want %d to %d", c.PageSize, minPage, maxPage)
	}
	return c, errors.Join(errs...)
}

func defaultSource(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if net.ParseIP(host) != nil {
		return Network + "/" + host
	}
	label, _, _ := strings.Cut(host, ".")
	return Network + "/" + label
}

func checkToken(token collectors.Secret) error {
	s := token.Reveal()
	switch {
	case s == "":
		return errors.New("empty; give an API token, made in the Admin Console under Security, API, Tokens by a user with the role Read-Only Administrator")
	case strings.HasPrefix(s, "SSWS "):
		return errors.New(`begins with "SSWS "; give the token alone`)
	case strings.HasPrefix(s, "Bearer ") || strings.HasPrefix(s, "eyJ"):
		return errors.New("is an OAuth 2.0 access token; give an API token (SSWS): access tokens end after an hour")
	case strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }):
		return errors.New("holds spaces, line ends or other characters that no token has; copy it again")
	}
	return nil
}

// checkBaseURL keeps the token off the open network, and catches the console's
// address, which has no API.
func checkBaseURL(s string) error {
	const example = "https://acme.okta.com"
	u, err := collectors.ParseURL(s, example, "requests carry the token")
	if err != nil {
		return err
	}
	host := strings.ToLower(u.Hostname())
	for _, domain := range []string{"okta.com", "oktapreview.com", "okta-emea.com"} {
		if name, ok := strings.CutSuffix(host, "-admin."+domain); ok {
			return fmt.Errorf("%q is the Admin Console; give https://%s.%s", s, name, domain)
		}
	}
	if strings.HasSuffix(u.Path, "/api/v1") || strings.HasSuffix(u.Path, "/logs") {
		return fmt.Errorf("%q; leave the path of the API out, such as %s", s, example)
	}
	return nil
}
