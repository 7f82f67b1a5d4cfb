package exports

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/picketd/picket/collectors/activity"
)

// Options of Open.
type Options struct {
	Network string // one of Networks
	Account string // the connected account whose history it is, "x/acme"
	// Names are what the account is known by, as Owner.Is takes them: they tell
	// which of several in one export is meant.
	Names []string
}

// Owner is whose export it says it is.
type Owner struct {
	Handle string // as people write it, without @ in front; "" where the export does not say
	ID     string // what the network knows it by; "" where the export does not say
}

// String names the owner for a person, "" for nobody.
func (o Owner) String() string {
	switch {
	case o.Handle == "":
		return o.ID
	case o.ID == "":
		return "@" + o.Handle
	}
	return "@" + o.Handle + " (" + o.ID + ")"
}

// Is reports whether the owner is known by one of these names: a handle, with
// or without @, or an id. Of a handle with a server, "acme@social.example", the
// first part alone is no name.
func (o Owner) Is(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		name = strings.TrimPrefix(name, "@")
		return name != "" && (strings.EqualFold(name, o.Handle) || name == o.ID)
	})
}

// Left is what of an export was left out, and why.
type Left struct {
	What string // "direct messages"
	Why  string
	N    int // items; 0 where they were not counted
}

// ItemError says that one item of an export cannot be read; those around it
// stand.
type ItemError struct {
	Where string // file and line, or file and item
	Err   error
}

func (e *ItemError) Error() string { return e.Where + ": " + e.Err.Error() }

func (e *ItemError) Unwrap() error { return e.Err }

// Export is an opened export. It is not safe for concurrent use.
type Export struct {
	Owner Owner

	source source
}

// source is the export of one network.
type source interface {
	// next returns the next activity in order of time, io.EOF at the end and an
	// *ItemError for one that cannot be read.
	next() (activity.Activity, error)
	left() []Left
	close() error
}

// network is how the exports of one network are read.
type network struct {
	name string
	what string // "X archive", as people call it
	open func(ctx context.Context, path string, opts Options) (*Export, error)
}

func networks() []network {
	return []network{
		{"x", "X archive", openX},
		{"mastodon", "Mastodon archive", openMastodon},
		{"bluesky", "Bluesky repository", openBluesky},
		{"youtube", "YouTube export of Google Takeout", openYouTube},
		{"facebook", "Facebook Page export", openFacebook},
		{"instagram", "Instagram export", openInstagram},
	}
}

// Networks returns the names of the networks whose exports are read.
func Networks() []string {
	var names []string
	for _, n := range networks() {
		names = append(names, n.name)
	}
	return names
}

// What returns what the export of a network is called.
func What(name string) string {
	for _, n := range networks() {
		if n.name == name {
			return n.what
		}
	}
	return "export"
}

// Open opens an export: the file that the network gave, or the folder that it
// unpacks to. Nothing is written to disk.
func Open(ctx context.Context, path string, opts Options) (*Export, error) {
	for _, n := range networks() {
		if n.name != opts.Network {
			continue
		}
		e, err := n.open(ctx, path, opts)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", n.what, err)
		}
		return e, nil
	}
	return nil, fmt.Errorf("network %q: no exports of it are read; expected one of %s", opts.Network, strings.Join(Networks(), ", "))
}

// Next returns the next activity in order of time, whose memory is its own. At
// the end it returns io.EOF. After an *ItemError, which is about one item,
// reading goes on with the next call; every other error is final.
func (e *Export) Next() (activity.Activity, error) { return e.source.next() }

// Left returns what is left out, complete when Next has returned io.EOF.
func (e *Export) Left() []Left { return e.source.left() }

// Close closes what Open opened.
func (e *Export) Close() error { return e.source.close() }
