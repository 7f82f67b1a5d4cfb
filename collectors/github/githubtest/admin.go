package githubtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// adminPrefix begins the paths by which another process drives a Server. All
// take a JSON object and answer one, 400 with {"error"} where it is wrong:
//
//	POST /_admin/events        an Event → {"id"}
//	POST /_admin/faults        a Fault  → {}
//	POST /_admin/faults/clear  {}       → {}
//	GET  /_admin/requests               → {"count", "requests"}
//
// They ask for no credential: serve them on loopback only.
const adminPrefix = "/_admin/"

func isAdmin(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, adminPrefix) }

func (s *Server) admin(w http.ResponseWriter, r *http.Request) {
	out, err := s.administer(r)
	a := &reply{status: http.StatusOK, header: http.Header{}, body: marshal(out)}
	if err != nil {
		a.status, a.body = http.StatusBadRequest, marshal(object{"error": err.Error()})
	}
	a.write(w)
}

func (s *Server) administer(r *http.Request) (object, error) {
	what := strings.TrimPrefix(r.URL.Path, adminPrefix)
	if what == "requests" && r.Method == http.MethodGet {
		return object{"count": s.Count(), "requests": s.Requests()}, nil
	}
	if r.Method != http.MethodPost {
		return nil, fmt.Errorf("%s %s; want POST", r.Method, r.URL.Path)
	}
	switch what {
	case "events":
		var e Event
		if err := decode(r, &e); err != nil {
			return nil, err
		}
		if e.Action == "" {
			return nil, errors.New("action: empty")
		}
		return object{"id": s.Add(e)}, nil
	case "faults":
		var f Fault
		if err := decode(r, &f); err != nil {
			return nil, err
		}
		return object{}, s.AddFault(f)
	case "faults/clear":
		s.ClearFaults()
		return object{}, nil
	}
	return nil, fmt.Errorf("no such path %s", r.URL.Path)
}

func decode(r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}
