package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/picketd/picket/collectors/x/xtest"
)

// TestMain puts two commands on the path of tests and scripts, both processes
// of this test binary: picket itself, and a fake X.
func TestMain(m *testing.M) {
	testscript.Main(checkLeaks{m}, map[string]func(){"picket": main, fakeX: serveX})
}

// checkLeaks fails a run of tests that leaves goroutines behind.
type checkLeaks struct{ *testing.M }

func (c checkLeaks) Run() int {
	// Sessions wait more than they work, so more of them than processors run at
	// once, unless the command line says how many.
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// The race detector has every process sleep for a second before it exits.
	_ = os.Setenv(raceOptions, "atexit_sleep_ms=0 "+os.Getenv(raceOptions)) // else only slower
	code := c.M.Run()
	// The NATS server package starts these two and never ends them.
	err := goleak.Find(
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).startRateLimitLogExpiration"))
	if code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

const (
	raceOptions = "GORACE"
	fakeX       = "fake-x"
	bearerToken = "bearer-token-of-the-fake-network"
)

// serveX is a fake X as a process of its own. It prints its address and serves
// until it is told to end.
func serveX() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	srv := &http.Server{Handler: xtest.New(xtest.Options{Bearer: bearerToken}), ReadHeaderTimeout: 5 * time.Second}
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-end
		_ = srv.Close()
	}()
	fmt.Printf("http://%s\n", listener.Addr())
	_ = srv.Serve(listener) // ends when it is closed
}
