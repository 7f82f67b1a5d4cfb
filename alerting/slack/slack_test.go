package slack_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/notifytest"
	"github.com/picketd/picket/alerting/slack"
	"github.com/picketd/picket/alerting/slack/slacktest"
)

var update = flag.Bool("update", false, "write the golden blocks")

// secret is a token as the configuration holds it.
type secret string

func (s secret) Reveal() string { return string(s) }

func configOf(s *slacktest.Server) slack.Config {
	return slack.Config{BotToken: secret(slacktest.BotToken), Channel: slacktest.Channel, BaseURL: s.URL, Every: time.Nanosecond}
}

func output(t *testing.T, cfg slack.Config) *slack.Output {
	t.Helper()
	o, err := slack.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestContract(t *testing.T) {
	answer := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	lies := map[string]string{
		"internal error": `{"ok":false,"error":"internal_error"}`,
		"not ok":         `{"ok":false}`,
		"nothing":        `{}`,
		"a page":         `<html>try later</html>`,
		"no message":     `{"ok":true,"channel":"C0123456789"}`,
	}
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			notifytest.HTTP{
				New: func(t *testing.T, url string, client *http.Client) notify.Notifier {
					return output(t, slack.Config{BotToken: secret("xoxb-hush-hush"), Channel: slacktest.Channel, BaseURL: url, HTTP: client, Every: time.Nanosecond})
				},
				Taken:   answer(`{"ok":true,"channel":"C0123456789","ts":"1700000000.000100"}`),
				Lies:    answer(lie),
				Secrets: []string{"xoxb-hush-hush"},
			}.Run(t)
		})
	}
}

// hostile is a message whose every text was written by somebody who means
// harm, as if nobody had cleaned it before.
func hostile() *notify.Message {
	m := notifytest.Message(notify.Opened)
	m.Title = "HIGH x/acme: <!channel> @here *bold* :tada: <https://evil.example|click>\nsecond line"
	m.Lines = []notify.Line{
		{Label: "Ping", Text: "<!channel> <!here> <!everyone> <@U0000VICTIM> <!subteam^S1> <#C0000OTHER> @here @channel"},
		{Label: "Format", Text: "*bold* _italic_ ~strike~ `code` ```block``` > quote\n> quote\n• item :skull:"},
		{Label: "Link", Text: "<https://evil.example|your bank> https://evil.example/a www.evil.example mailto:x@evil.example tel:+49305550100"},
		{Label: "Dots", Text: "evil。example evil．example evil｡example"},
		{Label: "Turned", Text: "safe \u202egpj.exe\u202c \u2066x\u2069 zero\u200bwidth"},
		{Label: "*Label*", Text: "a\r\nb\x00\x1b[31m"},
		{Label: "", Text: ""},
		{Label: "Long", Text: strings.Repeat("😀", 4000)},
	}
	m.People = []notify.Person{
		{Name: "<!channel>", Addresses: map[string]string{"slack": "U024BE7LH> <!channel"}},
		{Name: "Jane", Addresses: map[string]string{"slack": "U024BE7LH"}},
	}
	m.Links = []notify.Link{
		{Action: notify.ActOpen, Text: "*Open* <!here>", URL: "https://picket.acme.example/i/1"},
		{Action: notify.ActAck, Text: "not a page", URL: "javascript:alert(1)"},
	}
	return m
}

func golden(t *testing.T, name string, v any) {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func TestGoldens(t *testing.T) {
	minimal := notifytest.Message(notify.Opened)
	minimal.Lines, minimal.People, minimal.Alerts = nil, nil, nil
	for name, m := range map[string]*notify.Message{
		"opened": notifytest.Message(notify.Opened), "resolved": notifytest.Message(notify.Resolved), "summary": notifytest.Message(notify.Summary),
		"minimal": minimal, "hostile": hostile(),
	} {
		t.Run(name, func(t *testing.T) {
			s := slacktest.New(t, 0)
			if _, err := output(t, configOf(s)).Notify(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", s.Messages()[0])
		})
	}
}

// TestHarmless: of a hostile message, Slack interprets only the mention of a
// configured person, and no text leads anywhere.
func TestHarmless(t *testing.T) {
	s := slacktest.New(t, 0)
	if _, err := output(t, configOf(s)).Notify(t.Context(), hostile()); err != nil {
		t.Fatal(err)
	}
	m := s.Messages()[0]
	interpreted := 0
	for _, b := range m.Blocks {
		if b.Text == nil {
			continue
		}
		if b.Text.Type == "mrkdwn" {
			interpreted++
			if b.Text.Text != "For <@U024BE7LH>" {
				t.Errorf("Slack interprets %q", b.Text.Text)
			}
		} else if b.Text.Emoji == nil || *b.Text.Emoji {
			t.Errorf("emoji names are pictures in %q", b.Text.Text)
		}
		for _, evil := range []string{"evil.example", "https://", "evil。", "evil．", "evil｡", "\u202e", "\u2066", "\u200b", "\n", "\x1b"} {
			if strings.Contains(b.Text.Text, evil) {
				t.Errorf("a block holds %q: %s", evil, b.Text.Text)
			}
		}
	}
	if interpreted != 1 {
		t.Errorf("%d texts are interpreted, want 1", interpreted)
	}
	if strings.ContainsAny(m.Text, "<>") || !strings.Contains(m.Text, "&lt;!channel&gt;") {
		t.Errorf("the text of the notification is %q", m.Text)
	}
	want := map[string]string{"channel": slacktest.Channel, "parse": "none", "mrkdwn": "false", "unfurl_links": "false", "unfurl_media": "false"}
	if d := cmp.Diff(want, m.Form); d != "" {
		t.Errorf("the other arguments (-want +got):\n%s", d)
	}
}

func TestBounded(t *testing.T) {
	s := slacktest.New(t, 0)
	m := notifytest.Message(notify.Opened)
	m.Title, m.Lines = strings.Repeat("😀", 500), nil
	for i := range 200 {
		m.Lines = append(m.Lines, notify.Line{Label: "What", Text: strings.Repeat("x", i%7*40) + "."})
	}
	for i := range 100 {
		m.Alerts = append(m.Alerts, notify.Alert{ID: fmt.Sprintf("%0120d", i)})
		m.Links = append(m.Links, notify.Link{Action: notify.ActOpen, Text: strings.Repeat("ö", 500), URL: "https://a.example/"})
	}
	if _, err := output(t, configOf(s)).Notify(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// TestThread follows an incident from its first message to its end.
func TestThread(t *testing.T) {
	s := slacktest.New(t, 0)
	o := output(t, configOf(s))
	receipt := ""
	for _, kind := range []notify.Kind{
		notify.Opened, notify.Updated, notify.Escalated, notify.Acknowledged, notify.Assigned, notify.Updated, notify.Updated,
		notify.Acknowledged, notify.Resolved, notify.Opened, notify.Updated,
	} {
		m := notifytest.Message(kind)
		m.Receipt = receipt
		got, err := o.Notify(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		receipt = got
		want := slacktest.Channel + "/1700000000.000001"
		if kind == notify.Acknowledged || kind == notify.Assigned {
			want += " acked"
		}
		if got != want {
			t.Errorf("%s: receipt %q", kind, got)
		}
		first := s.Messages()[0]
		elements := first.Blocks[len(first.Blocks)-1].Elements
		if want := map[alerting.State]int{alerting.Firing: 2, alerting.Acknowledged: 1, alerting.Resolved: 1}[m.State]; len(elements) != want {
			t.Errorf("%s: %d buttons, want %d", kind, len(elements), want)
		}
	}
	messages := s.Messages()
	if len(messages) != 11 || messages[0].Edits != 10 {
		t.Fatalf("%d messages, the first edited %d times", len(messages), messages[0].Edits)
	}
	var got []string
	for _, m := range messages[1:] {
		got = append(got, fmt.Sprintf("%s in %s, in the channel %v, %d blocks", m.Blocks[0].Text.Text, m.Thread, m.Broadcast, len(m.Blocks)))
	}
	const title = "CRITICAL x/acme: post nobody approved [PK-3FA29C] in 1700000000.000001"
	want := []string{
		"Updated: " + title + ", in the channel false, 6 blocks",
		"Escalated: " + title + ", in the channel true, 3 blocks",
		"Acknowledged: " + title + ", in the channel false, 2 blocks",
		"Assigned: " + title + ", in the channel true, 7 blocks",
		"Updated: " + title + ", in the channel true, 7 blocks", // it waits again
		"Updated: " + title + ", in the channel false, 6 blocks",
		"Acknowledged: " + title + ", in the channel false, 2 blocks",
		"Resolved: " + title + ", in the channel false, 2 blocks",
		"Opened: " + title + ", in the channel true, 3 blocks",
		"Updated: " + title + ", in the channel false, 6 blocks",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("replies (-want +got):\n%s", d)
	}
	s.Delete("1700000000.000001")
	m := notifytest.Message(notify.Updated)
	m.Receipt = receipt
	if got, err := o.Notify(t.Context(), m); err != nil || got != slacktest.Channel+"/1700000000.000012" {
		t.Errorf("after the first message was deleted: %q, %v; want a new thread", got, err)
	}
	if n := len(s.Messages()[10].Blocks); n != 8 { // title, state, four lines, people, buttons
		t.Errorf("the new thread begins with %d blocks, want 8", n)
	}
}

// TestAgain: what failed half-way is not said twice when it is tried again.
func TestAgain(t *testing.T) {
	s := slacktest.New(t, 0)
	o := output(t, configOf(s))
	receipt, err := o.Notify(t.Context(), notifytest.Message(notify.Opened))
	if err != nil {
		t.Fatal(err)
	}
	m := notifytest.Message(notify.Updated)
	m.Receipt = receipt
	s.Fail("chat.update", "internal_error")
	s.FailWith("chat.postMessage", http.StatusBadGateway, nil, "")
	for range 2 {
		if _, err := o.Notify(t.Context(), m); err == nil || notify.IsPermanent(err) {
			t.Fatalf("%v, want an error that may pass", err)
		}
	}
	s.Fail("chat.update", "edit_window_closed")
	if got, err := o.Notify(t.Context(), m); err != nil || got != receipt {
		t.Fatalf("%q, %v", got, err)
	}
	if n := len(s.Messages()); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name      string
		permanent bool
		denied    bool
		after     time.Duration
	}{
		{"invalid_auth", false, true, 0},
		{"token_revoked", false, true, 0},
		{"account_inactive", false, true, 0},
		{"missing_scope", false, true, 0},
		{"invalid_blocks", true, false, 0},
		{"msg_too_long", true, false, 0},
		{"channel_not_found", false, false, 0},
		{"not_in_channel", false, false, 0},
		{"is_archived", false, false, 0},
		{"internal_error", false, false, 0},
		{"service_unavailable", false, false, 0},
		{"something_new\n\x1b", false, false, 0},
		{"ratelimited", false, false, 30 * time.Second},
		{"message_limit_exceeded", false, false, 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := slacktest.New(t, 0)
			s.FailWith("chat.postMessage", http.StatusOK, nil, fmt.Sprintf(`{"ok":false,"error":%q,"response_metadata":{"messages":["[ERROR] about %s"]}}`, strings.ReplaceAll(tt.name, "\x1b", ""), slacktest.BotToken))
			_, err := output(t, configOf(s)).Notify(t.Context(), notifytest.Message(notify.Opened))
			if err == nil || notify.IsPermanent(err) != tt.permanent || notify.IsDenied(err) != tt.denied || notify.After(err) != tt.after {
				t.Errorf("%v: permanent %v, denied %v, after %s; want %v, %v, %s", err, notify.IsPermanent(err), notify.IsDenied(err), notify.After(err), tt.permanent, tt.denied, tt.after)
			}
			notifytest.Discreet(t, err, slacktest.BotToken)
		})
	}
}

// TestPace: a burst keeps to a message a second in the channel, and one that
// does not is told to wait.
func TestPace(t *testing.T) {
	s := slacktest.New(t, slack.DefaultEvery)
	cfg := configOf(s)
	cfg.Every = 0
	o := output(t, cfg)
	for range 3 {
		if _, err := o.Notify(t.Context(), notifytest.Message(notify.Opened)); err != nil {
			t.Fatal(err)
		}
	}
	cfg.Every = time.Nanosecond
	_, err := output(t, cfg).Notify(t.Context(), notifytest.Message(notify.Opened))
	if notify.After(err) != time.Second || notify.IsPermanent(err) {
		t.Errorf("%v, after %s; want a wait of 1s", err, notify.After(err))
	}
}

func TestCheck(t *testing.T) {
	s := slacktest.New(t, 0)
	if workspace, name, err := output(t, configOf(s)).Check(t.Context()); err != nil || workspace != "test" || name != "picket" {
		t.Errorf("%q in %q, %v", name, workspace, err)
	}
	cfg := configOf(s)
	cfg.BotToken = secret("xoxb-hush-hush")
	_, _, err := output(t, cfg).Check(t.Context())
	if !notify.IsDenied(err) || !strings.Contains(err.Error(), "auth.test: invalid_auth") {
		t.Errorf("%v, want one until the token is mended", err)
	}
	notifytest.Discreet(t, err, "xoxb-hush-hush")
}

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*slack.Config)
		want   string // in the error; "" is none
	}{
		{"complete", func(*slack.Config) {}, ""},
		{"no token", func(c *slack.Config) { c.BotToken = nil }, "token: not a bot token"},
		{"the app's token", func(c *slack.Config) { c.BotToken = secret("xapp-hush") }, "token: not a bot token"},
		{"another app token", func(c *slack.Config) { c.AppToken = secret("xoxb-hush") }, "app_token: not an app-level token"},
		{"nobody acts", func(c *slack.Config) { c.AppToken = secret("xapp-hush") }, "app_token: buttons need both"},
		{"no channel", func(c *slack.Config) { c.Channel = "#alerts" }, `channel: "#alerts" is no channel id`},
		{"people", func(c *slack.Config) { c.People = map[string]string{"jana": "Jana"} }, `people: "jana"`},
		{"url", func(c *slack.Config) { c.BaseURL = "slack.com" }, "base_url:"},
		{"every", func(c *slack.Config) { c.Every = -1 }, "every"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := slack.Config{BotToken: secret("xoxb-hush"), Channel: slacktest.Channel}
			tt.change(&cfg)
			_, err := slack.New(cfg)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
