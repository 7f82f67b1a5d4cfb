package collectortest_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
)

// feed is a tiny fake network: items in time order behind one endpoint.
type feed struct {
	pageSize int
	limit    int  // requests per 15 minutes, counted
	mixed    bool // two in eight items are mentions

	mu       sync.Mutex
	items    []feedItem
	made     int
	window   time.Time
	used     int
	exceeded int // requests beyond limit
	started  int // processes: each may find out by one request too many
}

type feedItem struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

func (f *feed) publish(at time.Time, id string) collectortest.Item {
	f.made++
	if id == "" {
		id = strconv.Itoa(f.made)
	}
	f.items = append(f.items, feedItem{ID: id, At: at})
	slices.SortFunc(f.items, compareFeed)
	return collectortest.Item{Account: "feed/acme", Kind: kindOf(id, f.mixed), ID: id}
}

func kindOf(id string, mixed bool) activity.Kind {
	if n, err := strconv.Atoi(id); err == nil && mixed && n%8 < 2 {
		return activity.KindMention
	}
	return activity.KindPost
}

func compareFeed(a, b feedItem) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) }

func (f *feed) publishAll(n int, at func(i int) time.Time) []collectortest.Item {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []collectortest.Item
	for i := range n {
		out = append(out, f.publish(at(i), ""))
	}
	return out
}

func (f *feed) malformed() []collectortest.Item {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	out := []collectortest.Item{f.publish(now, "")}
	f.publish(now, "bad")
	return append(out, f.publish(now, ""))
}

// ServeHTTP answers with the items after (since, id), a page of them. The last
// item is given twice, and the order is reversed.
func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.window) >= 15*time.Minute {
		f.window, f.used = now, 0
	}
	f.used++
	w.Header().Set("X-Rate-Limit-Limit", strconv.Itoa(f.limit))
	w.Header().Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, f.limit-f.used)))
	w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(f.window.Add(15*time.Minute).Unix()+1, 10))
	if f.used > f.limit {
		f.exceeded++
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	since, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("since"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	from, found := slices.BinarySearchFunc(f.items, feedItem{At: since, ID: r.URL.Query().Get("after")}, compareFeed)
	if found {
		from++
	}
	page := slices.Clone(f.items[from:min(len(f.items), from+f.pageSize)])
	more := from+len(page) < len(f.items)
	slices.Reverse(page)
	if len(page) > 0 {
		page = append(page, page[0])
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"items": page, "more": more})
}

// bugEnv names the bug that the follower of a child process has.
const bugEnv = "PICKET_TEST_FEED_BUG"

// follower is the collector of a feed.
type follower struct {
	http *http.Client
	text string // of each item
	mix  bool   // as its feed
	bug  string // what it gets wrong, see TestContractCatches
	own  place
}

type place struct {
	Since  time.Time `json:"since"`          // overlap ends, pages begin here
	After  string    `json:"after"`          // id of the last item read at Since
	Newest time.Time `json:"newest"`         // newest item read
	Before time.Time `json:"before"`         // Newest when this walk began
	First  bool      `json:"first,omitzero"` // the first walk through the history
}

const feedOverlap = 10 * time.Minute

func (c *follower) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	at := place{First: true}
	if c.bug == "keeps its own cursor" && !c.own.Since.IsZero() {
		at = c.own
	} else if cursor != nil {
		at = place{}
		if err := json.Unmarshal(cursor, &at); err != nil {
			return collectors.Page{}, &collectors.Malformed{Field: "cursor", Err: err}
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://feed.test/items", nil)
	if err != nil {
		return collectors.Page{}, err
	}
	req.URL.RawQuery = "since=" + at.Since.Format(time.RFC3339Nano) + "&after=" + at.After
	resp, err := c.http.Do(req)
	if err != nil {
		return collectors.Page{}, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return collectors.Page{}, &collectors.RateLimited{Until: collectors.RetryAt(resp, time.Now()), Err: errors.New(resp.Status)}
	case resp.StatusCode == http.StatusUnauthorized && c.bug != "knows no refusal":
		return collectors.Page{}, &collectors.Forbidden{Mend: "renew the token", Err: errors.New(resp.Status)}
	case resp.StatusCode != http.StatusOK:
		return collectors.Page{}, fmt.Errorf("get items: %s", resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil && c.bug == "takes half an answer for none" {
		return collectors.Page{Cursor: cursor}, nil
	}
	if err != nil {
		return collectors.Page{}, fmt.Errorf("get items: %w", err)
	}
	page, err := at.page(body, resp.Header, c.text)
	for i := range page.Activities {
		page.Activities[i].Kind = kindOf(page.Activities[i].ID, c.mix)
	}
	c.spoil(&page)
	return page, err
}

// spoil does to a page what the bug does.
func (c *follower) spoil(page *collectors.Page) {
	var at place
	_ = json.Unmarshal(page.Cursor, &at)
	switch c.bug {
	case "keeps its own cursor":
		c.own = at
	case "does not tell its overlap":
		page.Overlap = time.Time{}
	case "does not look back":
		if !page.More {
			at.Since = at.Newest
		}
		page.Cursor, _ = json.Marshal(at)
	case "hides what it cannot read":
		page.Malformed = nil
	case "stops at the first page":
		page.More = false
	case "speaks of another account":
		for i := range page.Activities {
			page.Activities[i].Account = "feed/other"
		}
	}
}

func (at place) page(body []byte, h http.Header, text string) (collectors.Page, error) {
	var answer struct {
		Items []feedItem
		More  bool
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return collectors.Page{}, &collectors.Malformed{Field: "items", Err: err}
	}
	page := collectors.Page{More: answer.More, Backfill: at.First}
	page.ServerTime, _ = http.ParseTime(h.Get("Date"))
	last := feedItem{At: at.Since, ID: at.After}
	for _, it := range answer.Items {
		if compareFeed(it, last) > 0 {
			last = it
		}
		if it.At.After(at.Newest) {
			at.Newest = it.At
		}
		if it.ID == "bad" {
			page.Malformed = append(page.Malformed, errors.New("item bad"))
			continue
		}
		page.Activities = append(page.Activities, activity.Activity{
			ID: it.ID, Network: "feed", Account: "feed/acme", Kind: activity.KindPost, Time: it.At, Text: text,
		})
	}
	if at.Before.IsZero() {
		at.Before = at.Newest
	}
	// The next walk begins where late items may have turned up since this one
	// began, which may be hours ago.
	page.Overlap = at.Before.Add(-feedOverlap)
	at.Since, at.After = last.At, last.ID
	if !answer.More {
		at.Since, at.After, at.Before, at.First = page.Overlap, "", at.Newest, false
	} else if at.Since.Before(page.Overlap) {
		page.Overlap = at.Since // this walk is not over
	}
	var err error
	page.Cursor, err = json.Marshal(at)
	return page, err
}

// open returns a Harness's Open for feeds with pages of that many items, each
// with that many bytes of text.
func open(pageSize, size int) func(t *testing.T) collectortest.Fake {
	return openFeed(pageSize, size, false)
}

func openFeed(pageSize, size int, mixed bool) func(t *testing.T) collectortest.Fake {
	return func(t *testing.T) collectortest.Fake {
		t.Helper()
		f := &feed{pageSize: pageSize, limit: 200, mixed: mixed}
		t.Cleanup(func() {
			if f.exceeded > f.started-1 {
				t.Errorf("rate limit exceeded by %d requests of %d processes", f.exceeded, f.started)
			}
		})
		return collectortest.Fake{
			New: func(deps collectors.Deps) (collectors.Collector, error) {
				f.started++
				return &follower{http: deps.HTTP, text: strings.Repeat("x", size), mix: mixed, bug: os.Getenv(bugEnv)}, nil
			},
			Handler: f,
			Publish: func(n int) []collectortest.Item {
				now := time.Now()
				return f.publishAll(n, func(i int) time.Time { return now.Add(time.Duration(i/2) * time.Microsecond) })
			},
			Late: func(n int) []collectortest.Item {
				now := time.Now()
				return f.publishAll(n, func(i int) time.Time { return now.Add(-time.Duration(i+2) * time.Minute) })
			},
			Delayed: func(n int, by time.Duration) []collectortest.Item {
				then := time.Now().Add(-by)
				return f.publishAll(n, func(int) time.Time { return then })
			},
			Malformed: f.malformed,
		}
	}
}
