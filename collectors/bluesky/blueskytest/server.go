package blueskytest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Documented limits of Bluesky's servers, see
// docs.bsky.app/docs/advanced-guides/rate-limits.
const (
	LimitRequests      = 3000 // in 5 minutes, by address
	LimitSessions      = 30   // in 5 minutes, by account
	LimitSessionsDaily = 300
)

// Options of a Server. The zero value is a PDS of today.
type Options struct {
	// Now is the server's clock, time.Now when nil.
	Now func() time.Time
	// URL is the PDS's own address in DID documents, https://pds.test when
	// empty.
	URL string
	// PageSize caps a page below what was asked for, 0 does not.
	PageSize int
	// Shuffle turns the order of every page, NoRev leaves the revision out of
	// getRepoStatus, NoDate the Date header, NoAppView has no app view behind
	// the PDS, NoAppPasswords refuses the list of app passwords to sessions of
	// app passwords.
	Shuffle, NoRev, NoDate, NoAppView, NoAppPasswords bool
	// Limit is how many requests an address makes in 5 minutes, LimitRequests
	// when 0.
	Limit int
}

// Server is a fake Bluesky. All methods are safe for concurrent use.
type Server struct {
	opts Options
	now  func() time.Time

	mu       sync.Mutex
	lastTID  int64 // microseconds
	accounts map[string]*account
	tokens   map[string]*token // by refresh token's id
	seq      int64
	streams  map[chan []byte]struct{}
	faults   []*Fault
	windows  map[string]*window
	exceeded []string
	counts   map[string]int
}

type account struct {
	did, handle, password string
	status                string // "" while active
	rev                   string
	records               map[string]map[string]*record // collection, key
	passwords             []AppPassword
	notes                 []*Notification
	followers, follows    int
	pds                   string
}

type record struct {
	value json.RawMessage
	cid   string
	twice bool
}

// AppPassword is an entry of the list of app passwords.
type AppPassword struct {
	Name, Password string
	Created        time.Time
	Privileged     bool
}

// Notification is something that somebody else did.
type Notification struct {
	Reason  string // "mention", "reply", "quote", "like", …
	Handle  string // of who did it
	URI     string // made where empty
	Record  string // JSON, made of Text where empty
	Text    string
	Indexed time.Time // now where zero
	Broken  bool      // without a time
}

// token is a refresh token that was given out.
type token struct {
	did, scope, next string
	expires          time.Time
}

// New returns a server without accounts.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.URL == "" {
		opts.URL = "https://pds.test"
	}
	if opts.Limit == 0 {
		opts.Limit = LimitRequests
	}
	return &Server{
		opts: opts, now: opts.Now, accounts: map[string]*account{}, tokens: map[string]*token{},
		streams: map[chan []byte]struct{}{}, windows: map[string]*window{}, counts: map[string]int{},
	}
}

// AddAccount makes an account and its profile, and returns nothing that it does
// not know: did is "did:plc:" and 24 of a-z, 2-7.
func (s *Server) AddAccount(did, handle, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[did] = &account{
		did: did, handle: handle, password: password, pds: s.opts.URL,
		records: map[string]map[string]*record{}, followers: 1200, follows: 10,
	}
	s.commit(s.accounts[did], "create", "app.bsky.actor.profile", "self")
	s.put(s.accounts[did], "app.bsky.actor.profile", "self", `{"$type":"app.bsky.actor.profile","displayName":"Acme"}`)
}

// tid returns a key of the server's, each greater than the one before.
func (s *Server) tid() string {
	s.lastTID = max(s.lastTID+1, s.now().UnixMicro())
	return syntax.NewTID(s.lastTID, 7).String()
}

// TID returns the key that a client makes whose clock shows t.
func (s *Server) TID(t time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastTID++ // no two are the same
	return syntax.NewTID(t.UnixMicro()/1024*1024+s.lastTID%1024, 21).String()
}

// Put writes a record, and returns its URI. An empty key takes one of the
// server's; of a key that is there already the record is changed.
func (s *Server) Put(did, collection, key, value string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[did]
	if key == "" {
		key = s.tid()
	}
	action := "create"
	if a.records[collection][key] != nil {
		action = "update"
	}
	s.put(a, collection, key, value)
	s.commit(a, action, collection, key)
	return "at://" + did + "/" + collection + "/" + key
}

// Twice makes a record appear two times on its page.
func (s *Server) Twice(uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := syntax.ATURI(uri)
	s.accounts[at.Authority().String()].records[at.Collection().String()][at.RecordKey().String()].twice = true
}

func (s *Server) put(a *account, collection, key, value string) {
	if a.records[collection] == nil {
		a.records[collection] = map[string]*record{}
	}
	a.records[collection][key] = &record{value: json.RawMessage(value), cid: cidOf(value)}
}

// Delete deletes a record.
func (s *Server) Delete(uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := syntax.ATURI(uri)
	a := s.accounts[at.Authority().String()]
	delete(a.records[at.Collection().String()], at.RecordKey().String())
	s.commit(a, "delete", at.Collection().String(), at.RecordKey().String())
}

// SetHandle changes an account's handle.
func (s *Server) SetHandle(did, handle string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[did].handle = handle
	s.send("#identity", map[string]any{"did": did, "handle": handle})
}

// SetStatus makes an account inactive, "deactivated", "takendown" or
// "suspended", or active again with "".
func (s *Server) SetStatus(did, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[did].status = status
	s.send("#account", map[string]any{"did": did, "active": status == "", "status": status})
}

// SetPDS changes the server that the account's DID document names.
func (s *Server) SetPDS(did, url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[did].pds = url
}

// AddAppPassword makes an app password.
func (s *Server) AddAppPassword(did string, p AppPassword) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Created.IsZero() {
		p.Created = s.now()
	}
	s.accounts[did].passwords = append(s.accounts[did].passwords, p)
}

// RevokeAppPassword takes an app password away, and the sessions that were made
// with it.
func (s *Server) RevokeAppPassword(did, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[did]
	a.passwords = slices.DeleteFunc(a.passwords, func(p AppPassword) bool { return p.Name == name })
}

// EndSessions revokes every refresh token of an account, as a change of its
// password does, and makes its access tokens expire.
func (s *Server) EndSessions(did string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, t := range s.tokens {
		if t.did == did {
			delete(s.tokens, id)
		}
	}
}

// Notify adds a notification and returns its URI.
func (s *Server) Notify(did string, n Notification) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.Indexed.IsZero() {
		n.Indexed = s.now()
	}
	if n.Handle == "" {
		n.Handle = "fan.test"
	}
	if n.URI == "" {
		n.URI = "at://did:plc:" + strings.Repeat("f", 24) + "/app.bsky.feed.post/" + s.tid()
	}
	if n.Record == "" {
		n.Record = fmt.Sprintf(`{"$type":"app.bsky.feed.post","text":%q,"createdAt":%q}`, n.Text, n.Indexed.UTC().Format(time.RFC3339))
	}
	s.accounts[did].notes = append(s.accounts[did].notes, &n)
	return n.URI
}

// Requests returns how often an endpoint was asked, such as
// "com.atproto.server.createSession".
func (s *Server) Requests(endpoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[endpoint]
}

// Total returns how many requests were made.
func (s *Server) Total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.counts {
		n += c
	}
	return n
}

// Exceeded tells every request that was beyond a documented limit.
func (s *Server) Exceeded() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.exceeded)
}

// Post returns the JSON of a post, as apps write it.
func Post(text string, created time.Time) string {
	value, _ := json.Marshal(map[string]any{ // of texts
		"$type": "app.bsky.feed.post", "text": text, "langs": []string{"en"}, "createdAt": created.UTC().Format("2006-01-02T15:04:05.000Z"),
	})
	return string(value)
}

// Scopes of sessions.
const (
	scopeFull       = "com.atproto.access"
	scopeAppPass    = "com.atproto.appPass"
	scopePrivileged = "com.atproto.appPassPrivileged"
	scopeRefresh    = "com.atproto.refresh"
)

// Life of tokens at the reference PDS.
const (
	accessLife   = 2 * time.Hour
	refreshLife  = 90 * 24 * time.Hour
	refreshGrace = 2 * time.Hour
)

// claims are those of the tokens: JSON Web Tokens without a real signature.
type claims struct {
	Scope   string `json:"scope"`
	Sub     string `json:"sub"`
	JTI     string `json:"jti,omitempty"`
	Expires int64  `json:"exp"`
	Made    int64  `json:"iat"`
}

func (c claims) sign() string {
	data, _ := json.Marshal(c) // of texts and numbers
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"typ":"at+jwt","alg":"HS256"}`)) + "." + enc(data) + "." + enc([]byte("signature"))
}

func readToken(text string) (claims, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return claims{}, false
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, false
	}
	var c claims
	return c, json.Unmarshal(data, &c) == nil
}

// issue makes a pair of tokens, the refresh token under id.
func (s *Server) issue(did, scope, id string) map[string]any {
	now := s.now()
	if s.tokens[id] == nil {
		s.tokens[id] = &token{did: did, scope: scope, expires: now.Add(refreshLife)}
	}
	access := claims{Scope: scope, Sub: did, Expires: now.Add(accessLife).Unix(), Made: now.Unix()}
	refresh := claims{Scope: scopeRefresh, Sub: did, JTI: id, Expires: now.Add(refreshLife).Unix(), Made: now.Unix()}
	return map[string]any{
		"accessJwt": access.sign(), "refreshJwt": refresh.sign(), "did": did,
		"handle": s.accounts[did].handle, "active": true,
	}
}
