package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
)

const (
	latencyAccounts = 200
	latencyRate     = 1000 // activities a second
	latencyMatches  = 100  // one of so many raises an alert
)

const latencyRule = `title: Factor removed
id: 5d3c3b1e-8a33-4a57-9c1c-0d6f1f0a5a02
name: soak_latency
level: high
logsource: {product: picket}
detection:
  s: {kind: mfa_change}
  condition: s
picket: {quiet: 1s, response: [nothing]}
`

// latency pushes activities by webhook at a steady rate and prints how long it
// took from each one that raises an alert, appended to the journal, until the
// alert's public copy was stored, both by the broker's clock; and until a
// receiver had the page, by this machine's. Durability "external" is a server
// beside the daemon that writes each message through to the disk.
func latency(ctx context.Context, during time.Duration, durability string, out io.Writer) error {
	dir, err := os.MkdirTemp("", "picket-latency-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := build(ctx, dir, false)
	if err != nil {
		return err
	}
	d := &daemon{binary: binary, dir: filepath.Join(dir, "daemon")}
	st := &stage{daemons: []*daemon{d}}
	defer st.close()
	natsURL := ""
	if durability == external {
		if natsURL, err = st.serve(filepath.Join(dir, "nats"), true); err != nil {
			return err
		}
	}
	pager := &pages{at: map[string]time.Time{}}
	hook := httptest.NewServer(pager)
	defer hook.Close()
	if err := d.writeLatency(durability, natsURL, hook.URL); err != nil {
		return err
	}
	if err := st.startAll(ctx); err != nil {
		return err
	}
	if err := st.stream(ctx, during); err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // the last episodes close
	published, paged, err := st.latencies(ctx, pager)
	if err != nil {
		return err
	}
	if len(published) == 0 || len(paged) == 0 {
		return fmt.Errorf("%d alerts were published and %d told", len(published), len(paged))
	}
	_, err = fmt.Fprintf(out, "durability %s, %d activities/s: %d alerts, appended → published %s; %d pages, appended → at the receiver %s\n",
		durability, latencyRate, len(published), spread(published), len(paged), spread(paged))
	return err
}

// external is the durability of a server beside the daemon.
const external = "external"

func spread(took []time.Duration) string {
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(10 * time.Microsecond) }
	return fmt.Sprintf("median %s, p99 %s, longest %s", at(.5), at(.99), at(1))
}

// pages is a receiver that notes when it was first told of each alert.
type pages struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var m notify.Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range m.Alerts {
		if _, known := p.at[a.ID]; !known {
			p.at[a.ID] = now
		}
	}
}

func (d *daemon) writeLatency(durability, natsURL, hook string) error {
	if err := os.MkdirAll(filepath.Join(d.dir, "rules"), 0o755); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "data_dir: ./data\nhttp: {listen: 127.0.0.1:0}\nlog: {level: info, format: json}\nrules: {packs: [social], dirs: [./rules]}\n")
	if natsURL != "" {
		fmt.Fprintf(&b, "nats: {url: %q}\n", natsURL)
	} else {
		fmt.Fprintf(&b, "nats: {listen: 127.0.0.1:0}\njournal: {durability: %s}\n", durability)
	}
	fmt.Fprintf(&b, "receivers: [{name: pager, type: webhook, url: %q, secrets: [{file: ./key}]}]\nnotifications: {budget: {pages: 0, messages: 0}}\n", hook)
	b.WriteString("intake: {webhook: {rate: 1000, tokens: [{name: soak, token: {file: ./token}}]}}\naccounts:\n")
	for i := range latencyAccounts {
		fmt.Fprintf(&b, "- {account: x/account%03d}\n", i)
	}
	for name, text := range map[string]string{"picket.yaml": b.String(), "token": token, "key": base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)), "rules/latency.yml": latencyRule} {
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// stream pushes at the rate, ten activities a request.
func (st *stage) stream(ctx context.Context, during time.Duration) error {
	const each = 10
	clock := time.NewTicker(each * time.Second / latencyRate)
	defer clock.Stop()
	for n := 0; n < int(during.Seconds()*latencyRate); n += each {
		body := []byte{'['}
		for i := range each {
			a := activity.Activity{
				ID: fmt.Sprint(n + i), Account: fmt.Sprintf("x/account%03d", (n+i)/latencyMatches%latencyAccounts), Network: "x",
				Kind: activity.KindMessage, Time: time.Now().UTC(), Text: strings.Repeat("a message of some length ", 25),
			}
			if (n+i)%latencyMatches == 0 {
				a.Kind = activity.KindMFAChange
			}
			if i > 0 {
				body = append(body, ',')
			}
			body = activity.AppendActivity(body, &a)
		}
		if err := st.post(ctx, append(body, ']')); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-clock.C:
		}
	}
	return nil
}

// latencies matches each alert's first copy, and the first page of it, with the
// activity that raised it.
func (st *stage) latencies(ctx context.Context, pager *pages) (published, paged []time.Duration, err error) {
	nc, err := st.connect()
	if err != nil {
		return nil, nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, nil, err
	}
	appended := map[string]time.Time{}
	var dec activity.Decoder
	var b activity.Batch
	err = eachMessage(ctx, js, journal.StreamName(0), "picket.activity.0.bulk", func(m jetstream.Msg) error {
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if err := dec.Batch(m.Data(), &b); err != nil {
			return err
		}
		for i := range b.Activities {
			if b.Activities[i].Kind == activity.KindMFAChange {
				appended[strings.Clone(b.Activities[i].ID)] = meta.Timestamp
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	pager.mu.Lock()
	defer pager.mu.Unlock()
	err = eachMessage(ctx, js, natspub.Stream, "picket.alert.>", func(m jetstream.Msg) error {
		var ev natspub.Event
		if err := json.Unmarshal(m.Data(), &ev); err != nil {
			return err
		}
		meta, err := m.Metadata()
		alert, first := strings.CutSuffix(m.Headers().Get(jetstream.MsgIDHeader), ".1")
		if err != nil || !first {
			return err
		}
		for _, e := range ev.Data.Evidences {
			at, ok := appended[e.Data.ID]
			if !ok {
				continue
			}
			published = append(published, meta.Timestamp.Sub(at))
			if told, ok := pager.at[alert]; ok {
				paged = append(paged, told.Sub(at))
			}
		}
		return nil
	})
	return published, paged, err
}
