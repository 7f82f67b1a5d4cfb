package mastodontest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options of a Server. The zero value is a public server of today's Mastodon.
type Options struct {
	// Now is the server's clock, time.Now when nil.
	Now func() time.Time
	// Host is the server's name in URLs and handles, social.example when empty.
	Host string
	// Tokens are the access tokens that are taken; every other is refused.
	Tokens map[string]Token
	// LoginOnly refuses requests without a token, as servers in limited
	// federation mode do, or with unauthenticated API access switched off.
	LoginOnly bool
	// Limit is how many requests a token or an address makes in 5 minutes, 300
	// when 0.
	Limit int
	// Before43 leaves out the look-up of several statuses and the scopes of an
	// application, and Before35 besides them edited_at and the history.
	Before43, Before35 bool
	// NoStreams leaves out the streams and Instance, as servers of other kinds
	// do.
	NoStreams bool
	// Software is that of another server with Mastodon's API, which lists an
	// account's tokens: GoToSocial or Pleroma. Empty is Mastodon.
	Software string
	// PageSize caps a page below what was asked for, 0 does not.
	PageSize int
	// NoLink leaves the Link header out, NoDate the Date header.
	NoLink, NoDate bool
	// Shuffle turns the order of every page.
	Shuffle bool
	// Brief leaves out of a status what is empty, its URLs and all of its author
	// but the names, so that tests of days are fast.
	Brief bool
}

// Token is what an access token allows. No scopes are all scopes.
type Token struct {
	User   string   `json:"user"` // name of the account that made it, "" for an application's
	Scopes []string `json:"scopes"`
}

// Server is a fake Mastodon server. All methods are safe for concurrent use.
type Server struct {
	opts Options
	now  func() time.Time
	// tokens finds links, mentions and hashtags in a text.
	tokens *regexp.Regexp

	mu            sync.Mutex
	epoch         int // counts what changes how statuses that are there look
	seq           int64
	accounts      []*account
	statuses      map[string]*status
	notifications map[string][]*notification // by id of the account, oldest first
	grants        map[string][]*grant        // by name of the account, oldest first
	faults        []*Fault
	windows       map[string]*window
	counts        map[string]int
	recent        []Request
	streaming     string // what the server says of where it streams
	streams       map[*stream]struct{}
}

// Profile is what an account shows of itself. In JSON all names are lower case
// with _ between words.
type Profile struct {
	Name        string  `json:"name"` // "acme", or "acme@other.example"
	DisplayName string  `json:"display_name"`
	Note        string  `json:"note"` // plain text
	Avatar      string  `json:"avatar"`
	Header      string  `json:"header"`
	Fields      []Field `json:"fields"`
	Locked      bool    `json:"locked"`
	Bot         bool    `json:"bot"`
	MovedTo     string  `json:"moved_to"` // name of another account
	ShowsApp    bool    `json:"shows_app"`
	Followers   int     `json:"followers"`
	Following   int     `json:"following"`
}

// Field is a row of the table under a profile's note; the value is plain text.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Status is a status to be made. In JSON all names are lower case with _
// between words, times are RFC 3339.
type Status struct {
	// Text as its author writes it: links, @handles and #tags are marked up.
	Text string `json:"text"`
	// HTML is the content as it is answered, in place of Text.
	HTML       string `json:"html"`
	Warning    string `json:"warning"`
	Lang       string `json:"lang"`
	App        string `json:"app"`
	Visibility string `json:"visibility"` // "public" when empty
	// ReplyTo, QuoteOf and BoostOf are ids. A boost needs no text.
	ReplyTo string  `json:"reply_to"`
	QuoteOf string  `json:"quote_of"`
	BoostOf string  `json:"boost_of"`
	Media   []Media `json:"media"`
	// At is when it was made; zero is now. A time in the past is an item that
	// turns up late.
	At time.Time `json:"at"`
	// VisibleAt is from when answers hold it; zero is at once.
	VisibleAt time.Time `json:"visible_at"`
	// Twice makes it appear two times on its page.
	Twice bool `json:"twice"`
	// Broken makes its id an object in answers.
	Broken bool `json:"broken"`
}

// Media is an attachment. Type is "image", "video", "gifv", "audio" or
// "unknown".
type Media struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

type account struct {
	id        string
	made      time.Time
	profile   Profile
	suspended bool
	hidden    bool
	statuses  []*status // oldest first
}

type status struct {
	Status
	id       string
	author   *account
	made     time.Time
	versions []edition // the first one and every edit
	deleted  bool
	omitted  bool // from its timeline
	mediaID  int64
	encoded  map[look]json.RawMessage
}

// look is what the JSON of a status depends on.
type look struct {
	epoch int
	own   bool
}

type edition struct {
	text, warning string
	at            time.Time
}

func (st *status) current() edition { return st.versions[len(st.versions)-1] }

type notification struct {
	id   string
	kind string
	made time.Time
	from *account
	of   *status
}

// Request is one request that was answered.
type Request struct {
	Time     time.Time `json:"time"`
	Endpoint string    `json:"endpoint"` // see Endpoint
	URL      string    `json:"url"`
	Login    bool      `json:"login"`  // it came with an Authorization header
	Status   int       `json:"status"` // 0 when the client went away first
}

// maxRequests bounds what Requests remembers.
const maxRequests = 2000

// New returns a server without accounts.
func New(opts Options) *Server {
	s := &Server{
		opts: opts, now: opts.Now, tokens: regexp.MustCompile(linkForm + "|" + mentionForm + "|" + tagForm), statuses: map[string]*status{}, notifications: map[string][]*notification{},
		grants:  map[string][]*grant{},
		windows: map[string]*window{}, counts: map[string]int{}, streams: map[*stream]struct{}{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.opts.Host == "" {
		s.opts.Host = "social.example"
	}
	if s.opts.Limit == 0 {
		s.opts.Limit = 300
	}
	return s
}

// AddAccount makes an account and returns its id.
func (s *Server) AddAccount(p Profile) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addAccount(p).id
}

func (s *Server) addAccount(p Profile) *account {
	if p.DisplayName == "" {
		p.DisplayName = p.Name
	}
	a := &account{
		id:   s.newID(s.now().Add(-365 * 24 * time.Hour)),
		made: s.now().Add(-365 * 24 * time.Hour), profile: p,
	}
	s.accounts = append(s.accounts, a)
	s.epoch++
	return a
}

// SetProfile changes the profile of an account.
func (s *Server) SetProfile(name string, change func(p *Profile)) error {
	return s.change(name, func(a *account) { change(&a.profile) })
}

// Suspend makes an account suspended, or gives it back.
func (s *Server) Suspend(name string, on bool) error {
	return s.change(name, func(a *account) { a.suspended = on })
}

// Hide makes an account's timeline empty although its statuses are there, as
// to a login that the account blocks, or gives them back.
func (s *Server) Hide(name string, on bool) error {
	return s.change(name, func(a *account) { a.hidden = on })
}

func (s *Server) change(name string, change func(*account)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byName(name)
	if a == nil {
		return fmt.Errorf("mastodontest: no account %q", name)
	}
	change(a)
	s.epoch++
	return nil
}

// Post makes a status of an account, which is created if there is none of that
// name, and returns its id. Other accounts that it names, or whose status it
// quotes, get a notification.
func (s *Server) Post(name string, p Status) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byName(name)
	if a == nil {
		a = s.addAccount(Profile{Name: name})
	}
	if p.At.IsZero() {
		p.At = s.now()
	}
	p.At = p.At.UTC().Truncate(time.Millisecond)
	if p.Visibility == "" {
		p.Visibility = "public"
	}
	st := &status{
		Status: p, id: s.newID(p.At), author: a, made: p.At,
		versions: []edition{{text: p.Text, warning: p.Warning, at: p.At}},
	}
	if len(p.Media) > 0 {
		s.seq += int64(len(p.Media))
		st.mediaID = 22345000 + s.seq
	}
	s.statuses[st.id] = st
	i, _ := slices.BinarySearchFunc(a.statuses, st, func(x, y *status) int {
		if below(x.id, y.id) {
			return -1
		}
		return 1
	})
	a.statuses = slices.Insert(a.statuses, i, st)
	for _, handle := range s.namesIn(p.Text) {
		if other := s.byName(handle); other != nil {
			s.notify(other, "mention", st)
		}
	}
	if of := s.statuses[p.QuoteOf]; of != nil {
		s.notify(of.author, "quote", st)
	}
	s.stream("update", st)
	return st.id
}

// Notify gives an account a notification of any documented type, about its own
// status of that id where it is not empty, and returns the notification's id.
func (s *Server) Notify(name, kind, from, id string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to, by := s.byName(name), s.byName(from)
	if to == nil || by == nil {
		return "", fmt.Errorf("mastodontest: no account %q or %q", name, from)
	}
	return s.notify(to, kind, &status{author: by, id: id}).id, nil
}

func (s *Server) notify(to *account, kind string, of *status) *notification {
	s.seq++
	n := &notification{id: strconv.FormatInt(34975000+s.seq, 10), kind: kind, made: s.now().UTC().Truncate(time.Millisecond), from: of.author, of: of}
	if to != of.author {
		s.notifications[to.id] = append(s.notifications[to.id], n)
		s.streamNotification(to, n)
	}
	return n
}

// newID makes an id as Mastodon does: ms since 1970 above 16 bits that tell
// items of one millisecond apart.
func (s *Server) newID(t time.Time) string {
	s.seq++
	return strconv.FormatInt(t.UnixMilli()<<16|s.seq&0xffff, 10)
}

// Edit makes a new version of a status, whose id stays.
func (s *Server) Edit(id, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.alive(id)
	if err != nil {
		return err
	}
	st.HTML = ""
	s.epoch++
	st.versions = append(st.versions, edition{text: text, warning: st.current().warning, at: s.now().UTC().Truncate(time.Millisecond)})
	s.stream("status.update", st)
	return nil
}

// Delete deletes a status, and with it its boosts.
func (s *Server) Delete(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.alive(id)
	if err != nil {
		return err
	}
	s.stream("delete", st)
	st.deleted = true
	s.epoch++
	return nil
}

// Omit leaves a status out of its timeline, as a cache that is behind does, or
// puts it back. By its id it is found.
func (s *Server) Omit(id string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.alive(id)
	if err != nil {
		return err
	}
	st.omitted = on
	return nil
}

func (s *Server) alive(id string) (*status, error) {
	st := s.statuses[id]
	if st == nil || st.deleted {
		return nil, fmt.Errorf("mastodontest: no status %q", id)
	}
	return st, nil
}

// Requests returns the newest requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.recent)
}

// Count returns how many requests an endpoint has had, all endpoints for "".
func (s *Server) Count(endpoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if endpoint != "" {
		return s.counts[endpoint]
	}
	n := 0
	for _, c := range s.counts {
		n += c
	}
	return n
}

func (s *Server) byName(name string) *account {
	name = strings.TrimSuffix(strings.ToLower(name), "@"+s.opts.Host)
	for _, a := range s.accounts {
		if strings.ToLower(a.profile.Name) == name {
			return a
		}
	}
	return nil
}

func (s *Server) byID(id string) *account {
	for _, a := range s.accounts {
		if a.id == id {
			return a
		}
	}
	return nil
}
