package notifytest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/picketd/picket/alerting/notify"
)

// HTTP is an output that speaks HTTP, as its test makes it.
type HTTP struct {
	// New returns the output, which sends to the server at url, through client.
	New func(t *testing.T, url string, client *http.Client) notify.Notifier
	// Taken answers as the service does when it has taken a message.
	Taken http.HandlerFunc
	// Lies answers with success in the status and failure in the body, as the
	// service does, or as a faulty proxy before it would.
	Lies http.HandlerFunc
	// Secrets are the tokens that New gives to the output. No error may hold one,
	// even if the receiver repeats all that it was sent.
	Secrets []string
	// Message is what the output is given, default Message(notify.Opened).
	Message func() *notify.Message
}

// Run holds an output to the contract.
func (o HTTP) Run(t *testing.T) {
	if o.Message == nil {
		o.Message = func() *notify.Message { return Message(notify.Opened) }
	}
	for _, tt := range answers(o) {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			n := o.New(t, server.URL, server.Client())
			o.try(t, tt.want, func(ctx context.Context) error { return o.notify(ctx, t, n) })
			if beater, ok := n.(notify.Beater); ok && !tt.alone {
				o.try(t, tt.want, func(ctx context.Context) error { return beater.Beat(ctx, At(), time.Minute) })
			}
		})
	}
	t.Run("time over", o.timeOver)
	t.Run("connection refused", o.refused)
	t.Run("wrong certificate", o.wrongCertificate)
	t.Run("redirect", o.redirect)
	t.Run("endless answer", o.endless)
	t.Run("every kind", o.everyKind)
	t.Run("many at once", o.manyAtOnce)
}

// want is what an error must be.
type want struct {
	ok        bool
	permanent bool
	denied    bool
	after     time.Duration // notify.After
}

// notify tells the message, which must not be changed.
func (o HTTP) notify(ctx context.Context, t *testing.T, n notify.Notifier) error {
	t.Helper()
	m := o.Message()
	_, err := n.Notify(ctx, m)
	if got, want := encode(t, m), encode(t, o.Message()); got != want {
		t.Errorf("Notify has changed the message:\n got %s\nwant %s", got, want)
	}
	return err
}

// try does one thing and holds its error to what is wanted.
func (o HTTP) try(t *testing.T, w want, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o.check(t, do(ctx), w)
}

func (o HTTP) check(t *testing.T, err error, w want) {
	t.Helper()
	if (err == nil) != w.ok {
		t.Fatalf("got error %v, want success %v", err, w.ok)
	}
	if got := notify.IsPermanent(err); got != w.permanent {
		t.Errorf("permanent = %v, want %v, of: %v", got, w.permanent, err)
	}
	if got := notify.IsDenied(err); got != w.denied {
		t.Errorf("denied = %v, want %v, of: %v", got, w.denied, err)
	}
	if got := notify.After(err); got != w.after {
		t.Errorf("After = %v, want %v, of: %v", got, w.after, err)
	}
	Discreet(t, err, o.Secrets...)
}

// Discreet holds that an error is one readable line without any of the secrets.
func Discreet(t *testing.T, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("the error holds the secret %q: %s", secret, text)
		}
	}
	if len(text) > maxError || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("the error is not one line of at most %d bytes: %q", maxError, text)
	}
}

const (
	patience = 10 * time.Second
	maxError = 1000
)

// timeOver holds that the output gives up when its context ends.
func (o HTTP) timeOver(t *testing.T) {
	released := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-released:
		}
	}))
	defer server.Close()
	defer close(released)
	n := o.New(t, server.URL, server.Client())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	o.check(t, o.notify(ctx, t, n), want{})
}

func (o HTTP) refused(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	client := server.Client()
	n := o.New(t, server.URL, client)
	server.Close()
	o.try(t, want{}, func(ctx context.Context) error { return o.notify(ctx, t, n) })
}

// wrongCertificate holds that nothing is said to a server that nobody vouches
// for, and that it is tried again: certificates are renewed late.
func (o HTTP) wrongCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a server with a wrong certificate was told")
	}))
	server.Config.ErrorLog = discard()
	server.StartTLS()
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	n := o.New(t, server.URL, &http.Client{Transport: transport})
	o.try(t, want{}, func(ctx context.Context) error { return o.notify(ctx, t, n) })
}

// redirect holds that the message goes to no other server.
func (o HTTP) redirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	defer elsewhere.Close()
	for _, tt := range []struct {
		name   string
		status int
		denied bool
	}{
		{"for now", http.StatusTemporaryRedirect, false},
		{"moved", http.StatusMovedPermanently, true},
		{"for ever", http.StatusPermanentRedirect, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/?"+strings.Join(o.Secrets, "&"), tt.status))
			defer server.Close()
			n := o.New(t, server.URL, server.Client())
			o.try(t, want{denied: tt.denied}, func(ctx context.Context) error { return o.notify(ctx, t, n) })
		})
	}
}

// endless holds that an answer without end fills no memory and takes no time.
func (o HTTP) endless(t *testing.T) {
	const plenty = 64 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for written := 0; ; {
			n, err := w.Write(chunk)
			if written += n; err != nil {
				return
			}
			if written > plenty {
				t.Errorf("%d bytes of an answer were read", written)
				return
			}
		}
	}))
	defer server.Close()
	n := o.New(t, server.URL, server.Client())
	o.try(t, want{}, func(ctx context.Context) error { return o.notify(ctx, t, n) })
}

// everyKind holds that a message of each kind is told.
func (o HTTP) everyKind(t *testing.T) {
	server := httptest.NewServer(o.Taken)
	defer server.Close()
	n := o.New(t, server.URL, server.Client())
	receipt := ""
	for _, kind := range notify.Kinds() {
		m := Message(kind)
		m.Receipt = receipt
		got, err := n.Notify(t.Context(), m)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if receipt == "" {
			receipt = got
		}
	}
}

// manyAtOnce gives the race detector something to see.
func (o HTTP) manyAtOnce(t *testing.T) {
	server := httptest.NewServer(o.Taken)
	defer server.Close()
	n := o.New(t, server.URL, server.Client())
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			m := Message(notify.Opened)
			m.Incident += string(rune('a' + i))
			if _, err := n.Notify(t.Context(), m); err != nil {
				t.Error(err)
			}
			if beater, ok := n.(notify.Beater); ok {
				if err := beater.Beat(t.Context(), At(), time.Minute); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func encode(t *testing.T, m *notify.Message) string {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
