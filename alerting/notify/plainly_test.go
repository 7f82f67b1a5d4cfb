package notify_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/notifytest"
)

var update = flag.Bool("update", false, "write the golden texts")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// tagged is a message whose newest alert bears a tag.
func tagged(kind notify.Kind, tag string) *notify.Message {
	m := notifytest.Message(kind)
	m.Labels = []alerting.Label{{Name: "account", Value: "x/acme"}, {Name: "group.ip", Value: "198.51.100.7"}, {Name: "tag", Value: tag}}
	return m
}

func plainCases() map[string]*notify.Message {
	post := tagged(notify.Opened, "attack.t1491.002")
	post.Lines = append(post.Lines, notify.Line{Label: "Reach", Text: "212 reposts, 4,100 views at 03:14; still up"})
	drill := tagged(notify.Opened, "attack.t1491.002")
	drill.Drill = "spring"
	across := tagged(notify.Opened, "attack.t1110.003")
	across.Account, across.Network = "", ""
	for _, name := range []string{"okta/editor-2", "x/acme", "x/b", "x/c", "x/d", "x/e"} {
		across.Labels = append(across.Labels, alerting.Label{Name: "accounts", Value: name})
	}
	receiver := notifytest.Message(notify.Opened)
	receiver.Number, receiver.Network, receiver.Account, receiver.Alerts = "RCV-PD", "", "", nil
	receiver.Labels = []alerting.Label{{Name: "alertname", Value: "NotificationsFailing"}, {Name: "receiver", Value: "pd"}}
	nobody := tagged(notify.Resolved, "of our own")
	nobody.People = nil
	storm := tagged(notify.Opened, "attack.impact")
	storm.Crowd = &alerting.Crowd{Mentions: 412, Seconds: 300, Low: 3, High: 9, Since: notifytest.At().Add(-4 * time.Minute)}
	quiet := tagged(notify.Resolved, "attack.impact")
	quiet.Crowd = &alerting.Crowd{Mentions: 40, Seconds: 3600, Since: notifytest.At().Add(-4 * time.Hour)}
	return map[string]*notify.Message{
		"plain_storm": storm, "plain_storm_of_a_quiet_account": quiet,
		"plain_post": post, "plain_login": tagged(notify.Acknowledged, "attack.t1078"), "plain_drill": drill, "plain_across": across,
		"plain_resolved": nobody, "plain_blind": tagged(notify.Opened, alerting.TagSRE), "plain_app": tagged(notify.Escalated, "attack.t1528"),
		"plain_receiver": receiver,
		"plain_summary":  notifytest.Message(notify.Summary), "plain_test": notifytest.Message(notify.Test),
	}
}

func TestPlainly(t *testing.T) {
	for name, m := range plainCases() {
		t.Run(name, func(t *testing.T) {
			got := notify.Plainly(m)
			golden(t, name+".txt", got.Text()+"\n")
			for _, jargon := range []string{"198.51", "AS64", "post_unapproved", "new_country", "t1078", "acme-gift", "approvals"} {
				if strings.Contains(got.Text(), jargon) {
					t.Errorf("the text holds %q", jargon)
				}
			}
			if len([]rune(got.Title)) > alerting.MaxTitle || got.Labels != nil {
				t.Errorf("title %q, labels %v", got.Title, got.Labels)
			}
			for _, l := range got.Links {
				if l.Action != notify.ActOpen {
					t.Errorf("there is a link to %s", l.Action)
				}
			}
		})
	}
}

// TestPlainlyHostile: neither a name nor a reach that others made gets through.
func TestPlainlyHostile(t *testing.T) {
	m := tagged(notify.Opened, "attack.t1491")
	m.Account = "x/" + strings.Repeat("evil.example ", 30)
	m.Lines = []notify.Line{{Label: "Reach", Text: "https://evil.example views, 7 views; x"}}
	m.People = []notify.Person{{Name: "\u202eevil.example\n"}}
	got := notify.Plainly(m)
	if text := got.Text(); strings.Contains(text, "\u202e") || strings.Contains(text, "https://") || !strings.Contains(text, "shown 7 times so far") {
		t.Errorf("the text is %q", text)
	}
	for _, l := range got.Lines {
		if strings.Contains(l.Text, "evil.example") {
			t.Errorf("%s: %q", l.Label, l.Text)
		}
	}
}

func TestMinimal(t *testing.T) {
	m := notifytest.Message(notify.Opened)
	got := notify.Minimal(m)
	want := notifytest.Message(notify.Opened)
	want.Lines, want.Labels = nil, nil
	for i := range want.Alerts {
		want.Alerts[i].Rule, want.Alerts[i].Title = "", ""
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(notifytest.Message(notify.Opened), m); d != "" {
		t.Errorf("the message was changed (-want +got):\n%s", d)
	}
}
