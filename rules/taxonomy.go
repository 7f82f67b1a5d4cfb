package rules

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/rules/sigma"
)

// Where the events of other products are found, and how their members are
// called there. Public rules are written against the names that a product's
// events have in one log store or another; what Picket has is the event as the
// product's own interface gives it.

// origin says on which networks' events the rules of a log source are tried.
type origin struct {
	product, service string // service: a prefix; empty: any
	networks         []string
}

// routes lists the log sources whose events have another network than the
// product. The first that fits counts.
func routes() []origin {
	return []origin{
		{"gcp", "google_workspace", []string{"gworkspace", "gcp"}},
		{"gcp", "", []string{"gcp"}},
		{"google_workspace", "", []string{"gworkspace", "gcp"}},
		{"azure", "", []string{"azure", "entra"}},
		{"m365", "", []string{"m365", "microsoft365"}},
		{"cisco", "duo", []string{"duo"}},
	}
}

// networksOf returns the networks of a log source that names a product.
func networksOf(l *sigma.Logsource) []string {
	product, service := strings.ToLower(l.Product.S), strings.ToLower(l.Service.S)
	for _, r := range routes() {
		if r.product == product && strings.HasPrefix(service, r.service) {
			return r.networks
		}
	}
	return []string{product}
}

// spelling says how a field of a product's rules is called in its events.
type spelling struct {
	product string
	field   string
	paths   []string // the first that the event has counts
}

// spellings lists the fields that no general way of taxonomy finds.
func spellings() []spelling {
	return []spelling{
		// Cloud audit logs, and the activities of the Workspace Reports API.
		{"gcp", "gcp.audit.method_name", []string{"protoPayload.methodName"}},
		{"gcp", "protoPayload.Servicename", []string{"protoPayload.serviceName"}},
		{"gcp", "eventService", []string{"protoPayload.serviceName", "id.applicationName"}},
		{"gcp", "eventName", []string{"protoPayload.metadata.event.eventName", "events.name"}},
		{"gcp", "protoPayload.metadata.event.eventName", []string{"events.name"}},
		{"gcp", "setting_name", []string{"protoPayload.metadata.event.parameter.value", "events.parameters.value"}},
		{"gcp", "new_value", []string{"protoPayload.metadata.event.parameter.value", "events.parameters.value"}},
		// Sign-ins, audits and risk detections: as Azure Monitor writes them and
		// as Graph gives them.
		{"azure", "ResultType", []string{"status.errorCode", "properties.status.errorCode"}},
		{"azure", "ResultDescription", []string{"resultReason", "status.failureReason", "properties.status.failureReason"}},
		{"azure", "Resultdescription", []string{"resultDescription", "status.failureReason", "properties.status.failureReason"}},
		{"azure", "Status", []string{"result", "properties.result"}},
		{"azure", "properties.message", []string{"properties.activityDisplayName", "activityDisplayName", "operationName"}},
		{"azure", "OperationName", []string{"activityDisplayName", "properties.activityDisplayName"}},
		{"azure", "OperationNameValue", []string{"operationName.value", "operationName"}},
		{"azure", "ResourceProviderValue", []string{"resourceProviderName.value", "resourceProvider"}},
		{"azure", "CategoryValue", []string{"category.value", "category"}},
		{"azure", "ActivityType", []string{"activityType", "activityDisplayName"}},
		{"azure", "Username", []string{"userPrincipalName", "properties.userPrincipalName"}},
		{"azure", "callerIpAddress", []string{"ipAddress", "properties.ipAddress"}},
		{"azure", "location", []string{"location.countryOrRegion", "properties.location.countryOrRegion"}},
		{"azure", "DeviceDetail.trusttype", []string{"deviceDetail.trustType", "properties.deviceDetail.trustType"}},
		// The unified audit log of the Management Activity API.
		{"m365", "eventSource", []string{"Workload", "Source"}},
		{"m365", "eventName", []string{"Name", "Operation"}},
		{"m365", "status", []string{"ResultStatus", "Status"}},
		// The Admin API of Duo and the audit log of GitHub.
		{"cisco", "event_type", []string{"eventtype"}},
		{"github", "action", []string{"event"}},
	}
}

// paths returns where to look for a field in a source's own event: under the
// name itself and then under its other spellings, of which the first that the
// event has counts.
func paths(l *sigma.Logsource, field string) []string {
	out := []string{field}
	product := strings.ToLower(l.Product.S)
	if product == "google_workspace" {
		product = "gcp"
	}
	for _, s := range spellings() {
		if s.product == product && s.field == field {
			out = append(out, s.paths...)
		}
	}
	switch {
	case product == "gcp":
		if rest, ok := strings.CutPrefix(field, "data."); ok {
			out = append(out, rest)
		}
	case product == "azure":
		lower := lowerFirst(field)
		out = append(out, lower, "properties."+lower)
		if rest, ok := strings.CutPrefix(field, "properties."); ok {
			out = append(out, rest)
		}
	case product == "windows" && strings.EqualFold(l.Service.S, "windefend"):
		// Defender's events have names of several words: "Threat Name".
		out = append(out, spaced(field))
	}
	seen := out[:0]
	for _, name := range out {
		if !slices.Contains(seen, name) {
			seen = append(seen, name)
		}
	}
	return seen
}

func lowerFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[size:]
}

// spaced writes ThreatName as "Threat Name".
func spaced(s string) string {
	var b strings.Builder
	last := ' '
	for _, r := range s {
		if unicode.IsUpper(r) && unicode.IsLower(last) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}
