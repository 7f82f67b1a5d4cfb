package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/collectors/journal"
)

// look is what a daemon had used at one moment.
type look struct {
	at     time.Time
	cpu    time.Duration // since its start
	peak   int64         // bytes
	log    uint64        // bytes in the activity log, as the server counts them
	alerts uint64        // bytes of alerts, their states and public copies
	raised int           // alerts

	kept, tickKept float64 // days that the log keeps its messages at most, and ticks
}

func (st *stage) look(ctx context.Context, pid int) (*look, error) {
	l := &look{}
	if err := st.streams(ctx, l); err != nil {
		return nil, err
	}
	var err error
	if l.cpu, err = cpuTime(pid); err != nil {
		return nil, err
	}
	l.at = time.Now()
	status, err := memory(pid)
	l.peak = status["VmHWM"]
	return l, err
}

// load returns how much of one core was used since a look before.
func (l *look) load(before *look) float64 {
	return float64(l.cpu-before.cpu) / float64(l.at.Sub(before.at))
}

// streams asks the daemon's server what its streams take.
func (st *stage) streams(ctx context.Context, l *look) error {
	nc, err := st.connect()
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	activities, err := js.Stream(ctx, journal.StreamName(0))
	if err != nil {
		return err
	}
	l.log = activities.CachedInfo().State.Bytes
	l.kept = days(activities.CachedInfo().Config.MaxAge)
	if l.tickKept, err = tickLife(ctx, activities, l.kept); err != nil {
		return err
	}
	alerts, err := js.Stream(ctx, natspub.Stream)
	if err != nil {
		return err
	}
	info, err := alerts.Info(ctx, jetstream.WithSubjectFilter("picket.alertstate.>"))
	if err != nil {
		return err
	}
	l.alerts, l.raised = info.State.Bytes, len(info.State.Subjects)
	return nil
}

// days returns how many days a retention keeps, as many as can be for 0.
func days(retention time.Duration) float64 {
	if retention == 0 {
		return math.Inf(1)
	}
	return retention.Hours() / 24
}

// tickLife returns how many days the newest tick is kept: as long as the log
// keeps anything, unless it says less.
func tickLife(ctx context.Context, s jetstream.Stream, kept float64) (float64, error) {
	tick, err := s.GetLastMsgForSubject(ctx, "picket.activity.0.tick")
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return kept, nil // there was none yet
	}
	if err != nil {
		return 0, err
	}
	ttl := tick.Header.Get(jetstream.MsgTTLHeader)
	if ttl == "" {
		return kept, nil
	}
	life, err := time.ParseDuration(ttl)
	return min(kept, days(life)), err
}

// sample returns the median of resident memory, each second of a while.
func sample(ctx context.Context, pid int, during time.Duration) (resident, anon int64, err error) {
	var all, own []int64
	for end := time.Now().Add(during); time.Now().Before(end); {
		status, err := memory(pid)
		if err != nil {
			return 0, 0, err
		}
		all, own = append(all, status["VmRSS"]), append(own, status["RssAnon"])
		if err := pause(ctx, time.Second); err != nil {
			return 0, 0, err
		}
	}
	slices.Sort(all)
	slices.Sort(own)
	return all[len(all)/2], own[len(own)/2], nil
}

// memory reads a process's memory in bytes, by the names that proc(5) gives.
func memory(pid int) (map[string]int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, fmt.Errorf("memory of the daemon (this needs Linux): %w", err)
	}
	out := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if kib, ok := strings.CutSuffix(strings.TrimSpace(value), " kB"); ok {
			n, err := strconv.ParseInt(kib, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("memory of the daemon: %s: %w", name, err)
			}
			out[name] = n << 10
		}
	}
	return out, nil
}

// userHz is the unit of times in /proc/<pid>/stat, 1/100 s on every
// architecture that Go runs Linux on.
const userHz = 10 * time.Millisecond

// cpuTime reads what a process has used of all cores.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("CPU time of the daemon (this needs Linux): %w", err)
	}
	_, rest, _ := bytes.Cut(text, []byte(") ")) // the name before may hold spaces
	fields := strings.Fields(string(rest))
	if len(fields) < 13 {
		return 0, errors.New("CPU time of the daemon: /proc has fewer fields than proc(5) tells")
	}
	var sum time.Duration
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("CPU time of the daemon: %w", err)
		}
		sum += time.Duration(n) * userHz
	}
	return sum, nil
}

// size sums up the files below a folder, 0 where it is not there yet.
func size(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil && !e.IsDir() {
			info, err = e.Info()
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // replaced while this looked
		case err == nil && info != nil:
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
