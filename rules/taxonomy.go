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
		{"gcp", "google_workspace", []string{"gworkspace", "googleworkspace", "gcp"}},
		{"gcp", "", []string{"gcp"}},
		{"google_workspace", "", []string{"gworkspace", "googleworkspace", "gcp"}},
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
	// first says that they count before the field's own name, under which the
	// events of some interface have an object.
	first bool
}

// spellings lists the fields that no general way of taxonomy finds.
func spellings() []spelling {
	return []spelling{
		// Cloud audit logs, and the activities of the Workspace Reports API.
		{product: "gcp", field: "gcp.audit.method_name", paths: []string{"protoPayload.methodName"}},
		{product: "gcp", field: "protoPayload.Servicename", paths: []string{"protoPayload.serviceName", "id.applicationName"}},
		{product: "gcp", field: "eventService", paths: []string{"protoPayload.serviceName", "id.applicationName"}},
		{product: "gcp", field: "eventName", paths: []string{"protoPayload.metadata.event.eventName", "events.name"}},
		{product: "gcp", field: "protoPayload.metadata.event.eventName", paths: []string{"events.name"}},
		{product: "gcp", field: "setting_name", paths: []string{"protoPayload.metadata.event.parameter.value", "events.parameters.value"}},
		{product: "gcp", field: "new_value", paths: []string{"protoPayload.metadata.event.parameter.value", "events.parameters.value"}},
		// Sign-ins, audits and risk detections: as Azure Monitor writes them and
		// as Graph gives them. Activities: as Azure Monitor streams them, and as
		// its REST API gives them.
		{product: "azure", field: "ResultType", paths: []string{"status.errorCode", "properties.status.errorCode"}},
		{product: "azure", field: "ResultDescription", paths: []string{"resultReason", "status.failureReason", "properties.status.failureReason"}},
		{product: "azure", field: "Resultdescription", paths: []string{"resultDescription", "status.failureReason", "properties.status.failureReason"}},
		{product: "azure", field: "Status", paths: []string{"result", "properties.result"}},
		{product: "azure", field: "properties.message", paths: []string{"properties.activityDisplayName", "activityDisplayName", "authenticationProtocol", "properties.authenticationProtocol", "operationName"}},
		{product: "azure", field: "operationName", paths: []string{"operationName.value"}, first: true},
		{product: "azure", field: "operationName", paths: []string{"activityDisplayName", "properties.activityDisplayName"}},
		{product: "azure", field: "OperationName", paths: []string{"activityDisplayName", "properties.activityDisplayName"}},
		{product: "azure", field: "OperationNameValue", paths: []string{"operationName.value", "operationName"}},
		{product: "azure", field: "ResourceProviderValue", paths: []string{"resourceProviderName.value", "resourceProvider"}},
		{product: "azure", field: "CategoryValue", paths: []string{"category.value", "category"}},
		{product: "azure", field: "ActivityType", paths: []string{"activityType", "activityDisplayName"}},
		{product: "azure", field: "Username", paths: []string{"userPrincipalName", "properties.userPrincipalName"}},
		{product: "azure", field: "callerIpAddress", paths: []string{"ipAddress", "properties.ipAddress"}},
		{product: "azure", field: "location", paths: []string{"location.countryOrRegion", "properties.location.countryOrRegion"}, first: true},
		{product: "azure", field: "DeviceDetail.trusttype", paths: []string{"deviceDetail.trustType", "properties.deviceDetail.trustType"}},
		// The unified audit log of the Management Activity API.
		{product: "m365", field: "eventSource", paths: []string{"Workload", "Source"}},
		{product: "m365", field: "eventName", paths: []string{"Name", "Operation"}},
		{product: "m365", field: "status", paths: []string{"ResultStatus", "Status"}},
		// The Admin API of Duo and the audit log of GitHub.
		{product: "cisco", field: "event_type", paths: []string{"eventtype"}},
		{product: "github", field: "action", paths: []string{"event"}},
	}
}

// meaning says that what a rule calls one value of a field is another value,
// maybe of another field, in the events.
type meaning struct {
	product, service string // service: empty for any
	field, value     string // in lower case
	path, is         string
}

// meanings lists the values that events spell in another way. Words of a value
// that an interface documents are enough; what only a console shows, such as
// "Failure" in many languages, is not here.
func meanings() []meaning {
	return []meaning{
		// Graph and Azure Monitor tell a sign-in's success as error 0.
		{"azure", "signinlogs", "status", "success", "status.errorCode", "0"},
		{"azure", "signinlogs", "status", "success", "properties.status.errorCode", "0"},
		{"azure", "signinlogs", "properties.message", "device code", "authenticationProtocol", "deviceCode"},
		{"azure", "signinlogs", "properties.message", "device code", "properties.authenticationProtocol", "deviceCode"},
		// Alerts of the Management Activity API succeed with one word, cmdlets of
		// Exchange with another.
		{"m365", "", "status", "success", "ResultStatus", "Succeeded"},
		{"m365", "", "status", "success", "ResultStatus", "True"},
		// The Reports API calls the services of the audit log by their first name.
		{"gcp", "", "eventservice", "admin.googleapis.com", "id.applicationName", "admin"},
		{"gcp", "", "eventservice", "login.googleapis.com", "id.applicationName", "login"},
		{"gcp", "", "protopayload.servicename", "admin.googleapis.com", "id.applicationName", "admin"},
		{"gcp", "", "protopayload.servicename", "login.googleapis.com", "id.applicationName", "login"},
	}
}

// meant returns what else a value of a field is in a log source's events.
func meant(l *sigma.Logsource, field, value string) []meaning {
	product := productOf(l)
	var out []meaning
	for _, m := range meanings() {
		if m.product == product && (m.service == "" || strings.EqualFold(m.service, l.Service.S)) &&
			m.field == strings.ToLower(field) && m.value == strings.ToLower(value) {
			out = append(out, m)
		}
	}
	return out
}

// productOf is the product whose spellings a log source's rules have.
func productOf(l *sigma.Logsource) string {
	product := strings.ToLower(l.Product.S)
	if product == "google_workspace" {
		return "gcp"
	}
	return product
}

// paths returns where to look for a field in a source's own event: under the
// name itself and under its other spellings, mostly after it, of which the first
// that the event has counts.
func paths(l *sigma.Logsource, field string) []string {
	out := []string{field}
	product := productOf(l)
	for _, s := range spellings() {
		switch {
		case s.product != product || s.field != field:
		case s.first:
			out = slices.Concat(s.paths, out)
		default:
			out = append(out, s.paths...)
		}
	}
	switch {
	case product == "gcp":
		if rest, ok := strings.CutPrefix(field, "data."); ok {
			out = append(out, rest)
		}
	case product == "azure":
		lower, each := lowerFirst(field), lowerEach(field)
		out = append(out, lower, "properties."+lower, each, "properties."+each)
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

// lowerEach writes TargetResources.ModifiedProperties as
// targetResources.modifiedProperties.
func lowerEach(path string) string {
	names := strings.Split(path, ".")
	for i, name := range names {
		names[i] = lowerFirst(name)
	}
	return strings.Join(names, ".")
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
