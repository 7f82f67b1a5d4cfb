package connect

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
)

// site is a configuration file and the folder that it is in.
type site struct {
	path   string
	text   []byte         // as it is, or the beginning of one that is not there
	fresh  bool           // it is not there yet
	mode   fs.FileMode    // of the file that is there
	cfg    *config.Config // nil where fresh
	getenv func(string) string
}

// beginning is what a new configuration starts with.
const beginning = `# Picket's configuration. Check it with: picket config check FILE
# Every key is in deploy/config/reference.yaml of Picket's sources.

data_dir: ./data   # the log of activities, alerts and passwords that Picket makes
`

func openSite(path string, getenv func(string) string) (*site, error) {
	s := &site{path: path, getenv: getenv, mode: 0o600}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if parent, err := os.Stat(filepath.Dir(path)); err != nil || !parent.IsDir() {
			return nil, fault("Make it, or give another --config", "there is no folder %s for the configuration", filepath.Dir(path))
		}
		s.fresh, s.text = true, []byte(beginning)
		return s, nil
	}
	if err == nil {
		s.mode = info.Mode().Perm()
		s.text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fault("Give another --config, or the right to read it", "the configuration cannot be read: %v", err)
	}
	if s.cfg, err = config.Load(path, s.assumed); err != nil {
		if s.cfg = s.unwatching(); s.cfg != nil {
			return s, nil
		}
		return nil, fault("Mend that first; picket config check tells when it is", "the configuration has a fault already:\n%v\nso nothing is added to it", err)
	}
	return s, nil
}

// unwatching returns the configuration of a file that has no fault but that it
// watches nothing yet, nil of any other.
func (s *site) unwatching() *config.Config {
	var probe members
	probe.text("name", "probe")
	probe.text("collector", config.CollectorFile)
	probe.text("path", "probe")
	text, err := insert(s.text, []entry{{section: "sources", value: &probe.node}})
	if err != nil {
		return nil
	}
	cfg, err := s.load(text)
	if err != nil || len(cfg.Sources) != 1 || len(cfg.Accounts) != 0 {
		return nil
	}
	cfg.Sources = nil
	return cfg
}

// assumed is the environment with a value for every name: what the service
// that runs Picket has need not be set here.
func (s *site) assumed(name string) string {
	if v := s.getenv(name); v != "" {
		return v
	}
	sum := sha256.Sum256([]byte(name))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// missing tells whether a secret of the file is of an environment variable that
// is not set here.
func (s *site) missing(secret collectors.Secret) bool {
	cfg, err := config.Load(s.path, s.getenv)
	return err != nil || !slices.Contains(cfg.Secrets(), secret)
}

// account returns the configured account that is the one of these names,
// whatever the letters' case, and the file's line of it.
func (s *site) account(same func(a *config.Account) bool) (a *config.Account, line int) {
	if s.fresh {
		return nil, 0
	}
	for i := range s.cfg.Accounts {
		if same(&s.cfg.Accounts[i]) {
			return &s.cfg.Accounts[i], s.cfg.Fault(fmt.Sprintf("accounts[%d].account", i), "").Line
		}
	}
	return nil, 0
}

// already is the fault of an account that is in the file.
func (s *site) already(a *config.Account, line int) error {
	if a.Credential == "" {
		return fault("Remove that entry and connect again, or add a credential to it by hand",
			"%s is in %s already, line %d, without a credential", a.Name, s.path, line)
	}
	return fault("There is nothing to do; to change how it is read, edit that line",
		"%s is in %s already, line %d, read with the credential %s", a.Name, s.path, line, a.Credential)
}

// credential returns a credential of the file that fits.
func (s *site) credential(fits func(c *config.Credential) bool) *config.Credential {
	if s.fresh {
		return nil
	}
	for i := range s.cfg.Credentials {
		if fits(&s.cfg.Credentials[i]) {
			return &s.cfg.Credentials[i]
		}
	}
	return nil
}

// freeCredential returns a name that no credential has.
func (s *site) freeCredential(wanted string) string {
	return free(wanted, func(name string) bool {
		return s.credential(func(c *config.Credential) bool { return c.Name == name }) != nil
	})
}

// freeSource returns a name that no source has.
func (s *site) freeSource(wanted string) string {
	return free(wanted, func(name string) bool {
		return !s.fresh && slices.ContainsFunc(s.cfg.Sources, func(src config.Source) bool { return src.Name == name })
	})
}

func free(wanted string, taken func(string) bool) string {
	name := wanted
	for n := 2; taken(name); n++ {
		name = fmt.Sprintf("%s-%d", wanted, n)
	}
	return name
}

// nameFrom makes a name for credentials and sources of parts of an account's:
// letters, digits, _ and -.
func nameFrom(parts ...string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, strings.Join(parts, "-"))
	const longest = 50
	return strings.TrimLeft(name[:min(len(name), longest)], "-_")
}

// load reads a text as if it were the file: from the same folder, where what it
// names is found.
func (s *site) load(text []byte) (*config.Config, error) {
	staged, err := stage(filepath.Dir(s.path), text, 0o600)
	if err != nil {
		return nil, s.unwritable(err)
	}
	defer func() { _ = os.Remove(staged) }()
	cfg, err := config.Load(staged, s.assumed)
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), staged, s.path))
	}
	return cfg, nil
}

// check refuses an edited text that the configuration would not take.
func (s *site) check(text []byte) error {
	_, err := s.load(text)
	if _, told := errors.AsType[*Fault](err); err == nil || told {
		return err
	}
	return fault("Nothing was changed; add it by hand, or tell Picket's makers",
		"with the account added the configuration would have a fault:\n%v", err)
}

// replace puts a text in the place of the file, in one step.
func (s *site) replace(text []byte) error {
	path := s.path
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to // the link stays
	}
	if !s.fresh {
		now, err := os.ReadFile(path)
		if err != nil || string(now) != string(s.text) {
			return fault("Start again, so that nothing of that is lost", "%s was changed by somebody else meanwhile", s.path)
		}
	}
	staged, err := stage(filepath.Dir(path), text, s.mode)
	if err != nil {
		return s.unwritable(err)
	}
	if !s.fresh {
		keepOwner(path, staged)
	}
	if err := os.Rename(staged, path); err != nil {
		return s.unwritable(errors.Join(err, os.Remove(staged)))
	}
	return nil
}

func (s *site) unwritable(err error) error {
	return fault("Run this as a user who may, or give another --config", "the configuration cannot be written: %v", err)
}

// stage writes a new file beside the one that it is to become.
func stage(dir string, text []byte, mode fs.FileMode) (name string, err error) {
	f, err := os.CreateTemp(dir, ".picket-connect-*.yaml")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// secretsFolder is where secrets go, beside the configuration.
const secretsFolder = "secrets"

// freeSecret returns the path of a secret's file that is not there yet,
// relative to the configuration's folder.
func (s *site) freeSecret(wanted string) string {
	return free(filepath.ToSlash(filepath.Join(secretsFolder, wanted)), func(path string) bool {
		_, err := os.Lstat(filepath.Join(filepath.Dir(s.path), path))
		return err == nil
	})
}

// writeSecret writes a secret's file, which only its owner may read, and never
// over another.
func (s *site) writeSecret(path string, secret collectors.Secret) error {
	path = filepath.Join(filepath.Dir(s.path), path)
	unwritable := func(err error) error {
		return fault("Run this as a user who may, or keep the secret in an environment variable: --token-env", "the secret's file cannot be written: %v", err)
	}
	if err := makeSecrets(filepath.Dir(path)); err != nil {
		return unwritable(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return unwritable(err)
	}
	_, err = f.WriteString(secret.Reveal() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return unwritable(errors.Join(err, os.Remove(path)))
	}
	return nil
}

// makeSecrets makes the folder of secrets where it is not there yet, as one that
// git leaves alone: configurations are often kept in a repository.
func makeSecrets(folder string) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return err
	}
	err := os.Mkdir(folder, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, ".gitignore"), []byte("*\n"), 0o600)
}

// removeSecret takes a secret's file back.
func (s *site) removeSecret(path string) {
	_ = os.Remove(filepath.Join(filepath.Dir(s.path), path)) // it was of no use yet
}
