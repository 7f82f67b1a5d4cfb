package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// pollsNetwork is the fake network of the measurement of polls.
const pollsNetwork = "fake"

// pollsFrom is when its accounts began, and pollsPosts how often each posts.
func pollsFrom() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

const pollsPosts = 20 * time.Minute

// feed is a page of an account.
type feed struct {
	Items []feedItem `json:"items"`
	Next  int64      `json:"next"`
}

type feedItem struct {
	ID   string    `json:"id"`
	Text string    `json:"text"`
	Time time.Time `json:"time"`
}

// servePolls is the network: it keeps nothing, and knows from an account's
// number what it has posted by now. It tells of a limit that nobody reaches.
// It prints its address and serves until its input ends.
func servePolls(in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the process
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, l.Addr()); err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(serveFeed), ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = srv.Close()
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func serveFeed(w http.ResponseWriter, r *http.Request) {
	account, _ := strconv.ParseInt(r.URL.Query().Get("account"), 10, 64)
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	now := time.Now()
	phase := time.Duration(account*7919%int64(pollsPosts/time.Second)) * time.Second
	posted := int64((now.Sub(pollsFrom()) + phase) / pollsPosts)
	page := feed{Items: []feedItem{}, Next: posted}
	for n := max(after, posted-20) + 1; after > 0 && n <= posted; n++ {
		page.Items = append(page.Items, feedItem{
			ID: strconv.FormatInt(n, 10), Text: strings.Repeat("what an account says ", 6),
			Time: pollsFrom().Add(time.Duration(n)*pollsPosts - phase),
		})
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-RateLimit-Limit", "10000000")
	h.Set("X-RateLimit-Remaining", "9000000")
	h.Set("X-RateLimit-Reset", strconv.FormatInt(now.Truncate(15*time.Minute).Add(15*time.Minute).Unix(), 10))
	_ = json.NewEncoder(w).Encode(page)
}

// feedCollector reads one account of the fake network, with one request.
type feedCollector struct {
	account string
	url     string
	client  *http.Client
}

// Poll implements collectors.Collector.
func (c *feedCollector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	after := "0"
	if len(cursor) > 0 {
		after = string(cursor)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"&after="+after, http.NoBody)
	if err != nil {
		return collectors.Page{}, err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return collectors.Page{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return collectors.Page{}, fmt.Errorf("the fake network answers %s", resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return collectors.Page{}, err
	}
	var in feed
	if err := json.Unmarshal(body, &in); err != nil {
		return collectors.Page{}, &collectors.Malformed{Field: "body", Err: err}
	}
	page := collectors.Page{Cursor: strconv.AppendInt(nil, in.Next, 10), ServerTime: serverTime(resp)}
	for _, it := range in.Items {
		page.Activities = append(page.Activities, activity.Activity{
			ID: it.ID, Network: pollsNetwork, Account: c.account, Kind: activity.KindPost, Time: it.Time, Text: it.Text,
		})
	}
	return page, nil
}

func serverTime(resp *http.Response) time.Time {
	at, _ := http.ParseTime(resp.Header.Get("Date"))
	return at
}
