package replay

import (
	"context"
	"io"
	"time"
)

// UpTo returns src up to a log time, so that a log that grows meanwhile can be
// read twice.
func UpTo(src Source, until time.Time) Source { return &upTo{src: src, until: until} }

type upTo struct {
	src   Source
	until time.Time
	over  bool
}

// Next implements Source.
func (u *upTo) Next(ctx context.Context) (Message, error) {
	if u.over {
		return Message{}, io.EOF
	}
	m, err := u.src.Next(ctx)
	if err == nil && m.Time.After(u.until) {
		u.over = true
		return Message{}, io.EOF
	}
	return m, err
}

// Partitions implements Parted.
func (u *upTo) Partitions() int { return Partitions(u.src) }

// Since implements Dated.
func (u *upTo) Since() time.Time { return Since(u.src) }
