package mastodon

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// post maps a status of the account's own timeline. A boost has the original's
// id in Object and the original's text, links and media. A direct message is of
// kind message: nobody approves it, and an intruder sends it. Who of several
// people acted Mastodon does not tell.
func (r *round) post(s *status) activity.Activity {
	kind := activity.KindPost
	switch {
	case s.Reblog != nil:
		kind = activity.KindRepost
	case s.Visibility == "direct":
		kind = activity.KindMessage
	case s.InReplyToID != "":
		kind = activity.KindReply
	}
	a := r.message(kind, s)
	if s.Reblog != nil {
		a.Object = string(s.Reblog.ID)
	}
	return a
}

func (r *round) message(kind activity.Kind, s *status) activity.Activity {
	a := r.activity(kind, string(s.ID), s.CreatedAt)
	a.App, a.ReplyTo = string(s.Application), string(s.InReplyToID)
	if s.Reblog != nil {
		s = s.Reblog
		a.Mentions = appendNew(a.Mentions, s.Account.Acct)
	}
	a.Lang = s.Language
	for _, m := range s.Mentions {
		a.Mentions = appendNew(a.Mentions, m.Acct)
	}
	for _, t := range s.Tags {
		a.Hashtags = appendNew(a.Hashtags, t.Name)
	}
	fill(&a, contentOf(s))
	return a
}

// content is what an edit can change.
type content struct {
	html, warning string
	media         []attachment
	quotes        bool // it begins with a paragraph that stands for the quoted status
}

func contentOf(s *status) content {
	return content{html: s.Content, warning: s.SpoilerText, media: s.MediaAttachments, quotes: s.quotes()}
}

// fill puts the words, links and media of one version into a. The content
// warning is published text and comes first, as on the page.
func fill(a *activity.Activity, c content) {
	text, links := plain(c.html, c.quotes)
	if warning := strings.TrimSpace(strings.Map(printable, c.warning)); warning != "" {
		text = strings.TrimSpace(warning + "\n\n" + text)
	}
	a.Text, a.Links, a.LinkDomains, a.Media = collectors.Clip(text, activity.MaxText), links, nil, nil
	for _, link := range links {
		if u, err := url.Parse(link); err == nil {
			a.LinkDomains = appendNew(a.LinkDomains, strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")))
		}
	}
	for i := range c.media {
		m := &c.media[i]
		address := cmp.Or(m.URL, m.RemoteURL)
		a.Media = append(a.Media, activity.Media{Hash: string(m.ID), Type: mediaType(m.Type), URL: address})
	}
}

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// mediaType returns the type in the words of activity.Media, "" for what the
// server could not tell.
func mediaType(t string) string {
	switch t {
	case "gifv":
		return "gif"
	case "unknown":
		return ""
	}
	return t
}
