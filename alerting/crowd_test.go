package alerting_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/detector"
)

func TestCrowdOf(t *testing.T) {
	first := time.Date(2026, 3, 14, 1, 10, 0, 0, time.UTC)
	storm := func(count, of, span, low, high string) detector.Reason {
		return detector.Reason{
			Seen: "in words", Expected: "in words",
			Detail: map[string]string{"count": count, "of": of, "span": span, "low": low, "high": high, "score": "9.10", "usual": "5.5", "why": "far above"},
		}
	}
	for _, tt := range []struct {
		name    string
		reasons []detector.Reason
		want    *alerting.Crowd
	}{
		{"a storm", []detector.Reason{storm("412", "mentions", "5m0s", "3", "9")}, &alerting.Crowd{Mentions: 412, Seconds: 300, Low: 3, High: 9, Since: first}},
		{"of longer spans", []detector.Reason{storm("4000", "mentions", "1h0m0s", "0", "0")}, &alerting.Crowd{Mentions: 4000, Seconds: 3600, Since: first}},
		{"behind another reason", []detector.Reason{{Seen: "posted too"}, storm("412", "mentions", "5m0s", "3", "9")}, &alerting.Crowd{Mentions: 412, Seconds: 300, Low: 3, High: 9, Since: first}},
		{"of what is no mention", []detector.Reason{storm("412", "activities", "5m0s", "3", "9")}, nil},
		{"told by a version that did not say what was counted", []detector.Reason{storm("412", "", "", "", "")}, nil},
		{"without numbers", []detector.Reason{storm("many", "mentions", "5m0s", "3", "9")}, nil},
		{"a burst", []detector.Reason{{Seen: "40 mentions in 5m", Expected: "3 to 9 at this hour", Detail: map[string]string{"count": "40"}}}, nil},
		{"no reason", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := alerting.CrowdOf(&alerting.Alert{First: first, Reasons: tt.reasons})
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
