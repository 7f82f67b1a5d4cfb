package bluesky

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/fxamacker/cbor/v2"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Bounds of a repository: what is kept of it in memory until its tree is walked.
const (
	maxBlocks = 4_000_000 // some hundred bytes each
	maxKept   = 1 << 30   // bytes of posts, reposts and the tree
	maxLevels = 128       // of the tree; one of a billion records has some 20
	maxPath   = 1024      // bytes of collection and key
)

var errTooMuch = fmt.Errorf("holds more than %d blocks, or more than %d bytes of posts: no account has as many", maxBlocks, maxKept)

// Exported is what one record of a repository tells, or why it tells nothing.
type Exported struct {
	Where    string // the record, as "app.bsky.feed.post/3l3aaaaaaaa2a"
	Activity activity.Activity
	Err      error
}

// Repository says whose repository was read, and what of it tells nothing.
type Repository struct {
	DID    string
	Others int // records of collections that are not read
}

// ReadRepository reads an account's repository as a CAR file, which is what
// com.atproto.sync.getRepo and the app's own export give, and calls each for
// every post and repost and for the profile. Posts and reposts come as Poll maps
// them at the first connection, under the same ids and with the same times; the
// addresses of their media are missing, since the file does not say which server
// has them. The profile is one activity, of the time of the repository's
// revision.
//
// Each block is checked against its CID, so what is damaged is told and left
// out. The signature of the commit is not checked: whoever has the key of the
// account could sign anything, and who has the file chose it.
func ReadRepository(ctx context.Context, in io.Reader, account string, each func(Exported) error) (Repository, error) {
	file, err := openCAR(in)
	if err != nil {
		return Repository{}, err
	}
	r := &repository{file: file, account: account, each: each, most: maxBlocks, blocks: map[link][]byte{}}
	if err := r.load(ctx); err != nil {
		return Repository{}, err
	}
	if err := r.open(); err != nil {
		return Repository{}, err
	}
	if err := r.walk(ctx, r.commit.Data, 0); err != nil {
		return Repository{}, err
	}
	return Repository{DID: r.commit.DID, Others: r.others}, nil
}

// repository is one that is being read.
type repository struct {
	file    *carFile
	account string
	each    func(Exported) error
	most    int // blocks

	blocks map[link][]byte // nil for what is there and not read
	kept   int             // bytes of them
	commit commit
	latest time.Time // of its revision
	last   string    // path of the record that was met last
	others int
}

// commit is the root of a repository.
type commit struct {
	DID     string `cbor:"did"`
	Version int    `cbor:"version"`
	Data    link   `cbor:"data"`
	Rev     string `cbor:"rev"`
}

// node is a node of the tree of records, a Merkle search tree. Paths share what
// they begin with with the path before.
type node struct {
	Left    link `cbor:"l"`
	Entries []struct {
		Shared int    `cbor:"p"`
		Rest   []byte `cbor:"k"`
		Value  link   `cbor:"v"`
		Right  link   `cbor:"t"`
	} `cbor:"e"`
}

// load reads the blocks, and keeps those that may be needed: they come in any
// order. Of records that are not read it is kept that they are there.
func (r *repository) load(ctx context.Context) error {
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		id, data, err := r.file.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case n > r.most:
			return errTooMuch
		case errors.Is(err, errBlock):
			err = r.fault(fmt.Sprintf("block %d", n), err)
		case err != nil: // what follows cannot be told apart
			return r.fault(fmt.Sprintf("block %d", n), fmt.Errorf("%w; the blocks before stand, those after are lost", err))
		default:
			err = r.keep(id, data)
		}
		if err != nil {
			return err
		}
	}
}

func (r *repository) keep(id link, data []byte) error {
	if !r.wanted(data) {
		data = nil
	}
	if r.kept += len(data); r.kept > maxKept {
		return errTooMuch
	}
	if data != nil {
		data = append([]byte(nil), data...)
	}
	r.blocks[id] = data
	return nil
}

// wanted reports whether a block is part of the tree, or a record that is read.
func (r *repository) wanted(data []byte) bool {
	var block struct {
		Type    *cbor.RawMessage `cbor:"$type"`
		Entries *cbor.RawMessage `cbor:"e"`
		DID     *cbor.RawMessage `cbor:"did"`
	}
	if r.file.mode.Unmarshal(data, &block) != nil {
		return false
	}
	if block.Type == nil {
		return block.Entries != nil || block.DID != nil
	}
	var name string
	_ = r.file.mode.Unmarshal(*block.Type, &name) // else none that is read
	return isRead(name)
}

func isRead(collection string) bool {
	return collection == collectionPost || collection == collectionRepost || collection == collectionProfile
}

// open finds the commit.
func (r *repository) open() error {
	data := r.blocks[r.file.root]
	if data == nil {
		return fmt.Errorf("lacks the repository's commit, block %s; the download may be incomplete", cidText(string(r.file.root)))
	}
	if err := r.file.mode.Unmarshal(data, &r.commit); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if r.commit.Version != 3 {
		return fmt.Errorf("commit: version %d; expected 3, so export the repository anew", r.commit.Version)
	}
	if _, err := syntax.ParseDID(r.commit.DID); err != nil || len(r.commit.DID) > maxDID {
		return fmt.Errorf("commit: did %q; expected a DID of at most %d bytes", collectors.Clip(r.commit.DID, maxDID), maxDID)
	}
	tid, err := syntax.ParseTID(r.commit.Rev)
	if err != nil || !sensible(tid.Time()) {
		return fmt.Errorf("commit: rev %q; expected a revision such as 3l3aaaaaaaa2a", collectors.Clip(r.commit.Rev, maxKey))
	}
	r.latest = tid.Time().UTC()
	return nil
}

// walk tells the records below a node in the order of their paths. An order that
// rises keeps a tree that was built to be met again and again from being so.
func (r *repository) walk(ctx context.Context, id link, level int) error {
	if err := ctx.Err(); err != nil || id == "" {
		return err
	}
	data, there := r.blocks[id]
	switch {
	case level > maxLevels:
		return fmt.Errorf("the tree of records has more than %d levels", maxLevels)
	case !there:
		return r.fault("tree", fmt.Errorf("lacks block %s, and with it records behind %q; the download may be incomplete", cidText(string(id)), r.last))
	}
	var n node
	if err := r.file.mode.Unmarshal(data, &n); err != nil {
		return r.fault("tree", fmt.Errorf("block %s: %w; records behind %q are lost", cidText(string(id)), err, r.last))
	}
	if err := r.walk(ctx, n.Left, level+1); err != nil {
		return err
	}
	path := ""
	for _, e := range n.Entries {
		if e.Shared < 0 || e.Shared > len(path) || e.Shared+len(e.Rest) > maxPath {
			return r.fault("tree", fmt.Errorf("block %s: a path shares %d bytes with one of %d; records behind %q are lost", cidText(string(id)), e.Shared, len(path), r.last))
		}
		path = path[:e.Shared] + string(e.Rest)
		if path <= r.last {
			return fmt.Errorf("the tree of records is in no order: %q comes behind %q", path, r.last)
		}
		r.last = path
		if err := r.record(path, e.Value); err != nil {
			return err
		}
		if err := r.walk(ctx, e.Right, level+1); err != nil {
			return err
		}
	}
	return nil
}

// record tells one record.
func (r *repository) record(path string, id link) error {
	collection, key, ok := strings.Cut(path, "/")
	if !isRead(collection) {
		r.others++
		return nil
	}
	data, there := r.blocks[id]
	switch {
	case !ok || !isKey(key):
		return r.fault(path, errors.New("has no record key"))
	case !there:
		return r.fault(path, fmt.Errorf("its block %s is not in the file; the download may be incomplete", cidText(string(id))))
	case data == nil:
		return r.fault(path, fmt.Errorf("$type: expected %s", collection))
	}
	value, err := r.file.toJSON(data)
	if err != nil {
		return r.fault(path, err)
	}
	rec := newRecord(listed{Value: value}, key)
	a := activity.Activity{ID: uri(r.commit.DID, collection, rec.key), Network: Network, Account: r.account, Kind: activity.KindPost}
	if collection == collectionProfile {
		r.profile(&a, rec)
		if len(a.Profile) == 0 {
			return nil
		}
	} else {
		a.Time = rec.firstSeen(r.latest)
		err = rec.into(&a, collection, r.commit.DID, "")
	}
	if err == nil {
		err = slim(&a)
	}
	if err != nil {
		return r.fault(path, err)
	}
	return r.each(Exported{Where: path, Activity: a})
}

// firstSeen decides when a record was made, as Poll does of history: by its key
// or else by createdAt, never later than the revision that has it.
func (rec *record) firstSeen(latest time.Time) time.Time {
	at := rec.created()
	if tid, err := syntax.ParseTID(rec.key); err == nil {
		at = tid.Time().UTC()
	}
	if !sensible(at) || at.After(latest) {
		return latest
	}
	return at
}

// profile maps the profile's record as it was in this revision.
func (r *repository) profile(a *activity.Activity, rec *record) {
	a.ID, a.Kind, a.Time = "archive/"+r.commit.Rev, activity.KindProfile, r.latest.Truncate(time.Second)
	values := profileValues(rec)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if value := watchedValue(values[name]); value != "" {
			a.Profile = append(a.Profile, activity.Field{Name: name, Value: value})
		}
	}
}

func (r *repository) fault(where string, err error) error {
	return r.each(Exported{Where: where, Err: err})
}
