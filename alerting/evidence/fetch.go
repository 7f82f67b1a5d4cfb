package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

const (
	maxRedirects = 3
	fetchWithin  = 30 * time.Second
)

// Client returns an HTTP client that reaches public addresses over https
// alone, whatever a name resolves to at the moment of connecting, and follows
// few redirects. The environment's proxy is not used: it would look names up by
// itself.
func Client() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: ssrf.New(ssrf.WithPorts(443)).Safe}
	return &http.Client{
		Timeout: fetchWithin,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errRound
			}
			return allowed(r.URL)
		},
	}
}

// errNotAllowed says that an address is not fetched at all.
var errNotAllowed = errors.New("not an https address without a login")

// allowed refuses addresses that are not fetched at all.
func allowed(u *url.URL) error {
	if u.Scheme != "https" || u.Host == "" || u.User != nil {
		return errNotAllowed
	}
	return nil
}

// final reports whether an error of asking for an address is met each time.
func final(err error) bool {
	for _, is := range []error{errNotAllowed, errRound, ssrf.ErrProhibitedIP, ssrf.ErrProhibitedPort, ssrf.ErrProhibitedNetwork, ssrf.ErrInvalidHostPort} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// errRound says that a redirect leads nowhere.
var errRound = fmt.Errorf("more than %d redirects", maxRedirects)

// fetch returns the bytes behind an address and what they are. Errors do not
// hold the address, which may be signed; one that may pass is a passing.
func (k *Keeper) fetch(ctx context.Context, address string) (data []byte, kind string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", errors.New("not an address")
	}
	if err := allowed(u); err != nil {
		return nil, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, "", errors.New("not an address")
	}
	resp, err := k.cfg.Client.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		if err = fmt.Errorf("fetch from %s: %w", u.Hostname(), err); final(err) {
			return nil, "", err
		}
		return nil, "", &passing{err: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("fetch from %s: %s", u.Hostname(), resp.Status)
		if passes(resp.StatusCode) {
			return nil, "", &passing{err, asked(resp.Header)}
		}
		return nil, "", err
	}
	data, err = io.ReadAll(io.LimitReader(resp.Body, k.cfg.MaxBytes+1))
	switch {
	case err != nil:
		return nil, "", &passing{err: fmt.Errorf("fetch from %s: %w", u.Hostname(), err)}
	case int64(len(data)) > k.cfg.MaxBytes:
		return nil, "", fmt.Errorf("fetch from %s: more than %d bytes", u.Hostname(), k.cfg.MaxBytes)
	}
	if kind = http.DetectContentType(data); !media(kind) {
		return nil, "", fmt.Errorf("fetch from %s: it is %s, no image, film or sound", u.Hostname(), kind)
	}
	return data, kind, nil
}

func media(kind string) bool {
	main, _, _ := strings.Cut(kind, "/")
	return slices.Contains([]string{"image", "video", "audio"}, main)
}
