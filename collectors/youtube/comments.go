package youtube

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"go.uber.org/zap"
	api "google.golang.org/api/youtube/v3"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Bounds of comments: threads of a page, and pages of a round.
const (
	threadsOf    = 100
	commentPages = 50
)

// comments reads one page of the comments on the channel's videos, and ends or
// goes on with its walk. Those before the first look are not read.
func (r *round) comments() error {
	l := r.st.Comments
	if l == nil {
		now := r.clock().UnixMilli()
		l = &lane{Since: now}
		r.st.Comments = l
	}
	w := walk{Start: r.clock().UnixMilli()}
	if l.Walk != nil {
		w = *l.Walk
	}
	a, err := r.threads(w.Token)
	switch _, answered := errors.AsType[*APIError](err); {
	case err == nil:
	case refusedFor(err, "commentsDisabled"):
		r.c.deps.Log.Debug("comments are off", zap.String("account", r.c.cfg.Account), zap.Error(err))
		l.advance(&w, r.c.cfg.Overlap.Milliseconds())
		return nil
	case refusedFor(err, "invalidPageToken", "processingFailure") && w.Token != "" && w.Again < maxAgain:
		l.Walk = &walk{Start: w.Start, Again: w.Again + 1}
		return nil
	case !answered && isLimited(err): // the credential's own budget, which keeps the rest for the channel itself
		r.page.Behind = err
		return nil
	default:
		return r.failed("comments", err)
	}
	if a.next != "" && a.next == w.Token {
		return r.failed("comments", &collectors.Malformed{Field: "nextPageToken", Err: errors.New("the next page is the one that was read")})
	}
	r.takeThreads(a, l, &w)
	w.Token = a.next
	switch enough := w.Low < l.Since; {
	case w.Token == "" || enough:
		l.advance(&w, r.c.cfg.Overlap.Milliseconds())
	case w.Pages >= commentPages:
		r.page.Gap = &collectors.Gap{From: timeOf(l.Since), Until: timeOf(w.Low), Reason: fmt.Sprintf("more than %d threads of comments in one round", threadsOf*commentPages)}
		l.advance(&w, r.c.cfg.Overlap.Milliseconds())
	default:
		l.Walk = &w
	}
	return nil
}

func isLimited(err error) bool {
	_, ok := errors.AsType[*collectors.RateLimited](err)
	return ok
}

func (r *round) threads(token string) (*answer, error) {
	ctx := collectors.ForMentions(r.ctx)
	a, err := r.c.call(ctx, func(svc *api.Service) (caller, func() error) {
		call := svc.CommentThreads.List([]string{"snippet,replies"}).AllThreadsRelatedToChannelId(r.st.Channel).
			Order("time").TextFormat("plainText").MaxResults(threadsOf).Context(ctx)
		if token != "" {
			call.PageToken(token)
		}
		return call, func() error { _, err := call.Do(); return err }
	})
	if err == nil {
		r.took(a)
	}
	return a, err
}

// takeThreads hands over the comments of a page.
func (r *round) takeThreads(a *answer, l *lane, w *walk) {
	w.Pages++
	w.Low = 0
	for i, raw := range a.items {
		all, err := readThread(raw, r.st.Channel)
		if err != nil {
			r.malformed(a, i, err)
			continue
		}
		for j := range all {
			c := &all[j]
			p := place{At: c.Time.UnixMilli(), ID: c.ID}
			if j == 0 {
				w.Low = max(w.Low, p.At)
			}
			w.meet(p)
			if p.At < l.Since {
				continue
			}
			r.emit(c)
			if p.compare(l.Mark) > 0 {
				r.fresh, r.held = true, true
			}
		}
	}
	if w.Low == 0 {
		w.Low = l.Since
	}
}

// readThread maps a thread of comments, the one that it begins with first. What
// the channel itself writes is a reply, the rest mentions it.
func readThread(raw json.RawMessage, channel string) ([]activity.Activity, error) {
	var t api.CommentThread
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, err
	}
	if t.Snippet == nil || t.Snippet.TopLevelComment == nil {
		return nil, errors.New("snippet.topLevelComment: missing; want a comment")
	}
	list := []*api.Comment{t.Snippet.TopLevelComment}
	if t.Replies != nil {
		list = append(list, t.Replies.Comments...)
	}
	var out []activity.Activity
	for _, c := range list {
		a, err := readComment(c, channel)
		if err != nil {
			return nil, err
		}
		if a.ReplyTo == "" && isID(t.Snippet.VideoId) {
			a.ReplyTo = t.Snippet.VideoId
		}
		out = append(out, a)
	}
	return out, nil
}

func readComment(c *api.Comment, channel string) (activity.Activity, error) {
	if c == nil || !isID(c.Id) || c.Snippet == nil {
		return activity.Activity{}, errors.New("comment without id or snippet; want both")
	}
	s := c.Snippet
	at, err := parseTime(s.PublishedAt)
	if err != nil {
		return activity.Activity{}, fmt.Errorf("publishedAt: %w", err)
	}
	a := activity.Activity{ID: c.Id, Kind: activity.KindMention, Time: at, Actor: collectors.Clip(plain(s.AuthorDisplayName), 200)}
	if s.AuthorChannelId != nil && s.AuthorChannelId.Value == channel {
		a.Kind, a.Actor = activity.KindReply, ""
	}
	if isID(s.ParentId) {
		a.ReplyTo = s.ParentId
	} else if isID(s.VideoId) {
		a.ReplyTo = s.VideoId
	}
	text := cmp.Or(s.TextOriginal, s.TextDisplay)
	fill(&a, text)
	return a, nil
}
