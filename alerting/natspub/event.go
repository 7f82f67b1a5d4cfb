package natspub

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// OCSFVersion is the version of the schema that Finding follows.
const OCSFVersion = "1.8.0"

// Event is a public copy: a CloudEvents 1.0 event in structured JSON mode.
type Event struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject,omitempty"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	// Extension attributes.
	Urgency     alerting.Urgency `json:"urgency"`
	LateSeconds int32            `json:"lateseconds,omitempty"`
	Drill       string           `json:"drill,omitempty"`
	Silenced    time.Time        `json:"silenceduntil,omitzero"`

	Data Finding `json:"data"`
}

// Finding is an OCSF Detection Finding, class 2004. Times are milliseconds
// since 1970.
type Finding struct {
	ActivityID   int          `json:"activity_id"`
	ActivityName string       `json:"activity_name"`
	CategoryUID  int          `json:"category_uid"`
	CategoryName string       `json:"category_name"`
	ClassUID     int          `json:"class_uid"`
	ClassName    string       `json:"class_name"`
	TypeUID      int          `json:"type_uid"`
	TypeName     string       `json:"type_name"`
	SeverityID   int          `json:"severity_id"`
	Severity     string       `json:"severity"`
	StatusID     int          `json:"status_id"`
	Status       string       `json:"status"`
	IsAlert      bool         `json:"is_alert"`
	Time         int64        `json:"time"` // when the alert was opened
	StartTime    int64        `json:"start_time,omitempty"`
	EndTime      int64        `json:"end_time,omitempty"`
	Count        int          `json:"count"`
	Message      string       `json:"message"`
	FindingInfo  FindingInfo  `json:"finding_info"`
	Resources    []Resource   `json:"resources,omitempty"`
	Evidences    []Evidence   `json:"evidences,omitempty"`
	Observables  []Observable `json:"observables,omitempty"`
	Remediation  *Remediation `json:"remediation,omitempty"`
	Metadata     Metadata     `json:"metadata"`
	Unmapped     Unmapped     `json:"unmapped"`
}

// FindingInfo describes the alert.
type FindingInfo struct {
	UID           string   `json:"uid"`
	Title         string   `json:"title"`
	Desc          string   `json:"desc,omitempty"`
	Types         []string `json:"types"`
	CreatedTime   int64    `json:"created_time"`
	ModifiedTime  int64    `json:"modified_time"`
	FirstSeenTime int64    `json:"first_seen_time,omitempty"`
	LastSeenTime  int64    `json:"last_seen_time,omitempty"`
	Analytic      Analytic `json:"analytic"`
}

// Analytic is the rule.
type Analytic struct {
	UID     string `json:"uid"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	TypeID  int    `json:"type_id"`
	Version string `json:"version"`
}

// Resource is the account.
type Resource struct {
	UID  string `json:"uid"`
	Name string `json:"name,omitempty"`
	Type string `json:"type"`
}

// Evidence is one activity; Data is its interchange form.
type Evidence struct {
	UID         string            `json:"uid,omitempty"`
	Name        string            `json:"name,omitempty"`
	Actor       *Actor            `json:"actor,omitempty"`
	SrcEndpoint *Endpoint         `json:"src_endpoint,omitempty"`
	Data        activity.Activity `json:"data"`
}

// Actor is who acted and with what.
type Actor struct {
	AppName string `json:"app_name,omitempty"`
	User    *User  `json:"user,omitempty"`
}

// User is a person or delegate.
type User struct {
	Name string `json:"name"`
}

// Endpoint is where an activity came from.
type Endpoint struct {
	IP string `json:"ip"`
}

// Observable points to a value that people search for.
type Observable struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	TypeID int    `json:"type_id"`
	Value  string `json:"value"`
}

// Remediation is what to do now.
type Remediation struct {
	Desc string `json:"desc"`
}

// Metadata says who made the finding, by which schema.
type Metadata struct {
	UID     string  `json:"uid"`
	Version string  `json:"version"`
	Product Product `json:"product"`
}

// Product is Picket.
type Product struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
	Version    string `json:"version,omitempty"`
}

// Unmapped holds what OCSF has no place for.
type Unmapped struct {
	Picket Picket `json:"picket"`
}

// Picket is the alert in Picket's own terms.
type Picket struct {
	V        int              `json:"v"` // of the layout, 1
	Number   string           `json:"number"`
	State    alerting.State   `json:"state"`
	Change   alerting.Change  `json:"change"`
	Revision uint64           `json:"revision"`
	Level    rules.Level      `json:"level"`
	Rule     string           `json:"rule,omitempty"` // the rule's name
	Network  string           `json:"network,omitempty"`
	Account  string           `json:"account,omitempty"`
	Group    []alerting.Label `json:"group,omitempty"`
	// Of an alert across accounts: those that it is about, at most
	// detector.MaxAccounts, and how many there are.
	Accounts     []string          `json:"accounts,omitempty"`
	AccountCount int               `json:"account_count,omitempty"`
	Reasons      []detector.Reason `json:"reasons,omitempty"`
	Usual        []detector.Reason `json:"usual,omitempty"`
	// Related led to this alert; Beside are other alerts around it.
	Related  []detector.Related   `json:"related,omitempty"`
	Beside   []Beside             `json:"beside,omitempty"`
	Since    *detector.Since      `json:"since,omitempty"`
	Assigned *alerting.Assignment `json:"assigned,omitempty"`
	Answered *alerting.Answer     `json:"answered,omitempty"`
	Ack      *alerting.Mark       `json:"acknowledged,omitempty"`
	Resolved *alerting.Mark       `json:"resolved,omitempty"`
	Judged   *alerting.Judgement  `json:"judged,omitempty"`
	// Verdicts counts those on alerts of the same rule and account.
	Verdicts alerting.Tally `json:"verdicts"`
}

// Beside is another alert.
type Beside struct {
	ID      string         `json:"id"`
	Number  string         `json:"number"`
	Level   rules.Level    `json:"level"`
	State   alerting.State `json:"state"`
	Title   string         `json:"title"`
	Account string         `json:"account"`
	First   time.Time      `json:"first"`
}

// maxEvent bounds a public copy in bytes, well below the server's limit.
const maxEvent = 2 * alerting.MaxState

// encodeEvent leaves evidence out, newest last, and then what happened since,
// until the event fits.
func encodeEvent(opts PublisherOptions, a *alerting.Alert) ([]byte, error) {
	ev := newEvent(opts, a)
	for {
		data, err := json.Marshal(&ev)
		if err != nil {
			return nil, fmt.Errorf("encode event %s: %w", ev.ID, err)
		}
		since := ev.Data.Unmapped.Picket.Since
		switch {
		case len(data) <= maxEvent:
			return data, nil
		case len(ev.Data.Evidences) > 0:
			ev.Data.Evidences = ev.Data.Evidences[1:]
		case since != nil && len(since.Activities) > 0:
			ev.Data.Unmapped.Picket.Since = &detector.Since{AsOf: since.AsOf, Count: since.Count}
		default:
			return data, nil
		}
	}
}

// Source returns the source of the events of one of several Pickets.
func Source(instance string) string {
	if instance == "" {
		return "/picket"
	}
	return "/picket/" + activity.EncodeToken(instance)
}

func newEvent(opts PublisherOptions, a *alerting.Alert) Event {
	var silenced time.Time
	if s := a.Around.Silenced; s != nil {
		silenced = s.Until.UTC()
	}
	return Event{
		SpecVersion: "1.0", ID: eventID(a), Source: Source(opts.Instance), Type: "io.picket.alert." + eventType(a.Change),
		Subject: a.Account, Time: a.Updated, DataContentType: "application/json",
		Urgency: a.Urgency(opts.Directory, a.Updated), Drill: a.Drill(), Silenced: silenced,
		LateSeconds: int32(min(a.Late()/time.Second, math.MaxInt32)), //nolint:gosec // bounded
		Data:        newFinding(opts, a),
	}
}

func eventType(c alerting.Change) string {
	switch c {
	case alerting.ChangeOpened, alerting.ChangeReopened:
		return "firing"
	case alerting.ChangeAcknowledged:
		return "acknowledged"
	case alerting.ChangeResolved:
		return "resolved"
	case alerting.ChangeUpdated, alerting.ChangeAssigned, alerting.ChangeAnswered, alerting.ChangeNoted:
	}
	return "updated"
}

const classUID = 2004

func newFinding(opts PublisherOptions, a *alerting.Alert) Finding {
	activityID, activityName := ocsfActivity(a.Change)
	severityID, severity := ocsfSeverity(a.Rule.Level)
	statusID, status := ocsfStatus(a.State)
	f := Finding{
		ActivityID: activityID, ActivityName: activityName,
		CategoryUID: 2, CategoryName: "Findings", ClassUID: classUID, ClassName: "Detection Finding",
		TypeUID: classUID*100 + activityID, TypeName: "Detection Finding: " + activityName,
		SeverityID: severityID, Severity: severity, StatusID: statusID, Status: status,
		IsAlert: a.State == alerting.Firing,
		Time:    millis(a.Opened), StartTime: millis(a.First), EndTime: millis(a.Last), Count: a.Count,
		Message: alerting.Text(*a, opts.Directory),
		FindingInfo: FindingInfo{
			UID: a.ID, Title: alerting.Title(*a), Desc: a.Rule.Description, Types: []string{string(a.Rule.Type)},
			CreatedTime: millis(a.Opened), ModifiedTime: millis(a.Updated),
			FirstSeenTime: millis(a.First), LastSeenTime: millis(a.Last),
			Analytic: Analytic{UID: a.Rule.ID, Name: a.Rule.Title, Type: "Rule", TypeID: 1, Version: a.Rule.Version},
		},
		Evidences: evidences(a),
		Metadata: Metadata{
			UID: eventID(a), Version: OCSFVersion,
			Product: Product{Name: "Picket", VendorName: "Picket", Version: opts.Version},
		},
		Unmapped: Unmapped{newPicket(a)},
	}
	f.Resources = resources(a)
	f.Observables = observables(a)
	if len(a.Rule.Response) > 0 {
		f.Remediation = &Remediation{Desc: strings.Join(a.Rule.Response, "\n")}
	}
	return f
}

func newPicket(a *alerting.Alert) Picket {
	p := Picket{
		V: 1, Number: a.Number(), State: a.State, Change: a.Change, Revision: a.Revision, Level: a.Rule.Level,
		Rule: a.Rule.Name, Network: a.Network, Account: a.Account, Group: a.Group,
		Accounts: a.Accounts, AccountCount: a.AccountCount,
		Reasons: a.Reasons, Usual: a.Usual, Related: a.Related, Since: a.Since,
		Assigned: a.Assigned, Answered: a.Answered, Ack: a.Ack, Resolved: a.Resolution, Judged: a.Judged, Verdicts: a.Around.Verdicts,
	}
	for i := range a.Around.Beside {
		h := &a.Around.Beside[i]
		p.Beside = append(p.Beside, Beside{
			ID: h.ID, Number: alerting.Number(h.ID), Level: h.Level, State: h.State,
			Title: h.Brief.Title, Account: h.Brief.Account, First: h.Brief.First,
		})
	}
	return p
}

func ocsfActivity(c alerting.Change) (int, string) {
	switch c {
	case alerting.ChangeOpened:
		return 1, "Create"
	case alerting.ChangeResolved:
		return 3, "Close"
	case alerting.ChangeUpdated, alerting.ChangeAcknowledged, alerting.ChangeReopened, alerting.ChangeAssigned, alerting.ChangeAnswered, alerting.ChangeNoted:
	}
	return 2, "Update"
}

func ocsfSeverity(l rules.Level) (int, string) {
	switch l {
	case rules.Informational:
		return 1, "Informational"
	case rules.Low:
		return 2, "Low"
	case rules.Medium:
		return 3, "Medium"
	case rules.High:
		return 4, "High"
	case rules.Critical:
		return 5, "Critical"
	}
	return 0, "Unknown"
}

func ocsfStatus(s alerting.State) (int, string) {
	switch s {
	case alerting.Firing:
		return 1, "New"
	case alerting.Acknowledged:
		return 2, "In Progress"
	case alerting.Resolved:
		return 4, "Resolved"
	}
	return 0, "Unknown"
}

func evidences(a *alerting.Alert) []Evidence {
	out := make([]Evidence, 0, len(a.Evidence))
	for i := range a.Evidence {
		act := &a.Evidence[i]
		e := Evidence{UID: act.ID, Name: string(act.Kind), Data: *act}
		if act.Actor != "" || act.App != "" {
			e.Actor = &Actor{AppName: act.App}
			if act.Actor != "" {
				e.Actor.User = &User{Name: act.Actor}
			}
		}
		if act.IP != "" {
			e.SrcEndpoint = &Endpoint{IP: act.IP}
		}
		out = append(out, e)
	}
	return out
}

// resources lists the account, or those that an alert across accounts is about.
func resources(a *alerting.Alert) []Resource {
	var out []Resource
	if a.Account != "" {
		out = append(out, Resource{UID: a.Account, Name: strings.TrimPrefix(a.Account, a.Network+"/"), Type: "Social Media Account"})
	}
	for _, account := range a.Accounts {
		_, name, _ := strings.Cut(account, "/")
		out = append(out, Resource{UID: account, Name: name, Type: "Social Media Account"})
	}
	return out
}

// observables lists the account and the distinct addresses and actors. Their
// type ids are those of OCSF: 10 Resource UID, 2 IP Address, 4 User Name.
func observables(a *alerting.Alert) []Observable {
	var out []Observable
	seen := map[Observable]bool{}
	add := func(name, typ string, id int, value string) {
		o := Observable{Name: name, Type: typ, TypeID: id, Value: value}
		if value != "" && !seen[o] {
			seen[o] = true
			out = append(out, o)
		}
	}
	add("resources[].uid", "Resource UID", 10, a.Account)
	for _, account := range a.Accounts {
		add("resources[].uid", "Resource UID", 10, account)
	}
	for i := range a.Evidence {
		add("evidences[].src_endpoint.ip", "IP Address", 2, a.Evidence[i].IP)
		add("evidences[].actor.user.name", "User Name", 4, a.Evidence[i].Actor)
	}
	return out
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
