package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/alerting/notify"
)

// writers is how many incidents are queued at the same time.
const writers = 32

// maxKey is how long a message's key may be, in bytes.
const maxKey = 128

// Outbox is the durable queue of messages. It is safe for concurrent use.
type Outbox struct {
	js jetstream.JetStream
}

// NewOutbox returns the outbox on the server behind js. The streams must exist;
// see Ensure.
func NewOutbox(js jetstream.JetStream) *Outbox { return &Outbox{js: js} }

// Queue makes messages durable, and returns when all of them are. Messages of
// one incident at one receiver are kept in the order given. A message whose
// receiver and key were queued before is kept once, so after an error all of
// them are queued again, in the same order. An invalid message, which is the
// caller's mistake, keeps all of them out.
func (o *Outbox) Queue(ctx context.Context, messages []notify.Message) error {
	subjects := make([]string, 0, len(messages))
	bySubject := map[string][]*nats.Msg{}
	for i := range messages {
		msg, err := queued(&messages[i])
		if err != nil {
			return err
		}
		if bySubject[msg.Subject] == nil {
			subjects = append(subjects, msg.Subject)
		}
		bySubject[msg.Subject] = append(bySubject[msg.Subject], msg)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	// A later message is not sent before an earlier one of its incident is
	// durable: queued again after a fault, the earlier one would come behind it.
	var g errgroup.Group
	g.SetLimit(writers)
	faults := make([]error, len(subjects))
	for i, subject := range subjects {
		g.Go(func() error {
			for _, msg := range bySubject[subject] {
				if _, err := o.js.PublishMsg(ctx, msg, jetstream.WithExpectStream(Stream)); err != nil {
					faults[i] = fmt.Errorf("queue %s: %w", subject, err)
					return nil
				}
			}
			return nil
		})
	}
	_ = g.Wait() // faults has them all
	return errors.Join(faults...)
}

// queued returns a message as it is stored.
func queued(m *notify.Message) (*nats.Msg, error) {
	if err := valid(m); err != nil {
		return nil, fmt.Errorf("queue message %q: %w", m.Key, err)
	}
	stored := *m
	stored.V = notify.Version
	data, err := json.Marshal(&stored)
	if err != nil {
		return nil, fmt.Errorf("queue message %q: %w", m.Key, err)
	}
	msg := nats.NewMsg(QueueSubject(m.Receiver, m.Incident))
	msg.Data = data
	msg.Header.Set(jetstream.MsgIDHeader, m.Receiver+"/"+m.Key)
	msg.Header.Set(HeaderVersion, layoutVersion)
	return msg, nil
}

// valid tells what is wrong with a message.
func valid(m *notify.Message) error {
	switch {
	case m.V != 0 && m.V != notify.Version:
		return fmt.Errorf("its version is %d; expected %d", m.V, notify.Version)
	case m.Receiver == "":
		return errors.New("it names no receiver")
	case m.Incident == "":
		return errors.New("it names no incident")
	case !validKey(m.Key):
		return fmt.Errorf("its key is not 1 to %d letters, digits, %q, %q or %q", maxKey, ".", "_", "-")
	}
	return nil
}

func validKey(key string) bool {
	for _, c := range []byte(key) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return key != "" && len(key) <= maxKey
}

// decode reads a stored message. It refuses one of a newer layout.
func decode(data []byte) (notify.Message, error) {
	var m notify.Message
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("no message of this layout: %w", err)
	}
	return m, valid(&m)
}
