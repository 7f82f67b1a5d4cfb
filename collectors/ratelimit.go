package collectors

import (
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// quota is what an answer's headers say of a request budget. Absent numbers
// are -1, an absent reset is zero.
type quota struct {
	limit, remaining int
	reset            time.Time // by our clock
}

func (q quota) known() bool { return q.remaining >= 0 }

// RetryAt returns when the network allows the next request after resp, by our
// clock: from Retry-After (seconds or a date) and, where the answer leaves no
// request, from the reset of its rate-limit headers, whichever is later. It is
// zero when resp does not say. Now is when resp was received.
func RetryAt(resp *http.Response, now time.Time) time.Time {
	at := retryAfter(resp.Header, now)
	q := quotaOf(resp.Header, now)
	if q.remaining == 0 || !q.known() || resp.StatusCode == http.StatusTooManyRequests {
		if q.reset.After(at) {
			return q.reset
		}
	}
	return at
}

func retryAfter(h http.Header, now time.Time) time.Time {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return time.Time{}
	}
	if sec, err := strconv.ParseFloat(text, 64); err == nil {
		return later(now, sec)
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Add(clockOffset(h, now))
	}
	return time.Time{}
}

// later returns now plus sec seconds, zero when sec is no sensible wait.
func later(now time.Time, sec float64) time.Time {
	if math.IsNaN(sec) || sec < 0 || sec > math.MaxInt32 {
		return time.Time{}
	}
	return now.Add(time.Duration(sec * float64(time.Second)))
}

// clockOffset is how far our clock is ahead of the one that wrote the Date
// header, less than a second too much because Date is cut to seconds: a reset
// by that clock is so never taken for too early.
func clockOffset(h http.Header, now time.Time) time.Duration {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return now.Sub(date)
}

// quotaOf reads the rate-limit headers in use: the IETF draft's RateLimit
// field, its earlier RateLimit-Limit, -Remaining and -Reset, and their elder
// spellings X-RateLimit-* and X-Rate-Limit-*.
func quotaOf(h http.Header, now time.Time) quota {
	for _, prefix := range []string{"X-Rate-Limit-", "X-Ratelimit-", "Ratelimit-"} {
		q := quota{limit: count(h.Get(prefix + "Limit")), remaining: count(h.Get(prefix + "Remaining"))}
		q.reset = resetTime(h.Get(prefix+"Reset"), h, now)
		if q.known() || !q.reset.IsZero() {
			return q
		}
	}
	return draftQuota(h, now)
}

// count reads a number of requests, rounded down; -1 when there is none. A list
// such as "100, 100;w=60" starts with the number.
func count(text string) int {
	text, _, _ = strings.Cut(text, ",")
	text, _, _ = strings.Cut(text, ";")
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > math.MaxInt32 {
		return -1
	}
	return int(n)
}

// resetTime reads a reset: seconds since 1970, seconds from now, or an ISO 8601
// time. No window is as long as the years that a number of seconds since 1970
// would mean as a delay.
func resetTime(text string, h http.Header, now time.Time) time.Time {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}
	}
	const epochFrom = 500_000_000
	sec, err := strconv.ParseFloat(text, 64)
	switch {
	case err == nil && sec >= epochFrom && sec < 1e13:
		if sec >= 1e11 { // milliseconds
			sec /= 1000
		}
		return time.UnixMilli(int64(sec * 1000)).Add(clockOffset(h, now))
	case err == nil:
		return later(now, sec)
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at.Add(clockOffset(h, now))
}

// draftQuota reads the IETF draft's structured fields, both
//
//	RateLimit: "default";r=50;t=30     RateLimit-Policy: "default";q=100;w=60
//	RateLimit: limit=100, remaining=50, reset=30
//
// Of several policies the one with the fewest requests left counts.
func draftQuota(h http.Header, now time.Time) quota {
	best := quota{limit: -1, remaining: -1}
	whole := map[string]string{}
	for part := range strings.SplitSeq(strings.Join(h.Values("Ratelimit"), ","), ",") {
		name, params := draftItem(part)
		maps.Copy(whole, params)
		q := quota{limit: draftLimit(h, name), remaining: count(params["r"])}
		if !q.known() {
			continue
		}
		q.reset = resetTime(params["t"], h, now)
		if !best.known() || q.remaining < best.remaining ||
			q.remaining == best.remaining && q.reset.After(best.reset) {
			best = q
		}
	}
	if !best.known() && whole["remaining"] != "" {
		best = quota{
			limit: count(whole["limit"]), remaining: count(whole["remaining"]),
			reset: resetTime(whole["reset"], h, now),
		}
	}
	return best
}

func draftLimit(h http.Header, policy string) int {
	for part := range strings.SplitSeq(strings.Join(h.Values("Ratelimit-Policy"), ","), ",") {
		if name, params := draftItem(part); name == policy {
			return count(params["q"])
		}
	}
	return -1
}

// draftItem splits `"name";a=1;b=2`, or `a=1` without a name.
func draftItem(item string) (name string, params map[string]string) {
	params = map[string]string{}
	for i, part := range strings.Split(item, ";") {
		k, v, isParam := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case isParam:
			params[strings.ToLower(strings.TrimSpace(k))] = strings.Trim(strings.TrimSpace(v), `"`)
		case i == 0:
			name = strings.Trim(k, `"`)
		}
	}
	return name, params
}
