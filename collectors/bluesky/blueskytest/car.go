package blueskytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// Repo is a repository to be written as a CAR file.
type Repo struct {
	DID string `json:"did"`
	Rev string `json:"rev"`
	// Records are JSON as com.atproto.repo.listRecords gives it, by collection
	// and key: "app.bsky.feed.post/3l3aaaaaaaa2a".
	Records map[string]json.RawMessage `json:"records"`
}

// CAR writes a repository as com.atproto.sync.getRepo answers it, with the tree
// of the specification (atproto.com/specs/repository) and without a signature
// that would hold. The commit comes first.
func (r Repo) CAR() ([]byte, error) {
	w := &carWriter{}
	paths := slices.Sorted(maps.Keys(r.Records))
	values := map[string]cbor.Tag{}
	top := 0
	for _, path := range paths {
		value, err := fromJSON(r.Records[path])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if values[path], err = w.add(value); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		top = max(top, layer(path))
	}
	data, err := w.tree(paths, values, top)
	if err != nil {
		return nil, err
	}
	body := bytes.Clone(w.out.Bytes())
	w.out.Reset()
	root, err := w.add(map[string]any{"did": r.DID, "version": 3, "data": data, "rev": r.Rev, "prev": nil, "sig": []byte{1}})
	if err != nil {
		return nil, err
	}
	header, err := encode(map[string]any{"version": 1, "roots": []any{root}})
	if err != nil {
		return nil, err
	}
	return slices.Concat(binary.AppendUvarint(nil, uint64(len(header))), header, w.out.Bytes(), body), nil
}

// carWriter writes blocks.
type carWriter struct{ out bytes.Buffer }

func encode(value any) ([]byte, error) {
	mode, err := cbor.CanonicalEncOptions().EncMode()
	if err != nil {
		return nil, err
	}
	return mode.Marshal(value)
}

// add writes a block and returns the link to it.
func (w *carWriter) add(value any) (cbor.Tag, error) {
	data, err := encode(value)
	if err != nil {
		return cbor.Tag{}, err
	}
	sum := sha256.Sum256(data)
	id := slices.Concat([]byte{1, 0x71, 0x12, 0x20}, sum[:])
	w.out.Write(binary.AppendUvarint(nil, uint64(len(id)+len(data))))
	w.out.Write(id)
	w.out.Write(data)
	return cbor.Tag{Number: 42, Content: append([]byte{0}, id...)}, nil
}

// layer is in which layer of the tree a path stands, from the leaves: half of
// the zero bits that its hash begins with.
func layer(path string) int {
	sum := sha256.Sum256([]byte(path))
	n := 0
	for _, b := range sum {
		n += bits.LeadingZeros8(b)
		if b != 0 {
			break
		}
	}
	return n / 2
}

// tree writes the nodes of a layer and below, and returns the link to the node;
// nil where there is none.
func (w *carWriter) tree(paths []string, values map[string]cbor.Tag, at int) (any, error) {
	var left any
	var entries []map[string]any
	below := func(sub []string) error {
		if len(sub) == 0 {
			return nil
		}
		link, err := w.tree(sub, values, at-1)
		if len(entries) == 0 {
			left = link
		} else {
			entries[len(entries)-1]["t"] = link
		}
		return err
	}
	begin, before := 0, ""
	for i, path := range paths {
		if layer(path) != at {
			continue
		}
		if err := below(paths[begin:i]); err != nil {
			return nil, err
		}
		shared := 0
		for shared < min(len(path), len(before)) && path[shared] == before[shared] {
			shared++
		}
		entries = append(entries, map[string]any{"p": shared, "k": []byte(path[shared:]), "v": values[path], "t": nil})
		begin, before = i+1, path
	}
	if err := below(paths[begin:]); err != nil {
		return nil, err
	}
	if entries == nil {
		entries = []map[string]any{}
	}
	return w.add(map[string]any{"l": left, "e": entries})
}

// fromJSON reads a record as it is kept: its links and bytes.
func fromJSON(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, err
	}
	return native(value)
}

func native(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case json.Number:
		return v.Int64()
	case []any:
		for i := range v {
			if v[i], err = native(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if s, ok := v["$link"].(string); ok {
			id, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.TrimPrefix(s, "b")))
			return cbor.Tag{Number: 42, Content: append([]byte{0}, id...)}, err
		}
		if s, ok := v["$bytes"].(string); ok {
			return base64.RawStdEncoding.DecodeString(s)
		}
		for name := range v {
			if v[name], err = native(v[name]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}
