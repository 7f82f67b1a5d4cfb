package reddittest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// answer writes what a path asks for, where the grant has the scope for it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, g grant) {
	user := "/user/" + s.opts.Name + "/"
	path, query := r.URL.Path, r.URL.Query()
	what, ofUser := strings.CutPrefix(path, user)
	sub, ofLog := strings.CutSuffix(strings.TrimPrefix(path, "/r/"), "/about/log")
	scope := "read"
	switch {
	case ofUser && what != "about":
		scope = "history"
	case path == "/message/inbox":
		scope = "privatemessages"
	case ofLog:
		scope = "modlog"
	case path == "/api/v1/me":
		scope = "identity"
	}
	if !slices.Contains(g.scope, scope) && !slices.Contains(g.scope, "*") {
		w.Header().Set("WWW-Authenticate", `Bearer realm="reddit", error="insufficient_scope"`)
		writeStatus(w, http.StatusForbidden, nil)
		return
	}
	switch {
	case ofUser && what == "about":
		writeJSON(w, http.StatusOK, object{"kind": "t2", "data": s.profile})
	case ofUser && s.gone:
		writeStatus(w, http.StatusForbidden, nil)
	case ofUser && what == "submitted":
		s.write(w, s.shown("t3"), query.Get("after"), query.Get("limit"), 100)
	case ofUser && what == "comments":
		s.write(w, s.shown("t1"), query.Get("after"), query.Get("limit"), 100)
	case path == "/api/info":
		s.info(w, strings.Split(query.Get("id"), ","))
	case path == "/api/v1/me":
		writeJSON(w, http.StatusOK, object{"name": s.opts.Owner, "id": "9x1a"})
	case path == "/message/inbox":
		if query.Get("mark") != "false" {
			s.marked++
		}
		s.write(w, s.notes(), query.Get("after"), query.Get("limit"), 100)
	case ofLog && s.logs[strings.ToLower(sub)] != nil && !s.closed[strings.ToLower(sub)]:
		s.write(w, s.actions(sub), query.Get("after"), query.Get("limit"), 500)
	case ofLog:
		writeStatus(w, http.StatusForbidden, object{"reason": "private"})
	default:
		writeStatus(w, http.StatusNotFound, nil)
	}
}

// entry is an item of a list in its place.
type entry struct {
	name string
	item func() []byte
}

// write answers with a page: what comes after an item, nothing where the list does
// not hold that, and in another order where that is wanted. A full page names the
// next one, whether there is more or not.
func (s *Server) write(w http.ResponseWriter, all []entry, after, limit string, most int) {
	size, err := strconv.Atoi(limit)
	if err != nil || size < 1 {
		size = 25
	}
	size = min(size, most)
	if after != "" {
		at := -1
		for i, e := range all {
			if e.name == after {
				at = i
			}
		}
		if all = all[at+1:]; at < 0 {
			all = nil
		}
	}
	page := all[:min(size, len(all))]
	next := ""
	if len(page) == size {
		next = page[len(page)-1].name
	}
	children := [][]byte{}
	for _, e := range page {
		children = append(children, e.item())
	}
	if s.opts.Shuffle != 0 {
		s.dice.Shuffle(len(children), func(i, j int) { children[i], children[j] = children[j], children[i] })
	}
	writeListing(w, children, next)
}

// writeListing puts items, which are JSON already, into a list.
func writeListing(w http.ResponseWriter, children [][]byte, next string) {
	after := "null"
	if next != "" {
		after = strconv.Quote(next)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = fmt.Fprintf(w, `{"kind":"Listing","data":{"after":%s,"dist":%d,"modhash":null,"geo_filter":"","children":[%s],"before":null}}`,
		after, len(children), bytes.Join(children, []byte(",")))
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// shown returns a list of the account, pinned items first. Items that were deleted
// are not in it any more, and the 1,001st newest does not come in their place.
func (s *Server) shown(kind string) []entry {
	now := s.opts.Now()
	var pinned, out []entry
	all := s.lists[kind]
	for _, t := range all[:min(len(all), 1000)] {
		if t.Deleted || t.Visible.After(now) {
			continue
		}
		e := entry{name: t.Name(), item: func() []byte { return s.wire(t, false) }}
		switch {
		case t.Pinned:
			pinned = append(pinned, e)
		case t.Twice:
			out = append(out, e, e)
		default:
			out = append(out, e)
		}
	}
	return append(pinned, out...)
}

// info answers with items by name. Those of a closed subreddit are left out.
func (s *Server) info(w http.ResponseWriter, names []string) {
	children := [][]byte{}
	for _, name := range names[:min(len(names), 100)] {
		if t := s.things[name]; t != nil && !t.Closed {
			children = append(children, s.wire(t, true))
		}
	}
	writeListing(w, children, "")
}
