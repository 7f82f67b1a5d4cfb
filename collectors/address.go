package collectors

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// ParseURL reads the address of an API as it is configured or as a server names
// it: scheme, host and perhaps a path. It keeps what requests carry off the open
// network: it takes https, and http to this machine itself, "localhost" or a
// loopback address. Its errors name example, why is their reason for https, such
// as "requests carry a token", and of the address they repeat scheme and host
// alone: a secret may stand in all the rest.
func ParseURL(s, example, why string) (*url.URL, error) {
	want := "want scheme, host and perhaps a path, such as " + example
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return nil, errors.New(want)
	}
	place := Clip((&url.URL{Scheme: u.Scheme, Host: u.Host}).String(), 120)
	if extra := extraParts(u); extra != "" {
		return nil, fmt.Errorf("%q with %s; %s", place, extra, want)
	}
	host := strings.ToLower(u.Hostname())
	ip := net.ParseIP(host)
	loopback := host == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return nil, fmt.Errorf("%q; want https, since %s (http is taken for loopback only)", place, why)
	}
	return u, nil
}

// extraParts names what u has that no address of an API has, "" for nothing.
func extraParts(u *url.URL) string {
	var parts []string
	if u.User != nil {
		parts = append(parts, "a user")
	}
	if u.RawQuery != "" || u.ForceQuery {
		parts = append(parts, "a query")
	}
	if u.Fragment != "" {
		parts = append(parts, "a fragment")
	}
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}
