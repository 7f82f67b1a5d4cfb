package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/trial"
	"github.com/picketd/picket/detector"
)

type tryCmd struct {
	What    string        `arg:"" help:"mastodon:@name@server, or file:PATH: an X archive (zip or folder) or JSON lines of activities (plain or .gz)."`
	Posts   int           `help:"Of a Mastodon account: how many of the newest posts to read, at most 4000." default:"2000"`
	Since   time.Duration `help:"Look back only so far, such as 365d."`
	Server  string        `help:"The Mastodon server's web address, where it is not the part after the second @."`
	Account string        `help:"Whose history an X archive is, such as x/acme; of JSON lines, the only account to look at."`
	Rules   []string      `help:"Folders of rule documents to use beside the built-in pack." type:"existingdir"`
	All     bool          `help:"Tell every alert, not only the most telling."`
	JSON    bool          `help:"Print one JSON object with everything."`
}

// Run reads a history, judges it as if Picket had been watching, and tells what
// came of it.
func (c *tryCmd) Run(e *env) error {
	files, err := app.RuleFiles([]string{"social"}, c.Rules)
	if err != nil {
		return err
	}
	plan, err := detector.Compile(detector.Set{Rules: files})
	if err != nil {
		return err
	}
	h, err := c.read(e)
	if err != nil {
		return err
	}
	report, err := trial.Try(e.ctx, h, plan)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.out).Encode(report)
	}
	return report.Text(e.out, c.All)
}

// read reads what the argument names.
func (c *tryCmd) read(e *env) (*trial.History, error) {
	var since time.Time
	if c.Since > 0 {
		since = time.Now().Add(-c.Since)
	}
	status := newStatusLine(e)
	defer status.clear()
	kind, what, _ := strings.Cut(c.What, ":")
	switch {
	case kind == "file" && what != "":
		return trial.ReadFile(e.ctx, what, trial.FileOptions{Account: c.Account, Since: since, Progress: status.reading})
	case kind == "mastodon" && what != "":
		return c.mastodon(e, what, since, status)
	}
	path := "PATH"
	if _, err := os.Stat(c.What); err == nil {
		path = c.What
	}
	return nil, fmt.Errorf("%q names no history; write file:%s for a file, or mastodon:@name@server for a Mastodon account", c.What, path)
}

func (c *tryCmd) mastodon(e *env, what string, since time.Time, status *statusLine) (*trial.History, error) {
	if c.Posts < 1 || c.Posts > trial.MaxPosts {
		return nil, fmt.Errorf("--posts %d: expected 1 to %d", c.Posts, trial.MaxPosts)
	}
	addr, err := trial.ParseAddress(what, c.Server)
	if err != nil {
		return nil, err
	}
	return trial.ReadMastodon(e.ctx, addr, trial.MastodonOptions{
		Posts: c.Posts, Since: since, Progress: status.reading, Waiting: status.waiting,
		Agent: "picket/" + app.ReadBuild().Version,
	})
}

// statusLine shows on a terminal how far reading is, and nothing elsewhere but
// why it waits.
type statusLine struct {
	e        *env
	terminal bool
	shown    bool
}

func newStatusLine(e *env) *statusLine {
	f, ok := e.errOut.(*os.File)
	return &statusLine{e: e, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

func (s *statusLine) reading(read int, at time.Time) {
	if s.terminal {
		s.shown = true
		fmt.Fprintf(s.e.errOut, "\r\x1b[Kreading: %d items, at %s", read, at.Format("2 Jan 2006"))
	}
}

func (s *statusLine) waiting(why string, wait time.Duration) {
	s.clear()
	fmt.Fprintf(s.e.errOut, "%s; going on in %s\n", why, wait.Round(time.Second))
}

func (s *statusLine) clear() {
	if s.shown {
		fmt.Fprint(s.e.errOut, "\r\x1b[K")
		s.shown = false
	}
}
