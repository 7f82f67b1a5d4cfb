package main

import "testing"

func TestLocal(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, listen, want, fault string }{
		{"loopback", "127.0.0.1:9465", "127.0.0.1:9465", ""},
		{"any of IPv4", "0.0.0.0:9465", "127.0.0.1:9465", ""},
		{"any of IPv6", "[::]:9465", "[::1]:9465", ""},
		{"any", ":9465", "127.0.0.1:9465", ""},
		{"one address", "192.0.2.7:80", "192.0.2.7:80", ""},
		{"a name", "picket.example:80", "picket.example:80", ""},
		{"no number", "127.0.0.1:0", "", "http.listen has port 0, which is another one at each start: give it a number to use this command"},
		{"no port", "127.0.0.1", "", "http.listen: address 127.0.0.1: missing port in address"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := local(row.listen)
			fault := ""
			if err != nil {
				fault = err.Error()
			}
			if got != row.want || fault != row.fault {
				t.Errorf("got %q, %q; want %q, %q", got, fault, row.want, row.fault)
			}
		})
	}
}
