package app

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	// seldomEvery is how often a warning of one kind is logged about what others
	// send.
	seldomEvery = time.Minute
	// maxKinds bounds the kinds that are told apart.
	maxKinds = 1000
)

// seldom returns log for what others send, strangers among them: of the warnings
// of one kind it writes one a minute, which says how many of them were left out
// since the one before. A kind is a message with who sent and why it was refused;
// each of them is counted by a metric.
func seldom(log *zap.Logger) *zap.Logger {
	return log.WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core {
		return &seldomCore{Core: c, kinds: &kinds{of: map[string]*kind{}}}
	}))
}

type seldomCore struct {
	zapcore.Core
	kinds *kinds
}

// kinds are the warnings written so far.
type kinds struct {
	mu sync.Mutex
	of map[string]*kind
}

type kind struct {
	written time.Time
	leftOut int
}

// With implements zapcore.Core.
func (c *seldomCore) With(fields []zapcore.Field) zapcore.Core {
	return &seldomCore{c.Core.With(fields), c.kinds}
}

// Check implements zapcore.Core.
func (c *seldomCore) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return to.AddCore(e, c)
	}
	return to
}

// Write implements zapcore.Core.
func (c *seldomCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if e.Level < zapcore.WarnLevel {
		return c.Core.Write(e, fields)
	}
	leftOut, now := c.kinds.next(kindOf(e, fields), e.Time)
	if !now {
		return nil
	}
	if leftOut > 0 {
		fields = append(slices.Clip(fields), zap.Int("left_out", leftOut))
	}
	return c.Core.Write(e, fields)
}

// next reports whether a line of a kind is to be written, and how many were left
// out before it.
func (k *kinds) next(name string, now time.Time) (leftOut int, write bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	of := k.of[name]
	if of == nil && len(k.of) >= maxKinds {
		name = ""
		of = k.of[name]
	}
	switch {
	case of == nil:
		k.of[name] = &kind{written: now}
		return 0, true
	case now.Sub(of.written) < seldomEvery && !now.Before(of.written): // a clock that was set back silences nothing
		of.leftOut++
		return 0, false
	}
	leftOut = of.leftOut
	*of = kind{written: now}
	return leftOut, true
}

// kindOf names what tells warnings apart, all of it chosen by Picket and its
// configuration: what a sender chooses, such as a path, would make each its own.
func kindOf(e zapcore.Entry, fields []zapcore.Field) string {
	var b strings.Builder
	b.WriteString(e.Message)
	for i := range fields {
		switch f := &fields[i]; f.Key {
		case "sender", "token", "subject", "reason":
			fmt.Fprintf(&b, "\x00%s", f.String)
		case "status":
			fmt.Fprintf(&b, "\x00%d", f.Integer)
		}
	}
	return b.String()
}
