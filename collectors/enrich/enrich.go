package enrich

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/activity"
)

// DefaultCheck is how often files are looked at for a change.
const DefaultCheck = 5 * time.Second

// Config says which files are used and how. A path that is empty is not used.
type Config struct {
	// Location is a Country or City file.
	Location string
	// ASN is an ASN file.
	ASN string
	// Anonymous is an Anonymous IP file. An address that it does not list counts
	// as known not to be a proxy.
	Anonymous string
	// Override replaces what a provider told where a file knows the address;
	// without it only what is absent is filled in.
	Override bool
	// Check is how often files are looked at for a change, at most; 0 takes
	// DefaultCheck.
	Check time.Duration
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// Log gets a line when a file is loaded, is missing or is damaged, once for
	// each change; nil logs nothing.
	Log *zap.Logger
}

// Enricher adds to activities. It is safe for concurrent use and starts no
// goroutine.
type Enricher struct {
	cfg       Config
	location  *db[place]
	asn       *db[network]
	anonymous *db[cover]
	next      atomic.Int64 // unix nanoseconds of the next look at the files
}

// New returns an Enricher and loads the files. A file that is missing or
// damaged is no error: it may come, and Status tells. An error is a fault of
// cfg, by the field's name in the configuration file.
func New(cfg Config) (*Enricher, error) {
	if cfg.Check < 0 {
		return nil, fmt.Errorf("enrich: check: %s; want 0s or more", cfg.Check)
	}
	if cfg.Check == 0 {
		cfg.Check = DefaultCheck
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	paths := map[string]string{}
	var errs []error
	for _, f := range []struct{ field, path string }{{"location", cfg.Location}, {"asn", cfg.ASN}, {"anonymous", cfg.Anonymous}} {
		if f.path == "" {
			continue
		}
		if other, ok := paths[f.path]; ok {
			errs = append(errs, fmt.Errorf("enrich: %s: %q is the file of %s too; each needs its own", f.field, f.path, other))
		}
		paths[f.path] = f.field
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	e := &Enricher{
		cfg:       cfg,
		location:  newDB("location", cfg.Location, cfg.Log, decodePlace),
		asn:       newDB("asn", cfg.ASN, cfg.Log, decodeNetwork),
		anonymous: newDB("anonymous", cfg.Anonymous, cfg.Log, decodeCover),
	}
	e.look(cfg.Now())
	return e, nil
}

// Enrich fills in geo of a's IP address, and link_domains of its links where
// absent. What it fills in of a place (country, region, city, coordinates) is of
// one source: where the provider names another country or city than the file,
// its geo stays as it is. A second call changes nothing while the files stay the
// same. Private and reserved addresses have no geo.
func (e *Enricher) Enrich(a *activity.Activity) {
	e.refresh()
	if len(a.LinkDomains) == 0 && len(a.Links) > 0 {
		a.LinkDomains = domains(a.Links)
	}
	if a.IP == "" || !e.location.used() && !e.asn.used() && !e.anonymous.used() {
		return
	}
	ip, err := netip.ParseAddr(a.IP)
	if err != nil {
		return
	}
	if ip = ip.WithZone("").Unmap(); !public(ip) {
		return
	}
	if p, found, _ := e.location.lookup(ip); found {
		p.fill(&a.Geo, e.cfg.Override)
	}
	if n, found, _ := e.asn.lookup(ip); found {
		n.fill(&a.Geo, e.cfg.Override)
	}
	if c, found, ok := e.anonymous.lookup(ip); ok && (e.cfg.Override || a.Geo.Proxy == "") {
		a.Geo.Proxy = "none"
		if found {
			a.Geo.Proxy = c.proxy
		}
	}
}

// public reports whether an address can be somewhere.
func public(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate()
}

// refresh looks at the files when it is time to; one caller does, the others go
// on with what is loaded.
func (e *Enricher) refresh() {
	now := e.cfg.Now()
	next := e.next.Load()
	early := now.UnixNano() < next && next <= now.Add(e.cfg.Check).UnixNano() // else our clock was set back
	if early || !e.next.CompareAndSwap(next, now.Add(e.cfg.Check).UnixNano()) {
		return
	}
	e.look(now)
}

func (e *Enricher) look(now time.Time) {
	e.next.Store(now.Add(e.cfg.Check).UnixNano())
	e.location.look(now)
	e.asn.look(now)
	e.anonymous.look(now)
}

// Status returns the state of every file that is configured, after a look at
// the files if it is time to.
func (e *Enricher) Status() []FileStatus {
	e.refresh()
	var all []FileStatus
	for _, one := range []func() (FileStatus, bool){e.location.status, e.asn.status, e.anonymous.status} {
		if st, ok := one(); ok {
			all = append(all, st)
		}
	}
	return all
}

// domains returns the host names of absolute URLs, each once.
func domains(links []string) []string {
	var out []string
	for _, link := range links {
		if host := hostOf(link); host != "" {
			out = appendNew(out, host)
		}
	}
	return out
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// hostOf returns the lower-case host name of an absolute URL, without user,
// port and a trailing dot.
func hostOf(link string) string {
	scheme, rest, ok := strings.Cut(link, "://")
	if !ok || scheme == "" {
		return ""
	}
	if i := strings.IndexAny(rest, `/?#\`); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if after, ok := strings.CutPrefix(rest, "["); ok { // an IPv6 address
		rest, _, _ = strings.Cut(after, "]")
	} else if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		rest = rest[:i]
	}
	return strings.ToLower(strings.TrimSuffix(rest, "."))
}
