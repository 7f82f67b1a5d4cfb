package state

import "unsafe"

// Read returns the value in a cell. T has no pointers and fits in the cell.
func Read[T any](h *Heap, r Ref) *T { return (*T)(h.At(r)) }

// Edit returns the value in a cell, to be changed before the next image begins.
func Edit[T any](h *Heap, r Ref) *T { return (*T)(h.Mut(r)) }

// Head is the head of a list: a struct of whole 8-byte words, without pointers,
// that counts the items among other things.
type Head[H any] interface {
	// Items returns how many items there are.
	Items() int
	// With returns the head with so many items.
	With(items int) H
}

// A list is a cell with a head and items, which have no pointers.

// ReadList returns the head and the items of a list, to be read; nothing of the
// list 0.
func ReadList[H Head[H], T any](h *Heap, r Ref) (head H, items []T) {
	if r == 0 {
		return head, nil
	}
	return listAt[H, T](h, r)
}

// EditList is ReadList for items that are changed, before the next image begins.
// What becomes of them goes back with PutList, also where they were only changed
// in place: append and slices.Insert use the room of the cell and move to memory
// of their own where it is full.
func EditList[H Head[H], T any](h *Heap, r Ref) (head H, items []T) {
	if r == 0 {
		return head, nil
	}
	h.mark(r)
	return listAt[H, T](h, r)
}

func listAt[H Head[H], T any](h *Heap, r Ref) (head H, items []T) {
	p := h.At(r)
	room := (h.Size(r) - int(unsafe.Sizeof(head))) / int(unsafe.Sizeof(*new(T)))
	all := unsafe.Slice((*T)(unsafe.Add(p, unsafe.Sizeof(head))), room)
	head = *(*H)(p)
	return head, all[:head.Items()]
}

// PutList stores a list that EditList returned from cell r, and returns its cell,
// which is another one where it no longer fits or is much too large.
func PutList[H Head[H], T any](h *Heap, r Ref, head H, items []T) Ref {
	head = head.With(len(items))
	headSize, itemSize := int(unsafe.Sizeof(head)), int(unsafe.Sizeof(*new(T)))
	const small = 512 // bytes; less is not worth moving for
	need := headSize + len(items)*itemSize
	if r == 0 || need > h.Size(r) || h.Size(r) > small && need < h.Size(r)/4 {
		old := r
		const least = 24 // bytes; nearly every list gets there, and leaves its cells behind
		r = h.Alloc(max(least, min(need+itemSize*(len(items)/8), max(need, MaxCell))))
		copy(unsafe.Slice((*T)(unsafe.Add(h.Mut(r), headSize)), len(items)), items)
		h.Free(old)
	} else if at := unsafe.Add(h.Mut(r), headSize); len(items) > 0 && unsafe.Pointer(&items[0]) != at {
		copy(unsafe.Slice((*T)(at), len(items)), items)
	}
	*(*H)(h.At(r)) = head
	return r
}
