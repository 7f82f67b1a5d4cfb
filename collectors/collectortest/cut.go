package collectortest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// cut answers with the first half of the true answer's body and then breaks
// the connection.
func (n *network) cut(w http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	n.fake.Handler.ServeHTTP(rec, r)
	maps.Copy(w.Header(), rec.Header())
	body := rec.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(max(len(body), 1)))
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body[:len(body)/2])
}
