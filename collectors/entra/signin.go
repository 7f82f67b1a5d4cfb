package entra

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"github.com/picketd/picket/collectors/activity"
)

// signIn is what decides what a sign-in becomes, and for whom. A sign-in whose
// parts here are not of the documented type cannot be mapped.
type signIn struct {
	ID      string `json:"id"`
	Created string `json:"createdDateTime"`
	UPN     string `json:"userPrincipalName"`
	UserID  string `json:"userId"`
	Status  *struct {
		Code   int    `json:"errorCode"`
		Reason string `json:"failureReason"`
	} `json:"status"`
	App       string `json:"appDisplayName"`
	IP        string `json:"ipAddress"`
	Risk      string `json:"riskLevelDuringSignIn"`
	UserAgent string `json:"userAgent"` // of the beta version; read where it comes

	// Parts that one by one are read for a guarded identity only.
	Device   json.RawMessage `json:"deviceDetail"`
	Location json.RawMessage `json:"location"`
	ASN      json.RawMessage `json:"autonomousSystemNumber"` // of the beta version
}

type (
	deviceDetail struct {
		Name    string `json:"displayName"`
		System  string `json:"operatingSystem"`
		Browser string `json:"browser"`
	}
	location struct {
		City    string `json:"city"`
		State   string `json:"state"`
		Country string `json:"countryOrRegion"`
		Geo     struct {
			Lat *float64 `json:"latitude"`
			Lon *float64 `json:"longitude"`
		} `json:"geoCoordinates"`
	}
)

// decodeSignIn reads what every sign-in must have. On error the event holds what
// could be read.
func decodeSignIn(raw json.RawMessage) (*event, error) {
	s := &signIn{}
	err := json.Unmarshal(raw, s)
	e := &event{id: s.ID, raw: raw}
	if err != nil {
		return e, err
	}
	if e.time, err = checkEvent(s.ID, "createdDateTime", s.Created); err != nil {
		return e, err
	}
	if s.Status == nil {
		return e, errors.New("status is missing; want an object with errorCode")
	}
	e.subject, e.by = user{s.UPN, s.UserID}, s.UPN
	e.kind, e.outcome = classifySignIn(s.Status.Code)
	switch {
	case s.Status.Code != 0:
		e.outcome.Reason = strings.TrimSpace(codeText(s.Status.Code) + " " + s.Status.Reason)
	case s.Risk == "low" || s.Risk == "medium" || s.Risk == "high":
		e.outcome.Reason = "risk " + s.Risk
	}
	e.fill = s.fill
	return e, nil
}

// interrupted reports whether an error code means that something else has to be
// done first, which is an expected part of many sign-ins and no failure; what
// becomes of it is another sign-in. The numbers are of the AADSTS error codes.
func interrupted(code int) bool {
	switch code {
	case 16000, 16001, // another account has to be selected
		50055, 50144, // the password is right and has expired
		50058,                      // nobody is signed in yet
		50072, 50079, 50076, 50078, // a second factor has to be registered or given
		50089, 50132, 50133, 50173, 70008, 70043, 70044, 700082, 700084, // the session or token has ended
		50097, 50129, 50187, 50168, // the device has to be known
		50125, 50135, // the password has to be changed, or its reset registered
		50127,        // a broker app has to be installed
		50140, 50199, // "stay signed in?", "is this the app?"
		65001: // consent has to be given
		return true
	}
	return false
}

// classifySignIn returns what a sign-in of an error code becomes.
func classifySignIn(code int) (activity.Kind, activity.Outcome) {
	switch {
	case code == 0:
		return activity.KindLogin, activity.Outcome{Result: "success"}
	case interrupted(code):
		return activity.KindSession, activity.Outcome{}
	}
	return activity.KindLoginFailure, activity.Outcome{Result: "failure"}
}

// fill fills in what else a sign-in tells, and returns the names of parts that
// are not of the documented type.
func (s *signIn) fill(a *activity.Activity) (bad []string) {
	a.App, a.IP, a.UserAgent = s.App, address(s.IP), s.UserAgent
	part := func(name string, raw json.RawMessage, into any) {
		if len(raw) > 0 && json.Unmarshal(raw, into) != nil {
			bad = append(bad, name)
		}
	}
	var d deviceDetail
	part("deviceDetail", s.Device, &d)
	a.Device = cmp.Or(d.Name, d.kind())
	var l location
	part("location", s.Location, &l)
	if isCountry(l.Country) {
		a.Geo.Country = l.Country
	}
	a.Geo.Region, a.Geo.City = l.State, l.City
	if lat, lon := l.Geo.Lat, l.Geo.Lon; lat != nil && lon != nil && math.Abs(*lat) <= 90 && math.Abs(*lon) <= 180 {
		a.Geo.Lat, a.Geo.Lon = activity.Some(*lat), activity.Some(*lon)
	}
	var asn *float64
	part("autonomousSystemNumber", s.ASN, &asn)
	if asn != nil && *asn > 0 && *asn <= math.MaxUint32 && *asn == math.Trunc(*asn) {
		a.Geo.ASN = activity.Some(*asn)
	}
	return bad
}

// kind names a device that has no name of its own by its system and browser,
// without what an update changes: a browser that was updated is no new device.
func (d *deviceDetail) kind() string {
	system, version := cutVersion(d.System)
	major, _, _ := strings.Cut(version, ".")
	browser, _ := cutVersion(d.Browser)
	return strings.Trim(strings.TrimSpace(system+" "+major)+", "+browser, ", ")
}

// cutVersion splits "Chrome 131.0.0" into name and version.
func cutVersion(s string) (name, version string) {
	s = strings.TrimSpace(s)
	name = strings.TrimRight(s, "0123456789.")
	return strings.TrimSpace(name), s[len(name):]
}

func isCountry(code string) bool {
	return len(code) == 2 && code[0]-'A' <= 25 && code[1]-'A' <= 25
}
