package mastodon

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/picketd/picket/collectors"
)

// maxEvent bounds one event of a stream in bytes; a status is some tens of KiB.
const maxEvent = 1 << 20

// readEvents reads server-sent events (html.spec.whatwg.org, "Server-sent
// events") until the stream ends, and returns why it did: io.ErrUnexpectedEOF
// where the server closed it. Alive is called at each line, hear at each event
// that has a name and data. Ids and the server's wish of when to come back are
// left out: Mastodon sends none. go-mastodon reads streams too, but opens them
// again by itself, without end.
func readEvents(r io.Reader, alive func(), hear func(event string, data []byte)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	var event string
	var data []byte
	for lines.Scan() {
		alive()
		line := lines.Bytes()
		if len(line) == 0 { // the event's end
			if event != "" && data != nil {
				hear(event, bytes.TrimSuffix(data, []byte("\n")))
			}
			event, data = "", nil
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			event = string(value)
		case "data":
			if len(data)+len(value) > maxEvent {
				return tooLong()
			}
			data = append(append(data, value...), '\n')
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return tooLong()
	case err != nil:
		return err
	}
	return fmt.Errorf("the server closed it: %w", io.ErrUnexpectedEOF)
}

func tooLong() error {
	return &collectors.Malformed{Field: "stream", Err: fmt.Errorf("an event of more than %d bytes", maxEvent)}
}
