package x

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dghubble/oauth1"

	"github.com/picketd/picket/collectors"
)

// exchange carries one poll's requests from go-twitter to X and the answers
// back. It is the http.RoundTripper under go-twitter's client, not safe for
// concurrent use. Against the letter of http.RoundTripper it returns an error
// for every answer that is no success: go-twitter would read most of them as
// an empty success.
type exchange struct {
	//nolint:containedctx // go-twitter's methods take no context; an exchange lives for one poll
	ctx  context.Context
	c    *Collector
	user int64 // the account's number, 0 before it is known
	// token is the page to ask for instead of an id range in the next
	// timeline request; it is spent by that request.
	token string
	// answer tells of the last answer what go-twitter's types have no room for.
	answer answer
}

// answer is what an answer said beside its v1.1 body.
type answer struct {
	date      time.Time         // X's clock, zero if it did not say
	more      bool              // the timeline goes on
	token     string            // how, with API v2
	count     int               // posts, mapped or not
	histories map[int64][]int64 // ids of all versions of a post, first one first
	missing   map[int64]bool    // ids that X says do not exist
	counts    bool              // a user came with follower counts
	posts     int               // resources that X charges as posts
	users     int               // resources that X charges as users
	extras    int               // posts and media beside the data, charged as posts
	malformed []error
}

// body is an answer of X, read whole.
type body struct {
	endpoint string // "GET /2/users/1/tweets", for errors
	status   int
	header   http.Header
	bytes    []byte
	date     time.Time
}

// RoundTrip implements http.RoundTripper for go-twitter.
func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	e.answer = answer{}
	out, err := e.request(req)
	if err != nil {
		return nil, err
	}
	b, err := e.send(out)
	if err != nil {
		return nil, err
	}
	e.answer.date = b.date
	if b.status != http.StatusOK {
		return nil, e.c.fault(b)
	}
	if err := checkForm(b); err != nil {
		return nil, err
	}
	read := e.sift
	if e.c.cfg.API == APIv2 {
		read = e.translate
	}
	translated, err := read(endpointOf(req), b)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(translated)),
		ContentLength: int64(len(translated)),
		Request:       req,
	}, nil
}

// send makes the request and reads the answer to its end.
func (e *exchange) send(req *http.Request) (*body, error) {
	endpoint := req.Method + " " + req.URL.Path
	resp, err := e.c.auth.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, e.c.bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: answer with status %d breaks off after %s: %w",
			endpoint, resp.StatusCode, collectors.Extent(len(data), resp.ContentLength), e.c.bare(err))
	}
	b := &body{endpoint: endpoint, status: resp.StatusCode, header: resp.Header, bytes: data}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		b.date = t.UTC()
	}
	return b, nil
}

// bare is err as it may be printed: without the URL of net/http, which callers
// name, and without secrets.
func (c *Collector) bare(err error) error { return c.scrubber.Bare(err) }

func newScrubber(cfg *Config) collectors.Scrubber {
	return collectors.NewScrubber(cfg.BearerToken, cfg.ConsumerKey, cfg.ConsumerSecret, cfg.AccessToken, cfg.AccessSecret)
}

// newAuth returns a round tripper that adds the credential and sends the
// request through client, so that its budget, time-outs and limits hold.
func newAuth(cfg *Config, client *http.Client) http.RoundTripper {
	base := through{client}
	if !cfg.oauth1() {
		return bearer{base: base, token: "Bearer " + cfg.BearerToken.Reveal()}
	}
	ctx := context.WithValue(context.Background(), oauth1.HTTPClient, &http.Client{Transport: base})
	signer := oauth1.NewConfig(cfg.ConsumerKey.Reveal(), cfg.ConsumerSecret.Reveal())
	return signer.Client(ctx, oauth1.NewToken(cfg.AccessToken.Reveal(), cfg.AccessSecret.Reveal())).Transport
}

// through sends requests with a client. Redirects are not followed: the
// signature would not fit the new address, and X's API makes none.
type through struct{ client *http.Client }

func (t through) RoundTrip(req *http.Request) (*http.Response, error) {
	client := *t.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client.Do(req)
}

type bearer struct {
	base  http.RoundTripper
	token string
}

func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", b.token)
	return b.base.RoundTrip(req)
}
