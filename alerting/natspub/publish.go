package natspub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
)

// Headers of Picket's own on public copies, beside HeaderVersion; see the
// package comment.
const (
	HeaderUrgency = "Picket-Urgency"
	HeaderDrill   = "Picket-Drill"
)

// ContentType is the media type of a public copy.
const ContentType = "application/cloudevents+json"

// Publisher publishes public copies into the stream. It implements
// alerting.Publisher.
type Publisher struct {
	js   jetstream.JetStream
	opts PublisherOptions
}

var _ alerting.Publisher = (*Publisher)(nil)

// PublisherOptions say who publishes.
type PublisherOptions struct {
	Instance  string             // of several Pickets, makes the source "/picket/<instance>"; may be empty
	Version   string             // of this Picket
	Directory alerting.Directory // what is known of accounts; nil: nothing
}

// NewPublisher returns a Publisher on the server behind js. The stream must
// exist; see Ensure.
func NewPublisher(js jetstream.JetStream, opts PublisherOptions) *Publisher {
	return &Publisher{js: js, opts: opts}
}

// DuplicateWindow is how long a copy that is published again is stored once.
func (p *Publisher) DuplicateWindow() time.Duration { return DuplicateWindow }

// Publish sends all copies before it waits for the first acknowledgement.
func (p *Publisher) Publish(ctx context.Context, revisions []alerting.Alert) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var errs []error
	acks := make([]jetstream.PubAckFuture, 0, len(revisions))
	for i := range revisions {
		msg, err := p.copyMsg(&revisions[i])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ack, err := p.js.PublishMsgAsync(msg, jetstream.WithExpectStream(Stream))
		if err != nil {
			errs = append(errs, fmt.Errorf("publish alert %s: %w", revisions[i].ID, err))
			continue
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		if _, err := await(ctx, ack); err != nil {
			errs = append(errs, fmt.Errorf("publish %s: %w", ack.Msg().Subject, err))
		}
	}
	return errors.Join(errs...)
}

func (p *Publisher) copyMsg(a *alerting.Alert) (*nats.Msg, error) {
	data, err := encodeEvent(p.opts, a)
	if err != nil {
		return nil, err
	}
	msg := &nats.Msg{Subject: CopySubject(a), Data: data, Header: nats.Header{}}
	msg.Header.Set(jetstream.MsgIDHeader, eventID(a))
	msg.Header.Set("Content-Type", ContentType)
	msg.Header.Set(HeaderVersion, layoutVersion)
	msg.Header.Set(HeaderUrgency, string(a.Urgency(p.opts.Directory, a.Updated)))
	if drill := a.Drill(); drill != "" {
		msg.Header.Set(HeaderDrill, activity.EncodeToken(drill))
	}
	return msg, nil
}

func eventID(a *alerting.Alert) string { return a.ID + "." + strconv.FormatUint(a.Revision, 10) }
