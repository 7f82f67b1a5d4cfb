package detector

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"unsafe"
)

// block is one rule's memory of one account or group: a value of a fixed size
// without pointers, so that the garbage collector sees nothing in it. Its words
// are written little-endian.
type block []uint64

// MarshalText implements encoding.TextMarshaler.
func (b block) MarshalText() ([]byte, error) {
	raw := make([]byte, 0, 8*len(b))
	for _, w := range b {
		raw = binary.LittleEndian.AppendUint64(raw, w)
	}
	return base64.StdEncoding.AppendEncode(nil, raw), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *block) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil || len(raw)%8 != 0 {
		return fmt.Errorf("memory of a rule: %d bytes are not base64 of whole words", len(text))
	}
	*b = make(block, 0, len(raw)/8)
	for ; len(raw) > 0; raw = raw[8:] {
		*b = append(*b, binary.LittleEndian.Uint64(raw))
	}
	return nil
}

// memoryOf returns what the rule whose state key it is knows of an account's
// group, a zero T where that is nothing yet. T is a struct of fixed size without
// pointers, made of fields of at most 8 bytes, and its zero value has seen
// nothing.
func memoryOf[T any](st *accountState, stateKey, group string) *T {
	var zero T
	words := (int(unsafe.Sizeof(zero)) + 7) / 8
	key := stateKey + group
	b := st.Models[key]
	if len(b) != words { // new, or of another version of the model
		b = make(block, words)
		if st.Models == nil {
			st.Models = map[string]block{}
		}
		st.Models[key] = b
	}
	return (*T)(unsafe.Pointer(unsafe.SliceData(b)))
}

// memoriesOf returns what the rule whose state key it is knows of the groups of
// an account, in no order. They are for reading.
func memoriesOf[T any](st *accountState, stateKey string) []*T {
	if st == nil {
		return nil
	}
	var zero T
	var out []*T
	for key, b := range st.Models {
		if stateOf(key) == stateKey && len(b) == (int(unsafe.Sizeof(zero))+7)/8 {
			out = append(out, (*T)(unsafe.Pointer(unsafe.SliceData(b))))
		}
	}
	return out
}
