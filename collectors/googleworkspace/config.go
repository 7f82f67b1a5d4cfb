package googleworkspace

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Values of Config.Identity: which part of a user's address names the identity.
// Both are made lower case. There is none for Google's profile id, since the
// events of administrators name whom they change by address only.
const (
	// IdentityEmailLocal takes the part before @: "jane.roe" of
	// jane.roe@acme.example. Users of one name in two domains become one identity.
	IdentityEmailLocal = "email_local"
	// IdentityLogin takes the address whole, "jane.roe@acme.example".
	IdentityLogin = "login"
)

// Defaults and bounds of Config.
const (
	// DefaultBaseURL is where the Admin SDK answers.
	DefaultBaseURL = "https://admin.googleapis.com"
	// DefaultOverlap is above every lag that Google documents for what is read,
	// see the package comment.
	DefaultOverlap  = 4 * time.Hour
	DefaultBackfill = 30 * 24 * time.Hour // 20 working days or more: rules about logins learn from so many
	DefaultPageSize = 1000

	// Lag is the longest delay that is documented for the events that are read:
	// a couple of hours, of the token application.
	Lag = 2 * time.Hour
	// Retention is how long Google keeps events.
	Retention = 180 * 24 * time.Hour

	minOverlap  = time.Minute
	maxOverlap  = 48 * time.Hour
	maxPage     = 1000
	maxBackfill = Retention - time.Hour // a request takes a while
)

// Config says which organisation is read and how. ServiceAccount, AdminEmail
// and Accept must be given.
type Config struct {
	// Source is the source as Picket calls it, "googleworkspace/acme"; it stands
	// in error texts. Empty: "googleworkspace/" and the domain of AdminEmail.
	Source string
	// BaseURL is DefaultBaseURL when empty. Other than https is taken only for
	// loopback addresses.
	BaseURL string
	// ServiceAccount is the JSON key of a service account with domain-wide
	// delegation for Scope. Tokens are asked for at its token_uri.
	ServiceAccount collectors.Secret
	// AdminEmail is the administrator on whose behalf the service account reads:
	// one with the privilege Reports.
	AdminEmail string
	// Accept reports whether an identity, "googleworkspace/jane.roe", guards an
	// account. Events of others are dropped. It is called from Poll only and must
	// not block.
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
	c.Identity = cmp.Or(c.Identity, IdentityEmailLocal)
	c.Overlap = cmp.Or(c.Overlap, DefaultOverlap)
	c.Backfill = cmp.Or(c.Backfill, DefaultBackfill)
	c.PageSize = cmp.Or(c.PageSize, DefaultPageSize)
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")

	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := checkURL(c.BaseURL, DefaultBaseURL); err != nil {
		fault("base_url: %w", err)
	}
	if err := checkKey(c.ServiceAccount); err != nil {
		fault("service_account: %w", err)
	}
	if err := checkEmail(c.AdminEmail); err != nil {
		fault("admin_email: %w", err)
	} else if c.Source == "" {
		_, domain, _ := strings.Cut(c.AdminEmail, "@")
		c.Source = Network + "/" + strings.ToLower(domain)
	}
	if c.Source != "" && (!strings.HasPrefix(c.Source, Network+"/") || len(c.Source) == len(Network)+1) {
		fault("source: %q; want %s/ and a name, such as %s/acme", c.Source, Network, Network)
	}
	if c.Accept == nil {
		fault("accept: none; give a function that tells which identities guard an account")
	}
	if c.Identity != IdentityEmailLocal && c.Identity != IdentityLogin {
		fault("identity: %q; want %s or %s", c.Identity, IdentityEmailLocal, IdentityLogin)
	}
	if c.Overlap < minOverlap || c.Overlap > maxOverlap {
		fault("overlap: %s; want %s to %s", c.Overlap, minOverlap, maxOverlap)
	}
	if c.Backfill < time.Hour || c.Backfill > maxBackfill {
		fault("backfill: %s; want 1h to %s, as Google keeps 180 days", c.Backfill, maxBackfill)
	}
	if c.PageSize < 1 || c.PageSize > maxPage {
		fault("page_size: %d; want 1 to %d", c.PageSize, maxPage)
	}
	return c, errors.Join(errs...)
}

// checkEmail wants an address, which delegation needs.
func checkEmail(s string) error {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || !strings.Contains(domain, ".") || strings.ContainsAny(s, " \t\r\n") {
		return fmt.Errorf("%q; want the address of an administrator with the privilege Reports, such as reports@acme.example", s)
	}
	return nil
}

// checkKey wants a service account's key, and that its tokens are asked for
// where the key may go. It repeats nothing of it.
func checkKey(key collectors.Secret) error {
	if key == "" {
		return errors.New("empty; give the JSON key of a service account, made in the Google Cloud console under IAM and admin, Service accounts, Keys")
	}
	var k struct {
		Type     string `json:"type"`
		Email    string `json:"client_email"`
		Key      string `json:"private_key"`
		TokenURI string `json:"token_uri"`
	}
	if err := json.Unmarshal([]byte(key.Reveal()), &k); err != nil {
		return errors.New("is no JSON object; give the whole file that the Google Cloud console made, {\"type\": \"service_account\", …}")
	}
	switch {
	case k.Type != "service_account":
		return fmt.Errorf("type is %q; want \"service_account\": other kinds of key cannot read on behalf of an administrator", collectors.Clip(k.Type, 40))
	case k.Email == "":
		return errors.New("client_email is missing; give the whole file that the Google Cloud console made")
	case !strings.Contains(k.Key, "PRIVATE KEY"):
		return errors.New("private_key holds no PEM key; give the whole file that the Google Cloud console made")
	}
	if k.TokenURI == "" {
		return nil // the library's default
	}
	if err := checkURL(k.TokenURI, "https://oauth2.googleapis.com/token"); err != nil {
		return fmt.Errorf("token_uri: %w", err)
	}
	return nil
}

// checkURL keeps tokens and assertions off the open network.
func checkURL(s, example string) error {
	_, err := collectors.ParseURL(s, example, "requests carry a token")
	return err
}
