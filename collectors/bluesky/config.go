package bluesky

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/picketd/picket/collectors"
)

// Defaults of Config.
const (
	DefaultAppView  = "https://public.api.bsky.app"
	DefaultOverlap  = 15 * time.Minute
	DefaultBackfill = 200
	DefaultWatch    = pageSize // what one request reads
)

const (
	minWatch    = 10
	maxWatch    = 200
	maxBackfill = 10_000
	maxOverlap  = 24 * time.Hour
	maxDID      = 200 // bytes; the specification allows more, ids of activities do not
)

// Config says which account is read and how. Name must be given.
type Config struct {
	// Account is the connected account as Picket calls it,
	// "bluesky/acme.example". Empty: "bluesky/" and Name.
	Account string
	// Name is the account's handle, "acme.example", or its DID,
	// "did:plc:ewvi7nxzyoun6zhxrhs64oiz".
	Name string
	// DID is the account's DID where Name is a handle: with it the account is
	// found also after its handle was changed, or was taken by somebody else.
	// Empty: what Name stands for on the first poll.
	DID string
	// Server is the URL of the account's PDS, "https://pds.example". Other than
	// https is taken only for loopback addresses. Empty: what the account's DID
	// document names.
	Server string
	// AppView is the URL that is asked for counts, which a PDS does not know:
	// "none" asks nobody, empty takes DefaultAppView.
	AppView string

	// Password is an app password of the account, made under Settings, Privacy
	// and security, App passwords, without access to direct messages. Empty
	// reads what everybody sees.
	Password collectors.Secret
	// Session is the name under which Deps.Sessions keeps the session that was
	// made with Password; the account's DID is put behind it.
	Session string

	// Mentions also reads who mentions, answers or quotes the account; it needs
	// a Password.
	Mentions bool
	// Firehose also listens to the PDS's stream of events, so that what happens
	// is read at once and not with the next poll.
	Firehose bool
	// Watch is how many of the newest posts, and of the newest reposts, are
	// compared in each round to find deletions, edits and what is dated back,
	// from 10 to 200; 0 takes DefaultWatch. Each 100 are one request.
	Watch int
	// Backfill is how many posts, and how many reposts, of history the first
	// connection reads, up to 10,000; 0 takes DefaultBackfill.
	Backfill int
	// Overlap is how long before the last round records are read again beyond
	// those watched; 0 takes DefaultOverlap.
	Overlap time.Duration
}

// complete fills in defaults and returns every fault of the configuration.
func (c Config) complete() (Config, error) {
	c.AppView = cmp.Or(c.AppView, DefaultAppView)
	c.Watch = cmp.Or(c.Watch, DefaultWatch)
	c.Backfill = cmp.Or(c.Backfill, DefaultBackfill)
	c.Overlap = cmp.Or(c.Overlap, DefaultOverlap)
	c.Account = cmp.Or(c.Account, Network+"/"+strings.ToLower(c.Name))
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if err := checkName(c.Name); err != nil {
		fault("name: %w", err)
	}
	if c.DID != "" {
		if err := checkDID(c.DID); err != nil {
			fault("did: %w", err)
		}
	}
	if c.Server != "" {
		if err := checkServer(c.Server); err != nil {
			fault("base_url: %w", err)
		}
	}
	if err := checkAppView(c.AppView); err != nil {
		fault("app_view: %w", err)
	}
	if !strings.HasPrefix(c.Account, Network+"/") || len(c.Account) == len(Network)+1 {
		fault("account: %q; want bluesky/ and a name, such as bluesky/acme.example", c.Account)
	}
	if strings.ContainsFunc(c.Password.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		fault("app_password: holds control characters; copy it anew, such as abcd-efgh-ijkl-mnop")
	}
	if c.Mentions && c.Password == "" {
		fault("mentions: they are shown to the account only; give its app_password, or switch mentions off")
	}
	if c.Watch < minWatch || c.Watch > maxWatch {
		fault("watch: %d; want %d to %d", c.Watch, minWatch, maxWatch)
	}
	if c.Backfill < 1 || c.Backfill > maxBackfill {
		fault("backfill: %d; want 1 to %d", c.Backfill, maxBackfill)
	}
	if c.Overlap < 0 || c.Overlap > maxOverlap {
		fault("overlap: %s; want 0s to %s", c.Overlap, maxOverlap)
	}
	return c, errors.Join(errs...)
}

// checkName refuses what is neither a handle nor a DID.
func checkName(s string) error {
	if strings.HasPrefix(s, "did:") {
		return checkDID(s)
	}
	// indigo refuses .example for the sake of look-ups; a server that is written
	// down may have such names.
	h, err := syntax.ParseHandle(s)
	if h = h.Normalize(); err != nil || !h.AllowedTLD() && h.TLD() != "example" {
		return fmt.Errorf("%q; want the account's handle without @, such as acme.bsky.social, or its DID", collectors.Clip(s, maxDID))
	}
	return nil
}

func checkDID(s string) error {
	if _, err := syntax.ParseDID(s); err != nil || len(s) > maxDID {
		return fmt.Errorf("%q; want a DID of at most %d bytes, such as did:plc:ewvi7nxzyoun6zhxrhs64oiz", collectors.Clip(s, maxDID), maxDID)
	}
	return nil
}

func checkAppView(s string) error {
	if s == none {
		return nil
	}
	if err := checkServer(s); err != nil {
		return fmt.Errorf("%w; or none", err)
	}
	return nil
}

// none is the AppView that asks nobody.
const none = "none"

// checkServer reads a server's URL and keeps passwords and answers off the open
// network.
func checkServer(s string) error {
	const example = "https://pds.example"
	u, err := collectors.ParseURL(s, example, "others could read the password and change the answers")
	if err != nil {
		return err
	}
	if strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("%q with a path; want scheme and host alone, such as %s", u.Scheme+"://"+u.Host, example)
	}
	return nil
}
