//go:build unix

package connect

import (
	"os"
	"syscall"
)

// keepOwner gives a new file the owner of the one that it replaces, as far as
// this user may: the administrator edits files of the service.
func keepOwner(old, staged string) {
	info, err := os.Stat(old)
	if err != nil {
		return
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = os.Chown(staged, int(owner.Uid), int(owner.Gid))
	}
}

// keepsRights says that the mode of a file tells who may read it.
const keepsRights = true
