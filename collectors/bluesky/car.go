package bluesky

import (
	"bufio"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// Bounds of a CAR file: what the specification of repositories allows is below.
const (
	maxCARHeader = 64 << 10
	maxCARBlock  = 4 << 20
)

// The beginnings of the bytes of a CID, version 1 with a SHA-256 hash: of a
// block of DAG-CBOR, which all of a repository is, and of plain bytes.
const (
	cborSHA256 = "\x01\x71\x12\x20"
	cidLength  = len(cborSHA256) + sha256.Size
)

// link is the CID that a block names another by, as its bytes; "" for none.
type link string

// linkHead is how DAG-CBOR writes a CID of cidLength bytes: as tag 42 around a
// byte string that begins with a zero.
const linkHead = "\xd8\x2a\x58\x25\x00"

// UnmarshalCBOR implements cbor.Unmarshaler.
func (l *link) UnmarshalCBOR(data []byte) error {
	id, ok := strings.CutPrefix(string(data), linkHead)
	switch {
	case string(data) == "\xf6": // null
		*l = ""
	case !ok || len(id) != cidLength || !strings.HasPrefix(id, cborSHA256):
		return errors.New("expected a link to a block of DAG-CBOR by its SHA-256 hash")
	default:
		*l = link(id)
	}
	return nil
}

// cidText writes the bytes of a CID as records name it.
func cidText(id string) string {
	return "b" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(id)))
}

// carFile reads a CAR file, version 1: a header, then blocks, each behind its
// length and its CID.
type carFile struct {
	in   *bufio.Reader
	mode cbor.DecMode
	root link
	buf  []byte
}

// errBlock is wrapped by errors about one block; those behind it can be read.
var errBlock = errors.New("is left out")

// openCAR reads the header.
func openCAR(in io.Reader) (*carFile, error) {
	mode, err := cbor.DecOptions{
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		DupMapKey:         cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden,
		DefaultMapType: reflect.TypeFor[map[string]any](),
	}.DecMode()
	if err != nil {
		return nil, err
	}
	c := &carFile{in: bufio.NewReaderSize(in, 64<<10), mode: mode}
	size, err := binary.ReadUvarint(c.in)
	if err != nil || size == 0 || size > maxCARHeader {
		return nil, errors.New("is no CAR file: its header is missing")
	}
	data, err := c.read(int(size))
	if err != nil {
		return nil, fmt.Errorf("is no CAR file: its header: %w", err)
	}
	var header struct {
		Version int    `cbor:"version"`
		Roots   []link `cbor:"roots"`
	}
	switch err := mode.Unmarshal(data, &header); {
	case err != nil:
		return nil, fmt.Errorf("is no CAR file: its header: %w", err)
	case header.Version != 1 || len(header.Roots) == 0 || header.Roots[0] == "":
		return nil, fmt.Errorf("is no CAR file: its header: version %d with %d roots; expected version 1 with the repository's commit as root", header.Version, len(header.Roots))
	}
	c.root = header.Roots[0]
	return c, nil
}

// next returns the CID and the content of the next block, which is valid until
// the call after. At the end it returns io.EOF. After an error that wraps
// errBlock reading goes on.
func (c *carFile) next() (link, []byte, error) {
	size, err := binary.ReadUvarint(c.in)
	switch {
	case errors.Is(err, io.EOF):
		return "", nil, io.EOF
	case err != nil:
		return "", nil, fmt.Errorf("length of a block: %w", err)
	case size > maxCARBlock:
		return "", nil, fmt.Errorf("block of %d bytes; expected at most %d", size, maxCARBlock)
	}
	data, err := c.read(int(size))
	if err != nil {
		return "", nil, err
	}
	if len(data) < cidLength || !strings.HasPrefix(string(data[:len(cborSHA256)]), cborSHA256) {
		return "", nil, fmt.Errorf("its CID is not one of DAG-CBOR by a SHA-256 hash; it %w", errBlock)
	}
	id, data := link(data[:cidLength]), data[cidLength:]
	if sum := sha256.Sum256(data); string(sum[:]) != string(id[len(cborSHA256):]) {
		return "", nil, fmt.Errorf("its content is not what its CID %s stands for; it %w", cidText(string(id)), errBlock)
	}
	return id, data, nil
}

// read reads so many bytes into the buffer.
func (c *carFile) read(n int) ([]byte, error) {
	if n > cap(c.buf) {
		c.buf = make([]byte, n)
	}
	data := c.buf[:n]
	if _, err := io.ReadFull(c.in, data); err != nil {
		return nil, fmt.Errorf("ends within a block: %w", io.ErrUnexpectedEOF)
	}
	return data, nil
}

// toJSON writes a record as com.atproto.repo.listRecords shows it: links and
// bytes as objects.
func (c *carFile) toJSON(data []byte) (json.RawMessage, error) {
	var value any
	if err := c.mode.Unmarshal(data, &value); err != nil {
		return nil, err
	}
	return json.Marshal(plainJSON(value))
}

func plainJSON(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = plainJSON(v[name])
		}
	case []any:
		for i := range v {
			v[i] = plainJSON(v[i])
		}
	case []byte:
		return map[string]any{"$bytes": base64.RawStdEncoding.EncodeToString(v)}
	case cbor.Tag:
		if id, ok := v.Content.([]byte); ok && v.Number == 42 && len(id) > 1 {
			return map[string]any{"$link": cidText(string(id[1:]))}
		}
		return nil // no other tag is allowed
	}
	return value
}
