package main

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/alecthomas/kong"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/connect"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/builtin"
)

type connectCmd struct {
	X        connectXCmd        `cmd:"" help:"Connect an account of X, and see what it costs."`
	Mastodon connectMastodonCmd `cmd:"" help:"Connect an account of Mastodon, with or without a token."`
	Okta     connectOktaCmd     `cmd:"" help:"Connect an organisation's Okta, whose log shows logins."`
	kong.Plugins
}

// connectDescribedCmd connects what describes itself in collectors/builtin; a
// command of its name stands beside the others.
type connectDescribedCmd struct {
	accountFlags
	connectFlags
	personFlags
	Set   map[string]string `help:"A setting of the credential or the account, as in the file; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`
	Guard []string          `help:"Of a log: whose logins guard which accounts; may be repeated." placeholder:"LOGIN=ACCOUNT,..." sep:"none"`
	spec  collectors.Spec
}

// Run connects an account or a log.
func (c *connectDescribedCmd) Run(e *env) error {
	account, err := c.account()
	if err != nil {
		return err
	}
	return connect.Described(e.ctx, e.world(), c.spec, connect.DescribedOptions{
		Options: c.options(), Person: c.person(), Account: account, Set: c.Set, Guards: c.Guard,
	})
}

// describedCommands returns a command for each collector that describes itself,
// as a struct with one field that bears its name.
func describedCommands() kong.Plugins {
	var all kong.Plugins
	for _, spec := range builtin.Specs() {
		help := "Connect an account of " + spec.Title + "."
		if spec.Multi {
			help = "Connect " + spec.Title + ", whose log shows logins."
		}
		holder := reflect.New(reflect.StructOf([]reflect.StructField{{
			Name: "Described", Type: reflect.TypeFor[connectDescribedCmd](),
			Tag: reflect.StructTag(fmt.Sprintf(`cmd:"" name:%q help:%q`, spec.Name, help)),
		}}))
		command, _ := reflect.TypeAssert[*connectDescribedCmd](holder.Elem().Field(0).Addr())
		command.spec = spec
		all = append(all, holder.Interface())
	}
	return all
}

// connectFlags are those of every network.
type connectFlags struct {
	Config     string        `short:"c" help:"Configuration file to add to, or to write." default:"picket.yaml"`
	Credential string        `help:"Name of a credential of the file, or for a new one." placeholder:"NAME"`
	TokenFile  string        `help:"File that holds the secret; it stays where it is." placeholder:"PATH"`
	TokenEnv   string        `help:"Environment variable that holds the secret, here and for the service." placeholder:"NAME"`
	TokenStdin bool          `help:"Read the secret from standard input even with --yes."`
	Every      time.Duration `help:"How often to look." default:"1m"`
	Yes        bool          `short:"y" help:"Ask nothing: take the defaults for what no flag says, and write."`
}

func (f *connectFlags) options() connect.Options {
	return connect.Options{
		Config: f.Config, Credential: f.Credential, TokenFile: f.TokenFile, TokenEnv: f.TokenEnv,
		TokenStdin: f.TokenStdin, Every: f.Every, Yes: f.Yes,
	}
}

// personFlags say who answers for an account.
type personFlags struct {
	Owner        string `help:"Who answers for the account."`
	Contact      string `help:"How to reach that person."`
	TimeZone     string `help:"Where people work on it, such as Europe/Berlin."`
	WorkingHours string `help:"When, such as \"Mon-Fri 09:00-18:00\"."`
}

func (f personFlags) person() connect.Person {
	return connect.Person{Owner: f.Owner, Contact: f.Contact, TimeZone: f.TimeZone, WorkingHours: f.WorkingHours}
}

// accountFlags name an account either way.
type accountFlags struct {
	Name    string `arg:"" optional:"" name:"account" help:"The account; asked for unless given."`
	Account string `help:"The account, for scripts." placeholder:"NAME"`
}

func (f accountFlags) account() (string, error) {
	switch {
	case f.Name == "":
		return f.Account, nil
	case f.Account != "" && f.Account != f.Name:
		return "", errors.New("two accounts are given; connect them one after the other")
	}
	return f.Name, nil
}

type connectXCmd struct {
	accountFlags
	connectFlags
	personFlags
	BaseURL   string `help:"Root of the API, where it is not X's own." placeholder:"URL"`
	OAuth1    bool   `name:"oauth1" help:"Use four secrets of the account itself in place of a bearer token: --token-env is then the beginning of four names, --token-file a folder with consumer_key, consumer_secret, access_token and access_secret."`
	Activity  bool   `help:"Also hear at once of posts, deletions and profile changes, over a stream of X's; it charges for events."`
	Messages  bool   `name:"direct-messages" help:"Also read the direct messages that the account sends; needs --oauth1, and secrets that may write."`
	Rehydrate int    `help:"How many of the newest posts to look up again to find deletions, 0 to 100; X charges for each once a day." default:"100"`
	Budget    string `help:"US dollars a month at which polling stops, or none." placeholder:"USD"`
}

// Run connects an account of X.
func (c *connectXCmd) Run(e *env) error {
	account, err := c.account()
	if err != nil {
		return err
	}
	if c.Rehydrate < 0 || c.Rehydrate > 100 {
		return fmt.Errorf("--rehydrate %d: expected 0 to 100", c.Rehydrate)
	}
	return connect.X(e.ctx, e.world(), connect.XOptions{
		Options: c.options(), Person: c.person(), Account: account,
		BaseURL: c.BaseURL, OAuth1: c.OAuth1, Activity: c.Activity, Messages: c.Messages, Rehydrate: c.Rehydrate, Budget: c.Budget,
	})
}

type connectMastodonCmd struct {
	accountFlags
	connectFlags
	personFlags
	Server   string `help:"The server's web address, where it is not the part after the second @." placeholder:"URL"`
	Mentions bool   `help:"Also read who mentions the account; needs a token of the account itself."`
}

// Run connects an account of Mastodon.
func (c *connectMastodonCmd) Run(e *env) error {
	account, err := c.account()
	if err != nil {
		return err
	}
	return connect.Mastodon(e.ctx, e.world(), connect.MastodonOptions{
		Options: c.options(), Person: c.person(), Account: account, Server: c.Server, Mentions: c.Mentions,
	})
}

type connectOktaCmd struct {
	connectFlags
	BaseURL  string   `help:"Address of the organisation, such as https://acme.okta.com." placeholder:"URL"`
	Identity string   `help:"Which part of a user is the name: ${enum}." enum:"email_local,login,id" default:"email_local"`
	Guard    []string `help:"Whose logins guard which accounts; may be repeated." placeholder:"LOGIN=ACCOUNT,..." sep:"none"`
}

// Run connects an organisation's Okta.
func (c *connectOktaCmd) Run(e *env) error {
	return connect.Okta(e.ctx, e.world(), connect.OktaOptions{
		Options: c.options(), BaseURL: c.BaseURL, Identity: c.Identity, Guards: c.Guard,
	})
}

// world is what a walk through connecting works with.
func (e *env) world() connect.World {
	return connect.World{
		In: e.in, Out: e.out, Getenv: e.getenv, Now: time.Now, Agent: "picket/" + app.ReadBuild().Version,
	}
}
