package api

import (
	"context"
	"fmt"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
)

// IncidentPrefix begins the subjects of the endpoints about incidents.
const IncidentPrefix = "picket.api.incidents"

// Incidents is where a Service finds incidents; a dispatch.StreamStore is one.
type Incidents interface {
	// Incident returns the newest incident that a reference names: its number, its
	// id, the beginning of one, or the number of the alert that it began with.
	Incident(ctx context.Context, reference string) (incident.Incident, error)
}

// ActOn does a deed on every alert of an incident that it is meant for, as the
// incident is now: acknowledging on those that are firing, else on those that
// are not resolved. One that fails does not stop the others, and the answer says
// what became of each. Where no alert took it, that is an error.
func (s *Service) ActOn(ctx context.Context, reference string, d alerting.Deed) (Outcome, error) {
	in, err := s.incidents.Incident(ctx, reference)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Number: in.Number(), Incident: in.ID, Alerts: []Done{}}
	ids := in.For(d.Action)
	if len(ids) == 0 {
		return out, fmt.Errorf("%s %s: %w: it is %s", d.Action, in.Number(), alerting.ErrState, in.State)
	}
	var faults []error
	for _, id := range ids {
		done := Done{Number: alerting.Number(id), Alert: id}
		a, err := s.alerts.Act(ctx, id, d)
		switch {
		case err != nil && a.ID == "":
			p := problemOf(err)
			done.Problem = &p
			faults = append(faults, err)
			out.Failed++
		case err != nil:
			done.Warning = err.Error()
			fallthrough
		default:
			done.State = a.State
		}
		out.Alerts = append(out.Alerts, done)
	}
	if len(faults) == len(ids) {
		return out, fmt.Errorf("%s %s: no alert of it: %w", d.Action, in.Number(), inOneLine(faults))
	}
	return out, nil
}

// inOneLine joins errors, which people and headers read.
func inOneLine(faults []error) error {
	all := faults[0]
	for _, fault := range faults[1:] {
		all = fmt.Errorf("%w; %w", all, fault)
	}
	return all
}

// doingAll returns the operation of one action on incidents.
func (s *Service) doingAll(action alerting.Action) func(context.Context, *IncidentDeed) (Outcome, error) {
	return func(ctx context.Context, d *IncidentDeed) (Outcome, error) {
		return s.ActOn(ctx, d.Incident, alerting.Deed{Action: action, Actor: d.By, Reason: d.Reason, To: d.To, Verdict: d.Verdict, Until: d.Until})
	}
}

func (o operations) AckIncident(ctx context.Context, r AckIncidentRequestObject) (AckIncidentResponseObject, error) {
	done, err := o.service.ActOn(ctx, r.Incident, deed(ctx, alerting.ActionAck, value(r.Body).Reason))
	return AckIncident200JSONResponse{ActedOnJSONResponse(done)}, err
}

func (o operations) AssignIncident(ctx context.Context, r AssignIncidentRequestObject) (AssignIncidentResponseObject, error) {
	d := deed(ctx, alerting.ActionAssign, r.Body.Reason)
	d.To = r.Body.To
	done, err := o.service.ActOn(ctx, r.Incident, d)
	return AssignIncident200JSONResponse{ActedOnJSONResponse(done)}, err
}

func (o operations) ResolveIncident(ctx context.Context, r ResolveIncidentRequestObject) (ResolveIncidentResponseObject, error) {
	body := value(r.Body)
	d := deed(ctx, alerting.ActionResolve, body.Reason)
	d.Verdict, d.Until = body.Verdict, body.Until
	done, err := o.service.ActOn(ctx, r.Incident, d)
	return ResolveIncident200JSONResponse{ActedOnJSONResponse(done)}, err
}
