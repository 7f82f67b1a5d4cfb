package intake

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
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

// decoders are kept, since they learn how others write.
//
//nolint:gochecknoglobals // shared by all who decode one item now and then
var decoders = sync.Pool{New: func() any { return &activity.Decoder{Strict: true} }}

// Decode reads one item into into, completes it and checks it. The activity
// aliases data. The error names the field: it is an *activity.SyntaxError or an
// *activity.FieldError, or wraps ErrForbiddenKind; into is empty then.
func Decode(content Content, data []byte, now time.Time, into *activity.Activity) error {
	err := decode(content, data, now, into)
	if err != nil {
		*into = activity.Activity{}
	}
	return err
}

func decode(content Content, data []byte, now time.Time, into *activity.Activity) (err error) {
	if content == Approvals {
		*into, err = ParseApproval(data, now)
		return err
	}
	dec, _ := decoders.Get().(*activity.Decoder)
	defer decoders.Put(dec)
	defer dec.Part()
	if err := dec.Activity(data, into); err != nil {
		return err
	}
	if err := own(into.Kind); err != nil && content != Recorded {
		return err
	}
	Complete(into, now)
	return into.Validate()
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
