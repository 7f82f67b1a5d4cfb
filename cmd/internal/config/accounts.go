package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	// What API v2 and v1.1 of X take; collectors/x says where it is documented.
	maxRehydrate = 100
	maxBackfill  = 3200
	maxOverlap   = day

	maxSimulated = 1_000_000
	maxSpeed     = 10_000
)

var (
	// nameForm is that of names which become parts of keys and subjects.
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	// usernameForm and userIDForm are those of X.
	usernameForm = regexp.MustCompile(`^[A-Za-z0-9_]{1,15}$`)
	userIDForm   = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
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

func (d *decoder) credentials(n *yaml.Node, path string, c *Config) {
	n = d.enter(n, path)
	switch {
	case isNull(n):
		return
	case n.Kind != yaml.MappingNode:
		d.at(n, path, "expected a mapping from names to credentials, got %s", describe(n))
		return
	}
	named := d.keys(n, path)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if named[key.Value] != value {
			continue // told by keys
		}
		if _, err := name(key.Value); err != nil {
			d.at(key, path, "the name %s cannot be used; expected at most 64 letters, digits, _ and -", shown(key.Value))
			continue
		}
		c.Credentials = append(c.Credentials, d.credential(value, join(path, key.Value), key.Value))
	}
	slices.SortFunc(c.Credentials, func(a, b Credential) int { return cmp.Compare(a.Name, b.Name) })
}

func (d *decoder) credential(n *yaml.Node, path, name string) Credential {
	c := Credential{Name: name, API: "v2", FieldsParam: "tweet.fields"}
	keys := d.object(n, path,
		choice(d, "collector", &c.Collector, CollectorX),
		choice(d, "api", &c.API, "v2", "v1.1"),
		parsed(d, "base_url", "an address such as https://api.example.com", &c.BaseURL, webURL),
		choice(d, "fields_param", &c.FieldsParam, "tweet.fields", "post.fields"),
		d.secret("bearer_token", &c.BearerToken),
		d.secret("consumer_key", &c.ConsumerKey),
		d.secret("consumer_secret", &c.ConsumerSecret),
		d.secret("access_token", &c.AccessToken),
		d.secret("access_secret", &c.AccessSecret),
		field{"requests", func(n *yaml.Node, path string) { d.requests(n, path, &c.Requests) }},
		d.decimal("budget_usd_per_month", &c.BudgetUSDPerMonth, 0),
		d.decimal("price_post", &c.PricePost, 0),
		d.decimal("price_user", &c.PriceUser, 0),
	)
	if !d.required(keys, "collector", "the name of a collector, such as "+CollectorX) {
		return c
	}
	oauth := []string{"consumer_key", "consumer_secret", "access_token", "access_secret"}
	given := slices.DeleteFunc(slices.Clone(oauth), func(key string) bool { return !keys.has(key) })
	switch {
	case keys.has("bearer_token") && len(given) > 0:
		d.on(join(path, given[0]), "is given beside bearer_token; keep bearer_token or the four of OAuth 1.0a")
	case !keys.has("bearer_token") && len(given) < len(oauth):
		d.on(path, "no bearer_token and %d of the 4 secrets of OAuth 1.0a; expected bearer_token, or all of %s", len(given), strings.Join(oauth, ", "))
	}
	return c
}

func (d *decoder) requests(n *yaml.Node, path string, into *RequestLimit) {
	keys := d.object(n, path,
		d.integer("limit", &into.Limit, 1, 1_000_000_000),
		d.duration("per", &into.Per, time.Second, maxPolling))
	if d.required(keys, "limit", "a number of requests") {
		d.required(keys, "per", "the span that limit is for, such as 15m")
	}
}

func (d *decoder) source(n *yaml.Node, path string, c *Config) {
	s := Source{Speed: 1}
	keys := d.object(n, path,
		d.form("name", &s.Name, name),
		choice(d, "collector", &s.Collector, CollectorFile, CollectorSimulate),
		d.duration("every", &s.Every, 10*time.Millisecond, maxPolling),
		d.path("path", &s.Path),
		d.truth("history", &s.History),
		d.integer("accounts", &s.Accounts, 1, maxSimulated),
		parsed(d, "seed", "a whole number, 0 or more", &s.Seed, func(text string) (uint64, error) {
			seed, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%q; expected a whole number, 0 or more", clip(text))
			}
			return seed, nil
		}),
		parsed(d, "speed", "a number", &s.Speed, func(text string) (float64, error) {
			speed, err := strconv.ParseFloat(text, 64)
			if err != nil || !(speed > 0 && speed <= maxSpeed) {
				return 0, fmt.Errorf("%q; expected a number above 0, at most %d, such as 60 for an hour a minute", clip(text), maxSpeed)
			}
			return speed, nil
		}),
	)
	if d.required(keys, "name", "a name for logs and metrics") {
		d.checkSource(keys, &s)
	}
	c.Sources = append(c.Sources, s)
}

// checkSource holds each collector's source to its own keys.
func (d *decoder) checkSource(keys object, s *Source) {
	if !d.required(keys, "collector", "one of "+CollectorFile+", "+CollectorSimulate) {
		return
	}
	own := map[string][]string{
		CollectorFile:     {"path", "history"},
		CollectorSimulate: {"accounts", "seed", "speed"},
	}
	for collector, names := range own {
		for _, key := range names {
			if s.Collector != "" && s.Collector != collector && keys.has(key) {
				d.on(join(keys.path, key), "is for sources of collector %s, and this is one of %s; remove it", collector, s.Collector)
			}
		}
	}
	every := 2 * time.Second
	switch s.Collector {
	case CollectorFile:
		d.required(keys, "path", "the path of a JSON-lines file")
	case CollectorSimulate:
		d.required(keys, "accounts", "how many accounts to simulate")
		every = 500 * time.Millisecond
	}
	if !keys.has("every") {
		s.Every = every
	}
}

func (d *decoder) account(n *yaml.Node, path string, c *Config) {
	a := Account{TimeZone: time.UTC, Importance: Normal, Rehydrate: maxRehydrate, Backfill: 200, Overlap: 15 * time.Minute}
	var hours, approvals string
	keys := d.object(n, path,
		d.form("account", &a.Name, func(s string) (string, error) { return s, accountName(s) }),
		d.text("credential", &a.Credential),
		d.duration("every", &a.Every, time.Second, maxPolling),
		d.form("user_id", &a.UserID, func(s string) (string, error) {
			return matching(s, userIDForm, "the account's number in decimal digits")
		}),
		d.form("username", &a.Username, func(s string) (string, error) {
			return matching(s, usernameForm, "1 to 15 letters, digits or _ without @")
		}),
		d.truth("mentions", &a.Mentions),
		d.integer("rehydrate", &a.Rehydrate, 0, maxRehydrate),
		d.integer("backfill", &a.Backfill, 1, maxBackfill),
		d.duration("overlap", &a.Overlap, 0, maxOverlap),
		d.text("owner", &a.Owner),
		d.text("contact", &a.Contact),
		parsed(d, "time_zone", "a time zone such as Europe/Berlin", &a.TimeZone, zone),
		d.text("working_hours", &hours),
		choice(d, "importance", &a.Importance, Low, Normal, Critical),
		choice(d, "approvals", &approvals, "required", "off"),
		d.texts("guarded_by", &a.GuardedBy, accountName),
	)
	a.ApprovalsRequired = approvals == "required"
	if a.Rehydrate == 0 {
		a.Rehydrate = -1
	}
	if d.required(keys, "account", "network/name such as x/acme") {
		d.checkAccount(keys, &a)
	}
	if hours != "" {
		d.workingHours(keys, hours, &a)
	}
	c.Accounts = append(c.Accounts, a)
}

func (d *decoder) workingHours(keys object, text string, a *Account) {
	path := join(keys.path, "working_hours")
	if !keys.has("time_zone") {
		d.on(path, "needs time_zone beside it, such as time_zone: Europe/Berlin")
	}
	hours, err := ParseWorkingHours(text, a.TimeZone)
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
		for _, key := range []string{"every", "user_id", "username", "mentions", "rehydrate", "backfill", "overlap"} {
			if keys.has(key) {
				d.on(join(keys.path, key), "is for accounts that are polled, and this one has no credential; name one, or remove it")
			}
		}
		a.Rehydrate, a.Backfill, a.Overlap = 0, 0, 0
		return
	}
	if !keys.has("every") {
		a.Every = time.Minute
	}
}
