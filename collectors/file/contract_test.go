package file_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/file"
)

// log is a file of three accounts that is rotated now and then, once it is
// followed: older generations than the first cursor knows are not read.
type log struct {
	t        *testing.T
	path     string
	n        int
	followed atomic.Bool
}

// watched tells its log when the first cursor is in the journal.
type watched struct {
	collectors.Collector
	log *log
}

func (w watched) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	if len(cursor) > 0 {
		w.log.followed.Store(true)
	}
	return w.Collector.Poll(ctx, cursor)
}

func (l *log) append(lines ...string) {
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		l.t.Error(err)
		return
	}
	for _, line := range lines {
		if _, err := f.WriteString(line + "\n"); err != nil {
			l.t.Error(err)
		}
	}
	if err := f.Close(); err != nil {
		l.t.Error(err)
	}
}

func (l *log) publish(n int) []collectortest.Item {
	if n > 0 && l.n%7 == 6 && l.followed.Load() {
		if err := os.Rename(l.path, fmt.Sprintf("%s.%s", l.path, time.Now().Format("20060102T150405.000000000"))); err != nil {
			l.t.Error(err)
		}
	}
	var items []collectortest.Item
	for range n {
		l.n++
		item := collectortest.Item{Account: fmt.Sprintf("x/acme-%d", l.n%3), Kind: activity.KindPost, ID: fmt.Sprint(l.n)}
		l.append(fmt.Sprintf(`{"id":%q,"account":%q,"kind":"post","time":%q}`, item.ID, item.Account, time.Now().UTC().Format(time.RFC3339Nano)))
		items = append(items, item)
	}
	return items
}

func TestContract(t *testing.T) {
	collectortest.Run(t, collectortest.Harness{
		Source: "file/log",
		Multi:  true,
		Open: func(t *testing.T) collectortest.Fake {
			t.Helper()
			l := &log{t: t, path: filepath.Join(t.TempDir(), "a.jsonl")}
			l.append()
			return collectortest.Fake{
				New: func(deps collectors.Deps) (collectors.Collector, error) {
					f, err := file.NewFollower(file.Config{Path: l.path}, deps)
					if err == nil {
						t.Cleanup(func() { _ = f.Close() })
					}
					return watched{f, l}, err
				},
				Publish: l.publish,
				Malformed: func() []collectortest.Item {
					around := l.publish(1)
					l.append("not an activity")
					return append(around, l.publish(1)...)
				},
			}
		},
	})
}
