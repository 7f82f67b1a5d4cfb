package dispatch

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

const (
	stormAccounts = 1000
	stormSeconds  = 60
	stormFindings = 100_000
)

// TestStorm: 100,000 findings over 1,000 accounts in 60 s, in revisions as
// alerting writes them, one per alert and second. Three accounts turn critical on
// the way.
func TestStorm(t *testing.T) {
	p := policy()
	p.Budget = Budget{Pages: 10, Messages: 60}
	p.Repeat = map[rules.Level]time.Duration{rules.Critical: time.Hour, rules.High: 4 * time.Hour}
	before := heapBytes()
	r := newRig(p, nil, nil)
	var sent []notify.Message
	alerts := make([]alerting.Alert, stormAccounts)
	for i := range alerts {
		alerts[i] = firing(fmt.Sprintf("%06x", i), fmt.Sprintf("x/a%03d", i), rules.High, start())
	}
	sent = append(sent, r.apply(start(), alerts...)...)
	for second := 1; second < stormSeconds; second++ {
		at := after(time.Duration(second) * time.Second)
		for i := range alerts {
			alerts[i].Revision++
			alerts[i].Updated, alerts[i].Change = at, alerting.ChangeUpdated
			alerts[i].Count += stormFindings / stormAccounts / stormSeconds
			if i%400 == 7 && second == 20 {
				alerts[i].Rule.Level = rules.Critical
			}
		}
		sent = append(sent, r.apply(at, alerts...)...)
	}
	sent = append(sent, r.until(after(2*time.Minute))...)
	used := heapBytes() - before
	t.Logf("%d incidents take %.1f MiB, %d messages", r.core.book.Len(), float64(used)/(1<<20), len(sent))

	checkStorm(t, sent)
	if used > 16<<20 {
		t.Errorf("%d bytes for %d incidents, want 16 MiB at most", used, stormAccounts)
	}
	for i := range alerts {
		alerts[i] = moved(alerts[i], alerting.Resolved, "jane", after(5*time.Minute))
	}
	closing := r.apply(after(5*time.Minute), alerts...)
	if n := count(closing, notify.Resolved); n != 12 {
		t.Errorf("%d incidents were told to be over, want the 12 that were told one by one", n)
	}
	last := r.until(after(3 * time.Hour))
	if diff := cmp.Diff([]string{"ops summary"}, told(last)); diff != "" {
		t.Fatalf("when the storm is over (-want +got):\n%s", diff)
	}
	if m := last[0]; m.State != alerting.Resolved || !strings.HasPrefix(m.Title, "OVER 988 incidents on 988 accounts") {
		t.Errorf("the closing summary is %s: %q", m.State, m.Title)
	}
	if n := r.core.book.Len(); n != 0 {
		t.Errorf("%d incidents are still in memory", n)
	}
}

// checkStorm checks what was told during the storm.
func checkStorm(t *testing.T, sent []notify.Message) {
	t.Helper()
	var pages, summaries []notify.Message
	for _, m := range sent {
		if m.Kind == notify.Summary {
			summaries = append(summaries, m)
			continue
		}
		pages = append(pages, m)
	}
	criticals := slices.DeleteFunc(slices.Clone(pages), func(m notify.Message) bool { return m.Level != rules.Critical })
	if len(pages)-len(criticals) > 10 || len(criticals) != 3 {
		t.Errorf("%d pages and %d first critical ones, want 10 and 3", len(pages)-len(criticals), len(criticals))
	}
	if len(summaries) != 1 {
		t.Fatalf("%d summaries, want one", len(summaries))
	}
	m := summaries[0]
	if want := "HIGH 988 incidents on 988 accounts above the budget of messages [ST-"; !strings.HasPrefix(m.Title, want) {
		t.Errorf("title %q, want one that begins with %q", m.Title, want)
	}
	if len(m.Title) > alerting.MaxTitle || m.Urgency != alerting.UrgencyPage {
		t.Errorf("title of %d bytes, urgency %s", len(m.Title), m.Urgency)
	}
	lines := map[string]string{}
	for _, l := range m.Lines {
		lines[l.Label] = l.Text
	}
	for label, want := range map[string]string{
		"What": "988 incidents of which messages were held back since 02:12Z: 988 still waiting for somebody",
		"Why":  "the budget of this receiver is 10 pages and 60 other messages in 1h",
		"On":   "x/a010, x/a011, x/a012, x/a013, x/a014, x/a015, x/a016, x/a017, x/a018, x/a019, x/a020, x/a021, x/a022, x/a023, x/a024, x/a025, x/a026, x/a027, x/a028, x/a029 and 968 more",
		"Also": "988 × high Posting burst",
	} {
		if lines[label] != want {
			t.Errorf("%s %q, want %q", label, lines[label], want)
		}
	}
}

func count(messages []notify.Message, kind notify.Kind) int {
	n := 0
	for _, m := range messages {
		if m.Kind == kind {
			n++
		}
	}
	return n
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
