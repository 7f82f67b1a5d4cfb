// Package facebooktest is a fake Facebook Page behind a fake Graph API: posts,
// edits, deletions, comments, tags, people, apps and the Page itself. The wire
// format's general part is metagraphtest's; here are the fields of PagePost,
// Comment and Page, by developers.facebook.com/docs/graph-api/reference as of
// 2026-11-29. What Picket makes of them belongs in package facebook.
package facebooktest

import (
	"cmp"
	"fmt"
	"time"

	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

// The Page of every server.
const (
	PageID   = "100200300"
	Username = "acme"
)

// Object is a JSON object.
type Object = metagraphtest.Object

// Server is a fake Page.
type Server struct {
	*metagraphtest.Server
	made int
}

// Post is one of the Page, or of somebody else that tags it.
type Post struct {
	Text    string
	At      time.Time // now where zero
	App     string
	Admin   string
	Shares  string // id of another's post
	Link    string
	Photo   string // id of a photo
	From    string // whose it is, in Tag and Comment; empty hides it
	To      string // id of the comment that is answered, in Comment
	Story   string
	Twice   bool
	Broken  bool
	Created string // in place of the time's own form
}

// New returns a Page without posts.
func New(opts metagraphtest.Options) *Server {
	opts.Case = "pages"
	s := &Server{Server: metagraphtest.New(opts)}
	s.SetNode(PageID, Object{
		"access_token": cmp.Or(opts.PageToken, opts.Token),
		"name":         "Acme & Co", "username": Username, "about": "We make things", "website": "https://acme.example/",
		"phone": "+49 30 5550100", "emails": []string{"info@acme.example"}, "category": "Brand", "link": "https://www.facebook.com/acme",
		"verification_status": "blue_verified", "is_published": true, "single_line_address": "1 Road, Berlin",
		"cover": Object{"id": "700800900", "source": "https://scontent.example/cover.jpg?sig=1", "offset_y": 0},
		"picture": Object{"data": Object{
			"height": 50, "width": 50, "is_silhouette": false, "url": "https://scontent.example/v/1_2_n.jpg?stp=x&sig=1",
		}},
		"followers_count": 1204, "fan_count": 1100,
	}, Username)
	return s
}

// Time is how the Graph API writes a time.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-0700") }

// fields returns what all posts and comments have.
func (s *Server) fields(p *Post) Object {
	o := Object{"created_time": cmp.Or(p.Created, Time(p.At)), "updated_time": Time(p.At), "is_published": true, "is_hidden": false}
	if p.Text != "" {
		o["message"] = p.Text
	}
	if p.Story != "" {
		o["story"] = p.Story
	}
	if p.App != "" {
		o["application"] = Object{"id": "42", "name": p.App, "category": "Utilities", "link": "https://app.example/"}
	}
	if p.Admin != "" {
		o["admin_creator"] = Object{"id": "77", "name": p.Admin}
	}
	return o
}

func (s *Server) next(p *Post) string {
	s.made++
	if p.At.IsZero() {
		p.At = s.Now()
	}
	p.At = p.At.Truncate(time.Second)
	return fmt.Sprint(500000 + s.made)
}

// Post publishes a post of the Page and returns its id.
func (s *Server) Post(p Post) string {
	id := PageID + "_" + s.next(&p)
	o := s.fields(&p)
	o["from"] = Object{"id": PageID, "name": "Acme & Co"}
	o["status_type"], o["permalink_url"] = "mobile_status_update", "https://www.facebook.com/"+id
	switch {
	case p.Shares != "":
		o["status_type"], o["parent_id"] = "shared_story", p.Shares
	case p.Link != "":
		o["status_type"] = "shared_story"
		o["attachments"] = Object{"data": []Object{{
			"type": "share", "title": "A page", "url": "https://l.facebook.com/l.php?u=x", "unshimmed_url": p.Link, "media_type": "link",
			"target": Object{"url": "https://l.facebook.com/l.php?u=x"},
		}}}
	case p.Photo != "":
		o["status_type"] = "added_photos"
		o["attachments"] = Object{"data": []Object{{
			"type": "photo", "media_type": "photo", "url": "https://www.facebook.com/photo?fbid=" + p.Photo, "target": Object{"id": p.Photo},
			"media": Object{"image": Object{"height": 720, "width": 720, "src": "https://scontent.example/v/" + p.Photo + "_n.jpg?sig=1"}},
		}}}
	}
	s.Add(PageID, "published_posts", metagraphtest.Item{ID: id, At: p.At, Fields: o, Twice: p.Twice, Broken: p.Broken})
	return id
}

// Edit changes a post's words.
func (s *Server) Edit(id, text string) error {
	return s.Change(id, Object{"message": text, "updated_time": Time(s.Now())})
}

// Tag publishes a post of somebody else that tags the Page.
func (s *Server) Tag(p Post) string {
	id := "900_" + s.next(&p)
	o := s.fields(&p)
	if p.From != "" {
		o["from"] = Object{"id": p.From, "name": p.From}
	}
	o["message_tags"] = []Object{{"id": PageID, "name": "Acme & Co", "type": "page", "offset": 0, "length": 9}}
	s.Add(PageID, "tagged", metagraphtest.Item{ID: id, At: p.At, Fields: o, Twice: p.Twice})
	return id
}

// Comment publishes a comment under a post; From is PageID for the Page's own.
func (s *Server) Comment(post string, p Post) string {
	id := post[len(PageID)+1:] + "_" + s.next(&p)
	o := s.fields(&p)
	if p.From != "" {
		o["from"] = Object{"id": p.From, "name": p.From}
	}
	if p.To != "" {
		o["parent"] = Object{"id": p.To, "message": "…"}
	}
	s.Add(post, "comments", metagraphtest.Item{ID: id, At: p.At, Fields: o})
	return id
}

// Member gives a person tasks on the Page, in roles or assigned_users.
func (s *Server) Member(edge, id, name string, tasks ...string) {
	s.Add(PageID, edge, metagraphtest.Item{ID: id, Fields: Object{"name": name, "tasks": tasks, "user_type": "system_user"}})
}

// App subscribes an app to the Page.
func (s *Server) App(id, name string) {
	s.Add(PageID, "subscribed_apps", metagraphtest.Item{ID: id, Fields: Object{"name": name, "subscribed_fields": []string{"feed"}}})
}
