package config

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Exposed tells of the secret files that everybody with an account of this machine
// can read. It is empty where there is none.
func (c *Config) Exposed() Faults { return c.src.exposed.sorted() }

// exposed notes a secret file that everybody can read. It works all the same, so it
// is no fault of the configuration.
func (d *decoder) exposed(n *yaml.Node, path, file string) {
	if readByAll(file) {
		d.src.exposed = append(d.src.exposed, Fault{
			File: d.src.file, Line: n.Line, Column: n.Column,
			Message: path + ": every user of this machine can read the secret in this file; take the right away with chmod o=",
		})
	}
}

// readByAll reports whether a file, and every folder on the way to it, is open to
// whoever is neither its owner nor of its group. What an orchestrator mounts into a
// container is nobody's else there, and has the modes that the orchestrator gives.
func readByAll(file string) bool {
	file, err := filepath.Abs(file)
	if err == nil {
		file, err = filepath.EvalSymlinks(file)
	}
	if err != nil || strings.HasPrefix(file, "/run/secrets/") || strings.Contains(file, "/..") { // Docker's; Kubernetes' versions of a volume
		return false
	}
	for at, right := file, os.FileMode(0o004); ; at, right = filepath.Dir(at), 0o001 {
		info, err := os.Stat(at)
		if err != nil || info.Mode().Perm()&right == 0 {
			return false
		}
		if at == filepath.Dir(at) {
			return true
		}
	}
}
