package metagraphtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// reply is one answer before it is written.
type reply struct {
	status int
	header map[string]string
	body   Object
	raw    string // in place of body
}

func ok(body Object) *reply {
	return &reply{status: http.StatusOK, body: body, header: map[string]string{}}
}

func failure(status, code, subcode int, message string) *reply {
	e := Object{"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbCdEfGh123"}
	if subcode != 0 {
		e["error_subcode"] = subcode
	}
	a := ok(Object{"error": e})
	a.status = status
	return a
}

func (a *reply) write(w http.ResponseWriter) {
	body := []byte(a.raw)
	if a.raw == "" {
		var err error
		if body, err = json.Marshal(a.body); err != nil {
			body = []byte(`{"error":{"message":"metagraphtest cannot encode its answer","code":1}}`)
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // a client that went away is its own affair
}

// tell adds the usage headers.
func (s *Server) tell(a *reply, percent int) {
	if s.opts.Calls == 0 {
		return
	}
	a.header["X-Business-Use-Case-Usage"] = Usage(s.opts.Case, percent, 0)
}

// Usage returns a header of business use cases: percent of what may be called,
// and the minutes until access is regained.
func Usage(kind string, percent, minutes int) string {
	return fmt.Sprintf(`{"100200300":[{"type":%q,"call_count":%d,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":%d}]}`, kind, percent, minutes)
}

// tooMany is the answer to a request beyond the limit.
func (s *Server) tooMany() *reply {
	wait := s.times[0].Add(time.Hour).Sub(s.opts.Now())
	return limited(s.opts.Case, wait)
}

// WriteLimited writes the answer to a request that was one too many, with wait
// until access is regained, in whole minutes as Meta tells it.
func (s *Server) WriteLimited(w http.ResponseWriter, wait time.Duration) {
	limited(s.opts.Case, wait).write(w)
}

// limited is the answer to a request that was one too many.
func limited(kind string, wait time.Duration) *reply {
	code := 80001
	if kind == "instagram" {
		code = 80002
	}
	a := failure(http.StatusBadRequest, code, 2446079, "There have been too many calls to this account. Wait a bit and try again.")
	a.header["X-Business-Use-Case-Usage"] = Usage(kind, 100, int((wait+time.Minute-1)/time.Minute))
	return a
}

// WriteRefused writes the answer to a token that has expired.
func WriteRefused(w http.ResponseWriter) {
	failure(http.StatusUnauthorized, 190, 463, "Error validating access token: Session has expired on Thursday, 01-Jan-26.").write(w)
}

func unknown(id string) *reply {
	return failure(http.StatusBadRequest, 100, 33, "Unsupported get request. Object with ID '"+id+
		"' does not exist, cannot be loaded due to missing permissions, or does not support this operation.")
}

// node answers with one object.
func (s *Server) node(id, selected string) *reply {
	fields, there := s.nodes[id]
	if !there {
		it := s.item(id)
		if it == nil {
			return unknown(id)
		}
		fields = it.Fields
	}
	return ok(s.project(id, fields, parseFields(selected)))
}

// edge answers with a page of an edge.
func (s *Server) edge(r *http.Request, id, edge string) *reply {
	if _, there := s.nodes[id]; !there {
		return unknown(id)
	}
	query := r.URL.Query()
	limit := 25
	if n, err := strconv.Atoi(query.Get("limit")); err == nil {
		limit = n
	}
	if limit < 1 || limit > 100 {
		return failure(http.StatusBadRequest, 100, 0, "(#100) The limit parameter should not exceed 100")
	}
	list, bad := s.list(id+"/"+edge, parseFields(query.Get("fields")), limit, query.Get("after"))
	if bad {
		return failure(http.StatusBadRequest, 100, 0, "(#100) Invalid parameter: after")
	}
	if paging, more := list["paging"].(Object); more && paging["next"] == true {
		next := url.Values{"access_token": {s.opts.Token}, "limit": {strconv.Itoa(limit)}, "after": {paging["cursors"].(Object)["after"].(string)}}
		paging["next"] = "https://graph.facebook.com" + r.URL.Path + "?" + next.Encode()
	}
	return ok(list)
}

// list returns a page, with true for a next that the caller makes an address.
func (s *Server) list(key string, fields []field, limit int, after string) (page Object, bad bool) {
	var shown []*Item
	start := 0
	for _, it := range s.edges[key] {
		if cursorOf(it) == after {
			if !s.there(it) && s.opts.Forgetful {
				return nil, true
			}
			start = len(shown)
			if s.listed(it) {
				start++
			}
			after = ""
		}
		if s.listed(it) {
			shown = append(shown, it)
		}
	}
	if after != "" {
		return nil, true
	}
	end := min(start+limit, len(shown))
	items := shown[start:end]
	data := []any{}
	for _, it := range items {
		o := s.project(it.ID, it.Fields, fields)
		if it.Broken {
			o["id"] = Object{"not": "an id"}
		}
		data = append(data, o)
		if it.Twice {
			data = append(data, o)
		}
	}
	if s.opts.Shuffle {
		for i := 0; i+1 < len(data); i += 2 {
			data[i], data[i+1] = data[i+1], data[i]
		}
	}
	page = Object{"data": data}
	if len(items) > 0 {
		paging := Object{"cursors": Object{"before": cursorOf(items[0]), "after": cursorOf(items[len(items)-1])}}
		if end < len(shown) {
			paging["next"] = true
		}
		page["paging"] = paging
	}
	return page, false
}

// listed reports whether an edge shows an item.
func (s *Server) listed(it *Item) bool { return it.ghost || s.there(it) && !it.omitted }

func cursorOf(it *Item) string {
	return base64.RawURLEncoding.EncodeToString([]byte("QVFIUcursor-" + strconv.Itoa(it.seq)))
}

// field is one that is asked for: comments.limit(50){id,message}.
type field struct {
	name  string
	limit int
	sub   []field
}

// parseFields reads a list of fields.
func parseFields(text string) []field {
	var out []field
	depth, from := 0, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) {
			switch text[i] {
			case '{', '(':
				depth++
			case '}', ')':
				depth--
			}
			if text[i] != ',' || depth > 0 {
				continue
			}
		}
		if part := strings.TrimSpace(text[from:i]); part != "" {
			out = append(out, parseField(part))
		}
		from = i + 1
	}
	return out
}

func parseField(part string) field {
	head, sub, nested := strings.Cut(part, "{")
	f := field{limit: 25}
	if nested {
		f.sub = parseFields(strings.TrimSuffix(sub, "}"))
	}
	f.name, head, _ = strings.Cut(head, ".")
	for mod := range strings.SplitSeq(head, ".") {
		if n, ok := strings.CutPrefix(mod, "limit("); ok {
			f.limit, _ = strconv.Atoi(strings.TrimSuffix(n, ")"))
		}
	}
	return f
}

// project returns what of an object is asked for; the id always comes.
func (s *Server) project(id string, from Object, fields []field) Object {
	out := Object{"id": id}
	for _, f := range fields {
		if _, there := s.edges[id+"/"+f.name]; there {
			if list, _ := s.list(id+"/"+f.name, f.sub, f.limit, ""); len(list["data"].([]any)) > 0 {
				if paging := list["paging"].(Object); paging["next"] == true {
					paging["next"] = "https://graph.facebook.com/" + s.opts.Version + "/" + id + "/" + f.name + "?access_token=" + s.opts.Token
				}
				out[f.name] = list
			}
			continue
		}
		if value, there := from[f.name]; there {
			out[f.name] = narrow(value, f.sub)
		}
	}
	return out
}

// narrow selects of nested objects and of lists of them.
func narrow(value any, fields []field) any {
	if len(fields) == 0 {
		return value
	}
	switch v := value.(type) {
	case Object:
		if data, isEdge := v["data"]; isEdge {
			return Object{"data": narrow(data, fields)}
		}
		out := Object{}
		for _, f := range fields {
			if inner, there := v[f.name]; there {
				out[f.name] = narrow(inner, f.sub)
			}
		}
		return out
	case []Object:
		out := []any{}
		for _, o := range v {
			out = append(out, narrow(o, fields))
		}
		return out
	}
	return value
}

// debugToken says what a token is.
func (s *Server) debugToken(token string) *reply {
	if token != s.opts.Token {
		return ok(Object{"data": Object{"is_valid": false, "scopes": []string{}, "error": Object{"code": 190, "message": "Invalid OAuth access token."}}})
	}
	expires := int64(0)
	if !s.opts.Expires.IsZero() {
		expires = s.opts.Expires.Unix()
	}
	granular := []Object{}
	for _, scope := range s.opts.Scopes {
		granular = append(granular, Object{"scope": scope, "target_ids": []string{"100200300"}})
	}
	return ok(Object{"data": Object{
		"app_id": "9988776655", "type": "PAGE", "application": "Acme Watch", "is_valid": true, "issued_at": 1772700000,
		"expires_at": expires, "data_access_expires_at": 0, "user_id": "5544332211", "profile_id": "100200300",
		"scopes": s.opts.Scopes, "granular_scopes": granular,
	}})
}
