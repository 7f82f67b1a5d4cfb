package intake

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// ErrForbiddenKind says that activities of this kind are written by Picket
// only.
var ErrForbiddenKind = errors.New("kind is written by Picket only")

// Content says what a body or file holds.
type Content string

// The contents that are taken in.
const (
	Activities Content = "activities" // activities in their interchange form
	Approvals  Content = "approvals"  // approvals, see ParseApproval
	Recorded   Content = "recorded"   // activities as they are replayed, those that Picket wrote among them
)

// Decode reads one item, completes it and checks it. The activity aliases
// data. The error names the field: it is an *activity.SyntaxError or an
// *activity.FieldError, or wraps ErrForbiddenKind.
func Decode(content Content, data []byte, now time.Time) (activity.Activity, error) {
	if content == Approvals {
		return ParseApproval(data, now)
	}
	// A decoder of its own for each item: what it returns aliases its memory.
	dec := activity.Decoder{Strict: true}
	var a activity.Activity
	if err := dec.Activity(data, &a); err != nil {
		return activity.Activity{}, err
	}
	if err := own(a.Kind); err != nil && content != Recorded {
		return activity.Activity{}, err
	}
	Complete(&a, now)
	if err := a.Validate(); err != nil {
		return activity.Activity{}, err
	}
	return a, nil
}

// own refuses the kinds that Picket alone writes.
func own(k activity.Kind) error {
	switch k {
	case activity.KindPoll:
		return fmt.Errorf("kind: %w: %q is a collector's report about itself", ErrForbiddenKind, k)
	case activity.KindVerdict:
		return fmt.Errorf("kind: %w: %q is what a person said of an alert; say it with picket alerts resolve --verdict, or picket baseline", ErrForbiddenKind, k)
	default:
		return nil
	}
}

// Complete fills in what follows from the rest: the network from the account,
// Seen, and the host names of links. Hashtags and mentions lose a leading # or
// @. It changes a's lists in place.
func Complete(a *activity.Activity, now time.Time) {
	if network, _, ok := strings.Cut(a.Account, "/"); ok && a.Network == "" {
		a.Network = network
	}
	if a.Seen.IsZero() {
		a.Seen = now.UTC()
	}
	a.Hashtags = bare(a.Hashtags, "#＃")
	a.Mentions = bare(a.Mentions, "@＠")
	if len(a.LinkDomains) == 0 {
		a.LinkDomains = domains(a.Links)
	}
}

// bare strips the leading marks and drops what is empty then.
func bare(list []string, marks string) []string {
	kept := list[:0]
	for _, s := range list {
		if s = strings.TrimLeft(strings.TrimSpace(s), marks); s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

// domains returns the lower-case host names of absolute URLs, each once, in
// the order of their first use. What is not an absolute URL has none.
func domains(links []string) []string {
	var hosts []string
	for _, link := range links {
		u, err := url.Parse(link)
		if err != nil {
			continue
		}
		host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
		if host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}
