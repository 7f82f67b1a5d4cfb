package profile

// World is a sample of what others posted lately: what an account's voice is
// told apart from. It is shared by the accounts of a partition. The zero value
// is empty.
type World struct {
	Posts [worldPosts]worldPost
	Seen  uint64
}

const (
	worldPosts  = 1024
	worldTokens = 40
	perAccount  = 32 // slots that one account may fill
)

type worldPost struct {
	Owner  uint16
	N      uint8
	Apps   uint8
	App    uint32
	Tokens [worldTokens]uint16
}

// Learn takes a post into the sample. One account fills few slots.
func (w *World) Learn(p *Post) {
	w.Seen++
	if w.Seen%4 != 0 {
		return
	}
	slot := mix(uint64(p.Owner)<<8|w.Seen/4%perAccount) % worldPosts
	s := &w.Posts[slot]
	s.Owner, s.N, s.App = p.Owner, 0, p.App
	// The last tokens are style: keep both ends.
	for i := range int(p.n) {
		if i >= int(p.words) || i < worldTokens-16 {
			if int(s.N) < worldTokens {
				s.Tokens[s.N] = p.tokens[i]
				s.N++
			}
		}
	}
}

// other returns a post of somebody else, nil where none is known.
func (w *World) other(owner uint16, random uint64) *worldPost {
	for i := range uint64(8) {
		s := &w.Posts[mix(random+i)%worldPosts]
		if s.N > 0 && s.Owner != owner {
			return s
		}
	}
	return nil
}
