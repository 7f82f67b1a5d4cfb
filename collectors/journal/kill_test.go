package journal_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

// TestKilledServerKeepsAcknowledged kills a process that runs server and
// writer, three times over one store, and looks for every page that was
// acknowledged before. A kill is what a process can suffer; a power failure
// cannot be made here, which is why durability "power" flushes each message.
func TestKilledServerKeepsAcknowledged(t *testing.T) {
	for _, sync := range []string{"always", "interval"} {
		t.Run(sync, func(t *testing.T) {
			dir := t.TempDir()
			acknowledged := 0
			for range 3 {
				acknowledged = runAndKill(t, dir, sync)
			}
			if acknowledged < 3 {
				t.Fatalf("only %d pages acknowledged: nothing was tested", acknowledged)
			}
			js := journaltest.Connect(t, journaltest.Server(t, dir, nil))
			j := open(t, js, journal.Config{})
			seen := map[string]int{}
			for _, m := range read(t, j, 0, 1, acknowledged) {
				for _, a := range decode(t, &m).Activities {
					seen[a.ID]++
				}
			}
			for i := 1; i <= acknowledged; i++ {
				if seen[strconv.Itoa(i)] != 1 {
					t.Errorf("page %d was acknowledged and is there %d times", i, seen[strconv.Itoa(i)])
				}
			}
		})
	}
}

// runAndKill starts the writer, lets it append for a while and kills it. It
// returns the number of the last page acknowledged.
func runAndKill(t *testing.T, dir, sync string) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$", "-test.v")
	cmd.Env = append(os.Environ(), "PICKET_KILL_DIR="+dir, "PICKET_KILL_SYNC="+sync)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last, first := 0, 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var n int
		if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d", &n); err != nil {
			continue
		}
		if first == 0 {
			first = n
		}
		if last = n; n == first+200 {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	return last
}

// TestKilledWriter is the process that TestKilledServerKeepsAcknowledged
// kills; run by itself it has nothing to do.
func TestKilledWriter(t *testing.T) {
	dir := os.Getenv("PICKET_KILL_DIR")
	if dir == "" {
		return
	}
	srv := journaltest.Server(t, dir, func(o *server.Options) {
		o.SyncAlways = os.Getenv("PICKET_KILL_SYNC") == "always"
		o.SyncInterval = 100 * time.Millisecond
	})
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	j := open(t, js, journal.Config{})
	l, err := j.Open(t.Context(), "x/acme")
	if err != nil {
		t.Fatal(err)
	}
	cp, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(string(cp.Cursor))
	if n > 0 {
		fmt.Println("acknowledged", n) // by the process before, which may not have come to say so
	}
	for range 5000 { // bounded, should nobody kill it
		n++
		page := &activity.Batch{Cursor: []byte(strconv.Itoa(n)), Activities: []activity.Activity{post("x/acme", n)}}
		if err := l.Append(t.Context(), page); err != nil {
			t.Fatal(err)
		}
		fmt.Println("acknowledged", n)
	}
}
