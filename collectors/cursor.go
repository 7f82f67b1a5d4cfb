package collectors

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// EncodeCursor returns v, all that a collector remembers between polls, as the
// JSON of Page.Cursor: on one line, with the characters of HTML as they are, so
// that what is bounded in bytes stays so. It refuses what is larger than
// MaxCursor; its errors begin with "encode cursor".
func EncodeCursor(v any) (json.RawMessage, error) {
	b, err := encodeJSON(v)
	if err != nil {
		return nil, fmt.Errorf("encode cursor: %w", err)
	}
	if len(b) > MaxCursor {
		return nil, fmt.Errorf("encode cursor: %d bytes; at most %d fit", len(b), MaxCursor)
	}
	return b, nil
}

// encodeJSON is json.Marshal without escapes for HTML.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
