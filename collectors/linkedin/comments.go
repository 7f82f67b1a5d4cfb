package linkedin

import (
	"fmt"

	"github.com/picketd/picket/collectors"
)

const (
	commentCount = 100 // comments of a page
	// maxThreadPages bounds the pages of comments under one post in one look.
	maxThreadPages = 3
)

// comments reads the comments under the newest posts, one request a post where
// it has no more than a page of them. Where the budget ends in between, the next
// poll goes on with the posts that are left.
func (r *round) comments() error {
	st := r.st
	t := st.Comments
	if t == nil { // from now on: there is no history of what others say
		t = &talk{Since: max(1, r.clock().Add(-r.c.cfg.Overlap).UnixMilli())}
		st.Comments = t
	}
	if len(t.Left) == 0 {
		t.Start = r.clock().UnixMilli()
		for i := range st.Watch[:min(len(st.Watch), r.c.cfg.CommentPosts)] {
			t.Left = append(t.Left, st.Watch[i].ID)
		}
	}
	for len(t.Left) > 0 {
		if err := r.thread(t, t.Left[0]); err != nil {
			return r.failed("comments", err)
		}
		t.Left = t.Left[1:]
		r.moved = true
	}
	t.Left = nil
	t.Since = max(t.Since, t.Start-r.c.cfg.Overlap.Milliseconds())
	if t.Top.compare(t.Mark) > 0 {
		t.Mark = t.Top
	}
	t.At, t.Start, t.Top = r.clock().Unix(), 0, place{}
	r.moved = true
	return nil
}

// thread reads the comments under one post. LinkedIn documents no order. Where the
// newest come first, it goes down to what was read before; where the oldest do,
// and there are many, it passes over all but the first page and the last ones.
func (r *round) thread(t *talk, post string) error {
	q := call{name: "socialActions/{urn}/comments", path: "socialActions/" + escaped(post) + "/comments"}
	start, leapt, up, last := 0, false, false, int64(0)
	for page := range maxThreadPages {
		l, err := r.list(collectors.ForMentions(r.ctx), q, start, commentCount)
		if isGone(err) { // the post was deleted since
			return nil
		}
		if err != nil {
			return err
		}
		var first int64
		first, last = r.say(t, l, post)
		if leapt && page == 1 && first > t.Since {
			r.lost(t.Since, first)
		}
		up = first < last
		if !l.more(commentCount) || !up && last <= t.Since {
			return nil
		}
		start += len(l.Elements)
		if total := l.Paging.Total; page == 0 && up && total != nil && *total > maxThreadPages*commentCount {
			start, leapt = *total-(maxThreadPages-1)*commentCount, true
		}
	}
	switch {
	case leapt:
	case up:
		r.lost(max(t.Since, last), t.Start)
	default:
		r.lost(t.Since, last)
	}
	return nil
}

// lost tells that comments between two times were not read.
func (r *round) lost(from, until int64) {
	r.gap(from, until, fmt.Sprintf("there were more than %d comments under one post since the last look; look more often", maxThreadPages*commentCount))
}

// say hands over what was said after the comments were read last, and returns when
// the first and the last comment of a page were made, in ms since 1970.
func (r *round) say(t *talk, l *list, post string) (first, last int64) {
	for i, raw := range l.Elements {
		a, err := readComment(raw, post, r.c.cfg.urn())
		if err != nil {
			r.malformed(l, i, err)
			continue
		}
		p := place{At: a.Time.UnixMilli(), ID: a.ID}
		if first == 0 {
			first = p.At
		}
		last = p.At
		if p.At <= t.Since {
			continue
		}
		r.emit(a)
		r.fresh = r.fresh || p.compare(t.Mark) > 0
		if p.compare(t.Top) > 0 {
			t.Top = p
		}
	}
	return first, last
}
