package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/httpsend"
)

// Output tells messages in a channel. It is a notify.Notifier.
type Output struct {
	cfg  Config
	wire *wire
	pace chan time.Time // holds when the next message may be sent
	seen seen
}

// New checks the configuration, without connecting to anything. Its error names
// the field that is wrong.
func New(cfg Config) (*Output, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("slack: %w", err)
	}
	o := &Output{
		cfg: cfg, pace: make(chan time.Time, 1), seen: seen{of: map[string]bool{}},
		wire: &wire{httpsend.New(httpsend.Options{HTTP: cfg.HTTP, Timeout: cfg.Timeout, Secrets: []notify.Secret{cfg.BotToken, cfg.AppToken}})},
	}
	o.pace <- time.Time{}
	return o, nil
}

// api returns a client of the Web API with the tokens as they are now.
func (o *Output) api() *slack.Client {
	options := []slack.Option{slack.OptionAPIURL(o.cfg.BaseURL), slack.OptionHTTPClient(o.wire), slack.OptionLog(silent{})}
	if o.cfg.AppToken != nil {
		options = append(options, slack.OptionAppLevelToken(o.cfg.AppToken.Reveal()))
	}
	return slack.New(o.cfg.BotToken.Reveal(), options...)
}

// silent is the library's log, which is for people who debug it.
type silent struct{}

func (silent) Output(int, string) error { return nil }

// Check asks Slack whether it takes the bot token, without telling anybody
// anything, and returns the workspace and the name that Picket has there.
func (o *Output) Check(ctx context.Context) (workspace, name string, err error) {
	who, err := o.api().AuthTestContext(ctx)
	if err != nil {
		return "", "", o.fault("auth.test", err)
	}
	return alerting.Plain(who.Team), alerting.Plain(who.User), nil
}

// Notify begins the incident's thread, or brings its first message up to date
// and then replies to it. In this order, because the first can be done twice
// without harm: where the reply fails, trying again says nothing twice. Slack
// recognises no repetition; a message whose answer was lost is there twice.
//
// The receipt is the first message's channel and ts, "C0123456789/1700000000.000100",
// with " acked" behind once the thread has said that somebody is on it. Where somebody has deleted that message, the incident gets a new thread and
// its receipt.
func (o *Output) Notify(ctx context.Context, m *notify.Message) (string, error) {
	thread, acked := strings.CutSuffix(m.Receipt, ackedMark)
	channel, ts, ok := strings.Cut(thread, "/")
	if !ok || !id(channel, "CGD") || !timestamp(ts) {
		return o.begin(ctx, m)
	}
	switch err := o.update(ctx, channel, ts, m); {
	case is(err, "message_not_found"):
		return o.begin(ctx, m)
	case is(err, "cant_update_message", "edit_window_closed"):
		// The workspace or a new bot token does not allow it; the reply says it.
	case err != nil:
		return "", o.fault("chat.update", err)
	}
	call := calls(m, acked)
	options := append(o.options(o.reply(m, call), m.Title), slack.MsgOptionTS(ts))
	if call {
		options = append(options, slack.MsgOptionBroadcast())
	}
	if _, _, err := o.post(ctx, channel, options); err != nil {
		return "", o.fault("chat.postMessage", err)
	}
	if m.Kind == notify.Acknowledged || m.Kind == notify.Assigned && acked {
		thread += ackedMark
	}
	return thread, nil
}

// ackedMark is what a receipt ends with; see Notify.
const ackedMark = " acked"

// begin sends the first message of a thread.
func (o *Output) begin(ctx context.Context, m *notify.Message) (string, error) {
	channel, ts, err := o.post(ctx, o.cfg.Channel, o.options(o.first(m), m.Title))
	if err != nil {
		return "", o.fault("chat.postMessage", err)
	}
	return channel + "/" + ts, nil
}

// errNoReceipt is the error of a success without what Slack says where there
// is one, as a proxy makes it.
func errNoReceipt() error {
	return errors.New("the answer is a success and does not say which message was made")
}

// post sends a message, not sooner after another than is allowed.
func (o *Output) post(ctx context.Context, channel string, options []slack.MsgOption) (string, string, error) {
	var next time.Time
	select {
	case next = <-o.pace:
	case <-ctx.Done():
		return "", "", ctx.Err()
	}
	// The time counts from the answer, so that a slow request does not bring two
	// messages together.
	defer func() { o.pace <- time.Now().Add(o.cfg.Every) }()
	if err := wait(ctx, time.Until(next)); err != nil {
		return "", "", err
	}
	channel, ts, err := o.api().PostMessageContext(ctx, channel, options...)
	if err == nil && (!timestamp(ts) || !id(channel, "CGD")) {
		err = errNoReceipt()
	}
	return channel, ts, err
}

func (o *Output) update(ctx context.Context, channel, ts string, m *notify.Message) error {
	_, got, _, err := o.api().UpdateMessageContext(ctx, channel, ts, o.options(o.first(m), m.Title)...)
	if err == nil && !timestamp(got) {
		err = errNoReceipt()
	}
	return err
}

// wait returns when the time is over, or with the context's error.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// timestamp reports whether s is a message's ts: digits, a dot, digits.
func timestamp(s string) bool {
	whole, part, ok := strings.Cut(s, ".")
	digits := func(s string) bool {
		return s != "" && len(s) < 20 && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	}
	return ok && digits(whole) && digits(part)
}
