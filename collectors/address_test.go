package collectors_test

import (
	"strings"
	"testing"

	"github.com/picketd/picket/collectors"
)

func TestParseURL(t *testing.T) {
	const (
		shape = "want scheme, host and perhaps a path, such as https://api.example"
		open  = "; want https, since others could read the token (http is taken for loopback only)"
	)
	for _, tt := range []struct{ name, url, want string }{
		{"https", "https://api.example", ""},
		{"port and path", "https://api.example:8443/v1/", ""},
		{"loopback by name", "http://localhost:8080", ""},
		{"loopback by name in capitals", "http://LocalHost", ""},
		{"loopback by address", "http://127.9.9.9/api", ""},
		{"loopback by IPv6", "http://[::1]:80", ""},
		{"open network", "http://api.example", `"http://api.example"` + open},
		{"name that begins like loopback", "http://localhost.example", `"http://localhost.example"` + open},
		{"name that begins like an address", "http://127.0.0.1.example", `"http://127.0.0.1.example"` + open},
		{"path over the open network", "http://api.example/hunter22", `"http://api.example"` + open},
		{"address of a local network", "http://10.0.0.1", `"http://10.0.0.1"` + open},
		{"no address of any machine", "http://0.0.0.0", `"http://0.0.0.0"` + open},
		{"other scheme", "ftp://localhost", `"ftp://localhost"` + open},
		{"long", "http://" + strings.Repeat("a", 200), `"http://` + strings.Repeat("a", 113) + `"` + open},
		{"empty", "", shape},
		{"no scheme", "api.example", shape},
		{"no scheme but slashes", "//api.example", `"//api.example"` + open},
		{"no host", "https:///v1", shape},
		{"opaque", "https:api.example", shape},
		{"unreadable", "https://[", shape},
		{"user", "https://hunter22@api.example", `"https://api.example" with a user; ` + shape},
		{"user without a name", "https://@api.example", `"https://api.example" with a user; ` + shape},
		{"password", "https://a:hunter22@localhost/v1", `"https://localhost" with a user; ` + shape},
		{"query", "https://api.example/hunter22?token=hunter22", `"https://api.example" with a query; ` + shape},
		{"query without a value", "https://api.example?", `"https://api.example" with a query; ` + shape},
		{"fragment", "https://api.example#hunter22", `"https://api.example" with a fragment; ` + shape},
		{"user, query and fragment", "https://hunter22@api.example:8443?hunter22#hunter22", `"https://api.example:8443" with a user, a query and a fragment; ` + shape},
		{"user over the open network", "http://hunter22@api.example", `"http://api.example" with a user; ` + shape},
		{"token in its place", "hunter22", shape},
		{"port that is none", "https://api.example:hunter22", shape},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := collectors.ParseURL(tt.url, "https://api.example", "others could read the token")
			if tt.want == "" {
				if err != nil || u.String() != tt.url {
					t.Errorf("got %v, error %v", u, err)
				}
				return
			}
			if err == nil || err.Error() != tt.want || u != nil {
				t.Errorf("got %v, error %v; want %s", u, err, tt.want)
			}
		})
	}
}
