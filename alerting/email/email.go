package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html/template"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
)

// Output tells messages by e-mail. It is a notify.Notifier.
type Output struct {
	cfg  Config
	page *template.Template
	told told
}

// New checks the configuration, without connecting to anything. Its error names
// the field that is wrong.
func New(cfg Config) (*Output, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	page, err := parsePage()
	if err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	return &Output{cfg: cfg, page: page, told: told{of: map[string][]string{}}}, nil
}

// Notify sends one mail to each recipient, over one connection. The receipt is
// the Message-ID.
//
// An answer of the server that begins with 4, a connection that fails, a
// certificate that does not fit and a server without STARTTLS may pass; an
// answer that begins with 5 does not, unless it is to Picket's password, which
// somebody may be changing. Where some recipients were told and others not, the error is that
// of the others: one that may pass where any of theirs may. Who was told is
// remembered by the message's key, so that trying again tells nobody twice,
// unless Picket was started again in between; then the Message-ID is the same.
func (o *Output) Notify(ctx context.Context, m *notify.Message) (string, error) {
	to, bad := o.recipients(m)
	if len(to) == 0 {
		return "", notify.Permanent(errors.Join(errors.New("email: there is nobody to write to"), bad))
	}
	left := o.told.left(m.Key, to)
	mails := make([]*mail.Msg, 0, len(left))
	for _, address := range left {
		msg, err := o.compose(m, address)
		if err != nil {
			return "", notify.Permanent(fmt.Errorf("email: %w", err))
		}
		mails = append(mails, msg)
	}
	ctx, cancel := context.WithTimeout(ctx, o.cfg.Timeout)
	defer cancel()
	err := o.send(ctx, mails)
	if err = o.outcome(m.Key, left, mails, err); err == nil && bad != nil {
		err = notify.Permanent(fmt.Errorf("email: %w", bad))
	}
	if err == nil || notify.IsPermanent(err) {
		o.told.forget(m.Key)
	}
	if err != nil {
		return "", err
	}
	return o.messageID(m.Key), nil
}

// recipients returns the addresses that a message goes to, each once, and what
// is wrong with those it cannot go to. What somebody was given to do is told to
// them alone.
func (o *Output) recipients(m *notify.Message) ([]string, error) {
	var all []string
	if m.Kind != notify.Assigned {
		all = slices.Clone(o.cfg.To)
	}
	for _, p := range m.People {
		if a := p.Addresses["email"]; a != "" {
			all = append(all, a)
		}
	}
	var out []string
	var bad error
	for _, a := range all {
		parsed, err := netmail.ParseAddress(a)
		switch {
		case err != nil:
			bad = errors.Join(bad, fmt.Errorf("%q is no e-mail address", cut(alerting.Plain(a), maxSubject)))
		case slices.ContainsFunc(out, func(b string) bool { return strings.EqualFold(parsed.Address, b) }):
		case len(out) == MaxRecipients:
			return out, errors.Join(bad, fmt.Errorf("more than %d recipients: the others were not told", MaxRecipients))
		default:
			out = append(out, parsed.Address)
		}
	}
	return out, bad
}

// send sends mails over one connection; each mail then knows what became of it.
func (o *Output) send(ctx context.Context, mails []*mail.Msg) error {
	if len(mails) == 0 {
		return nil
	}
	line := &line{}
	defer line.close()
	client, err := mail.NewClient(o.cfg.Host, o.options(ctx, line)...)
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(ctx, mails...)
}

func (o *Output) options(ctx context.Context, line *line) []mail.Option {
	config := &tls.Config{ServerName: o.cfg.Host, RootCAs: o.cfg.RootCAs, MinVersion: tls.VersionTLS12}
	options := []mail.Option{
		mail.WithPort(o.cfg.Port), mail.WithTimeout(o.cfg.Timeout), mail.WithTLSConfig(config),
		mail.WithTLSPolicy(mail.TLSMandatory), mail.WithoutNoop(),
	}
	dial := line.dial(ctx, o.cfg.Dial)
	if o.cfg.Security == Implicit {
		options = append(options, mail.WithSSL())
		dial = overTLS(dial, config)
	}
	options = append(options, mail.WithDialContextFunc(dial))
	if o.cfg.Auth != AuthNone {
		options = append(options, mail.WithSMTPAuth(o.mechanism()), mail.WithUsername(o.cfg.Username), mail.WithPassword(o.cfg.Password.Reveal()))
	}
	return options
}

// mechanism is what the library calls Config.Auth.
func (o *Output) mechanism() mail.SMTPAuthType {
	switch o.cfg.Auth {
	case AuthXOAuth2:
		return mail.SMTPAuthXOAUTH2
	case AuthLogin:
		return mail.SMTPAuthLogin
	case AuthPlain, AuthNone:
	}
	return mail.SMTPAuthPlain
}

// line is the connection of one sending, which the library leaves open where
// it gives up half-way, and which does not outlive the sending's context.
type line struct {
	conn net.Conn
	stop func() bool // closing it when the context ends
}

// dial opens the line. The context of the sending is not the one that the
// library gives to dial, which ends when the line is open.
func (l *line) dial(sending context.Context, dial mail.DialContextFunc) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		l.conn = conn
		l.stop = context.AfterFunc(sending, func() { _ = conn.Close() })
		return conn, nil
	}
}

// close ends the connection; ending it twice does no harm.
func (l *line) close() {
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close()
	}
}

func overTLS(dial mail.DialContextFunc, config *tls.Config) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return secure, nil
	}
}

// outcome says what became of a message from what became of its mails.
func (o *Output) outcome(key string, to []string, mails []*mail.Msg, err error) error {
	var failed []string
	passes, denied := false, false
	for i, msg := range mails {
		// The library counts a mail that the server took as failed where the
		// connection ended right after.
		if msg.IsDelivered() {
			o.told.add(key, to[i])
			continue
		}
		why := msg.SendError()
		if why == nil {
			why = err
		}
		if why == nil {
			why = errors.New("not sent")
		}
		denied = denied || ofLogin(code(why))
		passes = passes || code(why) < 500
		failed = append(failed, to[i]+": "+o.explain(why))
	}
	if len(failed) == 0 {
		return nil
	}
	failure := fmt.Errorf("email: %d of %d recipients not told: %s", len(failed), len(to), strings.Join(slices.Compact(failed), "; "))
	if passes {
		return failure
	}
	if denied {
		return notify.Denied(failure)
	}
	return notify.Permanent(failure)
}

// maxCause bounds what an error says of a server's answer, in characters.
const maxCause = 200

// explain puts an error into words, without secrets: a server may repeat what
// it was sent.
func (o *Output) explain(err error) string {
	text := err.Error()
	if _, sending := errors.AsType[*mail.SendError](err); sending {
		text, _, _ = strings.Cut(text, ", affected recipient(s)")
		text, _, _ = strings.Cut(text, ", affected message ID")
	}
	return cut(alerting.Plain(notify.Hide(text, o.cfg.Password)), maxCause)
}

// ofLogin reports whether a server's answer is to the login, or that it wants
// one (RFC 4954, 6).
func ofLogin(code int) bool { return slices.Contains([]int{530, 534, 535, 538}, code) }

// code is the server's answer to what failed, 0 where it gave none.
func code(err error) int {
	if sending, ok := errors.AsType[*mail.SendError](err); ok {
		return sending.ErrorCode()
	}
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return answer.Code
	}
	return 0
}
