package bluesky

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
)

// resolve learns which DID the account has and which server holds it.
func (r *round) resolve() error {
	did := or(r.st.DID, r.c.cfg.DID)
	if did == "" && strings.HasPrefix(r.c.cfg.Name, "did:") {
		did = r.c.cfg.Name
	}
	if r.c.cfg.Server != "" {
		return r.resolveAt(r.c.cfg.Server, did)
	}
	// A look-up by handle still checks that the DID document names the handle.
	dir := &identity.BaseDirectory{
		HTTPClient: http.Client{Transport: r.ex}, SkipHandleVerification: true,
		Resolver: net.Resolver{PreferGo: r.c.dialDNS != nil, Dial: r.c.dialDNS},
	}
	var found *identity.Identity
	var err error
	if did != "" {
		found, err = dir.LookupDID(r.ctx, syntax.DID(did))
	} else {
		found, err = dir.LookupHandle(r.ctx, syntax.Handle(r.c.cfg.Name))
	}
	if err != nil {
		err = r.c.fault("look-up of the DID", err)
		gone := errors.Is(err, identity.ErrHandleNotFound) || errors.Is(err, identity.ErrDIDNotFound) ||
			errors.Is(err, identity.ErrHandleMismatch)
		if _, limited := errors.AsType[*collectors.RateLimited](err); gone && !limited {
			err = &collectors.Forbidden{Mend: mendDiscovery, Err: err}
		}
		return err
	}
	server := strings.TrimRight(found.PDSEndpoint(), "/")
	if err := r.c.checkDiscovered(r.ctx, server); err != nil {
		return &collectors.Forbidden{Mend: mendDiscovery, Err: fmt.Errorf("the DID document of %s names the server %w", found.DID, err)}
	}
	if err := checkDID(found.DID.String()); err != nil {
		return err
	}
	r.st.DID, r.st.Server = found.DID.String(), server
	return nil
}

// resolveAt asks the server itself, which may be the only one that knows.
func (r *round) resolveAt(server, did string) error {
	if did == "" {
		var said struct {
			DID string `json:"did"`
		}
		err := r.get(r.ctx, r.client(server, nil), "com.atproto.identity.resolveHandle", map[string]any{"handle": r.c.cfg.Name}, &said)
		if err != nil {
			return err
		}
		did = said.DID
	}
	if err := checkDID(did); err != nil {
		return &collectors.Malformed{Field: "com.atproto.identity.resolveHandle did", Err: err}
	}
	r.st.DID, r.st.Server = did, server
	return nil
}

// checkDiscovered refuses a server that a DID document names and nobody here
// wrote down: what is not reached by https and a public name, or has an address
// of a private network. The document is its owner's, or an intruder's, who
// could point Picket at its own neighbours.
func (c *Collector) checkDiscovered(ctx context.Context, server string) error {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return fmt.Errorf("%q; want https and a host", collectors.Clip(server, maxDID))
	}
	if h, err := syntax.ParseHandle(u.Hostname()); err != nil || !h.AllowedTLD() {
		return fmt.Errorf("%q; want a public host name", collectors.Clip(server, maxDID))
	}
	names := &net.Resolver{PreferGo: c.dialDNS != nil, Dial: c.dialDNS}
	addresses, err := names.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		// Behind a proxy names may not be known here; the request will tell.
		c.deps.Log.Debug("address of a server not looked up", zap.String("account", c.cfg.Account), zap.Error(err))
		return nil
	}
	for _, ip := range addresses {
		if !public(ip.Unmap()) {
			return fmt.Errorf("%q, whose address %s is not public; if it is right, give it as base_url", collectors.Clip(server, maxDID), ip)
		}
	}
	return nil
}

func public(ip netip.Addr) bool {
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10)
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip) && !net.IP(ip.AsSlice()).IsUnspecified()
}

// status asks for the repository's revision, "" where the server does not tell,
// and whether the account is active. A change of that is told first; while it
// is not, there is nothing to read, and Picket is blind.
func (r *round) status() (rev string, err error) {
	var said struct {
		DID    string `json:"did"`
		Active *bool  `json:"active"`
		Status string `json:"status"`
		Rev    string `json:"rev"`
	}
	err = r.get(r.ctx, r.pds(), "com.atproto.sync.getRepoStatus", map[string]any{"did": r.st.DID}, &said)
	status := said.Status
	switch {
	case err == nil && said.DID != r.st.DID:
		err = &collectors.Malformed{Field: "com.atproto.sync.getRepoStatus did", Err: fmt.Errorf("is %q; asked for %s", collectors.Clip(said.DID, maxDID), r.st.DID)}
	case err == nil && said.Active == nil:
		err = &collectors.Malformed{Field: "com.atproto.sync.getRepoStatus active", Err: errors.New("missing")}
	case err == nil && *said.Active:
		status = "active"
	case err == nil:
		status = or(status, "inactive")
	case refusedAs(err, nameNoRepo, nameTakendown, nameSuspended, nameDeactivated):
		e, _ := errors.AsType[*APIError](err)
		status = map[string]string{
			nameNoRepo: "gone", nameTakendown: "takendown", nameSuspended: "suspended", nameDeactivated: "deactivated",
		}[e.Name]
	}
	if status == "" {
		return "", r.failed("status", err)
	}
	told := r.st.Profile != nil && r.st.Profile.Values["status"] != "" && r.st.Profile.Values["status"] != status
	if status != "active" && r.moved() {
		return "", nil
	}
	r.compare(map[string]string{"status": status}, r.clock())
	if status == "active" || told {
		return said.Rev, nil
	}
	if err == nil {
		err = &collectors.Forbidden{Mend: mendInactive, Err: &APIError{
			Endpoint: "com.atproto.sync.getRepoStatus", Status: http.StatusOK, Message: "the account is " + r.c.words(status),
		}}
	}
	return "", r.failed("status", err)
}

// moved asks, where nobody said which server holds the account, whether another
// one does now: a server that was left says that the account is deactivated or
// that it knows none.
func (r *round) moved() bool {
	if r.c.cfg.Server != "" {
		return false
	}
	old := r.st.Server
	if err := r.resolve(); err != nil || r.st.Server == old {
		r.st.Server = old
		return false
	}
	r.compare(map[string]string{"server": r.st.Server}, r.clock())
	// Revisions of the other server are another clock's.
	r.st.Rev, r.st.Round, r.st.Looked = "", nil, 0
	r.fresh = true
	return true
}
