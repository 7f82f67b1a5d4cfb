//go:build !linux

package state

// hugely is make for a large slice without pointers.
func hugely[T any](n int) []T { return make([]T, n) }
