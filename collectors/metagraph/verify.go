package metagraph

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Standing is what a look at an account and its token showed.
type Standing struct {
	Profile *Profile
	Read    int       // newest items of the main timeline that were read
	Newest  time.Time // when the newest of them was published, zero without one
	Token   *Token    // nil where Meta does not tell it to this token
}

// Look reads the account, its newest items and what the token may, in three
// requests, and one more for a Page. It proves that a poll can read what it must. Its errors are those
// of Poll.
func (rd *Reader) Look(ctx context.Context) (*Standing, error) {
	r := &round{rd: rd, ctx: ctx, st: &state{}}
	if err := rd.asPage(ctx); err != nil {
		return nil, r.failed("token", err)
	}
	a, err := r.get(ctx, url.Values{"fields": {rd.src.ProfileFields}}, rd.src.Object)
	if err != nil {
		return nil, r.failed("profile", err)
	}
	s := &Standing{}
	if s.Profile, err = rd.src.Profile(a.Body); err == nil {
		err = CheckID("id", s.Profile.ID)
	}
	if err != nil {
		return nil, r.failed("profile", &collectors.Malformed{Field: a.Endpoint + " answer", Err: rd.client.bare(err)})
	}
	main := &rd.src.Timelines[0]
	if a, err = r.get(ctx, paged(main.Params, rd.opts.PageSize, ""), s.Profile.ID, main.Edge); err != nil {
		return nil, r.failed(main.Name, err)
	}
	l, err := decodeList(a)
	if err != nil {
		return nil, r.failed(main.Name, err)
	}
	for _, raw := range l.Data {
		if item, err := main.Map(raw, Me{ID: s.Profile.ID, Handle: s.Profile.Handle}); err == nil && item != nil {
			s.Read++
			if item.Activity.Time.After(s.Newest) {
				s.Newest = item.Activity.Time
			}
		}
	}
	s.Token, err = rd.client.Token(ctx)
	if e, answered := errors.AsType[*Error](err); answered && e.Code != codeToken && !e.limited() {
		return s, nil // not told to this kind of token; the rest was proven
	}
	if err != nil {
		return nil, r.failed("look-up of the token", err)
	}
	return s, nil
}

// Seen describes what was seen to a person. Needed are the scopes that the
// configuration needs.
func (s *Standing) Seen(now time.Time, what string, needed ...string) collectors.Seen {
	out := collectors.Seen{Name: s.Profile.Handle}
	line := []string{s.Profile.Values["name"], "id " + s.Profile.ID}
	for _, m := range s.Profile.Metrics {
		line = append(line, fmt.Sprintf("%.0f %s", m.Value, m.Name))
	}
	out.Lines = append(out.Lines, Text(strings.Join(line, ", "), 300))
	if s.Read == 0 {
		out.Lines = append(out.Lines, "no "+what+" yet")
	} else {
		out.Lines = append(out.Lines, fmt.Sprintf("%d newest %s read, the last of %s", s.Read, what, s.Newest.Format(time.RFC3339)))
	}
	if s.Token == nil {
		out.Warnings = append(out.Warnings, "Meta does not tell this token what it may do; look in the Access Token Debugger")
		return out
	}
	lines, warnings := s.Token.Seen(now, needed...)
	out.Lines = append(out.Lines, lines...)
	out.Warnings = append(out.Warnings, warnings...)
	return out
}
