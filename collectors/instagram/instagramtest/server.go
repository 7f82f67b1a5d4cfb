// Package instagramtest is a fake professional account of Instagram behind a
// fake Graph API: media, stories, captions, deletions, tags, comments and the
// account itself. The wire format's general part is metagraphtest's; here are
// the fields of IG User, IG Media and IG Comment, by
// developers.facebook.com/docs/instagram-platform as of 2026-11-29. What Picket
// makes of them belongs in package instagram.
package instagramtest

import (
	"cmp"
	"fmt"
	"time"

	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

// The account of every server.
const (
	UserID   = "17841400000000001"
	Username = "acme"
)

// Object is a JSON object.
type Object = metagraphtest.Object

// Server is a fake account.
type Server struct {
	*metagraphtest.Server
	made  int
	count int // media that are counted
}

// Media is a post, a story, another's post or a comment.
type Media struct {
	Text    string
	At      time.Time // now where zero
	Type    string    // "IMAGE" where empty
	Album   []string  // ids of its parts
	From    string    // username, in Tag, Comment and Reply
	Twice   bool
	Broken  bool
	Created string // in place of the time's own form
}

// New returns an account without media.
func New(opts metagraphtest.Options) *Server {
	opts.Case = "instagram"
	s := &Server{Server: metagraphtest.New(opts)}
	s.SetNode(UserID, Object{
		"username": Username, "name": "Acme & Co", "biography": "We make things", "website": "https://acme.example/",
		"profile_picture_url": "https://scontent.example/v/1_2_n.jpg?stp=x&sig=1",
		"followers_count":     1204, "follows_count": 12, "media_count": 0,
	}, "me")
	return s
}

// fields returns what media have.
func (s *Server) fields(m *Media) Object {
	kind := cmp.Or(m.Type, "IMAGE")
	o := Object{
		"media_type": kind, "media_product_type": "FEED", "timestamp": cmp.Or(m.Created, stamp(m.At)),
		"username": cmp.Or(m.From, Username), "permalink": "https://www.instagram.com/p/x/", "is_comment_enabled": true,
	}
	if m.Text != "" {
		o["caption"] = m.Text
	}
	if len(m.Album) == 0 {
		o["media_url"] = "https://scontent.example/v/" + fmt.Sprint(s.made) + "_n.jpg?sig=" + fmt.Sprint(m.At.Unix())
		return o
	}
	parts := []Object{}
	for _, id := range m.Album {
		parts = append(parts, Object{"id": id, "media_type": "IMAGE", "media_url": "https://scontent.example/v/" + id + "_n.jpg?sig=1"})
	}
	o["media_type"], o["children"] = "CAROUSEL_ALBUM", Object{"data": parts}
	return o
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-0700") }

func (s *Server) next(m *Media) string {
	s.made++
	if m.At.IsZero() {
		m.At = s.Now()
	}
	m.At = m.At.Truncate(time.Second)
	return fmt.Sprint(17900000000000000 + s.made)
}

func (s *Server) counted(n int) {
	s.count += n
	_ = s.Change(UserID, Object{"media_count": s.count}) // the account is always there
}

// Post publishes media of the account and returns its id.
func (s *Server) Post(m Media) string {
	id := s.next(&m)
	s.Add(UserID, "media", metagraphtest.Item{ID: id, At: m.At, Fields: s.fields(&m), Twice: m.Twice, Broken: m.Broken})
	s.counted(1)
	return id
}

// Story publishes a story, which is shown for 24 hours.
func (s *Server) Story(m Media) string {
	id := s.next(&m)
	o := s.fields(&m)
	o["media_product_type"] = "STORY"
	s.Add(UserID, "stories", metagraphtest.Item{ID: id, At: m.At, Fields: o, Until: m.At.Add(24 * time.Hour)})
	return id
}

// Edit changes a caption.
func (s *Server) Edit(id, text string) error { return s.Change(id, Object{"caption": text}) }

// DeletePost deletes a post, which is no longer counted.
func (s *Server) DeletePost(id string) error {
	if err := s.Delete(id); err != nil {
		return err
	}
	s.counted(-1)
	return nil
}

// Tag publishes another's post that tags the account.
func (s *Server) Tag(m Media) string {
	id := s.next(&m)
	s.Add(UserID, "tags", metagraphtest.Item{ID: id, At: m.At, Fields: s.fields(&m)})
	return id
}

// Comment publishes a comment under a post.
func (s *Server) Comment(post string, m Media) string { return s.comment(post, "comments", "", m) }

// Reply publishes a reply to a comment.
func (s *Server) Reply(comment string, m Media) string {
	return s.comment(comment, "replies", comment, m)
}

func (s *Server) comment(node, edge, parent string, m Media) string {
	id := s.next(&m)
	o := Object{"text": m.Text, "timestamp": stamp(m.At), "username": m.From, "from": Object{"id": "1" + m.From, "username": m.From}, "hidden": false}
	if parent != "" {
		o["parent_id"] = parent
	}
	s.Add(node, edge, metagraphtest.Item{ID: id, At: m.At, Fields: o})
	return id
}
