package natspub

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// A client that is closed while the goroutine behind its first
		// asynchronous publish starts leaves it waiting on a nil channel
		// (nats.go 1.55).
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"),
	)
}
