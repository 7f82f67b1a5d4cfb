package metagraph

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Defaults and bounds of Options.
const (
	DefaultOverlap  = 15 * time.Minute
	DefaultWatch    = 50
	DefaultBackfill = 200
	DefaultPageSize = 50

	MaxOverlap  = 24 * time.Hour
	MaxWatch    = 100
	MaxBackfill = 4000
	MaxPageSize = 100 // most that Facebook documents for a page of posts
)

// Options say how much is read. Zero takes the default.
type Options struct {
	// Watch is how many of the newest items of a timeline are read again every
	// ten minutes to find edits and deletions; negative watches none.
	Watch int
	// Backfill is how many items of history the first connection reads.
	Backfill int
	// Overlap is how long before the last round items are read again.
	Overlap time.Duration
	// PageSize is how many items a request asks for. Facebook answers code 1
	// where it finds a page too much to gather.
	PageSize int
}

// Source says what of one account is read and how it is mapped.
type Source struct {
	Network string // "facebook"
	Account string // "facebook/acme"
	Object  string // id or name of the node that is read
	// Page says that the node is a Page, which is read with a token of its own,
	// see Client.AsPage.
	Page bool
	// ProfileFields are the node's fields that Profile reads.
	ProfileFields string
	Profile       func(raw json.RawMessage) (*Profile, error)
	Timelines     []Timeline // the first is the account's main one
	Grants        []Grant
	Voices        []Voice
	Comments      *Comments
}

// Profile is what an account says of itself.
type Profile struct {
	ID     string // numeric
	Handle string // empty where it has none
	// Values are watched for changes; an empty one means that there is none.
	Values  map[string]string
	Metrics []activity.Metric // told once an hour
	Items   int64             // that the account counts, -1 where it does not
}

// Me is the account that is read, as the Graph API calls it.
type Me struct {
	ID     string `json:"id,omitempty"`
	Handle string `json:"handle,omitempty"`
}

// Mapping makes an activity of an item: ID, Time, Kind and all that it tells.
// Network, Account and Seen are filled in by the Reader. A nil activity is
// passed over. Its error names the field at fault.
type Mapping func(raw json.RawMessage, me Me) (*Item, error)

// Item is one thing that was published.
type Item struct {
	Activity activity.Activity
	// Updated is when it last changed in any way, zero where not told.
	Updated time.Time
	// Unwritten says that its text is what the network says in place of words that
	// nobody wrote: that names the account, and changes with its name.
	Unwritten bool
}

// Timeline is an edge with what the account published, newest first.
type Timeline struct {
	Name   string // "posts", in errors and the cursor
	Edge   string // "published_posts"
	Params url.Values
	Map    Mapping
	// Life is how long its items are shown, 0 for good. What vanishes shortly
	// before or after that was not deleted.
	Life time.Duration
}

// Voice is an edge with what others say of the account, newest first.
type Voice struct {
	Name   string
	Edge   string
	Params url.Values
	Map    Mapping
}

// Comments is how comments under the newest items are read: in one request, as
// a field of the items.
type Comments struct {
	Edge   string // of the items
	Params url.Values
	Map    func(raw json.RawMessage, item string, me Me) (*Item, error)
}

// Grant is an edge with who or what has access to the account.
type Grant struct {
	Name   string // "roles"
	Edge   string
	Params url.Values
	Apps   bool // apps, not people
	Always bool // somebody has access at any time
	Entry  func(raw json.RawMessage) (Entry, error)
}

// Entry is one person or app with access.
type Entry struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Tasks string `json:"tasks,omitempty"` // sorted, with spaces between
}
