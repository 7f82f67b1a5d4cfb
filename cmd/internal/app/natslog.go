package app

import (
	"fmt"
	"strings"
	"sync"

	"go.uber.org/zap"
)

// serverLog gives the embedded server's log lines to zap: its notices are
// details to us, its warnings and errors are not.
type serverLog struct {
	log *zap.SugaredLogger

	mu   sync.Mutex
	text string
	gone chan struct{} // closed once the server cannot go on
}

func newServerLog(log *zap.Logger) *serverLog {
	return &serverLog{log: log.Named("nats").Sugar(), gone: make(chan struct{})}
}

func (l *serverLog) Noticef(format string, v ...any) { l.log.Debugf(format, v...) }
func (l *serverLog) Debugf(format string, v ...any)  { l.log.Debugf(format, v...) }
func (l *serverLog) Tracef(format string, v ...any)  { l.log.Debugf(format, v...) }

func (l *serverLog) Warnf(format string, v ...any) {
	if strings.HasPrefix(format, "Plaintext passwords") {
		return // made at random, longer than any hash, and kept in this process
	}
	l.keep(format, v)
	l.log.Warnf(format, v...)
}

func (l *serverLog) Errorf(format string, v ...any) {
	l.keep(format, v)
	l.log.Errorf(format, v...)
}

// Fatalf is told like an error: the daemon, not the server, decides to exit.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.Errorf(format, v...)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended() {
		close(l.gone)
	}
}

// ended reports whether the server cannot go on.
func (l *serverLog) ended() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

func (l *serverLog) keep(format string, v []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = fmt.Sprintf(format, v...)
}

// last returns the newest warning or error.
func (l *serverLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text == "" {
		return "no reason given; run with log.level debug"
	}
	return l.text
}
