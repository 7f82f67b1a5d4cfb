package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
)

const (
	readLimit  = 1 << 20          // bytes of one envelope
	actTimeout = 10 * time.Second // of one click
	maxActing  = 4                // clicks that are acted on at once
	maxName    = 40               // characters of a name in Slack
)

// Run takes what people do with buttons until ctx ends, over a connection that
// is opened again whenever Slack or the network ends it. It returns at once
// where there is no app token.
//
// A click is acknowledged to Slack before it is acted on, because Slack waits
// three seconds; what becomes of it is said to the person who clicked. Several
// Picket daemons or receivers of one Slack app may run at once: Slack gives
// each click to one of them, and a button says itself what it acts on.
func (o *Output) Run(ctx context.Context) error {
	if o.cfg.AppToken == nil {
		return nil
	}
	for {
		err := o.listen(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // being told to end is no failure
		}
		o.cfg.Log.Error("Slack refuses Socket Mode; buttons do nothing", zap.Error(o.fault("apps.connections.open", err)))
		if wait(ctx, o.cfg.Refused) != nil {
			return nil //nolint:nilerr // as above
		}
	}
}

// listen serves connections until ctx ends or Slack refuses the app token.
func (o *Output) listen(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := socketmode.New(o.api(), socketmode.OptionDialer(o.cfg.Dialer), socketmode.OptionReadLimit(readLimit), socketmode.OptionLog(silent{}))
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	var clicks errgroup.Group
	clicks.SetLimit(maxActing)
	defer func() { _ = clicks.Wait() }()
	for {
		select {
		case err := <-ended:
			return err
		case event := <-client.Events:
			o.take(ctx, client, event, &clicks)
		}
	}
}

// take takes one event of the connection.
func (o *Output) take(ctx context.Context, client *socketmode.Client, event socketmode.Event, clicks *errgroup.Group) {
	if event.Type == socketmode.EventTypeConnectionError {
		if failed, ok := event.Data.(*slack.ConnectionErrorEvent); ok {
			o.cfg.Log.Warn("no connection to Slack's Socket Mode", zap.Duration("again_in", failed.Backoff), zap.Error(o.fault("apps.connections.open", failed.ErrorObj)))
		}
		return
	}
	if event.Request == nil || event.Request.EnvelopeID == "" {
		return
	}
	if err := client.AckCtx(ctx, event.Request.EnvelopeID, nil); err != nil {
		return // the connection ends; Slack sends it again
	}
	callback, ok := event.Data.(slack.InteractionCallback)
	if !ok || callback.Type != slack.InteractionTypeBlockActions || !o.seen.first("envelope "+event.Request.EnvelopeID) {
		return
	}
	for _, action := range callback.ActionCallback.BlockActions {
		click := strings.Join([]string{callback.User.ID, action.ActionTs, action.ActionID}, " ")
		if action.ActionTs == "" || o.seen.first("click "+click) {
			clicks.Go(func() error {
				o.act(ctx, &callback, action)
				return nil
			})
		}
	}
}

// act does what one click asks for, and tells the person.
func (o *Output) act(ctx context.Context, callback *slack.InteractionCallback, action *slack.BlockAction) {
	d, ok := deed(notify.Action(strings.TrimPrefix(action.ActionID, prefix)), o.actor(callback.User))
	if !ok {
		return // a link, which Slack reports too
	}
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	said := o.do(ctx, action.Value, d)
	if err := o.whisper(ctx, callback, said); err != nil {
		o.cfg.Log.Warn("what became of a button in Slack could not be said", zap.Error(o.fault("chat.postEphemeral", err)))
	}
}

// do acts on each alert that the button names, and says what became of it.
func (o *Output) do(ctx context.Context, value string, d alerting.Deed) string {
	t, err := decodeTarget(value)
	if err != nil {
		return "Nothing was done: " + err.Error() + "."
	}
	done := 0
	var failed []string
	for _, id := range t.Alerts {
		if err := o.actOn(ctx, id, d); err != nil {
			failed = append(failed, err.Error())
			continue
		}
		done++
	}
	said := fmt.Sprintf("%s of %s: done for %d of %d alerts, as %s.", d.Action, alerting.Plain(t.Number), done, max(t.Of, len(t.Alerts)), d.Actor)
	if more := t.Of - len(t.Alerts); more > 0 {
		said += fmt.Sprintf(" %d more are too many for a button: use picket alerts.", more)
	}
	if len(failed) > 0 {
		said += fmt.Sprintf(" Failed for %d: %s", len(failed), failed[0])
	}
	return said
}

// actOn does a deed on one alert. Who takes one is on it: assigning alone leaves
// it waiting for somebody, and the next person is woken.
func (o *Output) actOn(ctx context.Context, id string, d alerting.Deed) error {
	if d.Action == alerting.ActionAssign {
		on := alerting.Deed{Action: alerting.ActionAck, Actor: d.Actor, Reason: d.Reason}
		if _, err := o.cfg.Actor.Act(ctx, id, on); err != nil && !errors.Is(err, alerting.ErrState) { // somebody is on it already
			return err
		}
	}
	_, err := o.cfg.Actor.Act(ctx, id, d)
	return err
}

// actor is the name under which somebody in Slack acts.
func (o *Output) actor(u slack.User) string {
	if name := o.cfg.People[u.ID]; name != "" {
		return name
	}
	name := cut(alerting.Plain(u.Name), maxName)
	if !id(u.ID, "UW") || name == "" {
		return "slack:" + cut(alerting.Plain(u.ID), maxName)
	}
	return "slack:" + u.ID + " (" + name + ")"
}

// whisper says something to the person who clicked, and to nobody else.
func (o *Output) whisper(ctx context.Context, callback *slack.InteractionCallback, text string) error {
	if !id(callback.Channel.ID, "CGD") || !id(callback.User.ID, "UW") {
		return errors.New("the click names no channel or no person")
	}
	text = cut(alerting.Plain(text), maxSection)
	options := o.options([]slack.Block{slack.NewSectionBlock(plain(text), nil, nil)}, text)
	if ts := callback.Message.ThreadTimestamp; timestamp(ts) {
		options = append(options, slack.MsgOptionTS(ts))
	}
	_, err := o.api().PostEphemeralContext(ctx, callback.Channel.ID, callback.User.ID, options...)
	return err
}
