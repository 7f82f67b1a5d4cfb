package blueskytest

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cidOf returns a CID: version 1, dag-cbor, SHA-256. The hash is of the JSON,
// not of its CBOR, as nobody checks.
func cidOf(value string) string {
	sum := sha256.Sum256([]byte(value))
	return "b" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append([]byte{1, 0x71, 0x12, 0x20}, sum[:]...)))
}

// answer is a status with a body, or an error in XRPC's form.
type answer struct {
	status  int
	body    any
	name    string
	message string
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func invalid(name, message string) answer {
	return answer{status: http.StatusBadRequest, name: name, message: message}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	endpoint := strings.TrimPrefix(r.URL.Path, "/xrpc/")
	if !s.opts.NoDate {
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	}
	s.mu.Lock()
	s.counts[endpoint]++
	limited := s.count(w.Header(), "requests", s.opts.Limit, 5*time.Minute)
	f := s.nextFault(endpoint)
	s.mu.Unlock()
	switch {
	case limited:
		write(w, answer{status: http.StatusTooManyRequests, name: "RateLimitExceeded", message: "Rate Limit Exceeded"})
	case f != nil && s.spoil(w, r, f):
	case endpoint == "com.atproto.sync.subscribeRepos":
		s.stream(w, r)
	case strings.HasPrefix(endpoint, "/did:"):
		s.directory(w, strings.TrimPrefix(endpoint, "/"))
	case endpoint == "/.well-known/atproto-did":
		s.wellKnown(w, r)
	default:
		write(w, s.answer(w.Header(), r, endpoint))
	}
}

func write(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	if a.name != "" {
		a.body = map[string]string{"error": a.name, "message": a.message}
	}
	_ = json.NewEncoder(w).Encode(a.body)
}

func (s *Server) answer(h http.Header, r *http.Request, endpoint string) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	switch endpoint {
	case "com.atproto.identity.resolveHandle":
		if a := s.byName(q.Get("handle")); a != nil {
			return ok(map[string]string{"did": a.did})
		}
		return invalid("InvalidRequest", "Unable to resolve handle")
	case "com.atproto.sync.getRepoStatus":
		return s.repoStatus(q.Get("did"))
	case "com.atproto.repo.describeRepo":
		return s.describe(q.Get("repo"))
	case "com.atproto.repo.listRecords":
		return s.list(q)
	case "com.atproto.repo.getRecord":
		return s.get(q)
	case "com.atproto.server.createSession":
		return s.createSession(h, r)
	case "com.atproto.server.refreshSession":
		return s.refreshSession(r)
	case "com.atproto.server.listAppPasswords":
		return s.listAppPasswords(r)
	case "app.bsky.notification.listNotifications":
		return s.notifications(r, q)
	case "app.bsky.actor.getProfile":
		if a := s.byName(q.Get("actor")); a != nil && a.status == "" {
			return ok(map[string]any{
				"did": a.did, "handle": a.handle, "followersCount": a.followers, "followsCount": a.follows,
				"postsCount": len(a.records["app.bsky.feed.post"]), "labels": []any{},
			})
		}
		return invalid("InvalidRequest", "Profile not found")
	}
	return answer{status: http.StatusNotImplemented, name: "MethodNotImplemented", message: "Method Not Implemented"}
}

func (s *Server) byName(name string) *account {
	for _, a := range s.accounts {
		if a.did == name || strings.EqualFold(a.handle, name) {
			return a
		}
	}
	return nil
}

func (s *Server) repoStatus(did string) answer {
	a := s.accounts[did]
	if a == nil {
		return invalid("RepoNotFound", "Could not find repo for DID: "+did)
	}
	if a.status != "" {
		return ok(map[string]any{"did": did, "active": false, "status": a.status})
	}
	if s.opts.NoRev {
		return ok(map[string]any{"did": did, "active": true})
	}
	return ok(map[string]any{"did": did, "active": true, "rev": a.rev})
}

func (s *Server) describe(repo string) answer {
	a := s.byName(repo)
	switch {
	case a == nil:
		return invalid("RepoNotFound", "Could not find repo for DID: "+repo)
	case a.status == "takendown":
		return invalid("RepoTakendown", "Repo has been takendown: "+repo)
	case a.status != "":
		return invalid("RepoDeactivated", "Repo has been deactivated: "+repo)
	}
	return ok(map[string]any{
		"handle": a.handle, "did": a.did, "didDoc": s.document(a), "handleIsCorrect": true,
		"collections": []string{"app.bsky.actor.profile", "app.bsky.feed.post"},
	})
}

// document is the account's DID document.
func (s *Server) document(a *account) map[string]any {
	return map[string]any{
		"@context": []string{"https://www.w3.org/ns/did/v1"}, "id": a.did, "alsoKnownAs": []string{"at://" + a.handle},
		"verificationMethod": []any{map[string]string{
			"id": a.did + "#atproto", "type": "Multikey", "controller": a.did, "publicKeyMultibase": "zQ3shExampleKey",
		}},
		"service": []any{map[string]string{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": a.pds}},
	}
}

func (s *Server) directory(w http.ResponseWriter, did string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[did]
	if a == nil {
		write(w, answer{status: http.StatusNotFound, body: map[string]string{"message": "DID not registered: " + did}})
		return
	}
	write(w, ok(s.document(a)))
}

func (s *Server) wellKnown(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byName(r.Host)
	if a == nil {
		http.Error(w, "User not found", http.StatusNotFound)
		return
	}
	_, _ = w.Write([]byte(a.did))
}

// list answers a page of a collection: keys downwards, cursor is the last key,
// also on the last page that holds any.
func (s *Server) list(q url.Values) answer {
	a := s.byName(q.Get("repo"))
	if a == nil || a.status != "" {
		return invalid("InvalidRequest", "Could not find repo: "+q.Get("repo"))
	}
	limit := 50
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return invalid("InvalidRequest", "Error: limit must be between 1 and 100")
		}
		limit = n
	}
	if s.opts.PageSize > 0 {
		limit = min(limit, s.opts.PageSize)
	}
	reverse := q.Get("reverse") == "true"
	collection := q.Get("collection")
	var keys []string
	for key := range a.records[collection] {
		after := q.Get("cursor")
		if after == "" || !reverse && key < after || reverse && key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	if !reverse {
		slices.Reverse(keys)
	}
	keys = keys[:min(limit, len(keys))]
	body := map[string]any{}
	if len(keys) > 0 {
		body["cursor"] = keys[len(keys)-1]
	}
	if s.opts.Shuffle {
		slices.Reverse(keys)
	}
	records := []any{}
	for _, key := range keys {
		rec := a.records[collection][key]
		entry := map[string]any{"uri": "at://" + a.did + "/" + collection + "/" + key, "cid": rec.cid, "value": rec.value}
		records = append(records, entry)
		if rec.twice {
			records = append(records, entry)
		}
	}
	body["records"] = records
	return ok(body)
}

func (s *Server) get(q url.Values) answer {
	a := s.byName(q.Get("repo"))
	if a == nil || a.status != "" {
		return invalid("InvalidRequest", "Could not find repo: "+q.Get("repo"))
	}
	uri := "at://" + a.did + "/" + q.Get("collection") + "/" + q.Get("rkey")
	rec := a.records[q.Get("collection")][q.Get("rkey")]
	if rec == nil {
		return invalid("RecordNotFound", "Could not locate record: "+uri)
	}
	return ok(map[string]any{"uri": uri, "cid": rec.cid, "value": rec.value})
}
