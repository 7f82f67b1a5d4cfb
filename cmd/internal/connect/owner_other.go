//go:build !unix

package connect

// keepOwner does nothing where a new file takes its rights from its folder.
func keepOwner(_, _ string) {}

// keepsRights says that the mode of a file tells who may read it.
const keepsRights = false
