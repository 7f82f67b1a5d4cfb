package notifytest

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"time"
)

// answer is one way in which a receiver answers.
type answer struct {
	name    string
	handler http.HandlerFunc
	want    want
	alone   bool // of a message only, not of a heartbeat
}

func answers(o HTTP) []answer {
	const day = 24 * time.Hour
	return []answer{
		{"taken", o.Taken, want{ok: true}, false},
		{"too many, seconds to wait", status(http.StatusTooManyRequests, "Retry-After", "7"), want{after: 7 * time.Second}, false},
		{"too many, a date to wait for", dated(90 * time.Second), want{after: 90 * time.Second}, false},
		{"too many, a date that is past", dated(-day), want{}, false},
		{"too many, for a month", dated(30 * day), want{after: time.Hour}, false},
		{"too many, no word of when", status(http.StatusTooManyRequests), want{}, false},
		{"too many, nonsense", status(http.StatusTooManyRequests, "Retry-After", "soon"), want{}, false},
		{"server error", status(http.StatusInternalServerError), want{}, false},
		{"bad gateway", status(http.StatusBadGateway), want{}, false},
		{"away, seconds to wait", status(http.StatusServiceUnavailable, "Retry-After", "120"), want{after: 2 * time.Minute}, false},
		{"request time over", status(http.StatusRequestTimeout), want{}, false},
		{"bad request", status(http.StatusBadRequest), want{permanent: true}, false},
		{"credential refused", status(http.StatusUnauthorized), want{denied: true}, false},
		{"forbidden", status(http.StatusForbidden), want{denied: true}, false},
		{"not found", status(http.StatusNotFound), want{denied: true}, false},
		{"gone for ever", status(http.StatusGone), want{permanent: true}, false},
		{"lying", o.Lies, want{}, true},
		{"repeats what it is sent", echo(http.StatusInternalServerError), want{}, false},
		{"repeats and refuses", echo(http.StatusBadRequest), want{permanent: true}, false},
		{"cut body", raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"status\":"), want{}, false},
		{"cut body of an error", raw("HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{"), want{}, false},
		{"no answer", raw(""), want{}, false},
		{"not HTTP", raw("220 mail.acme.example ESMTP\r\n\x1b[31m\r\n"), want{}, false},
	}
}

// status answers with a status, header fields and a page that no machine reads.
func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "<html>\r\n<h1>\x1b[31m"+http.StatusText(code)+"</h1>\x00\xff")
	}
}

// dated asks for a wait until a date by a clock of its own, which is wrong.
func dated(wait time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		now := time.Date(2019, 5, 1, 12, 0, 0, 0, time.UTC)
		w.Header().Set("Date", now.Format(http.TimeFormat))
		w.Header().Set("Retry-After", now.Add(wait).Format(http.TimeFormat))
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

// echo answers with the header and body of the request, as debugging proxies
// do.
func echo(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(code)
		_, _ = fmt.Fprintln(w, r.Method, r.URL)
		_ = r.Header.Write(w)
		_, _ = io.Copy(w, r.Body)
	}
}

// raw answers with bytes as they are, and ends the connection.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // no server that cannot do it is used here
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }
