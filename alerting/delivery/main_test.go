package delivery

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/picketd/picket/alerting/natstest"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// As in natspub: the client's, closed while its first asynchronous
		// publish starts.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"),
	)
}

func start() time.Time { return time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC) }

// node is a server in this process that can be stopped and started again.
type node struct {
	srv *server.Server
	dir string
}

func startNode(tb testing.TB, dir string) *node {
	tb.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		tb.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		tb.Fatal("the server did not start")
	}
	return &node{srv, dir}
}

func (n *node) stop() {
	n.srv.Shutdown()
	n.srv.WaitForShutdown()
}

func (n *node) connect(tb testing.TB) jetstream.JetStream {
	tb.Helper()
	_, js := natstest.Connect(tb, n.srv)
	return js
}

// open starts a server with the streams.
func open(tb testing.TB) jetstream.JetStream {
	tb.Helper()
	n := startNode(tb, tb.TempDir())
	tb.Cleanup(n.stop)
	js := n.connect(tb)
	if err := Ensure(tb.Context(), js, StreamOptions{}); err != nil {
		tb.Fatal(err)
	}
	return js
}

func message(receiver, incident, key string, kind notify.Kind) notify.Message {
	return notify.Message{
		Key: key, Receiver: receiver, Kind: kind, At: start(), Incident: incident, Number: "PK-1",
		Level: rules.High, Title: "HIGH x/acme: burst [PK-1]",
	}
}
