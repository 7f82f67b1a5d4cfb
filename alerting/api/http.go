package api

import (
	"bytes"
	"cmp"
	"context"
	_ "embed" // openapi.yaml
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
)

// Paths served.
const (
	AlertsPath    = "/v1/alerts"
	IncidentsPath = "/v1/incidents"
	DocumentPath  = "/v1/openapi.yaml"
)

// MaxBody bounds the body of a request in bytes.
const MaxBody = 64 << 10

//go:embed openapi.yaml
var document []byte

// Handler returns the HTTP API. It asks tokens for those that are known at
// each request, so that a reload needs no new handler; without any, nobody may
// ask anything but for the document. Requests that are refused before they are
// looked into are told to refused by one of GuardCodes.
func (s *Service) Handler(tokens func() []Token, refused func(code string), log *zap.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+DocumentPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(document) // whoever is gone reads nothing
	})
	strict := NewStrictHandlerWithOptions(operations{s}, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  func(w http.ResponseWriter, _ *http.Request, err error) { refuse(w, bodyError(err)) },
		ResponseErrorHandlerFunc: func(w http.ResponseWriter, _ *http.Request, err error) { refuse(w, err) },
	})
	inner := http.NewServeMux()
	HandlerWithOptions(strict, StdHTTPServerOptions{
		BaseRouter: inner, Middlewares: []MiddlewareFunc{knowParameters},
		ErrorHandlerFunc: func(w http.ResponseWriter, _ *http.Request, err error) { refuse(w, parameterError(err)) },
	})
	inner.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &problem{http.StatusNotFound, CodeNotFound, "there is no " + r.Method + " " + r.URL.Path + "; see " + DocumentPath})
	})
	guarded := guard(tokens, refused, log, inner)
	for _, path := range []string{AlertsPath, AlertsPath + "/", IncidentsPath + "/"} {
		mux.Handle(path, guarded)
	}
	return mux
}

// guard lets through who may ask, and bodies that can be meant.
func guard(tokens func() []Token, refused func(code string), log *zap.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		known := tokens()
		if len(known) == 0 {
			refused(CodeForbidden)
			refuse(w, &problem{http.StatusForbidden, CodeForbidden, "nobody may ask: http.api has no tokens"})
			return
		}
		token, err := caller(known, r.Header)
		if err == nil {
			err = token.allow(r)
		}
		if err == nil && r.Method == http.MethodPost {
			err = checkBody(w, r)
		}
		if err != nil {
			p := problemOf(err)
			refused(p.Code)
			log.Warn("API request refused", zap.String("path", r.URL.Path[:min(len(r.URL.Path), maxLogged)]), zap.String("token", token.Name), zap.Int("status", p.Status))
			refuse(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, token.Name)))
	})
}

// maxLogged bounds what is logged of a path, in bytes.
const maxLogged = 200

// checkBody refuses fields that an operation does not have: what is spelt
// wrong would be left out silently, and a verdict with it.
func checkBody(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		return bodyError(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) == 0 {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &problem{http.StatusUnsupportedMediaType, CodeMediaType, "the body's Content-Type is not application/json"}
	}
	switch path.Base(r.URL.Path) {
	case string(alerting.ActionAck):
		return decode(body, new(Ack))
	case string(alerting.ActionAssign):
		return decode(body, new(Assign))
	case string(alerting.ActionResolve):
		return decode(body, new(Resolve))
	}
	return nil
}

// decode reads one JSON object without fields that are not known.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && len(bytes.TrimSpace(body[d.InputOffset():])) > 0 {
		err = errors.New("there is more behind the object")
	}
	if err != nil {
		return bodyError(err)
	}
	return nil
}

// knowParameters refuses query parameters that an operation does not have: one
// that is spelt wrong would leave out a filter silently.
func knowParameters(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkQuery(r); err != nil {
			refuse(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func checkQuery(r *http.Request) error {
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &problem{http.StatusBadRequest, CodeInvalid, "the query cannot be read: " + err.Error()}
	}
	var known []string
	if r.Pattern == http.MethodGet+" "+AlertsPath {
		known = listParameters()
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			expected := cmp.Or(strings.Join(known, ", "), "none")
			return &problem{http.StatusBadRequest, CodeInvalid, fmt.Sprintf("parameter %q is unknown; expected %s", name[:min(len(name), maxLogged)], expected)}
		}
	}
	return nil
}

// listParameters returns the query parameters of GET /v1/alerts, as openapi.yaml
// names them: the one operation that has some.
func listParameters() []string {
	var names []string
	for field := range reflect.TypeFor[ListAlertsParams]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("form"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func parameterError(err error) error {
	if form, ok := errors.AsType[*InvalidParamFormatError](err); ok {
		return invalid(form.ParamName, "parameter %s: %s", form.ParamName, form.Err)
	}
	return &problem{http.StatusBadRequest, CodeInvalid, err.Error()}
}

func refuse(w http.ResponseWriter, err error) {
	p := problemOf(err)
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="picket"`)
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // whoever is gone reads nothing
}

// Unavailable refuses a request because there is nobody to serve it now.
func Unavailable(w http.ResponseWriter, why string) {
	refuse(w, &problem{http.StatusServiceUnavailable, CodeUnavailable, why})
}

// operations joins the generated server and the Service. Its errors become
// problems in one place, so that no operation answers with its own.
type operations struct{ service *Service }

var _ StrictServerInterface = operations{}

func (o operations) ListAlerts(ctx context.Context, r ListAlertsRequestObject) (ListAlertsResponseObject, error) {
	p := r.Params
	q := Query{
		State: list(p.State), Level: list(p.Level), Network: value(p.Network), Account: value(p.Account),
		Rule: value(p.Rule), Cursor: value(p.Cursor), Limit: value(p.Limit),
	}
	if p.Limit != nil && *p.Limit == 0 {
		return nil, invalid("limit", "limit 0; expected 1 to %d", MaxLimit)
	}
	found, err := o.service.List(ctx, q)
	return ListAlerts200JSONResponse(found), err
}

// list returns the values of a parameter, given several times or with commas
// between them.
func list[T ~string](p *[]T) []T {
	var out []T
	for _, part := range value(p) {
		for one := range strings.SplitSeq(string(part), ",") {
			out = append(out, T(one))
		}
	}
	return out
}

func value[T any](p *T) T {
	var v T
	if p != nil {
		v = *p
	}
	return v
}

func (o operations) GetAlert(ctx context.Context, r GetAlertRequestObject) (GetAlertResponseObject, error) {
	e, err := o.service.Get(ctx, r.Alert)
	return GetAlert200JSONResponse{ToldJSONResponse(e)}, err
}

func (o operations) GetHistory(ctx context.Context, r GetHistoryRequestObject) (GetHistoryResponseObject, error) {
	h, err := o.service.History(ctx, r.Alert)
	return GetHistory200JSONResponse(h), err
}

func (o operations) AckAlert(ctx context.Context, r AckAlertRequestObject) (AckAlertResponseObject, error) {
	e, err := o.service.Act(ctx, r.Alert, deed(ctx, alerting.ActionAck, value(r.Body).Reason))
	return AckAlert200JSONResponse{ToldJSONResponse(e)}, err
}

func (o operations) AssignAlert(ctx context.Context, r AssignAlertRequestObject) (AssignAlertResponseObject, error) {
	d := deed(ctx, alerting.ActionAssign, r.Body.Reason)
	d.To = r.Body.To
	e, err := o.service.Act(ctx, r.Alert, d)
	return AssignAlert200JSONResponse{ToldJSONResponse(e)}, err
}

func (o operations) ResolveAlert(ctx context.Context, r ResolveAlertRequestObject) (ResolveAlertResponseObject, error) {
	body := value(r.Body)
	d := deed(ctx, alerting.ActionResolve, body.Reason)
	d.Verdict, d.Until = body.Verdict, body.Until
	e, err := o.service.Act(ctx, r.Alert, d)
	return ResolveAlert200JSONResponse{ToldJSONResponse(e)}, err
}
