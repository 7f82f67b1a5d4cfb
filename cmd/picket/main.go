// Command picket watches an organisation's social-media accounts and pages
// people when an account behaves oddly. Here is the command line, one file per
// subcommand; what the commands do belongs in the rooms they call.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // accounts have time zones, and a container may have none

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/exports"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// env is what every subcommand works with.
type env struct {
	ctx         context.Context //nolint:containedctx // lives as long as the one command that it belongs to
	in          io.Reader
	out, errOut io.Writer
	getenv      func(string) string
}

type cli struct {
	Try        tryCmd                    `cmd:"" help:"Show what Picket would have told about an account so far."`
	Connect    connectCmd                `cmd:"" help:"Connect an account, step by step."`
	Import     importCmd                 `cmd:"" help:"Learn an account's history from what its network exports."`
	Run        runCmd                    `cmd:"" help:"Watch the configured accounts and raise alerts."`
	Alerts     alertsCmd                 `cmd:"" help:"List, show, acknowledge and resolve alerts."`
	Incidents  incidentsCmd              `cmd:"" help:"List incidents, and show what happened and who was told."`
	Route      routeCmd                  `cmd:"" help:"Show where alerts go."`
	Receivers  receiversCmd              `cmd:"" help:"List receivers, and send one a test message."`
	Dead       deadCmd                   `cmd:"" name:"deadletters" help:"List what receivers have not taken, and send it again."`
	Baseline   baselineCmd               `cmd:"" help:"Show what rules have learned of an account, trust it or forget it."`
	Silence    silenceCmd                `cmd:"" help:"Silence alerts for a while, and show what is silenced."`
	Oncall     oncallCmd                 `cmd:"" help:"Show who is on duty, and the next hand-overs."`
	Plan       planCmd                   `cmd:"" help:"Plan more activity than usual for a time."`
	Approve    approveCmd                `cmd:"" help:"Record that a message may be published."`
	Collectors collectorsCmd             `cmd:"" help:"Show how polling goes, and what budgets have left."`
	Coverage   coverageCmd               `cmd:"" help:"Show which rules watch which accounts."`
	Budget     budgetCmd                 `cmd:"" help:"Show how the alert budget is used, by rule and account."`
	Check      checkCmd                  `cmd:"" help:"Print every fault of rules, and what is odd about them."`
	Test       testCmd                   `cmd:"" help:"Play the tests of rules, and show what they leave untried."`
	Explain    explainCmd                `cmd:"" help:"Show why a rule matches an activity, or an alert was raised."`
	Rules      rulesCmd                  `cmd:"" help:"Compare versions of rules."`
	Replay     replayCmd                 `cmd:"" help:"Run the rules over recorded activity."`
	Tune       tuneCmd                   `cmd:"" help:"Try other numbers of a rule on recorded activity."`
	Evaluate   evaluateCmd               `cmd:"" help:"Play takeovers of recorded accounts, and show what rules notice."`
	Simulate   simulateCmd               `cmd:"" help:"Write the activity of simulated accounts."`
	Config     configCmd                 `cmd:"" help:"Check the configuration."`
	Health     healthCmd                 `cmd:"" help:"Ask the daemon on this machine whether it works."`
	Version    versionCmd                `cmd:"" help:"Print version and build."`
	Completion kongcompletion.Completion `cmd:"" help:"Print shell code for tab completion."`
}

// exitCode lets kong's own exits (help, completion) unwind as a panic, so
// that run returns and tests can call it.
type exitCode int

// exitUsage is the exit code for a command line that is not understood.
const exitUsage = 80

// run parses args and runs one subcommand. It returns the exit code: 0, 1 for
// an error, exitUsage for a command line that is not understood.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			c, ok := r.(exitCode)
			if !ok {
				panic(r)
			}
			code = int(c)
		}
	}()
	parser, err := newParser(out, errOut)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 1
	}
	kongcompletion.Register(parser)
	kctx, err := parser.Parse(args)
	if err != nil {
		return misunderstood(errOut, err)
	}
	e := &env{ctx: ctx, in: in, out: out, errOut: errOut, getenv: os.Getenv}
	if err := kctx.Run(e); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintf(errOut, "picket: %v\n", err)
		}
		return 1
	}
	return 0
}

// newParser makes the parser of the command line, which writes help there.
func newParser(out, errOut io.Writer) (*kong.Kong, error) {
	c := new(cli)
	c.Connect.Plugins = describedCommands()
	return kong.New(c,
		kong.Name("picket"), kong.Vars{"exports": strings.Join(exports.Networks(), ",")},
		kong.Description("Picket watches an organisation's social-media accounts and pages people when an account behaves oddly."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.TypeMapper(reflect.TypeFor[time.Time](), scalar("a time such as 2026-03-01T08:00:00Z", parseTime)),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), scalar("a duration such as 30s, 15m, 12h or 7d", config.ParseDuration)),
		kong.Writers(out, errOut), kong.Exit(func(c int) { panic(exitCode(c)) }),
	)
}

// misunderstood tells in two lines what is wrong with a command line and where
// the help for it is.
func misunderstood(errOut io.Writer, err error) int {
	command := "picket"
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context.Selected() != nil {
		command = wrong.Context.Selected().FullPath()
	}
	fmt.Fprintf(errOut, "picket: %v\nRun \"%s --help\" for what it takes.\n", err, command)
	return exitUsage
}

// scalar reads a flag's value of one type.
func scalar[T any](expected string, parse func(string) (T, error)) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return err
		}
		v, err := parse(text)
		if err != nil {
			return fmt.Errorf("expected %s but got %q", expected, text)
		}
		target.Set(reflect.ValueOf(v))
		return nil
	}
}

func parseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) }

// errReported is returned by a subcommand that has told its errors itself.
var errReported = errors.New("already reported")
