package linkedintest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DayLimit is the answer to a call beyond what a day allows.
func DayLimit() *Fault {
	return &Fault{Status: 429, Code: "TOO_MANY_REQUESTS", Service: 101, Message: "Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is reached."}
}

// WriteLimited writes the answer to a call that has to wait until reset.
func WriteLimited(w http.ResponseWriter, wait time.Duration) {
	(&Fault{
		Status: 429, Code: "TOO_MANY_REQUESTS", Message: "Too many requests",
		Header: map[string]string{"Retry-After": fmt.Sprint(int((wait + time.Second - 1) / time.Second))},
	}).write(w)
}

// WriteRefused writes the answer to a token, of either kind, that was revoked.
func WriteRefused(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		refusedGrant().write(w)
		return
	}
	(&Fault{Status: 401, Code: "REVOKED_ACCESS_TOKEN", Service: 65601, Message: "The token used in the request has been revoked by the user"}).write(w)
}

func refusedGrant() *Fault {
	return &Fault{Status: 400, Body: `{"error":"invalid_request","error_description":"The provided refresh token is invalid, expired or revoked"}`}
}

func (f *Fault) write(w http.ResponseWriter) {
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	out := []byte(f.Body)
	if f.Body == "" {
		o := Object{"status": f.Status, "message": f.Message}
		if f.Code != "" {
			o["code"] = f.Code
		}
		if f.Service != 0 {
			o["serviceErrorCode"] = f.Service
		}
		out, _ = json.Marshal(o)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(f.Status)
	_, _ = w.Write(out) // a client that went away is its own affair
}

// split returns the endpoint of a request, and the key in its path.
func split(r *http.Request) (endpoint, key string) {
	if r.Method == http.MethodPost {
		return "oauth", ""
	}
	_, rest, _ := strings.Cut(r.URL.EscapedPath(), "/rest/")
	resource, key, keyed := strings.Cut(rest, "/")
	key, comments := strings.CutSuffix(key, "/comments")
	if strings.ContainsAny(key, ":(),") { // the protocol wants them escaped
		return "bad", ""
	}
	if unescaped, err := url.PathUnescape(key); err == nil {
		key = unescaped
	}
	switch {
	case comments:
		resource += "/{urn}/comments"
	case keyed && resource == "posts":
		resource += "/{urn}"
	}
	return resource, key
}

// answer writes what a call asks for.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, endpoint, key string, now time.Time) {
	query := r.URL.Query()
	switch endpoint {
	case "posts":
		s.findPosts(w, query, now)
	case "posts/{urn}":
		for _, p := range s.posts {
			if p.urn == key && !p.gone && !p.ghost && !p.Visible.After(now) {
				write(w, p.wire())
				return
			}
		}
		notFound(w, "Post with urn "+key+" not found")
	case "organizations":
		if key != Number {
			notFound(w, "Organization "+key+" is inactive")
			return
		}
		write(w, s.org)
	case "networkSizes":
		if key != URN || query.Get("edgeType") != "COMPANY_FOLLOWED_BY_MEMBER" {
			(&Fault{Status: 400, Code: "INVALID_VALUE_FOR_FIELD", Message: "edgeType"}).write(w)
			return
		}
		write(w, Object{"firstDegreeSize": s.followers})
	case "organizationAcls":
		s.findRoles(w, query)
	case "socialActions/{urn}/comments":
		s.findComments(w, query, key)
	default:
		notFound(w, "No virtual resource found")
	}
}

func write(w http.ResponseWriter, o Object) {
	out, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	_, _ = w.Write(out)
}

func notFound(w http.ResponseWriter, message string) {
	(&Fault{Status: 404, Code: "NOT_FOUND", Message: message}).write(w)
}

// page writes a page of a list of n.
func (s *Server) page(w http.ResponseWriter, query url.Values, n int, element func(int) Object, shuffle bool) {
	start, count := 0, 10
	if text := query.Get("start"); text != "" {
		start, _ = strconv.Atoi(text)
	}
	if text := query.Get("count"); text != "" {
		count, _ = strconv.Atoi(text)
	}
	if count < 1 || count > 100 || start < 0 {
		(&Fault{Status: 400, Code: "INVALID_VALUE_FOR_FIELD", Message: "count must be from 1 to 100"}).write(w)
		return
	}
	from := min(start, n)
	to := min(n, from+count)
	elements := []Object{}
	for i := from; i < to; i++ {
		elements = append(elements, element(i))
	}
	for i := 0; shuffle && i+1 < len(elements); i += 2 {
		elements[i], elements[i+1] = elements[i+1], elements[i]
	}
	paging := Object{"start": start, "count": count, "links": []Object{}}
	if !s.opts.NoTotal {
		paging["total"] = n
	}
	if to < n {
		query.Set("start", strconv.Itoa(to))
		paging["links"] = []Object{{"type": "application/json", "rel": "next", "href": "/rest/posts?" + query.Encode()}}
	}
	write(w, Object{"paging": paging, "elements": elements})
}

func (s *Server) findPosts(w http.ResponseWriter, query url.Values, now time.Time) {
	if query.Get("q") != "author" || query.Get("author") != URN || query.Get("sortBy") != "LAST_MODIFIED" {
		(&Fault{Status: 403, Code: "ACCESS_DENIED", Service: 100, Message: "Not enough permissions to access: partnerApiPostsExternal.FINDER-author"}).write(w)
		return
	}
	var shown []*Post
	for _, p := range slices.Backward(s.posts) {
		if !p.gone && !p.omitted && !p.Visible.After(now) {
			shown = append(shown, p)
			if p.Twice {
				shown = append(shown, p)
			}
		}
	}
	slices.SortStableFunc(shown, func(x, y *Post) int { return y.modified.Compare(x.modified) })
	s.page(w, query, len(shown), func(i int) Object { return shown[i].wire() }, s.opts.Shuffle)
}

func (p *Post) wire() Object {
	state := p.State
	if state == "" {
		state = "PUBLISHED"
	}
	content := p.Content
	if content == nil {
		content = Object{}
	}
	o := Object{
		"id": p.urn, "author": URN, "commentary": p.Text, "visibility": "PUBLIC", "lifecycleState": state,
		"createdAt": p.At.UnixMilli(), "publishedAt": p.At.UnixMilli(), "lastModifiedAt": p.modified.UnixMilli(),
		"lifecycleStateInfo": Object{"isEditedByAuthor": p.edited}, "isReshareDisabledByAuthor": false,
		"distribution": Object{"feedDistribution": "MAIN_FEED", "thirdPartyDistributionChannels": []string{}},
		"content":      content,
	}
	if p.Reshares != "" {
		o["reshareContext"] = Object{"parent": p.Reshares, "root": p.Reshares}
	}
	if p.Landing != "" {
		o["contentLandingPage"] = p.Landing
	}
	if p.Broken {
		o["publishedAt"] = p.At.Format(time.RFC3339)
	}
	return o
}

func (s *Server) findRoles(w http.ResponseWriter, query url.Values) {
	if query.Get("q") != "organization" || query.Get("organization") != URN {
		(&Fault{Status: 403, Code: "ACCESS_DENIED", Service: 100, Message: "Not enough permissions to access: organizationAcls.FINDER-organization"}).write(w)
		return
	}
	roles := s.roles
	if state := query.Get("state"); state != "" {
		roles = slices.DeleteFunc(slices.Clone(roles), func(r Role) bool { return r.State != state })
	}
	s.page(w, query, len(roles), func(i int) Object {
		r := roles[i]
		return Object{"roleAssignee": r.Member, "role": r.Role, "state": r.State, "organization": URN}
	}, false)
}

func (s *Server) findComments(w http.ResponseWriter, query url.Values, post string) {
	i := slices.IndexFunc(s.posts, func(p *Post) bool { return p.urn == post && !p.gone })
	if i < 0 {
		notFound(w, "Thread "+post+" not found")
		return
	}
	list := slices.Clone(s.comments[post])
	slices.SortStableFunc(list, func(x, y *Comment) int { return x.At.Compare(y.At) })
	if !s.opts.Ascending {
		slices.Reverse(list)
	}
	s.page(w, query, len(list), func(i int) Object { return list[i].wire(post) }, s.opts.Shuffle)
}

func (c *Comment) wire(post string) Object {
	o := Object{
		"id": c.id, "commentUrn": c.urn, "$URN": c.urn, "actor": c.Actor, "object": post,
		"created": Object{"actor": c.Actor, "time": c.At.UnixMilli()}, "lastModified": Object{"actor": c.Actor, "time": c.At.UnixMilli()},
		"message": Object{"attributes": []Object{}, "text": c.Text}, "likesSummary": Object{"totalLikes": 0},
	}
	if c.Agent != "" {
		o["agent"] = c.Agent
	}
	if c.Parent != "" {
		o["parentComment"] = c.Parent
	}
	return o
}

// oauth answers the token endpoints.
func (s *Server) oauth(w http.ResponseWriter, r *http.Request, now time.Time) {
	if r.FormValue("client_id") != s.opts.ClientID || r.FormValue("client_secret") != s.opts.ClientSecret {
		(&Fault{Status: 401, Body: `{"error":"invalid_client","error_description":"Client authentication failed"}`}).write(w)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/introspectToken") {
		s.introspect(w, r.FormValue("token"), now)
		return
	}
	if r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != s.opts.Refresh || !s.refresh {
		refusedGrant().write(w)
		return
	}
	s.opts.Refresh = cmp.Or(s.rotated, s.opts.Refresh)
	s.seq++
	access := fmt.Sprintf("AQXaccess%06d", s.seq)
	s.access[access] = now.Add(60 * 24 * time.Hour)
	write(w, Object{
		"access_token": access, "expires_in": 5184000, "refresh_token": s.opts.Refresh, "refresh_token_expires_in": 20 * 24 * 3600,
		"scope": strings.Join(s.opts.Scopes, ","),
	})
}

func (s *Server) introspect(w http.ResponseWriter, token string, now time.Time) {
	ends, made := s.access[token]
	if !made && (s.opts.Token == "" || token != s.opts.Token) {
		write(w, Object{"active": false, "status": "revoked"})
		return
	}
	if !made {
		ends = now.Add(50 * 24 * time.Hour)
	}
	write(w, Object{
		"active": true, "client_id": s.opts.ClientID, "status": "active", "scope": strings.Join(s.opts.Scopes, ","),
		"authorized_at": now.Add(-time.Hour).Unix(), "created_at": now.Add(-time.Hour).Unix(), "expires_at": ends.Unix(), "auth_type": "3L",
	})
}
