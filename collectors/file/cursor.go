package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// headSize bounds how many of a file's first bytes are hashed to recognise it.
const headSize = 1 << 10

const cursorVersion = 1

// cursor is where a Follower stands. Its JSON is stored in journals: fields
// are added, never changed.
type cursor struct {
	Version int    `json:"v"`
	Dev     uint64 `json:"dev,omitempty"` // zero where the system has no inodes
	Inode   uint64 `json:"inode,omitempty"`
	// Head is the SHA-256, in hex, of the first HeadLen bytes; all of them
	// have been consumed, so the file's writer does not change them.
	Head    string `json:"head,omitempty"`
	HeadLen int    `json:"head_len,omitempty"`
	Offset  int64  `json:"offset"` // of the first byte that is not consumed
	Line    int    `json:"line"`   // lines consumed
	// Skipping says that Offset is inside a line that is too long and was
	// reported already.
	Skipping bool `json:"skipping,omitempty"`
	// History is the offset below which everything was there at the first
	// poll.
	History int64 `json:"history,omitempty"`
	// Modified is when the file was last written, as far as seen.
	Modified time.Time `json:"modified,omitzero"`
	// Last is the latest occurrence time so far; a gap starts there.
	Last time.Time `json:"last,omitzero"`
}

// parseCursor reads a cursor that an earlier poll returned; nil for none.
func parseCursor(data json.RawMessage) (*cursor, error) {
	if len(data) == 0 || string(data) == "null" {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var c cursor
	if err := dec.Decode(&c); err != nil {
		return nil, fmt.Errorf("file cursor: %w", err)
	}
	head, err := hex.DecodeString(c.Head)
	switch {
	case c.Version != cursorVersion:
		return nil, fmt.Errorf("file cursor: version %d, expected %d: a newer Picket wrote it", c.Version, cursorVersion)
	case err != nil || (len(head) != 0 && len(head) != sha256.Size):
		return nil, fmt.Errorf("file cursor: head %q is not a SHA-256 in hex", c.Head)
	case c.Offset < 0 || c.Line < 0 || c.History < 0:
		return nil, fmt.Errorf("file cursor: negative offset %d, line %d or history %d", c.Offset, c.Line, c.History)
	case c.HeadLen < 0 || c.HeadLen > headSize || int64(c.HeadLen) > c.Offset || (c.HeadLen == 0) != (len(head) == 0):
		return nil, fmt.Errorf("file cursor: head_len %d does not fit offset %d", c.HeadLen, c.Offset)
	}
	return &c, nil
}

// encode returns the cursor as it is stored.
func (c *cursor) encode() json.RawMessage {
	data, err := json.Marshal(c)
	if err != nil {
		// Numbers, text and the times of files always encode.
		panic(fmt.Sprintf("file: encode a cursor: %v", err))
	}
	return data
}

// at returns the cursor at the start of the file f.
func (c *cursor) at(f *os.File) (*cursor, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	next := &cursor{Version: cursorVersion, Modified: info.ModTime().UTC(), Last: c.Last}
	next.Dev, next.Inode = identity(info)
	return next, nil
}

// same reports whether f still holds what was consumed.
func (c *cursor) same(f *os.File, info os.FileInfo) bool {
	if info.Size() < c.Offset {
		return false
	}
	head, err := hashHead(f, c.HeadLen)
	return err == nil && head == c.Head
}

// isInode reports whether info is of the file that the cursor stands in, going
// by device and inode alone.
func (c *cursor) isInode(info os.FileInfo) bool {
	dev, inode := identity(info)
	return inode != 0 && dev == c.Dev && inode == c.Inode
}

// advance moves over consumed lines and widens the hashed head.
func (c *cursor) advance(f *os.File, offset int64, lines int) error {
	c.Offset += offset
	c.Line += lines
	if n := int(min(c.Offset, headSize)); n != c.HeadLen {
		head, err := hashHead(f, n)
		if err != nil {
			return err
		}
		c.Head, c.HeadLen = head, n
	}
	return nil
}

func hashHead(f *os.File, n int) (string, error) {
	if n == 0 {
		return "", nil
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, int64(n)), head); err != nil {
		return "", err
	}
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:]), nil
}
