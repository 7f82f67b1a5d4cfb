package enrich

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// No file stops Picket or makes an activity invalid.
func FuzzDamagedFile(f *testing.F) {
	f.Add(cityFile(f), "81.2.69.142")
	f.Add(asnFile(f), "89.160.1.1")
	f.Add(anonymousFile(f), "89.160.2.1")
	f.Add(bushy(30), "2001:480::7")
	f.Add(cityFile(f)[:300], "::1")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, ip string) {
		path := filepath.Join(dir, "fuzz.mmdb")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, cfg := range []Config{{Location: path}, {ASN: path}, {Anonymous: path}} {
			e, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			for _, addr := range []string{ip, "81.2.69.142", "2001:480::7"} {
				a := activity.Activity{ID: "1", Network: "okta", Account: "okta/a", Kind: activity.KindLogin, Time: time.Unix(1772798400, 0), IP: addr}
				if a.Validate() != nil {
					continue
				}
				e.Enrich(&a)
				if err := a.Validate(); err != nil {
					t.Fatalf("enriched to something invalid: %v", err)
				}
			}
		}
	})
}

func FuzzHostOf(f *testing.F) {
	for _, s := range []string{"https://Acme.example:80/", "x://[::1]:2", "://", "a://b@c:d@e:1", "https://\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, link string) {
		host := hostOf(link)
		if strings.ContainsAny(host, `/?#\@`) || host != strings.ToLower(host) {
			t.Errorf("host %q of %q", host, link)
		}
	})
}

func BenchmarkEnrich(b *testing.B) {
	r := newRig(b, allFiles)
	a := activity.Activity{IP: "81.2.69.142"}
	b.ReportAllocs()
	for b.Loop() {
		a.Geo = activity.Geo{}
		r.Enrich(&a)
	}
}
