package youtube

import (
	"errors"
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
