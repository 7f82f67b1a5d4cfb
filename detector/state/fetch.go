//go:build amd64 || arm64

package state

import "unsafe"

// Fetch asks the processor for the cache lines of some memory and does not wait for
// them. A load waits for its place in the order of instructions, so that few of
// them are under way at once; what is only asked for does not, and comes while
// other work is done. Go has nothing for it outside its runtime.
//
//go:noescape
func Fetch(p unsafe.Pointer, size int)
