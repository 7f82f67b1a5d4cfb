package x

import (
	"cmp"
	"html"
	"net/url"
	"slices"
	"strings"

	"github.com/dghubble/go-twitter/twitter" //nolint:staticcheck // archived, and the client this is built on: what it lacks is in this package

	"github.com/picketd/picket/collectors/activity"
)

// post maps a post of the account's own timeline. History holds the ids of its
// versions, nil where X did not tell.
//
// An edit is the newest version of a post under an id of its own, with the
// first version's id in Object. A repost has the original's id in Object and
// the original's text, links and media. Who of several people acted X does not
// tell.
func (r *round) post(t *twitter.Tweet, history []int64) activity.Activity {
	kind, object := activity.KindPost, ""
	first := versionOne(t.ID, history)
	switch {
	case t.RetweetedStatus != nil:
		kind, object = activity.KindRepost, formatID(t.RetweetedStatus.ID)
	case first != t.ID:
		kind, object = activity.KindEdit, formatID(first)
	case t.InReplyToStatusID != 0:
		kind = activity.KindReply
	}
	a := r.message(kind, t, first != t.ID)
	a.Object = object
	return a
}

// mention maps a post of somebody else that mentions the account.
func (r *round) mention(t *twitter.Tweet, history []int64) activity.Activity {
	a := r.message(activity.KindMention, t, versionOne(t.ID, history) != t.ID)
	if t.User != nil {
		a.Actor = t.User.ScreenName
	}
	return a
}

func (r *round) message(kind activity.Kind, t *twitter.Tweet, edited bool) activity.Activity {
	created, err := t.CreatedAtTime()
	if err != nil { // answers without it are let through only where the id tells the time
		created = snowflakeTime(t.ID)
	}
	a := r.activity(kind, formatID(t.ID), postTime(t.ID, created, edited))
	a.App = appName(t.Source)
	if t.InReplyToStatusID != 0 {
		a.ReplyTo = formatID(t.InReplyToStatusID)
	}
	content := t
	if rt := t.RetweetedStatus; rt != nil && (rt.FullText != "" || rt.Text != "") {
		content = rt
		if rt.User != nil && rt.User.ScreenName != "" {
			a.Mentions = append(a.Mentions, rt.User.ScreenName)
		} else if handle := repostedHandle(t); handle != "" {
			a.Mentions = append(a.Mentions, handle)
		}
	}
	a.Lang = language(t.Lang)
	fill(&a, content)
	return a
}

// fill adds the words, links and media of a post.
func fill(a *activity.Activity, t *twitter.Tweet) {
	text, entities := t.FullText, t.Entities
	if text == "" && t.ExtendedTweet != nil {
		text, entities = t.ExtendedTweet.FullText, t.ExtendedTweet.Entities
	}
	text = cmp.Or(text, t.Text)
	var media []twitter.MediaEntity
	if entities != nil {
		media = entities.Media
		for _, m := range entities.UserMentions {
			a.Mentions = appendNew(a.Mentions, m.ScreenName)
		}
		for _, h := range entities.Hashtags {
			a.Hashtags = appendNew(a.Hashtags, h.Text)
		}
		for _, u := range entities.Urls {
			link := cmp.Or(u.ExpandedURL, u.URL)
			a.Links = appendNew(a.Links, link)
			if parsed, err := url.Parse(link); err == nil {
				a.LinkDomains = appendNew(a.LinkDomains, strings.ToLower(strings.TrimSuffix(parsed.Hostname(), ".")))
			}
		}
		text = expand(text, entities.Urls)
	}
	if t.ExtendedEntities != nil && len(t.ExtendedEntities.Media) > 0 {
		media = t.ExtendedEntities.Media // all of them; entities has one
	}
	for i := range media {
		m := &media[i]
		a.Media = append(a.Media, activity.Media{Hash: m.IDStr, Type: mediaType(m.Type), URL: m.MediaURLHttps})
		if strings.HasPrefix(m.URL, shortener) {
			text = strings.ReplaceAll(text, m.URL, "")
		}
	}
	a.Text = strings.TrimSpace(unescape(text))
}

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// shortener is what X puts in place of every link in a text.
const shortener = "https://t.co/"

// expand writes the links of a text as their author wrote them. Only X's own
// shortener is replaced, so that a false entity cannot rewrite a text.
func expand(text string, urls []twitter.URLEntity) string {
	for _, u := range urls {
		if u.ExpandedURL != "" && strings.HasPrefix(u.URL, shortener) && len(u.URL) > len(shortener) {
			text = strings.ReplaceAll(text, u.URL, u.ExpandedURL)
		}
	}
	return text
}

// unescape undoes the escaping of the three characters that X escapes.
func unescape(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(s)
}

// appName returns the client application: its name alone, where API v1.1 gives
// a link, and "" where X says nothing.
func appName(source string) string {
	if _, rest, ok := strings.Cut(source, ">"); ok && strings.HasPrefix(source, "<a ") {
		source, _, _ = strings.Cut(rest, "<")
	}
	return strings.TrimSpace(html.UnescapeString(source))
}

// language returns X's language as BCP 47, "" where X names none: besides und
// and zxx it uses private codes such as qme for a post of media only.
func language(lang string) string {
	switch {
	case lang == "und", lang == "zxx", len(lang) == 3 && lang[0] == 'q':
		return ""
	case lang == "in":
		return "id"
	case lang == "iw":
		return "he"
	}
	return lang
}

func mediaType(t string) string {
	switch t {
	case "photo":
		return "image"
	case "animated_gif":
		return "gif"
	}
	return t
}

// repostedHandle returns the author of a reposted post from the beginning of
// the repost's own text, "RT @fan: ", where X did not include the author.
func repostedHandle(t *twitter.Tweet) string {
	text := cmp.Or(t.FullText, t.Text)
	rest, ok := strings.CutPrefix(text, "RT @")
	handle, _, found := strings.Cut(rest, ":")
	if !ok || !found || !isHandle(handle) {
		return ""
	}
	return handle
}
