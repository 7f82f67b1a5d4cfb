package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/alerting/calendar"
)

const (
	// What API v2 and v1.1 of X take; collectors/x says where it is documented.
	maxRehydrate = 100
	maxBackfill  = 3200
	maxOverlap   = day

	// What Mastodon takes; collectors/mastodon says where it is documented.
	defaultWatch = 40
	maxWatch     = 200
)

var (
	// nameForm is that of names which become parts of keys and subjects.
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	// usernameForm and userIDForm are those of X.
	usernameForm = regexp.MustCompile(`^[A-Za-z0-9_]{1,15}$`)
	userIDForm   = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	// mastodonForm is that of Mastodon: the name, and the host of another server.
	mastodonForm = regexp.MustCompile(`^[^\s/?#%&@:\\]{1,200}(@[^\s/?#%&@\\]{1,200})?$`)
)

func name(s string) (string, error) {
	return matching(s, nameForm, "a name of at most 64 letters, digits, _ and -")
}

func matching(s string, form *regexp.Regexp, expected string) (string, error) {
	if !form.MatchString(s) {
		return "", fmt.Errorf("%q; expected %s", clip(s), expected)
	}
	return s, nil
}

// form is a key with a text of one form.
func (d *decoder) form(key string, into *string, check func(string) (string, error)) field {
	return field{key, func(n *yaml.Node, path string) {
		s, ok := d.word(n, path)
		if !ok {
			return
		}
		s, err := check(s)
		if err != nil {
			d.at(resolve(n), path, "%v", err)
			return
		}
		*into = s
	}}
}

func (d *decoder) account(n *yaml.Node, path string, c *Config) {
	a := Account{TimeZone: time.UTC, Importance: Normal, Rehydrate: maxRehydrate, Watch: defaultWatch, Backfill: 200, Overlap: 15 * time.Minute}
	var hours, approvals string
	common := []field{
		d.form("account", &a.Name, func(s string) (string, error) { return s, accountName(s) }),
		d.text("credential", &a.Credential),
		d.duration("every", &a.Every, time.Second, maxPolling),
		d.duration("fastest", &a.Fastest, time.Second, maxPolling),
		d.duration("slowest", &a.Slowest, time.Second, maxPolling),
		d.text("owner", &a.Owner),
		d.text("contact", &a.Contact),
		parsed(d, "time_zone", "a time zone such as Europe/Berlin", &a.TimeZone, zone),
		d.text("working_hours", &hours),
		choice(d, "importance", &a.Importance, Low, Normal, Critical),
		choice(d, "approvals", &approvals, "required", "off"),
		d.texts("guarded_by", &a.GuardedBy, accountName),
	}
	network, _, _ := strings.Cut(peek(n, "account"), "/")
	spec, describes := d.spec(network, false)
	own := d.accountKeys(&a)
	if describes {
		own = d.keyed(spec.Own, &a.Keyed)
	}
	keys := d.object(n, path, append(common, own...)...)
	a.ApprovalsRequired = approvals == "required"
	for _, n := range []*int{&a.Rehydrate, &a.Watch} {
		if *n == 0 { // for collectors 0 is their default
			*n = -1
		}
	}
	if d.required(keys, "account", "network/name such as x/acme") {
		d.checkAccount(keys, &a)
	}
	if describes {
		d.checkSpecAccount(keys, &spec, &a)
	}
	if hours != "" {
		d.workingHours(keys, hours, &a)
	}
	c.Accounts = append(c.Accounts, a)
}

// accountKeys are the keys of how an account is read whose collector has its
// settings in fields of their own.
func (d *decoder) accountKeys(a *Account) []field {
	return []field{
		d.form("user_id", &a.UserID, func(s string) (string, error) {
			return matching(s, userIDForm, "the account's number in decimal digits")
		}),
		d.text("username", &a.Username),
		d.truth("mentions", &a.Mentions),
		d.truth("direct_messages", &a.Messages),
		d.truth("stream", &a.Stream),
		d.integer("rehydrate", &a.Rehydrate, 0, maxRehydrate),
		d.integer("watch", &a.Watch, 0, maxWatch),
		d.integer("backfill", &a.Backfill, 1, maxBackfill),
		d.duration("overlap", &a.Overlap, 0, maxOverlap),
	}
}

func (d *decoder) workingHours(keys object, text string, a *Account) {
	path := join(keys.path, "working_hours")
	if !keys.has("time_zone") {
		d.on(path, "needs time_zone beside it, such as time_zone: Europe/Berlin")
	}
	hours, err := calendar.ParseHours(text, a.TimeZone)
	if err != nil {
		d.on(path, "%v", err)
		return
	}
	a.WorkingHours = hours
}

// checkAccount checks what needs no other account.
func (d *decoder) checkAccount(keys object, a *Account) {
	if slices.Contains(a.GuardedBy, a.Name) && a.Name != "" {
		d.on(join(keys.path, "guarded_by"), "%s would guard itself; expected identities such as okta/editor-2", a.Name)
	}
	if !keys.has("credential") {
		for _, key := range []string{"every", "fastest", "slowest", "user_id", "username", "mentions", "direct_messages", "stream", "rehydrate", "watch", "backfill", "overlap"} {
			if keys.has(key) {
				d.on(join(keys.path, key), "is for accounts that are polled, and this one has no credential; name one, or remove it")
			}
		}
		a.Rehydrate, a.Watch, a.Backfill, a.Overlap = 0, 0, 0, 0
		return
	}
	if !keys.has("every") {
		a.Every = time.Minute
	}
}
