package notify_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/picketd/picket/alerting/notify"
)

func TestErrors(t *testing.T) {
	plain := errors.New("refused")
	for _, tt := range []struct {
		name      string
		err       error
		permanent bool
		denied    bool
		after     time.Duration
	}{
		{"none", nil, false, false, 0},
		{"one that may pass", plain, false, false, 0},
		{"for ever", notify.Permanent(plain), true, false, 0},
		{"for ever, wrapped", fmt.Errorf("tell: %w", notify.Permanent(plain)), true, false, 0},
		{"until a setting is mended", fmt.Errorf("tell: %w", notify.Denied(plain)), false, true, 0},
		{"for a while", fmt.Errorf("tell: %w", notify.RetryAfter(plain, time.Minute)), false, false, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := notify.IsPermanent(tt.err); got != tt.permanent {
				t.Errorf("IsPermanent = %v, want %v", got, tt.permanent)
			}
			if got := notify.IsDenied(tt.err); got != tt.denied {
				t.Errorf("IsDenied = %v, want %v", got, tt.denied)
			}
			if got := notify.After(tt.err); got != tt.after {
				t.Errorf("After = %v, want %v", got, tt.after)
			}
			if tt.err != nil && !errors.Is(tt.err, plain) {
				t.Errorf("%v does not wrap %v", tt.err, plain)
			}
		})
	}
}

func TestText(t *testing.T) {
	m := notify.Message{Title: "HIGH x/acme: burst [PK-1]", Lines: []notify.Line{{Text: "3 alerts"}, {Label: "What", Text: "40 posts"}}}
	const want = "HIGH x/acme: burst [PK-1]\n3 alerts\nWhat: 40 posts"
	if got := m.Text(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
