package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"unsafe"
)

// ErrImage says that an image is not one that this version, or this machine,
// can take.
var ErrImage = errors.New("image of memory not readable")

// Image is one moment of a heap. It is copied piece by piece while the heap goes
// on changing: what changes before it was copied is copied first, in parts of
// 4 KiB. An image is whole, or holds what changed since the one before it.
//
// Pieces are in the machine's own byte order; the root says which.
type Image struct {
	h    *Heap
	root []byte
	left []uint32 // pages that are not copied yet
	out  []byte   // copied before it changed
}

// Image begins an image; there must not be another one in the making. The copying
// is left to Step.
func (h *Heap) Image(whole bool) *Image {
	im := &Image{h: h, root: h.root()}
	for n := 1; n < len(h.pages); n++ {
		p := &h.pages[n]
		p.held = p.dirty
		if whole {
			p.held = h.used(uint32(n), p)
		}
		p.dirty = 0
		if p.held != 0 {
			im.left = append(im.left, uint32(n))
		}
	}
	h.image = im
	return im
}

// Root returns what is needed besides the pieces.
func (im *Image) Root() []byte { return im.root }

// Step appends pieces to dst, until it has grown by size or more, and reports
// whether the image is complete with them.
func (im *Image) Step(dst []byte, size int) (pieces []byte, done bool) {
	from := len(dst)
	dst = append(dst, im.out...)
	im.out = im.out[:0]
	for len(im.left) > 0 && len(dst)-from < size {
		n := im.left[0]
		im.left = im.left[1:]
		if p := &im.h.pages[n]; p.held != 0 {
			dst = appendPiece(dst, n, p, p.held)
			p.held = 0
		}
	}
	if len(im.left) > 0 {
		return dst, false
	}
	im.h.image = nil
	return dst, true
}

// before copies blocks that are about to change.
func (im *Image) before(n uint32, p *page, blocks uint64) {
	im.out = appendPiece(im.out, n, p, p.held&blocks)
	p.held &^= blocks
}

const pieceHead = 16

// appendPiece appends the number of a page, its class, how many blocks it has,
// which of them follow, and these.
func appendPiece(dst []byte, n uint32, p *page, blocks uint64) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, n)
	dst = binary.LittleEndian.AppendUint16(dst, p.class)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(p.words)>>blockBits))
	dst = binary.LittleEndian.AppendUint64(dst, blocks)
	for all := p.bytes(); blocks != 0; blocks &= blocks - 1 {
		at := bits.TrailingZeros64(blocks) * blockBytes
		dst = append(dst, all[at:at+blockBytes]...)
	}
	return dst
}

func (p *page) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p.words))), len(p.words)*unit)
}

// layoutVersion changes when cells of another version could not be read.
const layoutVersion = 2

const classBytes = 16 // of a root

// root encodes what is not in pages: how full they are and what is free.
func (h *Heap) root() []byte {
	order := uint32(layoutVersion) // in the machine's byte order
	out := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&order)), 4)...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(h.pages)))
	out = binary.LittleEndian.AppendUint64(out, uint64(h.bytes))
	for k := range h.classes {
		for _, c := range h.classes[k] {
			out = binary.LittleEndian.AppendUint32(out, uint32(c.Free))
			out = binary.LittleEndian.AppendUint32(out, c.Page)
			out = binary.LittleEndian.AppendUint32(out, c.Next)
			out = binary.LittleEndian.AppendUint32(out, c.Full)
		}
	}
	return out
}

// Load takes pieces of one image. Those of a whole one go into a new store,
// those of the increments after it follow in order.
func (h *Heap) Load(pieces []byte) error {
	var copies []blockCopy
	for len(pieces) > 0 {
		if len(pieces) < pieceHead {
			return fmt.Errorf("%w: a piece of %d bytes", ErrImage, len(pieces))
		}
		n, class := binary.LittleEndian.Uint32(pieces), binary.LittleEndian.Uint16(pieces[4:])
		size := int(binary.LittleEndian.Uint16(pieces[6:]))
		blocks := binary.LittleEndian.Uint64(pieces[8:])
		pieces = pieces[pieceHead:]
		if n == 0 || n >= MaxBytes/PageBytes || class>>12 >= kinds || int(class&0xfff) >= len(h.sizes) ||
			size > PageBytes/blockBytes || bits.Len64(blocks) > size || len(pieces) < bits.OnesCount64(blocks)*blockBytes {
			return fmt.Errorf("%w: page %d of class %d", ErrImage, n, class)
		}
		for uint32(len(h.pages)) <= n {
			h.pages = append(h.pages, page{units: uint16(h.sizes[0])})
		}
		p := &h.pages[n]
		p.class, p.units = class, uint16(h.sizes[class&0xfff])
		if len(p.words) != size<<blockBits {
			p.words = h.words(uint32(size) << blockBits)
		}
		for all := p.bytes(); blocks != 0; {
			first := bits.TrailingZeros64(blocks)
			n := bits.TrailingZeros64(^(blocks >> first)) // that follow each other
			copies = append(copies, blockCopy{all[first*blockBytes : (first+n)*blockBytes], pieces})
			pieces = pieces[n*blockBytes:]
			blocks &^= (1<<n - 1) << first
		}
	}
	copyBlocks(copies)
	return nil
}

// blockCopy is a run of blocks to copy: as many bytes as to has.
type blockCopy struct{ to, from []byte }

// copyBlocks copies runs of blocks, of which no two overlap. Most of its time the
// system takes, to give memory that is touched for the first time: it does that for
// several at once.
func copyBlocks(all []blockCopy) {
	if len(all) == 0 {
		return
	}
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for some := range slices.Chunk(all, (len(all)+workers-1)/workers) {
		group.Go(func() {
			for _, c := range some {
				copy(c.to, c.from)
			}
		})
	}
	group.Wait()
}

// Finish makes a store of the pieces that were loaded, with the root of the last
// image.
func (s *Store) Finish(root []byte) error {
	h := s.Heap
	order := uint32(layoutVersion)
	want := 16 + kinds*len(h.sizes)*classBytes
	if len(root) != want || string(root[:4]) != string(unsafe.Slice((*byte)(unsafe.Pointer(&order)), 4)) {
		return fmt.Errorf("%w: it is of another version or another kind of machine", ErrImage)
	}
	if n := binary.LittleEndian.Uint32(root[4:]); int(n) != len(h.pages) {
		return fmt.Errorf("%w: %d pages of %d", ErrImage, len(h.pages)-1, n-1)
	}
	h.bytes = int64(binary.LittleEndian.Uint64(root[8:]))
	root = root[16:]
	for k := range h.classes {
		for i := range h.classes[k] {
			h.classes[k][i] = class{
				Ref(binary.LittleEndian.Uint32(root)), binary.LittleEndian.Uint32(root[4:]),
				binary.LittleEndian.Uint32(root[8:]), binary.LittleEndian.Uint32(root[12:]),
			}
			root = root[classBytes:]
		}
	}
	s.Texts.restore()
	s.Accounts.restore()
	return nil
}
