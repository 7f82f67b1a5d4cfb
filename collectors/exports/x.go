package exports

import (
	"context"
	"errors"
	"fmt"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/file"
)

// x is X's archive, which collectors/file reads.
type x struct{ history *file.History }

func openX(ctx context.Context, path string, opts Options) (*Export, error) {
	h, err := file.OpenHistory(ctx, path, file.Options{Account: opts.Account})
	if err != nil {
		return nil, err
	}
	who, ok := h.Owner()
	if !ok {
		return nil, errors.Join(errors.New("holds no data files such as tweets.js; expected the zip file that X sent, or the folder that it unpacks to"), h.Close())
	}
	return &Export{Owner: Owner{Handle: who.Username, ID: who.ID}, source: x{h}}, nil
}

func (x x) next() (activity.Activity, error) {
	a, err := x.history.Next()
	if item, ok := errors.AsType[*file.ItemError](err); ok {
		err = &ItemError{Where: fmt.Sprintf("%s:%d", item.File, item.Line), Err: item.Err}
	}
	return a, err
}

func (x) left() []Left {
	return []Left{{What: "direct messages, likes and everything else of the archive", Why: "Picket learns from posts, deleted posts, logins and the profile"}}
}

func (x x) close() error { return x.history.Close() }
