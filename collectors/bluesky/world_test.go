package bluesky

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	did         = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
	appPassword = "abcd-efgh-ijkl-mnop"
	original    = "at://did:plc:ffffffffffffffffffffffff/app.bsky.feed.post/3l4original22"
)
