package connect

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors"
)

// secret is one value of a credential: what it is, and where the configuration
// says that it is.
type secret struct {
	key   string // of the configuration: "bearer_token"
	value collectors.Secret
	env   string // name of the environment variable that holds it
	file  string // path of the file that holds it, relative to the configuration's folder or absolute
	write bool   // the file has to be written
	lines bool   // it may have several
}

// ref is the configuration's reference to the secret.
func (s *secret) ref() *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{word("file"), word(s.file)}}
	if s.env != "" {
		n.Content = []*yaml.Node{word("env"), word(s.env)}
	}
	return n
}

// check refuses what cannot be it.
func (s *secret) check(text string) error {
	if s.lines {
		return nil
	}
	return checkSecret(text)
}

// exists reports whether something is at a path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// asked is a secret that is wanted.
type asked struct {
	key   string // of the configuration
	label string // for a person: "Bearer token"
	file  string // name for its file: "acme-x"
	may   bool   // may stay empty
	lines bool   // may have several lines, so that it comes as a file
}

// envForm is that of names which the configuration takes.
var envForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// obtain takes a secret from where a flag says, or from the person. Env and
// path are empty for the person.
func (w *walk) obtain(ctx context.Context, a asked, env, path string) (*secret, error) {
	s := &secret{key: a.key, lines: a.lines}
	var err error
	switch {
	case env != "":
		s.env = env
		err = w.fromEnv(s)
	case path != "":
		err = w.fromFile(s, path)
	case w.d.yes && a.may && !w.o.TokenStdin:
		return nil, nil
	case w.d.yes && !w.o.TokenStdin:
		return nil, fault("Give --token-file, --token-env or --token-stdin", "%s: not given", a.label)
	case a.lines:
		path, err = w.d.ask(ctx, question{label: "File that holds the " + strings.ToLower(a.label), flag: "--token-file", may: a.may})
		if err != nil || path == "" {
			return nil, err
		}
		err = w.fromFile(s, path)
	default:
		s.value, err = w.d.secret(ctx, a.label, a.may)
		if err == nil && s.value == "" {
			return nil, nil
		}
		s.file, s.write = w.site.freeSecret(a.file), true
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (w *walk) fromEnv(s *secret) error {
	if !envForm.MatchString(s.env) {
		return fault("Give the name of one, such as X_BEARER_TOKEN, never the secret itself", "--token-env is not the name of an environment variable in capital letters")
	}
	s.value = collectors.Secret(w.Getenv(s.env))
	if s.value == "" {
		return fault("Set it for this command, and for the service that runs Picket", "the environment variable %s is not set", s.env)
	}
	if err := s.check(s.value.Reveal()); err != nil {
		return fault("Set it anew", "the environment variable %s cannot be used: %v", s.env, err)
	}
	return nil
}

// fromFile uses a file that is there and leaves it where it is.
func (w *walk) fromFile(s *secret, path string) error {
	const longest = 64 << 10
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > longest) {
		return fault("Give the path of a small text file that holds the secret alone", "%s is none", path)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return fault("Check --token-file", "the secret cannot be read: %v", err)
	}
	for len(text) > 0 && (text[len(text)-1] == '\n' || text[len(text)-1] == '\r') {
		text = text[:len(text)-1]
	}
	if len(text) == 0 {
		return fault("Put the secret into it", "%s is empty", path)
	}
	if err := s.check(string(text)); err != nil {
		return fault("Put the secret alone into it, in one line", "%s cannot be used: %v", path, err)
	}
	s.value = collectors.Secret(text)
	s.file = w.site.relative(path)
	if info.Mode().Perm()&(fs.ModePerm&^0o700) != 0 && keepsRights {
		w.d.say("Others on this machine may read %s: chmod 600 %s", path, path)
	}
	return nil
}

// relative returns a path as the configuration writes it: from its own folder
// where that is shorter than from the root.
func (s *site) relative(path string) string {
	from, err1 := filepath.Abs(filepath.Dir(s.path))
	to, err2 := filepath.Abs(path)
	if err1 != nil || err2 != nil {
		return path
	}
	if rel, err := filepath.Rel(from, to); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return to
}
