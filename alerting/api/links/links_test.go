package links

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/natstest"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).startRateLimitLogExpiration"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"),
		// A client that is closed while the goroutine behind its first
		// asynchronous publish starts leaves it waiting on a nil channel
		// (nats.go 1.55).
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

const id = "3fa29c00000000000000000000000000"

// one is an Alerts that holds one alert.
type one struct {
	mu    sync.Mutex
	alert alerting.Alert
	deeds []alerting.Deed
	fail  error // of Act
	now   time.Time
}

func newOne() *one {
	at := time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC)
	return &one{now: at, alert: alerting.Alert{
		V: 1, ID: id, Network: "x", Account: "x/acme", State: alerting.Firing, Change: alerting.ChangeOpened, Revision: 1,
		Rule: alerting.Rule{ID: "r", Title: "Posting <burst>", Level: rules.Critical, Mode: rules.Enforce}, Updated: at,
	}}
}

func (o *one) Get(_ context.Context, want string) (alerting.Alert, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if want != o.alert.ID {
		return alerting.Alert{}, fmt.Errorf("get alert %s: %w", want, alerting.ErrNotFound)
	}
	return o.alert, nil
}

func (o *one) Act(_ context.Context, want string, d alerting.Deed) (alerting.Alert, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if want != o.alert.ID {
		return alerting.Alert{}, fmt.Errorf("%s: %w", d.Action, alerting.ErrNotFound)
	}
	if o.fail != nil {
		return alerting.Alert{}, o.fail
	}
	a, err := alerting.Act(o.alert, d, o.now)
	if err != nil {
		return alerting.Alert{}, err
	}
	o.alert, o.deeds = a, append(o.deeds, d)
	return a, nil
}

// bench is one NATS server with as many daemons' Links on it as are asked for.
type bench struct {
	t   *testing.T
	srv *server.Server
	one *one
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{t, natstest.Serve(t, nil), newOne()}
}

func (b *bench) daemon() *Links {
	b.t.Helper()
	_, js := natstest.Connect(b.t, b.srv)
	book, err := Open(b.t.Context(), js, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	return New(Config{
		Book: book, Alerts: b.one, Base: func() string { return "https://picket.example" },
		Now: func() time.Time { b.one.mu.Lock(); defer b.one.mu.Unlock(); return b.one.now },
	})
}

// link returns the path of a new link.
func (b *bench) link(l *Links, action notify.Action, person string) string {
	b.t.Helper()
	to := notify.Person{Name: person}
	links := l.For(&b.one.alert, "", "night shift", to)
	if ask, ok := l.Ask(&b.one.alert, "night shift", to); ok {
		links = append(links, ask)
	}
	for _, link := range links {
		if link.Action == action {
			return strings.TrimPrefix(link.URL, "https://picket.example")
		}
	}
	b.t.Fatalf("no link to %s among %v", action, links)
	return ""
}

func open(t *testing.T, l *Links, method, path string, form url.Values) (int, http.Header, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	l.Handler().ServeHTTP(w, req)
	return w.Code, w.Header(), w.Body.String()
}

func TestLinks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		action notify.Action
		person string
		asks   []string // what the page holds
		form   url.Values
		says   string
		state  alerting.State
		deed   alerting.Deed
	}{
		{
			name: "acknowledge", action: notify.ActAck, person: "Ann", form: url.Values{},
			asks: []string{"<h1>Acknowledge PK-3FA29C?</h1>", "It will be noted as done by Ann (link in night shift).", "CRITICAL x/acme: posting &lt;burst&gt; [PK-3FA29C]"},
			says: "Done: PK-3FA29C is acknowledged", state: alerting.Acknowledged,
			deed: alerting.Deed{Action: alerting.ActionAck, Actor: "Ann (link in night shift)", Reason: "by link to night shift"},
		},
		{
			name: "acknowledge for several", action: notify.ActAck, form: url.Values{"by": {"Tom"}, "reason": {"awake"}},
			asks: []string{`<input name="by" required`}, says: "is acknowledged", state: alerting.Acknowledged,
			deed: alerting.Deed{Action: alerting.ActionAck, Actor: "Tom", Reason: "awake (by link to night shift)"},
		},
		{
			name: "the name of the link holds", action: notify.ActAck, person: "Ann", form: url.Values{"by": {"Eve"}}, says: "is acknowledged", state: alerting.Acknowledged,
			deed: alerting.Deed{Action: alerting.ActionAck, Actor: "Ann (link in night shift)", Reason: "by link to night shift"},
		},
		{
			name: "assign", action: notify.ActAssign, person: "Ann", asks: []string{`<input name="to" required`}, form: url.Values{"to": {"Tom"}},
			says: "PK-3FA29C is assigned to Tom", state: alerting.Firing,
			deed: alerting.Deed{Action: alerting.ActionAssign, Actor: "Ann (link in night shift)", To: "Tom", Reason: "by link to night shift"},
		},
		{
			name: "expected", action: notify.ActExpected, person: "Ann", form: url.Values{}, asks: []string{"Resolve PK-3FA29C as expected?"},
			says: "is resolved as expected", state: alerting.Resolved,
			deed: alerting.Deed{Action: alerting.ActionResolve, Verdict: alerting.VerdictExpected, Actor: "Ann (link in night shift)", Reason: "by link to night shift"},
		},
		{
			name: "it was not me", action: notify.ActAnswer, person: "Ann", form: url.Values{"answer": {"no"}}, asks: []string{"<h1>Was this you?</h1>", "No, this was not me"},
			says: "people are told now that it was not you", state: alerting.Firing,
			deed: alerting.Deed{Action: alerting.ActionAnswer, Actor: "Ann (link in night shift)", Reason: "by link to night shift"},
		},
		{
			name: "it was me, which closes nothing", action: notify.ActAnswer, person: "Ann", form: url.Values{"answer": {"yes"}},
			says: "the alert stays open", state: alerting.Firing,
			deed: alerting.Deed{Action: alerting.ActionAnswer, Actor: "Ann (link in night shift)", Me: true, Reason: "by link to night shift"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			l := b.daemon()
			path := b.link(l, tt.action, tt.person)
			for range 3 { // as mail scanners do
				status, header, body := open(t, l, http.MethodGet, path, nil)
				if status != http.StatusOK || len(b.one.deeds) != 0 {
					t.Fatalf("looking: %d, %d deeds\n%s", status, len(b.one.deeds), body)
				}
				for _, want := range append(tt.asks, `<form method="post"`) {
					if !strings.Contains(body, want) {
						t.Errorf("the page does not hold %q:\n%s", want, body)
					}
				}
				careful(t, header, body)
			}
			status, header, body := open(t, l, http.MethodPost, path, tt.form)
			if status != http.StatusOK || !strings.Contains(body, tt.says) {
				t.Fatalf("%d\n%s\nwant %q", status, body, tt.says)
			}
			careful(t, header, body)
			if b.one.alert.State != tt.state || len(b.one.deeds) != 1 || b.one.deeds[0] != tt.deed {
				t.Errorf("%s by %+v, want %s by %+v", b.one.alert.State, b.one.deeds, tt.state, tt.deed)
			}
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if status, _, body := open(t, l, method, path, tt.form); status != http.StatusGone || !strings.Contains(body, "was used already") {
					t.Errorf("%s again: %d\n%s", method, status, body)
				}
			}
			if len(b.one.deeds) != 1 {
				t.Errorf("%d deeds, want 1", len(b.one.deeds))
			}
		})
	}
}

// careful holds a page to what keeps it from being kept, framed or run.
func careful(t *testing.T, header http.Header, body string) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "<burst>") {
		t.Errorf("the page holds what could run:\n%s", body)
	}
}

func TestRefused(t *testing.T) {
	b := newBench(t)
	l := b.daemon()
	other := New(Config{Book: &Book{key: make([]byte, 32), used: l.cfg.Book.used}, Alerts: b.one, Now: l.cfg.Now, Base: l.cfg.Base})
	good := b.link(l, notify.ActAck, "Ann")
	parts := strings.Split(good, ".")
	none := jwt.NewWithClaims(jwt.SigningMethodNone, claims{
		RegisteredClaims: jwt.RegisteredClaims{ID: "n", Subject: id, Audience: jwt.ClaimStrings{audience}, ExpiresAt: jwt.NewNumericDate(b.one.now.Add(time.Hour))},
		Action:           notify.ActAck, Person: "Eve",
	})
	unsigned, err := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(change func(*claims)) string {
		c := claims{
			RegisteredClaims: jwt.RegisteredClaims{ID: "m", Subject: id, Audience: jwt.ClaimStrings{audience}, ExpiresAt: jwt.NewNumericDate(b.one.now.Add(time.Hour))},
			Action:           notify.ActAck, Person: "Eve",
		}
		change(&c)
		token, err := l.sign(c)
		if err != nil {
			t.Fatal(err)
		}
		return Path + token
	}
	for _, tt := range []struct {
		name, path string
		status     int
		says       string
	}{
		{"cut off", good[:len(good)-1], 404, "not a link of Picket"},
		{"another signature", b.link(other, notify.ActAck, "Ann"), 404, "not a link of Picket"},
		{"another content", strings.Join([]string{parts[0], strings.Split(b.link(l, notify.ActTrue, "Ann"), ".")[1], parts[2]}, "."), 404, "not a link of Picket"},
		{"no signature", Path + unsigned, 404, "not a link of Picket"},
		{"no token", Path + "x", 404, "not a link of Picket"},
		{"for something else", signed(func(c *claims) { c.Audience = jwt.ClaimStrings{"other"} }), 404, "not a link of Picket"},
		{"without an end", signed(func(c *claims) { c.ExpiresAt = nil }), 404, "not a link of Picket"},
		{"an action that links do not have", signed(func(c *claims) { c.Action = "delete" }), 404, "not a link of Picket"},
		{"expired", signed(func(c *claims) { c.ExpiresAt = jwt.NewNumericDate(b.one.now.Add(-time.Second)) }), 410, "has expired"},
		{"an alert that is gone", signed(func(c *claims) { c.Subject = "f00d" }), 404, "no such alert any more"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(tt.name+" "+method, func(t *testing.T) {
				status, header, body := open(t, l, method, tt.path, url.Values{})
				if status != tt.status || !strings.Contains(strings.ReplaceAll(body, "&#39;", "'"), tt.says) {
					t.Errorf("%d\n%s\nwant %d %q", status, body, tt.status, tt.says)
				}
				careful(t, header, body)
			})
		}
	}
	if len(b.one.deeds) != 0 {
		t.Errorf("deeds were done: %+v", b.one.deeds)
	}
}

// TestStillGood: what had no effect does not use a link up.
func TestStillGood(t *testing.T) {
	b := newBench(t)
	l := b.daemon()
	path := b.link(l, notify.ActAck, "")
	for _, tt := range []struct {
		name   string
		fail   error
		by     string
		status int
		says   string
	}{
		{"the store is away", errors.New("server is away"), "Ann", 503, "cannot do that right now"},
		{"in Picket's name", nil, "picket", 422, "the link is still good"},
		{"by nobody", nil, " ", 422, "the link is still good"},
		{"at last", nil, "Ann", 200, "is acknowledged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.one.fail = tt.fail
			if status, _, body := open(t, l, http.MethodPost, path, url.Values{"by": {tt.by}}); status != tt.status || !strings.Contains(body, tt.says) {
				t.Errorf("%d\n%s\nwant %d %q", status, body, tt.status, tt.says)
			}
		})
	}
}

func TestTooLate(t *testing.T) {
	b := newBench(t)
	l := b.daemon()
	path := b.link(l, notify.ActAck, "Ann")
	if _, err := b.one.Act(t.Context(), id, alerting.Deed{Action: alerting.ActionResolve, Actor: "Tom"}); err != nil {
		t.Fatal(err)
	}
	if _, _, body := open(t, l, http.MethodGet, path, nil); !strings.Contains(body, "It is resolved already, by Tom at 2026-03-14 02:12Z.") {
		t.Errorf("the page does not say what has become of it:\n%s", body)
	}
	if status, _, body := open(t, l, http.MethodPost, path, url.Values{}); status != http.StatusConflict || !strings.Contains(body, "Somebody was faster") {
		t.Errorf("%d\n%s", status, body)
	}
}

// TestTwoDaemons: links of one are good at the other, and of many that press
// the button at both at the same time one has an effect.
func TestTwoDaemons(t *testing.T) {
	b := newBench(t)
	daemons := []*Links{b.daemon(), b.daemon()}
	path := b.link(daemons[0], notify.ActAssign, "Ann")
	codes := make([]int, 16)
	var group sync.WaitGroup
	for i := range codes {
		group.Go(func() {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader("to=Tom"))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			daemons[i%2].Handler().ServeHTTP(w, req)
			codes[i] = w.Code
		})
	}
	group.Wait()
	n := map[int]int{}
	for _, code := range codes {
		n[code]++
	}
	if len(b.one.deeds) != 1 || n[http.StatusOK] != 1 || n[http.StatusGone] != 15 {
		t.Errorf("%d deeds, answers %v; want 1, and 15 of 410", len(b.one.deeds), n)
	}
}

func TestWhichLinks(t *testing.T) {
	b := newBench(t)
	l := b.daemon()
	ann := notify.Person{Name: "Ann"}
	for _, tt := range []struct {
		name   string
		change func(*alerting.Alert)
		base   string
		want   string
		ask    bool
	}{
		{"firing", func(*alerting.Alert) {}, "https://p", "ack assign expected false true", true},
		{"acknowledged", func(a *alerting.Alert) { a.State = alerting.Acknowledged }, "https://p", "assign expected false true", true},
		{"resolved by quiet", func(a *alerting.Alert) { a.State = alerting.Resolved }, "https://p", "expected false true", false},
		{"judged", func(a *alerting.Alert) { a.State, a.Judged = alerting.Resolved, &alerting.Judgement{} }, "https://p", "", false},
		{"only observed", func(a *alerting.Alert) { a.Rule.Mode = rules.Observe }, "https://p", "", false},
		{"nobody reaches the daemon", func(*alerting.Alert) {}, "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := b.one.alert
			tt.change(&a)
			l.cfg.Base = func() string { return tt.base }
			var got []string
			for _, link := range l.For(&a, "", "night shift", ann) {
				got = append(got, string(link.Action))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if _, ok := l.Ask(&a, "night shift", ann); ok != tt.ask {
				t.Errorf("asks: %v, want %v", ok, tt.ask)
			}
			if _, ok := l.Ask(&a, "night shift", notify.Person{}); ok {
				t.Error("asks somebody whose name is not known")
			}
		})
	}
}

// TestEarlierEpisode: a link from before an alert began again does nothing.
func TestEarlierEpisode(t *testing.T) {
	b := newBench(t)
	l := b.daemon()
	path := b.link(l, notify.ActExpected, "Ann")
	b.one.alert.History = append(b.one.alert.History,
		alerting.Transition{From: alerting.Firing, To: alerting.Resolved, At: b.one.now.Add(time.Hour)},
		alerting.Transition{From: alerting.Resolved, To: alerting.Firing, At: b.one.now.Add(2 * time.Hour)})
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if status, _, body := open(t, l, method, path, url.Values{}); status != http.StatusGone || !strings.Contains(body, "began again since") {
			t.Errorf("%s: %d\n%s", method, status, body)
		}
	}
	if len(b.one.deeds) != 0 {
		t.Errorf("deeds %+v, want none", b.one.deeds)
	}
}
