package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
)

// The NATS service.
const (
	ServiceName    = "picket-alerts"
	ServiceVersion = "1.0.0" // of openapi.yaml
	// Prefix begins the subjects of the endpoints.
	Prefix = "picket.api.alerts"
)

// answerWithin bounds the work for one request.
const answerWithin = 10 * time.Second

// endpoint is one operation over NATS: it reads a request and returns what is
// to be answered as JSON.
type endpoint struct {
	name   string
	schema string // of the request
	answer func(ctx context.Context, request []byte) (any, error)

	incident bool // it is about an incident, not about alerts
}

// Serve answers requests on nc until the service that it returns is stopped.
func (s *Service) Serve(nc *nats.Conn, log *zap.Logger) (micro.Service, error) {
	service, err := micro.AddService(nc, micro.Config{
		Name: ServiceName, Version: ServiceVersion,
		Description: "Picket's alerts: what is open, and what people do about it",
		ErrorHandler: func(_ micro.Service, fault *micro.NATSError) {
			log.Warn("NATS API", zap.String("subject", fault.Subject), zap.String("error", fault.Description))
		},
	})
	if err != nil {
		return nil, fmt.Errorf("NATS service %s: %w", ServiceName, err)
	}
	alerts, incidents := service.AddGroup(Prefix), service.AddGroup(IncidentPrefix)
	for _, e := range s.endpoints() {
		group, name := alerts, e.name
		if e.incident {
			group, name = incidents, "incident-"+e.name
		}
		err := group.AddEndpoint(name, e.handler(nc.MaxPayload, log), micro.WithEndpointSubject(e.name), micro.WithEndpointMetadata(map[string]string{"schema": e.schema}))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("NATS service %s: endpoint %s: %w", ServiceName, e.name, err), service.Stop())
		}
	}
	return service, nil
}

func (s *Service) endpoints() []endpoint {
	return []endpoint{
		{"list", "Query", asked(func(ctx context.Context, q *Query) (List, error) { return s.List(ctx, *q) }), false},
		{"get", "Reference", asked(func(ctx context.Context, r *Reference) (Entry, error) { return s.Get(ctx, r.Alert) }), false},
		{"history", "Reference", asked(func(ctx context.Context, r *Reference) (History, error) { return s.History(ctx, r.Alert) }), false},
		{"ack", "Deed", asked(s.doing(alerting.ActionAck)), false},
		{"assign", "Deed", asked(s.doing(alerting.ActionAssign)), false},
		{"resolve", "Deed", asked(s.doing(alerting.ActionResolve)), false},
		{"ack", "IncidentDeed", asked(s.doingAll(alerting.ActionAck)), true},
		{"assign", "IncidentDeed", asked(s.doingAll(alerting.ActionAssign)), true},
		{"resolve", "IncidentDeed", asked(s.doingAll(alerting.ActionResolve)), true},
	}
}

// doing returns the operation of one action. It passes on all that was sent, so
// that what does not belong to the action is refused as anywhere else.
func (s *Service) doing(action alerting.Action) func(context.Context, *Deed) (Entry, error) {
	return func(ctx context.Context, d *Deed) (Entry, error) {
		return s.Act(ctx, d.Alert, alerting.Deed{Action: action, Actor: d.By, Reason: d.Reason, To: d.To, Verdict: d.Verdict, Until: d.Until})
	}
}

// asked decodes requests for an operation. An empty one asks for all that it
// leaves out.
func asked[Q, A any](do func(context.Context, *Q) (A, error)) func(context.Context, []byte) (any, error) {
	return func(ctx context.Context, request []byte) (any, error) {
		var q Q
		if len(request) > 0 {
			if err := decode(request, &q); err != nil {
				return nil, err
			}
		}
		return do(ctx, &q)
	}
}

func (e *endpoint) handler(most func() int64, log *zap.Logger) micro.Handler {
	return micro.HandlerFunc(func(r micro.Request) {
		ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
		defer cancel()
		answer, err := e.answer(ctx, r.Data())
		var body []byte
		if err == nil {
			body, err = json.Marshal(answer)
		}
		if most := most(); err == nil && int64(len(body)) > most {
			err = &problem{
				http.StatusRequestEntityTooLarge, CodeTooLarge,
				fmt.Sprintf("the answer has %d bytes, more than the %d that the NATS server passes on: ask for less with limit", len(body), most),
			}
		}
		if err != nil {
			err = refuseOver(r, err)
		} else {
			err = r.Respond(body)
		}
		if err != nil {
			log.Warn("NATS API: answer not sent", zap.String("subject", r.Subject()), zap.Error(err))
		}
	})
}

func refuseOver(r micro.Request, err error) error {
	p := problemOf(err)
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return r.Error(strconv.Itoa(p.Status), p.Detail, body)
}
