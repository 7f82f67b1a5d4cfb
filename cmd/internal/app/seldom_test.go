package app

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestSeldom(t *testing.T) {
	refused := func(fields ...zap.Field) func(*zap.Logger) {
		return func(l *zap.Logger) { l.Warn("refused", fields...) }
	}
	path := func(p string) zap.Field { return zap.String("path", p) }
	why := func(r string) zap.Field { return zap.String("reason", r) }
	for _, row := range []struct {
		name  string
		steps []func(*zap.Logger) // a second apart
		times int
		after time.Duration // and once more after this
		want  string
	}{
		{"one", []func(*zap.Logger){refused(why("a"))}, 1, 0, "[a]"},
		{"the same again", []func(*zap.Logger){refused(why("a"))}, 50, 0, "[a]"},
		{"the same a minute later", []func(*zap.Logger){refused(why("a"))}, 50, time.Minute, "[a a+49]"},
		{"paths are no kinds", []func(*zap.Logger){refused(why("a"), path("/1")), refused(why("a"), path("/2"))}, 10, time.Minute, "[a a+19]"},
		{"reasons are", []func(*zap.Logger){refused(why("a")), refused(why("b"))}, 10, time.Minute, "[a b a+9]"},
		{"so are senders", []func(*zap.Logger){refused(why("a"), zap.String("sender", "x")), refused(why("a"), zap.String("sender", "y"))}, 10, 0, "[a a]"},
		{"so are statuses", []func(*zap.Logger){refused(why("a"), zap.Int("status", 401)), refused(why("a"), zap.Int("status", 403))}, 10, 0, "[a a]"},
		{"what is no warning is written each time", []func(*zap.Logger){func(l *zap.Logger) { l.Info("taken", why("i")) }}, 3, 0, "[i i i]"},
		{"what is not enabled is not", []func(*zap.Logger){func(l *zap.Logger) { l.Debug("taken", why("d")) }}, 3, 0, "[]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zapcore.InfoLevel)
				log := seldom(zap.New(core)).With(zap.String("part", "test"))
				for range row.times {
					for _, step := range row.steps {
						step(log)
						time.Sleep(time.Millisecond)
					}
				}
				if row.after > 0 {
					time.Sleep(row.after)
					row.steps[0](log)
				}
				got := []string{}
				for _, l := range logs.All() {
					text := l.ContextMap()["reason"].(string)
					if n, ok := l.ContextMap()["left_out"]; ok {
						text += fmt.Sprintf("+%d", n)
					}
					got = append(got, text)
				}
				if fmt.Sprint(got) != row.want {
					t.Errorf("written %v, want %s", got, row.want)
				}
			})
		})
	}
}

// TestRefusedRequestsAreLoggedSeldom has a stranger call each door a hundred times:
// each call is counted, and the log stays short.
func TestRefusedRequestsAreLoggedSeldom(t *testing.T) {
	t.Setenv("TOKEN", "0123456789abcdef0123")
	s := newSite(t, "intake: {webhook: {tokens: [{name: tool, token: {env: TOKEN}}]}}\n")
	text := strings.Replace(s.text(t), "127.0.0.1:0}", "127.0.0.1:0, api: {tokens: [{name: screen, token: {env: TOKEN}, can: [read]}]}}", 1)
	must(t, os.WriteFile(s.config, []byte(text), 0o600))
	r := s.launch(t).works()
	for n := range 100 {
		for _, path := range []string{fmt.Sprintf("/v1/alerts/PK-%06d", n), "/v1/activities"} {
			answer, err := http.Post("http://"+r.at.HTTP+path, "application/json", strings.NewReader("{}"))
			must(t, err)
			must(t, answer.Body.Close())
			if answer.StatusCode != http.StatusUnauthorized {
				t.Fatalf("%s answers %s, want 401", path, answer.Status)
			}
		}
	}
	r.metric(`picket_alert_api_refused_requests_total{reason="unauthorized"} 100`)
	r.metric(`picket_intake_refused_total{reason="unauthorized",source="webhook"} 100`)
	for _, message := range []string{"API request refused", "webhook request refused"} {
		if n := r.logs.FilterMessage(message).Len(); n != 1 {
			t.Errorf("%q is logged %d times, want once", message, n)
		}
	}
}

func TestSeldomIsBounded(t *testing.T) {
	k := &kinds{of: map[string]*kind{}}
	for n := range 3 * maxKinds {
		k.next(fmt.Sprint(n), time.Unix(0, 0))
	}
	if len(k.of) > maxKinds+1 {
		t.Errorf("%d kinds are kept, want at most %d", len(k.of), maxKinds+1)
	}
	if _, write := k.next("0", time.Unix(-3600, 0)); !write {
		t.Error("a clock that was set back silences a warning")
	}
}
