package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors/builtin"
)

// Load reads and checks the configuration file at path. Secrets come from the
// files that it names and from getenv, which is os.Getenv outside tests. What
// is wrong with its contents is told in one Faults; any other error means that
// it could not be read at all.
func Load(path string, getenv func(string) string) (*Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read configuration: %w; write one with picket connect, or give the path of another", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return newDecoder(path, getenv).load(text)
}

// Reload is Load while before is in force. Where a secret file has nothing
// good in it now, the value that before has from the same file stays, and
// Stale of the new configuration tells it.
func Reload(before *Config, path string, getenv func(string) string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	d := newDecoder(path, getenv)
	d.kept = before.src.secrets
	return d.load(text)
}

func (d *decoder) load(text []byte) (*Config, error) {
	c := d.decode(text)
	if len(d.faults) > 0 {
		return nil, d.faults.sorted()
	}
	return c, nil
}

// Named returns the files that the configuration file at path is read from,
// itself first, and the folders of rules that it names, as far as they can be
// told where Load refuses it: a change of any of them may mend it.
func Named(path string, getenv func(string) string) (files, dirs []string) {
	d := newDecoder(path, getenv)
	if text, err := os.ReadFile(path); err == nil {
		if c := d.decode(text); c != nil {
			dirs = slices.Concat(c.Rules.Dirs, c.Rules.Shadow)
		}
	}
	return d.src.files, dirs
}

func newDecoder(path string, getenv func(string) string) *decoder {
	return &decoder{
		src:    &source{file: path, where: map[string]position{}, files: []string{path}, secrets: noSecrets()},
		dir:    filepath.Dir(path),
		getenv: getenv,
		kept:   noSecrets(),
		specs:  builtin.Specs(),
	}
}

func (d *decoder) decode(text []byte) *Config {
	root := d.parse(text)
	if root == nil {
		return nil
	}
	c := defaults()
	c.src = d.src
	d.config(root, c)
	return c
}

// parse returns the one document's content, or nil after a fault.
func (d *decoder) parse(text []byte) *yaml.Node {
	if line, column, ok := firstInvalid(text); ok {
		d.at(&yaml.Node{Line: line, Column: column}, "", "not UTF-8 text; save the file as UTF-8")
		return nil
	}
	document, more, err := documents(text)
	switch {
	case err != nil:
		d.syntax(err, text)
		return nil
	case more.Kind != 0:
		d.at(more, "", "a second document starts; expected one, remove the line --- and what follows")
		return nil
	}
	if len(document.Content) == 0 {
		return document // no content at all
	}
	return document.Content[0]
}

// documents returns the first two documents of a text; one that is not there
// is the zero node.
func documents(text []byte) (first, second *yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	first, second = new(yaml.Node), new(yaml.Node)
	for _, n := range []*yaml.Node{first, second} {
		if err := dec.Decode(n); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, nil, err
		}
	}
	return first, second, nil
}

var (
	yamlPlace  = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	yamlAnchor = regexp.MustCompile(`(?s)unknown anchor '(.*)' referenced`)
)

// syntax tells of text that is no YAML. An anchor's name is not repeated: it
// may be a secret that starts with an asterisk.
func (d *decoder) syntax(err error, text []byte) {
	message := err.Error()
	at := &yaml.Node{Line: 1, Column: 1}
	if place := yamlPlace.FindStringSubmatch(message); place != nil {
		message = message[len(place[0]):]
		at.Line = syntaxLine(place[1], message, text)
	}
	lines := strings.Split(string(text), "\n")
	at.Line = min(at.Line, len(lines))
	if anchor := yamlAnchor.FindStringSubmatch(message); anchor != nil {
		before, _, _ := strings.Cut(string(text), "*"+anchor[1])
		at.Line = 1 + strings.Count(before, "\n")
		at.Column = 1 + utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
		d.at(at, "", "an alias names no anchor; put text that starts with * in quotes")
		return
	}
	if line := lines[at.Line-1]; strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
		at.Column = 1 + strings.IndexByte(line, '\t')
		d.at(at, "", "not YAML: a tab in the indentation; indent with spaces")
		return
	}
	d.at(at, "", "not YAML from here on: %s; check indentation, quotes and brackets", message)
}

// syntaxLine returns the line of a syntax error. The library tells it for
// faults inside a scalar. For those of brackets it tells where they open, and
// for those of indentation only where the whole mapping or list starts, both
// counted from 0.
func syntaxLine(told, message string, text []byte) int {
	line, err := strconv.Atoi(told)
	if err != nil {
		line = 0
	}
	switch message {
	case "did not find expected key", "did not find expected '-' indicator":
		// The parser reads in order, so the fault is in the last line of the
		// shortest beginning that has it.
		lines := bytes.SplitAfter(text, []byte("\n"))
		return 1 + sort.Search(len(lines)-1, func(i int) bool {
			_, _, err := documents(bytes.Join(lines[:i+1], nil))
			return err != nil && strings.HasSuffix(err.Error(), message)
		})
	}
	if strings.HasPrefix(message, "did not find expected") {
		return line + 1
	}
	return max(line, 1)
}

// firstInvalid finds the first byte that is not UTF-8.
func firstInvalid(text []byte) (line, column int, ok bool) {
	line, column = 1, 1
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			return line, column, true
		case r == '\n':
			line, column = line+1, 1
		default:
			column++
		}
		text = text[size:]
	}
	return 0, 0, false
}
