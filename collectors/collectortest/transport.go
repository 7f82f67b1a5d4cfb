package collectortest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"
)

// Transport calls handler in place of a network, whatever the host: no socket,
// no goroutine that outlives the request, so that it works in testing/synctest.
// The handler sees a request as a server does. It should return soon after
// the request's context ends; a client that gave up does not wait for it. An
// answer gets the Date header that a server would add. A handler that panics
// with http.ErrAbortHandler breaks the connection; one that announces a longer
// Content-Length than it writes cuts the body.
func Transport(handler http.Handler) http.RoundTripper { return inProcess{handler} }

type inProcess struct{ handler http.Handler }

type answer struct {
	rec *httptest.ResponseRecorder
	err error
}

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	in, err := received(req)
	if err != nil {
		return nil, err
	}
	done := make(chan answer, 1)
	go func() { done <- t.serve(in) }()
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case a := <-done:
		if a.err != nil {
			return nil, a.err
		}
		return response(a.rec, req), nil
	}
}

// received turns a client's request into what a server receives.
func received(req *http.Request) (*http.Request, error) {
	body := []byte(nil)
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	in := req.Clone(req.Context())
	in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	in.RequestURI, in.RemoteAddr = req.URL.RequestURI(), "192.0.2.1:1234"
	in.URL.Scheme, in.URL.Host = "", ""
	in.Response = nil
	return in, nil
}

func (t inProcess) serve(in *http.Request) (a answer) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			a = answer{err: errors.New("connection reset by peer")}
			return
		}
		a = answer{err: fmt.Errorf("handler panicked: %v", p)}
	}()
	rec := httptest.NewRecorder()
	t.handler.ServeHTTP(rec, in)
	return answer{rec: rec}
}

func response(rec *httptest.ResponseRecorder, req *http.Request) *http.Response {
	resp := rec.Result()
	resp.Request = req
	resp.ProtoMajor, resp.ProtoMinor, resp.Proto = 1, 1, "HTTP/1.1"
	if resp.Header.Get("Date") == "" {
		resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	if written := int64(rec.Body.Len()); resp.ContentLength > written {
		resp.Body = &cutBody{Reader: resp.Body}
	} else {
		resp.ContentLength = written
	}
	return resp
}

// cutBody ends like a connection that broke.
type cutBody struct{ io.Reader }

func (b *cutBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (b *cutBody) Close() error { return nil }
