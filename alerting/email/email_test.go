package email_test

import (
	"context"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/email"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/notifytest"
	"github.com/picketd/picket/rules"
)

var update = flag.Bool("update", false, "write the golden mails")

func message() *notify.Message {
	return &notify.Message{
		V: notify.Version, Key: "inc-3fa29c.1.opened", Receiver: "press-mail", Kind: notify.Opened,
		At: time.Date(2026, 7, 14, 1, 14, 0, 0, time.UTC), Incident: "3fa29c51", Number: "PK-3FA29C", State: alerting.Firing,
		Started: time.Date(2026, 7, 14, 1, 12, 0, 0, time.UTC), Level: rules.Critical, Network: "x", Account: "x/acme",
		Title: "CRITICAL x/acme: post nobody approved [PK-3FA29C]",
		Lines: []notify.Line{
			{Label: "What", Text: `03:12 Berlin (01:12Z): "Giving back! hxxps://acme-gift[.]example"`},
			{Label: "Reach", Text: "4,100 views, 212 reposts at 03:14Z; still up"},
		},
		Links: []notify.Link{{Action: notify.ActOpen, Text: "Open", URL: "https://picket.acme.example/i/3fa29c51"}},
	}
}

func configOf(s *mailServer) email.Config {
	return email.Config{
		Host: "smtp.acme.example", From: "Picket <picket@acme.example>", To: []string{"Jana Roth <jana@acme.example>"},
		RootCAs: s.roots, Dial: s.dial, Timeout: 10 * time.Second,
	}
}

func output(t *testing.T, cfg email.Config) *email.Output {
	t.Helper()
	o, err := email.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// parsed is a mail as a client reads it.
type parsed struct {
	header     mail.Header
	text, html string
}

func parse(t *testing.T, data []byte) parsed {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("Content-Type %q (%v)", m.Header.Get("Content-Type"), err)
	}
	p := parsed{header: m.Header}
	r := multipart.NewReader(m.Body, params["boundary"])
	for _, body := range []*string{&p.text, &p.html} {
		part, err := r.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		*body = strings.ReplaceAll(string(b), "\r\n", "\n")
	}
	if _, err := r.NextRawPart(); err != io.EOF {
		t.Errorf("there are more than two parts (%v)", err)
	}
	return p
}

// whole is the mail with the headers that matter, for goldens.
func (p *parsed) whole() string {
	var b strings.Builder
	for _, name := range []string{"From", "To", "Subject", "Date", "Message-Id", "In-Reply-To", "References", "Auto-Submitted", "X-Auto-Response-Suppress", "User-Agent"} {
		b.WriteString(name + ": " + p.header.Get(name) + "\n")
	}
	return b.String() + "\n" + p.text + "\n=== HTML ===\n" + p.html
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// hostile is a message whose every text was written by somebody who means
// harm, as if nobody had cleaned it before.
func hostile() *notify.Message {
	m := message()
	m.Title = "HIGH x/acme: gift\r\nBcc: victim@evil.example\r\n\r\n<script>alert(1)</script>"
	m.Receiver = "press\r\nX-Evil: 1"
	m.Lines = []notify.Line{
		{Label: "What", Text: "see https://evil.example/a?b=1 or www.evil.example, mail evil@evil.example"},
		{Label: "Dots", Text: "evil。example evil．example evil｡example"},
		{Label: "Turned", Text: "safe \u202egpj.exe\u202c \u2066x\u2069 zero\u200bwidth"},
		{Label: "Markup", Text: `<img src="https://evil.example/p.gif" onerror=x><a href='javascript:x'>y</a> & "q" {{.Title}}`},
		{Label: "</b><h1>", Text: "line one\r\nline two\n\n.\r\nMAIL FROM:<x@evil.example>\x00\x1b[31m"},
		{Label: "Long", Text: strings.Repeat("ö", 5000)},
	}
	m.Links = []notify.Link{
		{Action: notify.ActOpen, Text: "<b>Open</b>", URL: "https://picket.acme.example/?a=1&b=2"},
		{Action: notify.ActOpen, Text: "not a page", URL: `https://picket.acme.example/?a="><script>x</script>`},
		{Action: notify.ActAck, Text: "not a page", URL: "javascript:alert(1)"},
		{Action: notify.ActAck, Text: "not a page", URL: "https://user:pw@picket.acme.example/"},
	}
	return m
}

func TestGoldens(t *testing.T) {
	resolved := message()
	resolved.Key, resolved.Kind, resolved.State = "inc-3fa29c.4.resolved", notify.Resolved, alerting.Resolved
	resolved.Title, resolved.Lines = "RESOLVED CRITICAL x/acme: post nobody approved [PK-3FA29C]", nil
	resolved.Receipt = "inc-3fa29c.1.opened@acme.example"
	for name, m := range map[string]*notify.Message{"opened": message(), "resolved": resolved, "hostile": hostile()} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, false, nil)
			receipt, err := output(t, configOf(s)).Notify(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			mails := s.taken()
			if len(mails) != 1 || mails[0].to != "jana@acme.example" || mails[0].from != "picket@acme.example" || receipt != m.Key+"@acme.example" {
				t.Fatalf("%d mails, %+v; receipt %q", len(mails), mails, receipt)
			}
			p := parse(t, mails[0].data)
			golden(t, name+".golden", p.whole())
			if subject := p.header.Get("Subject"); strings.ContainsAny(subject, "\r\n") {
				t.Errorf("subject %q has a line break", subject)
			}
			for _, field := range []string{"Bcc", "X-Evil"} {
				if v := p.header.Get(field); v != "" {
					t.Errorf("%s: %q", field, v)
				}
			}
		})
	}
}

// TestLinks: whatever the texts say, a mail leads only to the pages of its
// links and loads nothing.
func TestLinks(t *testing.T) {
	s := serve(t, false, nil)
	if _, err := output(t, configOf(s)).Notify(t.Context(), hostile()); err != nil {
		t.Fatal(err)
	}
	p := parse(t, s.taken()[0].data)
	if n := strings.Count(p.html, `href="`); n != 1 || strings.Count(p.text, "https://") != 1 {
		t.Errorf("%d links in the HTML, want 1; the text:\n%s", n, p.text)
	}
	for _, tag := range []string{"<script", "<img", `src="`} {
		if strings.Contains(p.html, tag) {
			t.Errorf("the HTML holds %q", tag)
		}
	}
	for _, evil := range []string{"evil.example", "evil。", "evil．", "evil｡", "\u202e", "\u2066", "\u200b", "\x1b", "pw@", "not a page"} {
		if strings.Contains(p.html+p.text, evil) {
			t.Errorf("the mail holds %q", evil)
		}
	}
}

func TestBounded(t *testing.T) {
	s := serve(t, false, nil)
	m := message()
	for range 1000 {
		m.Lines = append(m.Lines, notify.Line{Label: "What", Text: strings.Repeat("x", 3000)})
	}
	if _, err := output(t, configOf(s)).Notify(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	data := s.taken()[0].data
	if len(data) > 100_000 {
		t.Errorf("the mail has %d bytes", len(data))
	}
	if p := parse(t, data); !strings.Contains(p.text, "… and 990 more lines") {
		t.Errorf("what is missing is not said: …%s", p.text[len(p.text)-200:])
	}
}

func TestLogin(t *testing.T) {
	for _, tt := range []struct {
		name     string
		security email.Security
		auth     email.Auth
		want     string
	}{
		{"plain", email.StartTLS, "", "PLAIN picket"},
		{"login", email.StartTLS, email.AuthLogin, "LOGIN picket"},
		{"xoauth2", email.StartTLS, email.AuthXOAuth2, "XOAUTH2 picket"},
		{"plain, implicit TLS", email.Implicit, email.AuthPlain, "PLAIN picket"},
		{"login, implicit TLS", email.Implicit, email.AuthLogin, "LOGIN picket"},
		{"xoauth2, implicit TLS", email.Implicit, email.AuthXOAuth2, "XOAUTH2 picket"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.security == email.Implicit, func(s *mailServer, _ *smtp.Server) { s.mustAuth = true })
			cfg := configOf(s)
			cfg.Security, cfg.Auth, cfg.Username, cfg.Password = tt.security, tt.auth, "picket", secret("hunter2-secret")
			if _, err := output(t, cfg).Notify(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			if len(s.taken()) != 1 || !cmp.Equal(s.as, []string{tt.want}) {
				t.Errorf("%d mails as %q, want 1 as %q", len(s.taken()), s.as, tt.want)
			}
		})
	}
}

// TestFaults: what a server may do to a mail, and what is made of it.
func TestFaults(t *testing.T) {
	refuse := func(code int, text string) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: text}
	}
	for _, tt := range []struct {
		name      string
		implicit  bool
		tune      func(*mailServer, *smtp.Server)
		change    func(*email.Config)
		permanent bool
		want      string // in the error
	}{
		{"wrong password", false, nil, func(c *email.Config) { c.Username, c.Password = "picket", secret("open-sesame") }, false, "535"},
		{"no login where one is needed", false, func(s *mailServer, _ *smtp.Server) { s.mustAuth = true }, nil, true, "502"},
		{"no STARTTLS", false, func(_ *mailServer, srv *smtp.Server) { srv.TLSConfig = nil }, nil, false, "STARTTLS"},
		{"a certificate of somebody unknown", false, nil, func(c *email.Config) { c.RootCAs = nil }, false, "certificate"},
		{"a certificate of another name", false, nil, func(c *email.Config) { c.Host = "mail.acme.example" }, false, "smtp[.]acme[.]example, not mail[.]acme[.]example"},
		{"a certificate of another name, implicit TLS", true, nil, func(c *email.Config) { c.Host = "mail.acme.example" }, false, "smtp[.]acme[.]example, not mail[.]acme[.]example"},
		{"421", false, func(s *mailServer, _ *smtp.Server) { s.rcpt["jana@acme.example"] = refuse(421, "closing") }, nil, false, "421"},
		{"451", false, func(s *mailServer, _ *smtp.Server) { s.rcpt["jana@acme.example"] = refuse(451, "try later") }, nil, false, "451"},
		{"550", false, func(s *mailServer, _ *smtp.Server) { s.rcpt["jana@acme.example"] = refuse(550, "no such user") }, nil, true, "550"},
		{"452 after the text", false, func(s *mailServer, _ *smtp.Server) { s.data = refuse(452, "disk full") }, nil, false, "452"},
		{"554 after the text", false, func(s *mailServer, _ *smtp.Server) { s.data = refuse(554, "spam") }, nil, true, "554"},
		{"cut after the text", false, func(s *mailServer, _ *smtp.Server) { s.cut = 1 }, nil, false, "EOF"},
		{"nobody there", false, nil, func(c *email.Config) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
			}
		}, false, "dial"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.implicit, tt.tune)
			cfg := configOf(s)
			if tt.implicit {
				cfg.Security = email.Implicit
			}
			if tt.change != nil {
				tt.change(&cfg)
			}
			_, err := output(t, cfg).Notify(t.Context(), message())
			if err == nil || notify.IsPermanent(err) != tt.permanent || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v (permanent %v), want one with %q (permanent %v)", err, notify.IsPermanent(err), tt.want, tt.permanent)
			}
			if got, want := notify.IsDenied(err), tt.want == "535"; got != want {
				t.Errorf("%v: denied %v, want %v", err, got, want)
			}
			if err != nil && strings.Contains(err.Error(), "open-sesame") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

// TestSlow: a server that says nothing is given up, when the time is over and
// when the caller does not want to wait any more.
func TestSlow(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &mailServer{address: l.Addr().String()}
	for name, timeout := range map[string]time.Duration{"timeout": 50 * time.Millisecond, "cancelled": time.Hour} {
		t.Run(name, func(t *testing.T) {
			cfg := configOf(s)
			cfg.Timeout = timeout
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if _, err := output(t, cfg).Notify(ctx, message()); err == nil || notify.IsPermanent(err) {
				t.Errorf("%v, want an error that may pass", err)
			}
		})
	}
}

// TestRepeatedAfterCut: a server that took the mail and whose answer was lost
// gets it again with the same Message-ID.
func TestRepeatedAfterCut(t *testing.T) {
	s := serve(t, false, func(s *mailServer, _ *smtp.Server) { s.cut = 1 })
	o := output(t, configOf(s))
	if _, err := o.Notify(t.Context(), message()); err == nil || notify.IsPermanent(err) {
		t.Fatalf("%v, want an error that may pass", err)
	}
	if _, err := o.Notify(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	mails := s.taken()
	if len(mails) != 2 {
		t.Fatalf("%d mails, want 2", len(mails))
	}
	first, second := parse(t, mails[0].data), parse(t, mails[1].data)
	if a, b := first.header.Get("Message-Id"), second.header.Get("Message-Id"); a == "" || a != b {
		t.Errorf("Message-ID %q, then %q", a, b)
	}
}

// TestSomeRecipients: who can be told is told once, whatever happens to the
// others.
func TestSomeRecipients(t *testing.T) {
	s := serve(t, false, func(s *mailServer, _ *smtp.Server) {
		s.rcpt["gone@acme.example"] = &smtp.SMTPError{Code: 550, Message: "no such user"}
		s.rcpt["full@acme.example"] = &smtp.SMTPError{Code: 452, Message: "mailbox full"}
	})
	cfg := configOf(s)
	cfg.To = append(cfg.To, "gone@acme.example", "JANA@acme.example")
	m := message()
	m.People = []notify.Person{
		{Name: "Tom", Addresses: map[string]string{"email": "tom@acme.example"}},
		{Name: "Full", Addresses: map[string]string{"email": "full@acme.example"}},
		{Name: "Nobody", Addresses: map[string]string{"phone": "+49 30 555 0100"}},
	}
	o := output(t, cfg)
	_, err := o.Notify(t.Context(), m)
	if err == nil || notify.IsPermanent(err) || !strings.Contains(err.Error(), "2 of 4 recipients not told") {
		t.Fatalf("%v, want an error that may pass, of 2 of 4", err)
	}
	s.set(func() { delete(s.rcpt, "full@acme.example") })
	_, err = o.Notify(t.Context(), m)
	if !notify.IsPermanent(err) || !strings.Contains(err.Error(), "gone@acme.example") {
		t.Fatalf("%v, want a permanent error about gone@acme.example", err)
	}
	var to []string
	for _, r := range s.taken() {
		to = append(to, r.to)
	}
	if d := cmp.Diff([]string{"jana@acme.example", "tom@acme.example", "full@acme.example"}, to); d != "" {
		t.Errorf("who was told (-want +got):\n%s", d)
	}
}

// TestAssigned: what somebody was given to do is told to them and to no list.
func TestAssigned(t *testing.T) {
	s := serve(t, false, nil)
	m := notifytest.Message(notify.Assigned)
	if _, err := output(t, configOf(s)).Notify(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var to []string
	for _, r := range s.taken() {
		to = append(to, r.to)
	}
	if d := cmp.Diff([]string{"jane@acme.example"}, to); d != "" {
		t.Errorf("who was told (-want +got):\n%s", d)
	}
}

func TestNobody(t *testing.T) {
	s := serve(t, false, nil)
	cfg := configOf(s)
	cfg.To = nil
	m := message()
	m.People = []notify.Person{{Name: "Tom", Addresses: map[string]string{"email": "tom@acme.example>\r\nRCPT TO:<x@evil.example"}}}
	_, err := output(t, cfg).Notify(t.Context(), m)
	if !notify.IsPermanent(err) || !strings.Contains(err.Error(), "nobody to write to") || strings.Contains(err.Error(), "\r") {
		t.Errorf("%v, want a permanent error", err)
	}
}

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*email.Config)
		want   string // in the error; "" is none
	}{
		{"complete", func(*email.Config) {}, ""},
		{"no host", func(c *email.Config) { c.Host = "" }, "host:"},
		{"an address as host", func(c *email.Config) { c.Host = "smtp://a" }, "host:"},
		{"port", func(c *email.Config) { c.Port = 70000 }, "port: 70000"},
		{"security", func(c *email.Config) { c.Security = "none" }, `security: "none"; expected starttls or implicit`},
		{"timeout", func(c *email.Config) { c.Timeout = -1 }, "timeout:"},
		{"auth", func(c *email.Config) { c.Auth = "ntlm" }, `auth: "ntlm"`},
		{"password alone", func(c *email.Config) { c.Password = secret("x") }, "auth: none takes neither"},
		{"no username", func(c *email.Config) { c.Auth = email.AuthLogin }, "username: missing"},
		{"no password", func(c *email.Config) { c.Username = "picket" }, "password: missing"},
		{"from", func(c *email.Config) { c.From = "picket" }, `from: "picket"`},
		{"to", func(c *email.Config) { c.To = []string{"a@b.example", "nobody"} }, `to[1]: "nobody"`},
		{"too many", func(c *email.Config) { c.To = make([]string, 51) }, "to: 51 addresses; at most 50"},
		{"domain", func(c *email.Config) { c.Domain = "a b" }, `domain: "a b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := configOf(&mailServer{})
			tt.change(&cfg)
			_, err := email.New(cfg)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
