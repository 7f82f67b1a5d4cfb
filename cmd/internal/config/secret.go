package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors"
)

const (
	secretForms = "expected {file: path} or {env: NAME}"
	maxSecret   = 64 << 10 // bytes of a secret file
)

// envName matches what is safe to repeat in a message; anything else may be a
// secret in the wrong place.
var envName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// secret is a key whose value is in a file or an environment variable. No
// message about it repeats anything that was written there.
func (d *decoder) secret(name string, into *collectors.Secret) field {
	return d.hidden(name, into, false)
}

// hidden is a secret that may have several lines.
func (d *decoder) hidden(name string, into *collectors.Secret, lines bool) field {
	return field{name, func(n *yaml.Node, path string) {
		n = d.enter(n, path)
		switch {
		case isNull(n):
			d.at(n, path, "has no value; %s, or remove the key", secretForms)
		case n.Kind == yaml.ScalarNode:
			d.at(n, path, "a secret written here is read by whoever reads this file; %s", secretForms)
		case n.Kind != yaml.MappingNode:
			d.at(n, path, "%s, got %s", secretForms, describe(n))
		case len(n.Content) != 2:
			d.at(n, path, "%s, and one of them only", secretForms)
		default:
			d.reveal(n.Content[0], resolve(n.Content[1]), path, into, lines)
		}
	}}
}

func (d *decoder) reveal(key, value *yaml.Node, path string, into *collectors.Secret, lines bool) {
	read := map[string]func(*yaml.Node) (string, error){"file": d.fromFile, "env": d.fromEnv}[key.Value]
	if read == nil || key.Kind != yaml.ScalarNode {
		d.at(key, path, "the key is neither file nor env; %s", secretForms)
		return
	}
	path += "." + key.Value
	if value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" || value.Value == "" {
		d.at(value, path, "expected text; %s", secretForms)
		return
	}
	text, err := read(value)
	var s collectors.Secret
	if err == nil {
		s, err = secretOf(text, lines)
	}
	file := ""
	if key.Value == "file" {
		file, _ = d.locate(value.Value)
	}
	if err != nil {
		if s = d.kept.of[file]; s == "" {
			d.at(value, path, "%v", err)
			return
		}
		d.stale(value, path, err)
	}
	*into = s
	if file != "" {
		d.src.secrets.of[file] = s
		d.exposed(value, path, file)
	}
}

// secretFiles is what was read from secret files, by their paths. A Config
// points to it, because fmt prints fields that are not exported without asking
// them how, and of what they point to only the address.
type secretFiles struct{ of map[string]collectors.Secret }

func noSecrets() *secretFiles { return &secretFiles{map[string]collectors.Secret{}} }

// secretOf takes the secret, which may have several lines, from what was written
// in its place.
func secretOf(text string, lines bool) (collectors.Secret, error) {
	s := strings.TrimRight(text, "\r\n")
	switch {
	case strings.TrimSpace(s) == "":
		return "", errors.New("the secret is empty; put it there")
	case strings.ContainsAny(s, "\x00"), !lines && strings.ContainsAny(s, "\r\n"):
		return "", errors.New("the secret has more than one line; expected one")
	}
	return collectors.Secret(s), nil
}

// stale notes what is wrong with a secret file whose value before stays: it is
// a fault of the moment, such as a file that is being written.
func (d *decoder) stale(n *yaml.Node, path string, err error) {
	d.src.stale = append(d.src.stale, Fault{File: d.src.file, Line: n.Line, Column: n.Column, Message: path + ": " + err.Error()})
}

func (d *decoder) fromEnv(n *yaml.Node) (string, error) {
	s := d.getenv(n.Value)
	switch {
	case s != "":
		return s, nil
	case envName.MatchString(n.Value):
		return "", fmt.Errorf("the environment variable %s is not set; set it, or name the one that holds the secret", n.Value)
	}
	return "", errors.New("no environment variable of this name is set; expected the name of one, not the secret itself")
}

func (d *decoder) fromFile(n *yaml.Node) (string, error) {
	path, err := d.locate(n.Value)
	if err != nil {
		return "", errors.New("not the path of a file; expected one relative to the configuration's folder, or an absolute one")
	}
	if !slices.Contains(d.src.files, path) {
		d.src.files = append(d.src.files, path)
	}
	s, err := readSmall(path)
	// The path may be a secret in the wrong place; the line tells which it is.
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	if err != nil {
		return "", fmt.Errorf("read the file named here: %w; relative paths start at the configuration's folder", err)
	}
	return s, nil
}

// readSmall reads a regular file that should be small: a pipe might have a
// start wait for ever.
func readSmall(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxSecret {
		return "", fmt.Errorf("longer than %d bytes, so it is no secret", maxSecret)
	}
	return string(b), nil
}
