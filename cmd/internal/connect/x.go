package connect

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/x"
)

// XOptions are what connecting an account of X takes.
type XOptions struct {
	Options
	Person
	Account   string // handle, with or without @, or the address of its page
	BaseURL   string // "" for X's own
	OAuth1    bool   // the account's own four secrets in place of a bearer token
	Activity  bool   // events are heard, over a stream
	Messages  bool   // direct messages that it sends are read
	Rehydrate int    // newest posts that are looked up for deletions
	Budget    string // US dollars a month, "none" for no bound
}

// xWindow is how long X's rate limits last.
const xWindow = 15 * time.Minute

// xWalk is the way of one account of X.
type xWalk struct {
	*walk
	xo     XOptions
	handle string
	reuse  *config.Credential // in the file already
	cfg    x.Config
}

// X connects an account of X.
func X(ctx context.Context, world World, o XOptions) error {
	w, err := newWalk(world, o.Options)
	if err != nil {
		return err
	}
	switch {
	case o.Activity && o.OAuth1:
		return fault("Connect without --oauth1, or add bearer_token and activity: stream to the credential afterwards", "X tells of activity to an app's bearer token only")
	case o.Messages && !o.OAuth1:
		return fault("Connect with --oauth1 and secrets of the account itself", "X shows direct messages to the account itself only")
	}
	xw := &xWalk{walk: w, xo: o}
	w.d.say("Connecting an account of X")
	if err := xw.account(ctx); err != nil {
		return err
	}
	if err := xw.login(ctx); err != nil {
		return err
	}
	s, takes, err := xw.look(ctx)
	if err != nil {
		return err
	}
	entries, err := xw.entries(ctx, s, takes)
	if err != nil {
		return err
	}
	return w.finish(ctx, entries)
}

// account asks which account it is.
func (w *xWalk) account(ctx context.Context) error {
	handle, err := w.d.ask(ctx, question{label: "\nAccount on X (@name)", flag: "--account", given: w.xo.Account, check: parseHandle})
	if err != nil {
		return err
	}
	w.handle = handle
	if a, line := w.site.account(func(a *config.Account) bool {
		return strings.EqualFold(a.Name, "x/"+handle) || a.Collector == config.CollectorX && strings.EqualFold(a.Username, handle)
	}); a != nil {
		return w.site.already(a, line)
	}
	return nil
}

// parseHandle reads @acme, acme or https://x.com/acme.
func parseHandle(s string) (string, error) {
	handle := strings.TrimPrefix(s, "@")
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		handle, _, _ = strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	}
	ok := len(handle) >= 1 && len(handle) <= 15 && !strings.ContainsFunc(handle, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	})
	if !ok {
		return "", fmt.Errorf("%q is no handle of X: expected 1 to 15 letters, digits or _, such as @acme", s)
	}
	return handle, nil
}

const xBearerGuide = `
Picket reads X with an app-only bearer token. It sees what everybody sees, and
cannot post, follow or change anything.
  1. Sign in at https://console.x.com and make an app, or open one of yours.
  2. Under "Keys and tokens" generate its Bearer Token and copy it.
  3. X is paid by use: buy credits there, and set a spending limit.
`

const xOAuthGuide = `
Picket reads X with four secrets of the account itself, which protected posts
need. Let them read, and nothing else:
  1. Sign in at https://console.x.com as the account and open an app of yours.
  2. In its user authentication settings set the app permissions to %s
  3. Then, under "Keys and tokens", generate the API Key and Secret, and the
     Access Token and Secret. Those from before keep the permissions of before.
  4. X is paid by use: buy credits there, and set a spending limit.
`

// login takes a credential of the file, or makes a new one.
func (w *xWalk) login(ctx context.Context) error {
	w.cfg = x.Config{Account: "x/" + strings.ToLower(w.handle), Username: w.handle, BaseURL: w.xo.BaseURL, Rehydrate: w.xo.Rehydrate}
	if w.xo.Rehydrate == 0 {
		w.cfg.Rehydrate = -1 // for the collector 0 is its default
	}
	var err error
	w.reuse, err = w.reused(ctx, config.CollectorX, func(c *config.Credential) bool {
		return c.BearerToken != "" && c.AccessToken == "" && !w.xo.OAuth1 && (w.xo.BaseURL == "" || w.xo.BaseURL == c.BaseURL)
	})
	if err != nil {
		return err
	}
	if c := w.reuse; c != nil {
		w.cfg.API, w.cfg.BaseURL, w.cfg.FieldsParam, w.cfg.BearerToken = c.API, c.BaseURL, c.FieldsParam, c.BearerToken
		w.cfg.PricePost, w.cfg.PriceUser = c.PricePost, c.PriceUser
		if w.xo.Activity && c.Activity == "" {
			return fault("Add activity: stream to it in the file, or give the name of a new --credential", "the credential %s of the file hears of no events", c.Name)
		}
		return nil
	}
	usual := nameFrom(w.handle, "x")
	if !w.xo.OAuth1 {
		w.guide("%s", xBearerGuide)
		s, err := w.obtain(ctx, asked{key: "bearer_token", label: "Bearer token", file: usual}, w.o.TokenEnv, w.o.TokenFile)
		if err != nil {
			return err
		}
		w.secrets, w.cfg.BearerToken = []*secret{s}, s.value
		return nil
	}
	permissions := `"Read".`
	if w.xo.Messages {
		permissions = `"Read and write and Direct message":
     X shows messages to no less. Who steals these secrets can post.`
	}
	w.guide(xOAuthGuide, permissions)
	for _, a := range []asked{
		{key: "consumer_key", label: "API Key"},
		{key: "consumer_secret", label: "API Key Secret"},
		{key: "access_token", label: "Access Token"},
		{key: "access_secret", label: "Access Token Secret"},
	} {
		a.file = usual + "-" + strings.ReplaceAll(a.key, "_", "-")
		env, file := w.o.TokenEnv, w.o.TokenFile
		if env != "" {
			env += "_" + strings.ToUpper(a.key)
		}
		if file != "" {
			file += "/" + a.key
		}
		s, err := w.obtain(ctx, a, env, file)
		if err != nil {
			return err
		}
		w.secrets = append(w.secrets, s)
	}
	w.cfg.ConsumerKey, w.cfg.ConsumerSecret = w.secrets[0].value, w.secrets[1].value
	w.cfg.AccessToken, w.cfg.AccessSecret = w.secrets[2].value, w.secrets[3].value
	w.cfg.DirectMessages = w.xo.Messages
	return nil
}

// guide says where a secret is made, to who is about to make one.
func (w *walk) guide(format string, args ...any) {
	if !w.d.yes && w.o.TokenEnv == "" && w.o.TokenFile == "" {
		w.d.say(format, args...)
	}
}

// look reads the account and says what was seen and what watching it takes.
func (w *xWalk) look(ctx context.Context) (*x.Standing, xTakes, error) {
	deps, budget := w.deps(x.Endpoint)
	c, err := x.New(w.cfg, deps)
	if err != nil {
		return nil, xTakes{}, fault("Check --base-url and the secret", "this cannot be used: %v", err)
	}
	s, err := try(deps, func() (*x.Standing, error) { return c.Verify(ctx) })
	if err != nil {
		return nil, xTakes{}, w.target().explain(err)
	}
	if a, line := w.site.account(func(a *config.Account) bool { return a.Collector == config.CollectorX && a.UserID == s.UserID }); a != nil {
		return nil, xTakes{}, w.site.already(a, line)
	}
	w.d.say("\nSeen: @%s (%s), %s, %s", s.Handle, s.Name, several(s.Followers, "follower"), several(s.Posts, "post"))
	if s.Read > 0 {
		w.d.say("      newest post %s; about %s a day lately", ago(s.Newest, w.Now()), about(s.PerDay))
	}
	w.access(s)
	takes := xTakes{
		Every: w.o.Every, PerDay: s.PerDay, Extras: s.Extras, Posts: s.Posts,
		Rehydrate: w.xo.Rehydrate, Backfill: x.DefaultBackfill, PricePost: x.DefaultPricePost, PriceUser: x.DefaultPriceUser,
		Activity: w.xo.Activity || w.reuse != nil && w.reuse.Activity != "",
	}
	if w.xo.Messages {
		takes.Messages, takes.PriceMessage = x.MessagesPage, x.DefaultPriceMessage
	}
	if w.cfg.PricePost > 0 {
		takes.PricePost = w.cfg.PricePost
	}
	if w.cfg.PriceUser > 0 {
		takes.PriceUser = w.cfg.PriceUser
	}
	w.estimate(takes, tightest(budget, w.polls(xWindow, w.reuse), 1), s.Cost)
	return s, takes, nil
}

func (w *xWalk) target() target {
	base := w.cfg.BaseURL
	if base == "" {
		base = x.DefaultBaseURL
	}
	t := target{name: "X", host: hostOf(base), account: "@" + w.handle, secret: "bearer token", where: "--base-url", now: w.Now()}
	if w.xo.OAuth1 {
		t.secret = "set of four secrets"
	}
	return t
}

// access warns of a credential that can do more than read.
func (w *xWalk) access(s *x.Standing) {
	switch {
	case !w.xo.OAuth1:
		w.d.say("Rights: an app-only bearer token reads only. Good.")
	case w.xo.Messages && s.Access == "read-write-directmessages":
		w.d.say("Rights: these secrets may write, too, which X wants of who reads messages.")
		w.d.say("        Whoever steals them from Picket can post as @%s: guard them well.", s.Handle)
	case s.MayWrite():
		w.d.say("WARNING: these secrets may write (X says: %s). Whoever steals them from", s.Access)
		w.d.say("         Picket can post as @%s. Set the app's permissions to \"Read\",", s.Handle)
		w.d.say("         generate the Access Token and Secret anew, and connect with those.")
	case s.Access == "":
		w.d.say("Rights: X did not say whether these secrets may write. Look at console.x.com:")
		w.d.say("        the app's permissions must be \"Read\".")
	default:
		w.d.say("Rights: X says that these secrets read only. Good.")
	}
}

// cheaper is how many posts to look up for deletions where money matters.
const cheaper = 20

// estimate says what watching takes.
func (w *xWalk) estimate(t xTakes, u use, cost float64) {
	w.d.say("\nWhat watching it every %s takes:", span(t.Every))
	w.d.say("  requests  about %s a day", about(t.Requests()))
	w.limit(u, "X", xWindow, w.reuse)
	w.d.say("  money     about %s a month, at X's prices of $%g a post and $%g a user read:", dollars(t.Month()), t.PricePost, t.PriceUser)
	w.d.say("            %s new posts, %s the profile,", dollars(t.NewPosts()), dollars(t.Profile()))
	switch n := t.watched(); {
	case w.xo.Rehydrate == 0:
		w.d.say("            nothing to find deletions, which --rehydrate 0 switches off;")
	case n == 0:
	case n > cheaper:
		w.d.say("            %s to look up the newest %d posts each day, which finds", dollars(t.Deletions()), n)
		w.d.say("            deletions (--rehydrate %d is cheaper);", cheaper)
	default:
		w.d.say("            %s to look up the newest %s each day, which finds deletions;", dollars(t.Deletions()), several(n, "post"))
	}
	if t.Activity {
		w.d.say("            %s for events of new posts;", dollars(t.Events()))
	}
	if t.Messages > 0 {
		w.d.say("            up to %s to look at the newest %d direct messages each day;", dollars(t.Look()), t.Messages)
	}
	w.d.say("            and once %s for the history. This look cost about %s.", dollars(t.Once()), dollars(cost))
}

// limit says how much of the network's limit is used, as far as it was told.
func (w *walk) limit(u use, network string, window time.Duration, shared *config.Credential) {
	this := "this takes"
	if shared != nil {
		this = "all accounts of " + shared.Name + " take"
	}
	switch {
	case u.limit == 0:
		w.d.say("            %s did not say how many it allows", network)
	case u.fits():
		w.d.say("            %s allows %s in %s; %s %s", network, count(u.limit), span(window), this, about(u.taken))
	default:
		w.d.say("  WARNING   %s allows %s in %s, and %s %s:", network, count(u.limit), span(window), this, about(u.taken))
		w.d.say("            look less often (--every)")
	}
}

// entries are what is added to the configuration.
func (w *xWalk) entries(ctx context.Context, s *x.Standing, takes xTakes) ([]entry, error) {
	var out []entry
	var account members
	account.text("account", "x/"+strings.ToLower(s.Handle))
	if w.reuse != nil {
		account.text("credential", w.reuse.Name)
		if bound := w.reuse.BudgetUSDPerMonth; bound > 0 {
			w.d.say("            The credential %s stops at %s a month for all its accounts.", w.reuse.Name, dollars(bound))
		}
	} else {
		name, err := w.named(nameFrom(s.Handle, "x"))
		if err != nil {
			return nil, err
		}
		credential, err := w.newCredential(ctx, takes)
		if err != nil {
			return nil, err
		}
		account.text("credential", name)
		out = append(out, entry{"credentials", name, credential})
	}
	if w.o.Every != time.Minute {
		account.put("every", plain(span(w.o.Every)))
	}
	// The number stays when the handle changes, or is taken by somebody else.
	account.text("user_id", s.UserID)
	account.text("username", s.Handle)
	if w.xo.Rehydrate != x.DefaultRehydrate {
		account.put("rehydrate", plain(strconv.Itoa(w.xo.Rehydrate)))
	}
	if w.xo.Messages {
		account.put("direct_messages", plain("true"))
	}
	if err := w.person(ctx, w.xo.Person, &account); err != nil {
		return nil, err
	}
	return append(out, entry{section: "accounts", value: &account.node}), nil
}

// newCredential asks for the bound of its costs.
func (w *xWalk) newCredential(ctx context.Context, takes xTakes) (*yaml.Node, error) {
	var m members
	m.text("collector", config.CollectorX)
	m.text("base_url", w.xo.BaseURL)
	for _, s := range w.secrets {
		m.put(s.key, s.ref())
	}
	if w.xo.Activity {
		m.text("activity", x.ActivityStream)
	}
	bound, err := w.d.ask(ctx, question{
		label: "\nStop polling at how many US dollars a month (none for no bound)", flag: "--budget", given: w.xo.Budget,
		usual: strconv.FormatFloat(takes.Bound(), 'f', -1, 64), check: checkBound,
	})
	if err != nil {
		return nil, err
	}
	if bound != "none" {
		m.put("budget_usd_per_month", plain(bound))
	}
	return &m.node, nil
}

func checkBound(s string) (string, error) {
	if s == "none" {
		return s, nil
	}
	s = strings.TrimPrefix(s, "$")
	if f, err := strconv.ParseFloat(s, 64); err != nil || f <= 0 || f > 1e6 {
		return "", fmt.Errorf("%q is no sum: expected US dollars such as 25, or none", s)
	}
	return s, nil
}

// hostOf returns the host of an address, or all of it where it has none.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}
