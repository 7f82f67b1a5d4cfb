package simulate

import "cmp"

// action is what a step does.
type action uint8

const (
	doPlan action = iota // an account decides about its next post
	doApprove
	doPost
	doReply
	doRepost
	doEdit
	doDelete
	doFollowers
	doMention
	doProfile // the profile as it is, or a change of it
	doPollFailing
	doPollForbidden
	doPollGap
	doPollComplete
	doTokenGrant

	doDay // a person decides about the day
	doLogin
	doLoginFailure
	doMFAChange
	doPasswordChange
	doRoleChange

	doAttack // the director decides about an attack
)

func (d action) ofPerson() bool { return d >= doDay && d <= doRoleChange }

// step is one thing that a stream will do.
type step struct {
	at      int64  // Unix milliseconds
	seq     uint32 // order of planning within the stream; breaks ties
	who     int32  // index of the account or the person
	do      action
	flavour flavour
	spliced bool  // planned by the director
	aux     uint8 // a city, a place, or thread for posts
	// subject is the id of the post in question: the content is a function of
	// it, so that an approval knows the text of the post to come.
	subject uint64
	label   *Label
}

// id is the native id of the step's activity, in the manner of the networks'
// own: time first, then who, then a counter.
func (s *step) id() uint64 {
	n := uint64(s.seq & 0x1ff)
	if s.spliced {
		n |= 0x200
	}
	return uint64(s.at)<<idBits | uint64(s.who&0xfff)<<10 | n
}

const idBits = 22

// postTime is the time, in Unix milliseconds, of the post with that id.
func postTime(id uint64) int64 { return int64(id >> idBits) }

// queue holds the steps that one stream has planned, latest first.
type queue struct {
	steps []step
	seq   uint32
}

// plan adds a step and returns the id that its activity will have. A post
// whose subject is not given is about itself.
func (q *queue) plan(s step) uint64 {
	s.seq = q.seq
	q.seq++
	if s.subject == 0 {
		s.subject = s.id()
	}
	q.insert(s)
	return s.id()
}

// insert puts a step that has its number where it belongs.
func (q *queue) insert(s step) {
	i := len(q.steps)
	q.steps = append(q.steps, s)
	for i > 0 && q.steps[i-1].before(&s) {
		q.steps[i] = q.steps[i-1]
		i--
	}
	q.steps[i] = s
}

func (s *step) before(t *step) bool {
	return s.at < t.at || s.at == t.at && s.seq < t.seq
}

func (q *queue) pop() step {
	last := len(q.steps) - 1
	s := q.steps[last]
	q.steps[last].label = nil
	q.steps = q.steps[:last]
	return s
}

// turn is a stream and the time of its next step.
type turn struct {
	at     int64
	stream int
}

func (t turn) before(u turn) bool {
	return cmp.Or(cmp.Compare(t.at, u.at), cmp.Compare(t.stream, u.stream)) < 0
}

// stream numbers accounts first, then people, then the director.
func (w *World) stream(i int) *queue {
	if i < len(w.accounts) {
		return &w.accounts[i].queue
	}
	if i -= len(w.accounts); i < len(w.people) {
		return &w.people[i].queue
	}
	return &w.director.queue
}

// enter puts a stream that has steps into the order.
func (w *World) enter(stream int, q *queue) {
	if len(q.steps) == 0 {
		return
	}
	w.order = append(w.order, turn{q.steps[len(q.steps)-1].at, stream})
	for i := len(w.order) - 1; i > 0; {
		parent := (i - 1) / 2
		if !w.order[i].before(w.order[parent]) {
			return
		}
		w.order[i], w.order[parent] = w.order[parent], w.order[i]
		i = parent
	}
}

// settle moves the stream at the top, whose queue is q, to where its next
// step belongs, or drops it when it has none.
func (w *World) settle(q *queue) {
	h := w.order
	if n := len(q.steps); n > 0 {
		h[0].at = q.steps[n-1].at
	} else {
		h[0] = h[len(h)-1]
		h = h[:len(h)-1]
		w.order = h
		if len(h) == 0 {
			return
		}
	}
	top, i := h[0], 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(top) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = top
}
