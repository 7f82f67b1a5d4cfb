package bluesky

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

const guide = `A public account needs no credential. For mentions and for the list of app
passwords, log in to Bluesky with the account and go to Settings, Privacy and
security, App passwords, Add. Give it a name such as "picket" and leave "Allow
access to your direct messages" off. An app password can post, too: Bluesky has
none that only reads. It cannot change the e-mail address or the password, make
app passwords or delete the account.`

// Spec describes the collector.
func Spec() collectors.Spec {
	return collectors.Spec{
		Name: Network, Title: "Bluesky",
		Credential: []collectors.Key{
			{
				Name: "base_url", Type: collectors.KeyURL,
				Help: "the account's PDS, such as https://pds.example; without it what the account's DID document names", Check: checkServer,
			},
			{
				Name: "app_password", Type: collectors.KeySecret,
				Help: "an app password of the account, for mentions and for the list of app passwords",
			},
			{
				Name: "app_view", Type: collectors.KeyText, Default: DefaultAppView,
				Help: "the server that counts followers, such as https://public.api.bsky.app, or none", Check: checkAppView,
			},
		},
		Own: []collectors.Key{
			{
				Name: "did", Type: collectors.KeyText,
				Help: "the account's DID, such as did:plc:ewvi7nxzyoun6zhxrhs64oiz, which stays when its handle changes", Check: checkDID,
			},
			{
				Name: "mentions", Type: collectors.KeyTruth, Default: "false",
				Help: "true to read also who mentions, answers or quotes the account; needs app_password",
			},
			{
				Name: "firehose", Type: collectors.KeyTruth, Default: "true",
				Help: "true to listen to the server's event stream, so that what happens is read at once",
			},
			{
				Name: "watch", Type: collectors.KeyNumber, Default: strconv.Itoa(DefaultWatch), Least: minWatch, Most: maxWatch,
				Help: "how many of the newest posts and reposts are compared to find deletions and edits, such as 100",
			},
			{
				Name: "backfill", Type: collectors.KeyNumber, Default: strconv.Itoa(DefaultBackfill), Least: 1, Most: maxBackfill,
				Help: "how many posts and reposts of history the first connection reads, such as 200",
			},
			{
				Name: "overlap", Type: collectors.KeyDuration, Default: DefaultOverlap.String(), Least: 1, Most: int64(maxOverlap / time.Second),
				Help: "how long before the last round records are read again, such as 15m",
			},
		},
		Endpoint:     endpointQuota,
		CheckAccount: checkName,
		New: func(s collectors.Setting, deps collectors.Deps) (collectors.Collector, error) {
			return New(configOf(s), deps)
		},
		Shows: func(s collectors.Setting) collectors.Shows { return configOf(s).Shows() },
		Verify: func(ctx context.Context, s collectors.Setting, deps collectors.Deps) (collectors.Seen, error) {
			if deps.Sessions == nil {
				deps.Sessions = &passing{}
			}
			c, err := New(configOf(s), deps)
			if err != nil {
				return collectors.Seen{}, err
			}
			return c.Verify(ctx)
		},
		Guide:   guide,
		Limits:  "3,000 requests in 5 minutes an IP address; 30 new sessions in 5 minutes, 300 a day",
		Hides:   "client app, address and device of posts; logins; direct messages; who deleted what, and when; records dated back beyond those watched",
		Library: "github.com/bluesky-social/indigo (atproto/atclient, identity, syntax)",
	}
}

func configOf(s collectors.Setting) Config {
	return Config{
		Account: s.Source, Name: s.Account(), DID: s.Text("did"),
		Server: s.Text("base_url"), AppView: s.Text("app_view"),
		Password: s.Secret("app_password"), Session: s.Credential,
		Mentions: s.Truth("mentions"), Firehose: s.Truth("firehose"),
		Watch: s.Number("watch"), Backfill: s.Number("backfill"), Overlap: s.Duration("overlap"),
	}
}

// endpointQuota names the quota of a request: each host has its own, and on it
// logins.
func endpointQuota(req *http.Request) string {
	if strings.HasSuffix(req.URL.Path, ".createSession") {
		return req.URL.Host + " createSession"
	}
	return req.URL.Host
}
