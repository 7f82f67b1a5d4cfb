package app

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// disk watches the room on the disk that holds the embedded server's store.
type disk struct {
	path    string
	reserve int64 // bytes that stay free
	log     *zap.Logger

	mu      sync.Mutex
	checked time.Time
	ok      bool
}

const diskEvery = 250 * time.Millisecond // between looks at the disk

// room reports whether more may be taken in. It looks at the disk at most
// every diskEvery.
func (d *disk) room() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); d.checked.IsZero() || now.Sub(d.checked) >= diskEvery {
		was, first := d.ok, d.checked.IsZero()
		d.checked = now
		free, err := freeBytes(d.path)
		d.ok = err != nil || free >= d.reserve // an unknown disk refuses nothing; the server will
		switch {
		case err != nil:
			d.log.Warn("free disk space unknown", zap.Error(err))
		case !d.ok && (was || first):
			d.log.Error("disk reserve reached: intake stops until there is room", zap.Int64("free_bytes", free), zap.Int64("reserve_bytes", d.reserve))
		case d.ok && !was && !first:
			d.log.Info("disk has room: intake goes on", zap.Int64("free_bytes", free))
		}
	}
	return d.ok
}

func freeBytes(path string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// awaitRoom waits until the disk has room for the embedded server again, and
// at least a moment so that a server that stops at once does not spin. It
// returns false when ctx ends first.
func (a *App) awaitRoom(ctx context.Context) bool {
	cfg := a.cfg.get()
	d := &disk{path: cfg.DataDir, reserve: cfg.Journal.Reserve, log: a.log}
	clock := time.NewTicker(time.Second)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-clock.C:
			if d.room() {
				return true
			}
		}
	}
}
