package state

import (
	"syscall"
	"unsafe"
)

// hugely is make for a large slice without pointers; it asks the system for huge
// pages, which it may not give.
func hugely[T any](n int) []T {
	out := make([]T, n)
	from := uintptr(unsafe.Pointer(unsafe.SliceData(out)))
	to := from + uintptr(n)*unsafe.Sizeof(*new(T))
	if to-from < hugeBytes {
		return out
	}
	// The heap does not begin its spans where huge pages do. Asking also for what
	// lies beside the slice in its first and last one changes nothing for it.
	from, to = from&^(hugeBytes-1), (to+hugeBytes-1)&^(hugeBytes-1)
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_HUGEPAGE)
	return out
}
