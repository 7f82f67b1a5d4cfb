package app

import (
	"os"

	"golang.org/x/sys/unix"
)

// startWriting has the system begin to bring to the disk what was written to a
// file so far, and does not wait for it. Where it cannot, the Sync that follows
// takes longer and is all that counts.
func startWriting(file *os.File) {
	conn, err := file.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) { _ = unix.SyncFileRange(int(fd), 0, 0, unix.SYNC_FILE_RANGE_WRITE) })
}
