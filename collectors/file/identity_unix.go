//go:build unix

package file

import (
	"os"
	"syscall"
)

// identity returns the device and inode of a file.
func identity(info os.FileInfo) (dev, inode uint64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev), uint64(st.Ino) //nolint:unconvert // narrower types on other systems
	}
	return 0, 0
}
