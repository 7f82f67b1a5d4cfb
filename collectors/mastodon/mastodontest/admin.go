package mastodontest

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
//	POST /_admin/accounts      a Profile                        → {"id"}
//	POST /_admin/posts         {"account": NAME, …a Status}     → {"id"}
//	POST /_admin/edits         {"id", "text"}                   → {}
//	POST /_admin/deletions     {"id"}                           → {}
//	POST /_admin/omissions     {"id", "on"}                     → {}
//	POST /_admin/profiles      {"account", "set": {…a Profile}} → {}   only what set names changes
//	POST /_admin/suspensions   {"account", "on"}                → {}
//	POST /_admin/hidings       {"account", "on"}                → {}
//	POST /_admin/faults        a Fault                          → {}
//	POST /_admin/faults/clear  {}                               → {}
//	GET  /_admin/requests                                       → {"counts", "requests"}
//
// They ask for no credential: serve them on loopback only.
const adminPrefix = "/_admin/"

func (s *Server) admin(w http.ResponseWriter, r *http.Request) {
	out, err := s.administer(r)
	a := ok(out)
	if err != nil {
		a = failure(http.StatusBadRequest, err.Error())
	}
	a.write(w)
}

func (s *Server) administer(r *http.Request) (object, error) {
	what := strings.TrimPrefix(r.URL.Path, adminPrefix)
	if what == "requests" && r.Method == http.MethodGet {
		requests := s.Requests()
		s.mu.Lock()
		defer s.mu.Unlock()
		counts := object{}
		for endpoint, n := range s.counts {
			counts[endpoint] = n
		}
		return object{"counts": counts, "requests": requests}, nil
	}
	if r.Method != http.MethodPost {
		return nil, fmt.Errorf("%s %s; want POST", r.Method, r.URL.Path)
	}
	switch what {
	case "accounts":
		var p Profile
		if err := decode(r, &p); err != nil {
			return nil, err
		}
		if p.Name == "" {
			return nil, errors.New("name: empty")
		}
		return object{"id": s.AddAccount(p)}, nil
	case "posts":
		var p struct {
			Account string `json:"account"`
			Status
		}
		if err := decode(r, &p); err != nil {
			return nil, err
		}
		if p.Account == "" {
			return nil, errors.New("account: empty")
		}
		return object{"id": s.Post(p.Account, p.Status)}, nil
	case "edits", "deletions", "omissions":
		return object{}, s.administerStatus(r, what)
	case "profiles", "suspensions", "hidings":
		return object{}, s.administerAccount(r, what)
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

func (s *Server) administerStatus(r *http.Request, what string) error {
	var p struct {
		ID   string `json:"id"`
		Text string `json:"text"`
		On   bool   `json:"on"`
	}
	if err := decode(r, &p); err != nil {
		return err
	}
	switch what {
	case "deletions":
		return s.Delete(p.ID)
	case "omissions":
		return s.Omit(p.ID, p.On)
	}
	return s.Edit(p.ID, p.Text)
}

func (s *Server) administerAccount(r *http.Request, what string) error {
	var p struct {
		Account string          `json:"account"`
		On      bool            `json:"on"`
		Set     json.RawMessage `json:"set"`
	}
	if err := decode(r, &p); err != nil {
		return err
	}
	switch what {
	case "suspensions":
		return s.Suspend(p.Account, p.On)
	case "hidings":
		return s.Hide(p.Account, p.On)
	}
	var bad error
	err := s.SetProfile(p.Account, func(profile *Profile) {
		next := *profile
		if bad = strict(p.Set, &next); bad == nil {
			*profile = next
		}
	})
	return errors.Join(err, bad)
}

func decode(r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

func strict(data []byte, into any) error {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("set: %w", err)
	}
	return nil
}
