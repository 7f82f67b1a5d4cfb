// Package natstest starts real NATS servers inside the tests of alerting's
// rooms, which may not import those of collectors. What is kept on them belongs
// in the tests themselves.
package natstest

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Serve runs a JetStream server over a folder of its own until the test ends;
// change, which may be nil, alters its options. It listens nowhere.
func Serve(tb testing.TB, change func(*server.Options)) *server.Server {
	tb.Helper()
	opts := &server.Options{DontListen: true, JetStream: true, StoreDir: tb.TempDir(), NoSigs: true, NoLog: true}
	if change != nil {
		change(opts)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		tb.Fatal(err)
	}
	srv.Start()
	tb.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(20 * time.Second) {
		tb.Fatal("the server did not start")
	}
	return srv
}

// Connect returns a connection within the process, until the test ends.
func Connect(tb testing.TB, srv *server.Server) (*nats.Conn, jetstream.JetStream) {
	tb.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		tb.Fatal(err)
	}
	return nc, js
}
