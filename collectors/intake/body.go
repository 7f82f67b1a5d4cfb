package intake

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
)

// Bounds of what is taken in one go.
const (
	MaxBody  = 5 << 20 // bytes of one body, before and after decompression
	MaxItems = 10_000  // items of one body
	MaxItem  = 1 << 20 // bytes of one item
)

// Form is how a body holds its items.
type Form int

// The forms of a body.
const (
	// FormJSON is one object, an array of objects, or objects with line breaks
	// between them; the first byte tells an array from the others.
	FormJSON Form = iota
	// FormLines is one object a line; blank lines are passed over. A broken
	// line cannot touch its neighbours.
	FormLines
)

// Errors that refuse a whole body, beside *FormError.
var (
	// ErrMediaType says that a body's media type or encoding is not one that
	// intake reads.
	ErrMediaType = errors.New("media type is not supported")
	// ErrTooLarge says that a body has more bytes or items than are taken in
	// one go.
	ErrTooLarge = errors.New("body is too large")
)

// FormOf returns the form that a Content-Type header names; empty means
// FormJSON. Any other error than nil wraps ErrMediaType.
func FormOf(contentType string) (Form, error) {
	if contentType == "" {
		return FormJSON, nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0, fmt.Errorf("%w: Content-Type %q is not a media type; send application/json or application/x-ndjson", ErrMediaType, contentType)
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return 0, fmt.Errorf("%w: charset %q; encode the body as UTF-8", ErrMediaType, charset)
	}
	switch media {
	case "application/json", "text/json":
		return FormJSON, nil
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines":
		return FormLines, nil
	}
	return 0, fmt.Errorf("%w: Content-Type %q; send application/json or application/x-ndjson", ErrMediaType, media)
}

// Inflate undoes a Content-Encoding: none, "identity" or "gzip". More than
// limit bytes are an error that wraps ErrTooLarge, another encoding or broken gzip
// one that wraps ErrMediaType.
func Inflate(body []byte, encoding string, limit int64) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
	default:
		return nil, fmt.Errorf("%w: Content-Encoding %q; send gzip or none", ErrMediaType, encoding)
	}
	zr, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: Content-Encoding is gzip, the body is not: %w", ErrMediaType, err)
	}
	out, err := io.ReadAll(io.LimitReader(zr, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: gzip body is damaged: %w", ErrMediaType, err)
	}
	if int64(len(out)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes when inflated; split it", ErrTooLarge, limit)
	}
	return out, nil
}

// piece is one item of a body before it is decoded.
type piece struct {
	data []byte // aliases the body
	err  error
}

// split takes a body apart. Its error is a *FormError or wraps ErrTooLarge.
func split(body []byte, form Form, maxItems int) ([]piece, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	rest := bytes.TrimLeft(body, " \t\r\n")
	if len(rest) == 0 {
		return nil, &FormError{Line: 1, Column: 1, Msg: "body is empty; expected an object, an array of objects, or one object a line"}
	}
	var pieces []piece
	var err error
	switch {
	case form == FormLines:
		pieces, err = splitLines(body, maxItems)
	case rest[0] == '[':
		pieces, err = splitJSON(body, NewElements(bytes.NewReader(body), MaxItem), maxItems)
	default:
		pieces, err = splitJSON(body, newObjects(bytes.NewReader(body), MaxItem), maxItems)
	}
	if err == nil && len(pieces) == 0 {
		return nil, &FormError{Line: 1, Column: 1, Msg: "body holds no item; expected at least one object"}
	}
	return pieces, err
}

func splitLines(body []byte, maxItems int) ([]piece, error) {
	var pieces []piece
	for len(body) > 0 {
		line := body
		if i := bytes.IndexByte(body, '\n'); i >= 0 {
			line, body = body[:i], body[i+1:]
		} else {
			body = nil
		}
		line = bytes.Trim(line, " \t\r")
		if len(line) == 0 {
			continue
		}
		if len(pieces) == maxItems {
			return nil, tooMany(maxItems)
		}
		p := piece{data: line}
		if len(line) > MaxItem {
			p = piece{err: fmt.Errorf("%w: %d bytes, expected at most %d", ErrTooLong, len(line), MaxItem)}
		}
		pieces = append(pieces, p)
	}
	return pieces, nil
}

// splitJSON collects the items of an array or of objects on lines of their own.
func splitJSON(body []byte, e *Elements, maxItems int) ([]piece, error) {
	var pieces []piece
	for {
		el, err := e.Next()
		if errors.Is(err, io.EOF) {
			return pieces, nil
		}
		if err != nil {
			return nil, err
		}
		if len(pieces) == maxItems {
			return nil, tooMany(maxItems)
		}
		pieces = append(pieces, piece{data: body[el.Offset : el.Offset+int64(el.Len)], err: el.Err})
	}
}

func tooMany(maxItems int) error {
	return fmt.Errorf("%w: more than %d items; split it", ErrTooLarge, maxItems)
}
