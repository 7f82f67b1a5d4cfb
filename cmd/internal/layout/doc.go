// Package layout has only a test, which holds what the design says about the
// shape of the source tree: which rooms exist, in which direction they import,
// and what no room may do. It opens the .go files itself, so that a cached
// result can never be stale. What a linter can hold belongs in .golangci.yml.
package layout
