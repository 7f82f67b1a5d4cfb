package app

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Build says what this binary was built from.
type Build struct {
	Version  string // module version, "(devel)" when built from a checkout
	Revision string // version-control commit, "unknown" when not stamped
	Modified bool   // the checkout had uncommitted changes
	Go       string
	Platform string
}

// ReadBuild reads what the Go tool recorded in the binary.
func ReadBuild() Build {
	b := Build{Version: "(devel)", Revision: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b Build) String() string {
	rev := b.Revision
	if b.Modified {
		rev += " (modified)"
	}
	return fmt.Sprintf("picket %s, commit %s, %s %s", b.Version, rev, b.Go, b.Platform)
}
