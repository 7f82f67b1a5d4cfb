package reddittest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Thing is a submission or a comment of the account.
type Thing struct {
	ID string
	// Parent makes it a comment: the name of what it answers.
	Parent           string
	Title, Text, Sub string   // Sub is "acme" where empty
	URL              string   // of a link
	Image, Video     bool     // URL is of one
	Gallery          []string // keys of its pictures
	Crosspost        string   // name of what it repeats
	Flair            string
	NSFW, Pinned     bool
	At, Edited       time.Time // At zero is now
	// Visible is from when its list holds it.
	Visible time.Time
	// Deleted is by its author; RemovedBy is Reddit's word for who else took it
	// away. Where Hidden, who asks is shown [removed] in place of a comment's text.
	Deleted   bool
	RemovedBy string
	Hidden    bool
	// Closed has /api/info leave it out.
	Closed bool
	// Twice has it in its list two times; Broken gives it a time that is a text.
	Twice, Broken bool

	written [2][]byte // as it was answered last, in its list and by name
}

func (t *Thing) kind() string {
	if t.Parent != "" {
		return "t1"
	}
	return "t3"
}

// Name is the thing's in the API.
func (t *Thing) Name() string { return t.kind() + "_" + t.ID }

// Post adds a submission or a comment, and returns its name.
func (s *Server) Post(t Thing) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	if t.ID == "" {
		t.ID = strconv.FormatInt(int64(60_000_000+s.seq), 36)
	}
	if t.At.IsZero() {
		t.At = s.opts.Now()
	}
	t.At = t.At.UTC().Truncate(time.Second)
	t.Sub = cmp.Or(t.Sub, "acme")
	list := s.lists[t.kind()]
	i, _ := slices.BinarySearchFunc(list, t.At, func(o *Thing, at time.Time) int {
		if o.At.Before(at) || o.At.Equal(at) { // before those of the same second
			return 1
		}
		return -1
	})
	s.lists[t.kind()] = slices.Insert(list, i, &t)
	s.things[t.Name()] = &t
	return t.Name()
}

// Edit changes a thing.
func (s *Server) Edit(name string, change func(*Thing)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.things[name]
	change(t)
	t.written = [2][]byte{}
}

// wire is a thing as the API writes it. ByName says that it was asked for by
// name: the list of an account shows a removed comment as it was.
func (s *Server) wire(t *Thing, byName bool) []byte {
	n := 0
	if byName {
		n = 1
	}
	if t.written[n] == nil {
		t.written[n] = encoded(s.object(t, byName))
	}
	return t.written[n]
}

func (s *Server) object(t *Thing, byName bool) object {
	edited := any(false)
	if !t.Edited.IsZero() {
		edited = float64(t.Edited.Unix())
	}
	created := any(float64(t.At.Unix()))
	if t.Broken {
		created = t.At.Format(time.RFC3339)
	}
	author, text := s.opts.Name, t.Text
	removedBy := any(nil)
	if t.RemovedBy != "" {
		removedBy = t.RemovedBy
	}
	if t.Hidden && byName {
		author, text = "[deleted]", "[removed]"
	}
	if t.Deleted {
		author, text, removedBy = "[deleted]", "[deleted]", "deleted"
	}
	data := object{
		"id": t.ID, "name": t.Name(), "author": author, "subreddit": t.Sub, "created_utc": created,
		"edited": edited, "banned_by": nil, "score": 12,
	}
	if t.kind() == "t1" {
		data["body"], data["parent_id"] = text, t.Parent
		return object{"kind": "t1", "data": data}
	}
	data["title"], data["selftext"], data["removed_by_category"], data["over_18"], data["pinned"] = t.Title, text, removedBy, t.NSFW, t.Pinned
	data["is_self"], data["url"] = t.URL == "" && t.Crosspost == "" && t.Gallery == nil, cmp.Or(t.URL, "https://www.reddit.com/r/"+t.Sub+"/comments/"+t.ID+"/")
	data["is_video"], data["link_flair_text"] = t.Video, t.Flair
	if t.Image {
		data["post_hint"] = "image"
	}
	if t.Crosspost != "" {
		data["crosspost_parent"], data["crosspost_parent_list"] = t.Crosspost, []any{object{"name": t.Crosspost, "author": "somebody"}}
	}
	if t.Gallery != nil {
		pictures := object{}
		for _, key := range t.Gallery {
			pictures[key] = object{"status": "valid", "e": "Image", "m": "image/jpg", "id": key}
		}
		data["is_gallery"], data["media_metadata"] = true, pictures
	}
	return object{"kind": "t3", "data": data}
}

// Note is what others wrote to the account. Message is a private one.
type Note struct {
	Author, Text, Type, Parent string
	Dest                       string // whose inbox it is, the account's where empty
	Message                    bool
	At                         time.Time

	name string
}

// Receive adds a note to the inbox and returns its name.
func (s *Server) Receive(n Note) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	kind := "t1_"
	if n.Message {
		kind = "t4_"
	}
	n.name = kind + strconv.FormatInt(int64(80_000_000+s.seq), 36)
	if n.At.IsZero() {
		n.At = s.opts.Now()
	}
	n.Dest = cmp.Or(n.Dest, s.opts.Name)
	s.inbox = append(s.inbox, &n)
	slices.SortStableFunc(s.inbox, func(x, y *Note) int { return y.At.Compare(x.At) })
	return n.name
}

func (s *Server) notes() []entry {
	var out []entry
	for _, n := range s.inbox {
		out = append(out, entry{n.name, func() []byte {
			data := object{
				"name": n.name, "id": n.name[3:], "author": n.Author, "dest": n.Dest, "body": n.Text, "created_utc": float64(n.At.Unix()),
				"type": n.Type, "was_comment": !n.Message, "new": true, "subject": "comment reply",
			}
			if n.Author == "" {
				data["author"] = nil
			}
			if !n.Message {
				data["parent_id"], data["subreddit"], data["link_title"] = n.Parent, "acme", "New anvils"
			}
			return encoded(object{"kind": n.name[:2], "data": data})
		}})
	}
	return out
}

// Action is one in a log of moderators.
type Action struct {
	Action, Mod, Target, Details string
	At                           time.Time

	id string
}

// Moderate adds an action to a subreddit's log and returns its id; without a
// word for the action it makes the log only.
func (s *Server) Moderate(sub string, a Action) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub = strings.ToLower(sub)
	if s.logs[sub] == nil {
		s.logs[sub] = []Action{}
	}
	if a.Action == "" {
		return ""
	}
	s.seq++
	a.id = fmt.Sprintf("ModAction_4e2b4b2e-91a1-11ef-b1a4-%012x", s.seq)
	if a.At.IsZero() {
		a.At = s.opts.Now()
	}
	s.logs[sub] = append(s.logs[sub], a)
	slices.SortStableFunc(s.logs[sub], func(x, y Action) int { return y.At.Compare(x.At) })
	return a.id
}

// Close has a subreddit's log refused, or shown again.
func (s *Server) Close(sub string, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed[strings.ToLower(sub)] = closed
}

func (s *Server) actions(sub string) []entry {
	var out []entry
	for _, a := range s.logs[strings.ToLower(sub)] {
		out = append(out, entry{a.id, func() []byte {
			return encoded(object{"kind": "modaction", "data": object{
				"id": a.id, "action": a.Action, "mod": a.Mod, "mod_id36": "9x1a", "target_author": a.Target, "details": a.Details,
				"description": nil, "subreddit": sub, "created_utc": float64(a.At.Unix()), "target_fullname": "t2_9x2b",
			}})
		}})
	}
	return out
}

// Fault makes answers go wrong.
type Fault struct {
	// Path is how the path ends of what it meets: "/submitted", "/access_token";
	// empty meets all.
	Path   string
	Status int
	// Body stands in place of the API's error.
	Body   string
	Header map[string]string
	// Paged meets requests of a next page only; Times ends it after that many, 0
	// goes on until Heal.
	Paged bool
	Times int

	seen int
}

// AddFault makes answers go wrong from the next request on.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal ends all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) fault(r *http.Request) *Fault {
	for _, f := range s.faults {
		if !strings.HasSuffix(r.URL.Path, f.Path) || f.Paged && r.URL.Query().Get("after") == "" || f.Times > 0 && f.seen >= f.Times {
			continue
		}
		f.seen++
		return f
	}
	return nil
}

func (f *Fault) write(w http.ResponseWriter) {
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	if f.Body == "" {
		writeStatus(w, f.Status, nil)
		return
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body))
}
