package collectors

import (
	"net/http"
	"testing"
	"time"
)

// noon is when answers are received in these tests.
var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestQuotaOf(t *testing.T) {
	inTen := noon.Add(10 * time.Minute)
	for _, c := range []struct {
		name   string
		header http.Header
		want   quota
	}{
		{"none", header(), quota{-1, -1, time.Time{}}},
		{"X", header("x-rate-limit-limit", "900", "x-rate-limit-remaining", "12", "x-rate-limit-reset", "1782907800"), quota{900, 12, inTen}},
		{"GitHub", header("X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", "4999", "X-RateLimit-Reset", "1782907800"), quota{5000, 4999, inTen}},
		{"Mastodon", header("X-RateLimit-Limit", "300", "X-RateLimit-Remaining", "299", "X-RateLimit-Reset", "2026-07-01T12:10:00.000000Z"), quota{300, 299, inTen}},
		{"Reddit", header("x-ratelimit-remaining", "598.0", "x-ratelimit-used", "2", "x-ratelimit-reset", "600"), quota{-1, 598, inTen}},
		{"Bluesky", header("RateLimit-Limit", "3000", "RateLimit-Remaining", "2999", "RateLimit-Reset", "1782907800", "RateLimit-Policy", "3000;w=300"), quota{3000, 2999, inTen}},
		{"milliseconds", header("X-RateLimit-Remaining", "1", "X-RateLimit-Reset", "1782907800000"), quota{-1, 1, inTen}},
		{"draft", header("RateLimit", `"default";r=50;t=600`, "RateLimit-Policy", `"default";q=100;w=3600`), quota{100, 50, inTen}},
		{"draft, the tighter policy", header("RateLimit", `"hour";r=50;t=1800, "burst";r=3;t=600`, "RateLimit-Policy", `"hour";q=100;w=3600,"burst";q=5;w=600`), quota{5, 3, inTen}},
		{"draft, two fields", header("RateLimit", `"a";r=4;t=60`, "RateLimit", `"b";r=2;t=600`), quota{-1, 2, inTen}},
		{"earlier draft", header("RateLimit", "limit=100, remaining=50, reset=600"), quota{100, 50, inTen}},
		{"their clock is 5 minutes behind", header("Date", "Wed, 01 Jul 2026 11:55:00 GMT", "X-RateLimit-Remaining", "1", "X-RateLimit-Reset", "1782907500"), quota{-1, 1, inTen}},
		{"nonsense", header("X-RateLimit-Limit", "many", "X-RateLimit-Remaining", "-3", "X-RateLimit-Reset", "soon"), quota{-1, -1, time.Time{}}},
		{"not a number", header("X-RateLimit-Remaining", "NaN", "X-RateLimit-Reset", "NaN"), quota{-1, -1, time.Time{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := quotaOf(c.header, noon)
			if got.limit != c.want.limit || got.remaining != c.want.remaining || !got.reset.Equal(c.want.reset) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestRetryAt(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		header http.Header
		want   time.Duration // after noon, 0: not told
	}{
		{"not told", 429, header(), 0},
		{"seconds", 429, header("Retry-After", "90"), 90 * time.Second},
		{"date", 503, header("Retry-After", "Wed, 01 Jul 2026 12:02:00 GMT"), 2 * time.Minute},
		{"date by a clock 5 minutes ahead", 503, header("Date", "Wed, 01 Jul 2026 12:05:00 GMT", "Retry-After", "Wed, 01 Jul 2026 12:07:00 GMT"), 2 * time.Minute},
		{"nonsense", 429, header("Retry-After", "later"), 0},
		{"negative", 429, header("Retry-After", "-5"), 0},
		{"reset of a 429", 429, header("X-Rate-Limit-Reset", "1782907800"), 10 * time.Minute},
		{"reset of a 429 that counts wrongly", 429, header("X-Rate-Limit-Remaining", "3", "X-Rate-Limit-Reset", "1782907800"), 10 * time.Minute},
		{"the later one", 429, header("Retry-After", "60", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "1782907800"), 10 * time.Minute},
		{"requests are left", 200, header("X-Rate-Limit-Remaining", "3", "X-Rate-Limit-Reset", "1782907800"), 0},
		{"none is left", 200, header("X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "1782907800"), 10 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := RetryAt(&http.Response{StatusCode: c.status, Header: c.header}, noon)
			want := noon.Add(c.want)
			if c.want == 0 {
				want = time.Time{}
			}
			if !got.Equal(want) {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// Whatever a network writes into its headers, a wait is never in the past by
// more than its own clock, and a count never negative beyond "unknown".
func FuzzRateLimitHeaders(f *testing.F) {
	f.Add("12", "900", "1782907800", "90", `"default";r=50;t=30`)
	f.Add("598.0", "", "2026-07-01T12:10:00Z", "Wed, 01 Jul 2026 12:02:00 GMT", "limit=100, remaining=50, reset=30")
	f.Add("1e400", "-1", "1e300", "Infinity", ";;=,=;r=")
	f.Fuzz(func(t *testing.T, remaining, limit, reset, after, draft string) {
		for _, prefix := range []string{"X-Rate-Limit-", "X-Ratelimit-", "Ratelimit-"} {
			h := http.Header{
				prefix + "Remaining": {remaining}, prefix + "Limit": {limit}, prefix + "Reset": {reset},
				"Retry-After": {after}, "Ratelimit": {draft}, "Ratelimit-Policy": {draft},
			}
			q := quotaOf(h, noon)
			if q.remaining < -1 || q.limit < -1 {
				t.Fatalf("%+v", q)
			}
			w := window{limit: -1, inflight: 1}
			w.settle(&http.Response{StatusCode: http.StatusTooManyRequests, Header: h}, noon)
			if w.left < 0 || w.known && !w.reset.After(noon) {
				t.Fatalf("%+v", w)
			}
		}
	})
}
