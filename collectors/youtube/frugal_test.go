package youtube

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"path"

	"github.com/picketd/picket/collectors"
)

// frugal has no request left for comments, as a Budget that keeps the rest for
// the account itself.
type frugal struct{ http.RoundTripper }

func (f frugal) RoundTrip(r *http.Request) (*http.Response, error) {
	if path.Base(r.URL.Path) == "commentThreads" {
		return nil, &collectors.RateLimited{Err: errors.New("kept for the account")}
	}
	return f.RoundTripper.RoundTrip(r)
}

// constant answers every request with the same bytes.
type constant []byte

func (c constant) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(c)), Request: r,
	}, nil
}
