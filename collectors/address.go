package collectors

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// ParseURL reads the address of an API as it is configured: scheme, host and
// perhaps a path, with https as CheckHTTPS asks for. Its errors name example,
// and repeat nothing of what is no such address: a token may stand in it.
func ParseURL(s, example, why string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("want scheme, host and perhaps a path, such as %s", example)
	}
	if err := CheckHTTPS(u, why); err != nil {
		return nil, err
	}
	return u, nil
}

// CheckHTTPS keeps what requests to u carry off the open network: it takes https,
// and http to this machine itself, "localhost" or a loopback address. The error
// gives why, such as "requests carry a token", as the reason.
func CheckHTTPS(u *url.URL, why string) error {
	host := strings.ToLower(u.Hostname())
	ip := net.ParseIP(host)
	loopback := host == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme == "https" || u.Scheme == "http" && loopback {
		return nil
	}
	return fmt.Errorf("%q; want https, since %s (http is taken for loopback only)", Clip(u.Redacted(), 120), why)
}
