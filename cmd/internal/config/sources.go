package config

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	maxSimulated = 1_000_000
	maxSpeed     = 10_000

	// Okta keeps events for 90 days, and asking for them takes a while.
	maxOktaBackfill = 89 * day
)

func (d *decoder) source(n *yaml.Node, path string, c *Config) {
	s := Source{}
	common := []field{
		d.form("name", &s.Name, name),
		choice(d, "collector", &s.Collector, d.known(ofMany, CollectorOkta, CollectorFile, CollectorSimulate)...),
		d.duration("every", &s.Every, 10*time.Millisecond, maxPolling),
		d.duration("fastest", &s.Fastest, 10*time.Millisecond, maxPolling),
		d.duration("slowest", &s.Slowest, 10*time.Millisecond, maxPolling),
		d.text("credential", &s.Credential),
	}
	if spec, ok := d.spec(peek(n, "collector"), true); ok {
		keys := d.object(n, path, append(common, d.keyed(spec.Own, &s.Keyed)...)...)
		d.required(keys, "name", "a name for logs and metrics")
		d.required(keys, "credential", "the name of a credential of collector "+spec.Name)
		d.complete(keys, spec.Own)
		s.Every = cmp.Or(s.Every, spec.Every, time.Minute)
		c.Sources = append(c.Sources, s)
		return
	}
	keys := d.object(n, path, append(common,
		choice(d, "identity", &s.Identity, IdentityEmailLocal, IdentityLogin, IdentityID),
		d.duration("backfill", &s.Backfill, time.Minute, maxOktaBackfill),
		d.duration("overlap", &s.Overlap, time.Second, maxOverlap),
		d.path("path", &s.Path),
		d.truth("history", &s.History),
		d.integer("accounts", &s.Accounts, 1, maxSimulated),
		parsed(d, "seed", "a whole number, 0 or more", &s.Seed, seed),
		parsed(d, "speed", "a number", &s.Speed, speed),
	)...)
	if d.required(keys, "name", "a name for logs and metrics") {
		d.checkSource(keys, &s)
	}
	c.Sources = append(c.Sources, s)
}

func seed(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q; expected a whole number, 0 or more", clip(text))
	}
	return n, nil
}

func speed(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f > 0 && f <= maxSpeed) {
		return 0, fmt.Errorf("%q; expected a number above 0, at most %d, such as 60 for an hour a minute", clip(text), maxSpeed)
	}
	return f, nil
}

// sourceKeys says which keys are for sources of some collectors only.
func sourceKeys() map[string][]string {
	return map[string][]string{
		"credential": {CollectorOkta}, "identity": {CollectorOkta}, "backfill": {CollectorOkta}, "overlap": {CollectorOkta},
		"path": {CollectorFile}, "history": {CollectorFile},
		"accounts": {CollectorSimulate}, "seed": {CollectorSimulate}, "speed": {CollectorSimulate},
	}
}

// checkSource holds each collector's source to its own keys.
func (d *decoder) checkSource(keys object, s *Source) {
	if !d.required(keys, "collector", "one of "+strings.Join(d.known(ofMany, CollectorOkta, CollectorFile, CollectorSimulate), ", ")) {
		return
	}
	d.ownKeys(keys, "sources", s.Collector, sourceKeys())
	var every time.Duration
	switch s.Collector {
	case CollectorOkta:
		d.required(keys, "credential", "the name of a credential of collector "+CollectorOkta)
		every = time.Minute
		s.Identity = cmp.Or(s.Identity, IdentityEmailLocal)
		s.Backfill = cmp.Or(s.Backfill, 30*day)
		s.Overlap = cmp.Or(s.Overlap, 5*time.Minute)
	case CollectorFile:
		d.required(keys, "path", "the path of a JSON-lines file")
		every = 2 * time.Second
	case CollectorSimulate:
		d.required(keys, "accounts", "how many accounts to simulate")
		every, s.Speed = 500*time.Millisecond, cmp.Or(s.Speed, 1)
	}
	s.Every = cmp.Or(s.Every, every)
}

// checkPace holds the bounds of an interval that adapts itself against the
// usual one.
func (d *decoder) checkPace(path string, every, fastest, slowest time.Duration) {
	if fastest > every {
		d.on(path+".fastest", "%s; expected at most every, which is %s", written(fastest), written(every))
	}
	if slowest != 0 && slowest < every {
		d.on(path+".slowest", "%s; expected at least every, which is %s", written(slowest), written(every))
	}
}

// checkSources checks what sources refer to.
func (d *decoder) checkSources(c *Config) {
	for i, s := range c.Sources {
		d.checkPace(fmt.Sprintf("sources[%d]", i), s.Every, s.Fastest, s.Slowest)
		if s.Credential == "" || s.Collector != CollectorOkta && !d.reads(s.Collector) {
			continue
		}
		path := fmt.Sprintf("sources[%d].credential", i)
		switch cred, ok := c.Credential(s.Credential); {
		case !ok:
			d.on(path, "there is no credential %q%s", clip(s.Credential), suggest(s.Credential, c.credentialNames()))
		case cred.Collector != "" && cred.Collector != s.Collector:
			d.on(path, "%q is for collector %s, and this source is of %s; name another credential", s.Credential, cred.Collector, s.Collector)
		}
	}
}

func (c *Config) credentialNames() []string {
	names := make([]string, len(c.Credentials))
	for i, cred := range c.Credentials {
		names[i] = cred.Name
	}
	return names
}
