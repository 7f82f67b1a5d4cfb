package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/mastodon"
)

// Address is a Mastodon account as people write it.
type Address struct {
	Name, Server string // "acme", "social.example"
	Base         string // the server's URL, "https://social.example"
}

func (a Address) String() string { return "@" + a.Name + "@" + a.Server }

// ParseAddress reads "@acme@social.example", with or without the first @, or
// the address of the profile's page, "https://social.example/@acme". Base names
// the server, with or without https://, where it is not at the part after the
// second @; "" where it is.
func ParseAddress(s, base string) (Address, error) {
	fault := &Fault{What: fmt.Sprintf("%q is not an account of Mastodon", s), Do: "Write it as @name@server, such as mastodon:@acme@social.example"}
	var a Address
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		page, ok := strings.CutPrefix(strings.TrimSuffix(u.Path, "/"), "/@")
		if !ok || page == "" {
			return a, fault
		}
		name, server, remote := strings.Cut(page, "@")
		if !remote {
			server = u.Host
		}
		a = Address{Name: name, Server: server, Base: u.Scheme + "://" + u.Host}
	} else {
		name, server, ok := strings.Cut(strings.TrimPrefix(s, "@"), "@")
		if !ok {
			return a, fault
		}
		a = Address{Name: name, Server: server, Base: "https://" + strings.ToLower(server)}
	}
	a.Server = strings.ToLower(a.Server)
	if base != "" {
		if !strings.Contains(base, "://") {
			base = "https://" + base
		}
		a.Base = strings.TrimSuffix(base, "/")
	}
	if a.Name == "" || a.Server == "" || strings.ContainsAny(a.Name+a.Server, " /@?#%\\") {
		return a, fault
	}
	return a, nil
}

// elsewhere returns the server's web address where the account does not tell
// it, "" where it does.
func (a Address) elsewhere() string {
	if a.Base == "https://"+a.Server {
		return ""
	}
	return a.Base
}

// connect is the command that connects the account.
func (a Address) connect() string {
	return connecting(mastodon.Network+"/"+a.Name+"@"+a.Server, a.elsewhere())
}

// host is what a person knows the server by.
func (a Address) host() string {
	if u, err := url.Parse(a.Base); err == nil && u.Host != "" {
		return u.Host
	}
	return a.Server
}

// MastodonOptions say how much of an account is read, and how.
type MastodonOptions struct {
	// Posts is how many of the newest posts are read at most, boosts and
	// replies included.
	Posts int
	// Since ends reading at this time; zero reads until Posts.
	Since    time.Time
	Progress Progress // may be nil
	// Waiting is told why and how long reading waits; may be nil.
	Waiting func(why string, wait time.Duration)
	// Agent is sent as the User-Agent; Base sends the requests, over the
	// network where nil.
	Agent string
	Base  http.RoundTripper
}

// MaxPosts is how many posts of an account are read at most.
const MaxPosts = 4000

const (
	// maxWait is how long a server's wish to wait is met: Mastodon's windows
	// are of five minutes, and a person sits before the screen.
	maxWait = time.Minute
	// maxTries bounds how often one page is asked for.
	maxTries = 3
)

// ReadMastodon reads the newest public posts of an account without any
// credential, one page after the other. A hundred requests read as many posts
// as MastodonOptions allow, a third of what Mastodon lets an address send in
// five minutes. When the server wants a longer pause, or fails, what was read
// until then is the history, and its Partial says so; where nothing was read
// the error is a *Fault.
func ReadMastodon(ctx context.Context, addr Address, opts MastodonOptions) (*History, error) {
	if opts.Progress == nil {
		opts.Progress = discard
	}
	if opts.Waiting == nil {
		opts.Waiting = func(string, time.Duration) {}
	}
	client := collectors.NewClient(nil, collectors.ClientOptions{Base: opts.Base, UserAgent: opts.Agent})
	defer client.CloseIdleConnections()
	name := addr.Name
	if addr.host() != addr.Server {
		name += "@" + addr.Server
	}
	c, err := mastodon.New(mastodon.Config{
		Account: mastodon.Network + "/" + strings.ToLower(addr.Name) + "@" + addr.Server, Server: addr.Base, Name: name,
		Backfill: opts.Posts, Watch: -1,
	}, collectors.Deps{HTTP: client, Log: zap.NewNop(), Now: time.Now})
	if err != nil {
		return nil, &Fault{What: err.Error(), Do: "Write the account as @name@server, and --server as https://social.example", Err: err}
	}
	w := &walk{addr: addr, opts: opts, collector: c, history: &History{Origin: FromMastodon, Source: "mastodon:" + addr.String(), Server: addr.elsewhere()}}
	if err := w.read(ctx); err != nil {
		return nil, err
	}
	h := w.history
	switch {
	case len(h.Activities) > 0:
	case h.Unreadable > 0:
		return nil, &Fault{What: fmt.Sprintf("none of %s of %s can be read", counted(h.Unreadable, "posts"), addr), Do: "Look for a newer Picket"}
	default:
		return nil, &Fault{What: fmt.Sprintf("%s has no public post: there is nothing to judge", addr), Do: "Posts to followers only are shown to the account itself: connect it with " + addr.connect()}
	}
	h.order()
	return h, h.since(opts.Since)
}

// walk is the reading of one account.
type walk struct {
	addr      Address
	opts      MastodonOptions
	collector collectors.Collector
	history   *History
	posts     int // read so far, edits left out
	total     int // posts that the account says it has, 0 where it does not
}

func (w *walk) read(ctx context.Context) error {
	var cursor json.RawMessage
	for {
		page, err := w.page(ctx, cursor)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && len(w.history.Activities) > 0 {
			w.history.Partial = w.partial(err)
			return nil
		}
		if err != nil {
			return w.fault(err)
		}
		if !page.Backfill {
			return nil // the history is read, and this is what came after
		}
		oldest := w.take(&page)
		if w.posts >= w.opts.Posts && w.total > w.posts {
			w.history.Partial = fmt.Sprintf("the newest %s of %s", number(w.posts), number(w.total))
			if w.opts.Posts < MaxPosts {
				w.history.Partial += fmt.Sprintf("; --posts %d reads more", min(w.total, MaxPosts))
			}
		}
		if !page.More || w.posts >= w.opts.Posts || w.total > 0 && w.posts >= w.total || !w.opts.Since.IsZero() && oldest.Before(w.opts.Since) {
			return nil
		}
		cursor = page.Cursor
	}
}

// take keeps what the account published and returns when the oldest of it was.
func (w *walk) take(page *collectors.Page) time.Time {
	var oldest time.Time
	for i := range page.Activities {
		a := &page.Activities[i]
		for _, m := range a.Metrics {
			if a.Kind == activity.KindFollowers && m.Name == "posts" {
				w.total = int(m.Value)
			}
		}
		if !event(a) {
			continue
		}
		if oldest.IsZero() || a.Time.Before(oldest) {
			oldest = a.Time
		}
		if published(a.Kind) {
			w.posts++
		}
		w.history.Activities = append(w.history.Activities, *a)
	}
	w.history.Unreadable += len(page.Malformed)
	w.opts.Progress(len(w.history.Activities), oldest)
	return oldest
}

// page asks for a page, again where waiting helps.
func (w *walk) page(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	for try := 1; ; try++ {
		page, err := w.collector.Poll(ctx, cursor)
		if err == nil || ctx.Err() != nil || try == maxTries || hopeless(err) {
			return page, err
		}
		wait, why := time.Duration(try)*time.Second, w.addr.host()+" does not answer"
		if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
			if wait = time.Until(limited.Until); limited.Until.IsZero() || wait > maxWait {
				return page, err
			}
			why = w.addr.host() + " asks to wait"
		}
		w.opts.Waiting(why, wait)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// hopeless reports whether asking again changes nothing.
func hopeless(err error) bool {
	_, forbidden := errors.AsType[*collectors.Forbidden](err)
	return forbidden || unknownHost(err)
}
