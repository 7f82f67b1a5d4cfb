package mastodon

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
)

func TestNew(t *testing.T) {
	deps := collectors.Deps{HTTP: &http.Client{}, Log: zap.NewNop(), Now: start}
	good := Config{Name: "Acme", Server: "https://social.example"}
	c, err := New(good, deps)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.cfg; got.Account != "mastodon/acme@social.example" || got.Watch != 40 || got.Backfill != 200 || got.Overlap != 15*time.Minute {
		t.Errorf("defaults %+v", got)
	}
	if c, err = New(Config{Name: "acme@other.example", Server: "http://127.0.0.1:3000/sub"}, deps); err != nil || c.cfg.Account != "mastodon/acme@other.example" {
		t.Errorf("account of another server: %v", err)
	}
	rows := []struct {
		name   string
		change func(c *Config)
		want   string
	}{
		{"no server", func(c *Config) { c.Server = "" }, `server: want scheme, host and perhaps a path, such as https://social.example`},
		{"server over http", func(c *Config) { c.Server = "http://social.example" }, `server: "http://social.example"; want https, since others could read the token`},
		{"server without scheme", func(c *Config) { c.Server = "social.example" }, `server: want scheme, host`},
		{"server with a password", func(c *Config) { c.Server = "https://a:hunter22@s.example" }, `server: "https://s.example" with a user; want scheme, host`},
		{"server with a query", func(c *Config) { c.Server = "https://s.example?a=1" }, `server: "https://s.example" with a query; want scheme, host and perhaps a path`},
		{"server unreadable", func(c *Config) { c.Server = "https://[" }, `server: want scheme, host`},
		{"no name", func(c *Config) { c.Name = "" }, `name: ""; want the account's name without the first @`},
		{"name with @", func(c *Config) { c.Name = "@acme" }, `name: "@acme"; want`},
		{"name without host", func(c *Config) { c.Name = "acme@" }, `name: "acme@"; want`},
		{"name that leaves its place", func(c *Config) { c.Name = "../acme" }, `name: "../acme"; want`},
		{"name of two hosts", func(c *Config) { c.Name = "a@b@c" }, `name: "a@b@c"; want`},
		{"account of another network", func(c *Config) { c.Account = "x/acme" }, `account: "x/acme"; want mastodon/ and a name`},
		{"account without name", func(c *Config) { c.Account = "mastodon/" }, `account: "mastodon/"; want`},
		{"token with a line end", func(c *Config) { c.Token = "abc-secret\n" }, `token: holds spaces or other characters`},
		{"mentions without token", func(c *Config) { c.Mentions = true }, `mentions: they are shown to the account only`},
		{"watch", func(c *Config) { c.Watch = 201 }, `watch: 201; want at most 200`},
		{"backfill", func(c *Config) { c.Backfill = 4001 }, `backfill: 4001; want 1 to 4000`},
		{"overlap", func(c *Config) { c.Overlap = 25 * time.Hour }, `overlap: 25h0m0s; want 0s to 24h0m0s`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			cfg := good
			row.change(&cfg)
			_, err := New(cfg, deps)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Count(err.Error(), "\n") != 0 {
				t.Fatalf("error %v; want the one fault %q", err, row.want)
			}
			if text := fmt.Sprintf("%v %+v", err, cfg); strings.Contains(err.Error(), "hunter22") || strings.Contains(text, "abc-secret") {
				t.Errorf("secrets in %s", text)
			}
		})
	}
	t.Run("all faults at once", func(t *testing.T) {
		_, err := New(Config{Account: "x/a", Mentions: true, Backfill: -1}, deps)
		if err == nil || strings.Count(err.Error(), "\n") != 4 {
			t.Errorf("error %v; want server, name, account, mentions and backfill", err)
		}
	})
	t.Run("no clock", func(t *testing.T) {
		if _, err := New(good, collectors.Deps{HTTP: &http.Client{}}); err == nil {
			t.Error("a collector without a clock was made")
		}
	})
}
