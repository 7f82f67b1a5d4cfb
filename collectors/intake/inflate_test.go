package intake_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/intake"
)

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestInflate(t *testing.T) {
	for _, encoding := range []string{"gzip", "GZIP", " x-gzip"} {
		if got, err := intake.Inflate(gzipped(t, "hello"), encoding, 5); err != nil || string(got) != "hello" {
			t.Errorf("%q: %q, %v", encoding, got, err)
		}
	}
	if got, err := intake.Inflate([]byte("hello"), "identity", 1); err != nil || string(got) != "hello" {
		t.Errorf("identity: %q, %v", got, err)
	}
	bomb := gzipped(t, strings.Repeat("a", 1<<20))
	for _, row := range []struct {
		name     string
		body     []byte
		encoding string
		is       error
		want     string
	}{
		{"bomb", bomb, "gzip", intake.ErrTooLarge, "body is too large: more than 1000 bytes when inflated; split it"},
		{"not gzip", []byte("hello"), "gzip", intake.ErrMediaType, "media type is not supported: Content-Encoding is gzip, the body is not: unexpected EOF"},
		{"cut short", gzipped(t, "hello")[:14], "gzip", intake.ErrMediaType, "media type is not supported: gzip body is damaged: unexpected EOF"},
		{"other encoding", nil, "br", intake.ErrMediaType, `media type is not supported: Content-Encoding "br"; send gzip or none`},
	} {
		if _, err := intake.Inflate(row.body, row.encoding, 1000); err == nil || err.Error() != row.want || !errors.Is(err, row.is) {
			t.Errorf("%s: error %v, want %s", row.name, err, row.want)
		}
	}
}
