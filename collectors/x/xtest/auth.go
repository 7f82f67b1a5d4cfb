package xtest

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // OAuth 1.0a, RFC 5849, signs with HMAC-SHA1
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// authKind tells how a request shows who it is from.
func authKind(r *http.Request) string {
	switch scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); scheme {
	case "Bearer":
		return "bearer"
	case "OAuth":
		return "oauth1"
	}
	return ""
}

// authorize returns the refusal of a request without a good credential, nil
// where it is good.
func (s *Server) authorize(r *http.Request, v1 bool) *reply {
	header := r.Header.Get("Authorization")
	good := false
	switch authKind(r) {
	case "bearer":
		token := strings.TrimPrefix(header, "Bearer ")
		good = token != "" && (s.opts.Bearer == "" || token == s.opts.Bearer)
	case "oauth1":
		good = s.signed(r, oauthParams(header))
	}
	if good {
		return nil
	}
	if !v1 {
		return problem(http.StatusUnauthorized, "Unauthorized", "about:blank", "Unauthorized")
	}
	if header == "" {
		return errorV1(http.StatusBadRequest, 215, "Bad Authentication data.")
	}
	return errorV1(http.StatusUnauthorized, 89, "Invalid or expired token.")
}

// oauthParams reads the parameters of an OAuth header (RFC 5849, 3.5.1).
func oauthParams(header string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(header, "OAuth "), ",") {
		name, value, found := strings.Cut(strings.TrimSpace(part), "=")
		decoded, err := url.PathUnescape(strings.Trim(value, `"`))
		if found && err == nil {
			out[name] = decoded
		}
	}
	return out
}

// signed verifies the HMAC-SHA1 signature of a request (RFC 5849, 3.4).
func (s *Server) signed(r *http.Request, p map[string]string) bool {
	for _, name := range []string{"oauth_consumer_key", "oauth_token", "oauth_signature", "oauth_nonce", "oauth_timestamp"} {
		if p[name] == "" {
			return false
		}
	}
	want := s.opts.OAuth1
	if want == nil {
		return true
	}
	if p["oauth_consumer_key"] != want.ConsumerKey || p["oauth_token"] != want.AccessToken {
		return false
	}
	// A handler cannot tell under which scheme it was reached.
	for _, scheme := range []string{"https", "http"} {
		mac := hmac.New(sha1.New, []byte(percent(want.ConsumerSecret)+"&"+percent(want.AccessSecret)))
		mac.Write([]byte(signatureBase(scheme, r, p)))
		if hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(p["oauth_signature"])) {
			return true
		}
	}
	return false
}

func signatureBase(scheme string, r *http.Request, p map[string]string) string {
	var pairs []string
	for name, values := range r.URL.Query() {
		for _, v := range values {
			pairs = append(pairs, percent(name)+"="+percent(v))
		}
	}
	for name, v := range p {
		if name != "oauth_signature" && name != "realm" {
			pairs = append(pairs, percent(name)+"="+percent(v))
		}
	}
	slices.Sort(pairs)
	base := scheme + "://" + strings.ToLower(r.Host) + r.URL.EscapedPath()
	return r.Method + "&" + percent(base) + "&" + percent(strings.Join(pairs, "&"))
}

// percent encodes as RFC 5849, 3.6 wants it: all but unreserved characters.
func percent(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
