package state

// Store is the memory of one partition's accounts. It is not for concurrent use.
type Store struct {
	*Heap
	Texts    *Texts
	Accounts *Accounts
}

// New returns an empty store.
func New() *Store {
	h := newHeap()
	return &Store{Heap: h, Texts: newTexts(h), Accounts: newAccounts(h)}
}
