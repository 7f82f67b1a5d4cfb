package main

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
)

type runCmd struct {
	Config string `short:"c" help:"Configuration file." default:"picket.yaml" type:"path"`
	Quiet  bool   `short:"q" help:"Do not print alerts; they are published and exported all the same."`
}

// Run watches until it is told to stop.
func (c *runCmd) Run(e *env) error {
	screen := &screen{e: e}
	level := zap.NewAtomicLevel()
	opts := app.Options{
		ConfigPath: c.Config, Getenv: e.getenv,
		Log: func(l config.Log) (*zap.Logger, error) {
			return newLogger(l, level, screen), level.UnmarshalText([]byte(l.Level))
		},
		SetLevel: func(name string) error { return level.UnmarshalText([]byte(name)) },
		Started: func(at app.Addresses) {
			screen.started(c.Config, at)
			if err := notifyReady(e.getenv("NOTIFY_SOCKET")); err != nil {
				fmt.Fprintf(screen, "picket: %v\n", err)
			}
		},
	}
	if !c.Quiet {
		opts.Alert = screen.alert
	}
	err := app.Run(e.ctx, opts)
	if err == nil && screen.demo {
		fmt.Fprint(e.out, ownAccount)
	}
	return err
}

const ownAccount = `
These accounts were made up. To watch one of your own, write picket.yaml:

  credentials:
    mine: {collector: x, bearer_token: {env: X_TOKEN}}
  accounts:
  - {account: x/HANDLE, credential: mine, owner: YOU, time_zone: Europe/Berlin}

then:  picket config check picket.yaml && picket run
More is in README.md, every key in deploy/config/reference.yaml.
`

// newLogger writes log lines to standard error.
func newLogger(l config.Log, level zap.AtomicLevel, out zapcore.WriteSyncer) *zap.Logger {
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	encoder := zapcore.NewJSONEncoder(enc)
	if l.Format == "console" {
		enc.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(enc)
	}
	return zap.New(zapcore.NewCore(encoder, out, level))
}

// screen is the terminal: alerts on standard output, the log on standard
// error, neither cut by the other.
type screen struct {
	e    *env
	mu   sync.Mutex
	demo bool
}

// Write implements zapcore.WriteSyncer for the log.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.e.errOut.Write(p)
}

// Sync implements zapcore.WriteSyncer.
func (s *screen) Sync() error { return nil }

func (s *screen) started(path string, at app.Addresses) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.demo = at.Demo
	fmt.Fprintf(s.e.out, "picket is watching\n  metrics   http://%s/metrics\n", at.HTTP)
	if at.NATS != "" {
		user := ""
		if at.Password != "" {
			user = fmt.Sprintf(` --user %s --password "$(cat '%s')"`, app.UserAlerts, at.Password)
		}
		fmt.Fprintf(s.e.out, "  alerts    nats sub -s nats://%s%s 'picket.alert.>'\n", at.NATS, user)
	}
	fmt.Fprintf(s.e.out, "  in words  picket alerts ls --config '%[1]s'\n  coverage  picket coverage --config '%[1]s'\n\n", path)
}

func (s *screen) alert(a *alerting.Alert, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.e.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		text = colour(a) + strings.Replace(text, "\n", "\x1b[0m\n", 1)
	}
	fmt.Fprintln(s.e.out, text)
}

// colour begins the title line in the colour of its level.
func colour(a *alerting.Alert) string {
	switch {
	case a.State == alerting.Resolved:
		return "\x1b[32m"
	case a.Rule.Level == "critical":
		return "\x1b[1;31m"
	case a.Rule.Level == "high":
		return "\x1b[31m"
	}
	return "\x1b[33m"
}
