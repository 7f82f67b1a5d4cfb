// Package webhook takes activities and approvals in over HTTP: it checks who
// sends, how much and how often, and answers for every item. What a body means
// belongs in collectors/intake; the server around the handler, with its
// listener, TLS and time-outs for slow senders, belongs to the caller.
package webhook

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/intake"
)

// Paths served.
const (
	ActivitiesPath = "/v1/activities"
	ApprovalsPath  = "/v1/approvals"
)

// Defaults of Config.
const (
	DefaultRate     = 50 // requests a second and credential
	DefaultBurst    = 100
	DefaultInFlight = 32
)

// usualBody is how much of a signed body is read of everybody at once, in bytes.
const usualBody = 32 << 10

// Config says who may send and how much.
type Config struct {
	Tokens  []Token
	Signers []Signer
	// Rate and Burst bound the requests of each credential a second and at
	// once; 0 means DefaultRate and DefaultBurst.
	Rate  float64
	Burst int
	// MaxBody bounds a body in bytes, before and after decompression, MaxItems
	// its items; 0 means intake.MaxBody and intake.MaxItems.
	MaxBody  int64
	MaxItems int
	// InFlight bounds the requests of known senders that are served at once, and
	// the large bodies that are read at once to know their sender; 0 means
	// DefaultInFlight.
	InFlight int
}

// Deps is what the handler is given.
type Deps struct {
	Log     *zap.Logger      // nil logs nothing
	Now     func() time.Time // nil means time.Now
	Metrics intake.Metrics   // nil counts nothing
}

// New returns the handler of POST /v1/activities and POST /v1/approvals.
//
// Every answer is an intake.Answer. Its status is 200 when all items were
// accepted, 207 when some were, 400 when none was; 401 for a missing or wrong
// credential, 413, 415 and 429 for bodies that are too large, of another form,
// or too frequent; 503 for a passing fault and 507 when the journal has no
// room, both with nothing accepted. 429 and 503 carry Retry-After in seconds.
//
// An error of New names what is wrong with cfg.
func New(cfg Config, in collectors.Intake, deps Deps) (http.Handler, error) {
	cfg = cfg.withDefaults()
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Metrics == nil {
		deps.Metrics = intake.NoMetrics{}
	}
	keys, err := newKeyring(cfg)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	h := &handler{
		cfg: cfg, deps: deps, keys: keys, slots: make(chan struct{}, cfg.InFlight), large: make(chan struct{}, cfg.InFlight),
		receiver: &intake.Receiver{Intake: in, Now: deps.Now, Metrics: deps.Metrics, MaxItems: cfg.MaxItems},
	}
	mux := http.NewServeMux()
	mux.Handle("POST "+ActivitiesPath, h.serve(intake.Activities))
	mux.Handle("POST "+ApprovalsPath, h.serve(intake.Approvals))
	return mux, nil
}

func (c Config) withDefaults() Config {
	if c.Rate == 0 {
		c.Rate = DefaultRate
	}
	if c.Burst == 0 {
		c.Burst = DefaultBurst
	}
	if c.MaxBody == 0 {
		c.MaxBody = intake.MaxBody
	}
	if c.MaxItems == 0 {
		c.MaxItems = intake.MaxItems
	}
	if c.InFlight == 0 {
		c.InFlight = DefaultInFlight
	}
	return c
}

type handler struct {
	cfg      Config
	deps     Deps
	keys     *keyring
	slots    chan struct{} // of requests whose sender is known
	large    chan struct{} // of large bodies whose sender is not known yet
	receiver *intake.Receiver
}

func (h *handler) serve(content intake.Content) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := h.receive(w, r, content)
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		h.reply(w, answer)
	})
}

// receive does what one request asks for. An error refuses the whole request.
func (h *handler) receive(w http.ResponseWriter, r *http.Request, content intake.Content) (*intake.Answer, error) {
	now := h.deps.Now()
	claim, err := h.keys.claim(r.Header, now)
	if err != nil {
		return nil, err
	}
	form, err := intake.FormOf(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	who, body := claim.token, []byte(nil)
	if who == nil {
		// Signatures are over the bytes as they were sent, so that nothing from
		// strangers is inflated.
		if body, err = h.readUnknown(w, r); err != nil {
			return nil, err
		}
		if who, err = claim.prove(body); err != nil {
			return nil, err
		}
	}
	free, err := h.take(h.slots)
	if err != nil {
		return nil, err
	}
	defer free()
	if err := h.throttle(who, now); err != nil {
		return nil, err
	}
	if claim.token != nil { // known before its body is read
		if body, err = h.readBody(http.MaxBytesReader(w, r.Body, h.cfg.MaxBody)); err != nil {
			return nil, err
		}
	}
	if body, err = intake.Inflate(body, r.Header.Get("Content-Encoding"), h.cfg.MaxBody); err != nil {
		return nil, err
	}
	answer, err := h.receiver.Receive(r.Context(), intake.Body{Data: body, Form: form, Content: content, May: who.may, Sender: who.String()})
	if err != nil {
		return nil, &counted{err}
	}
	h.log(who, content, answer)
	return answer, nil
}

// take takes one of slots until free is called, or refuses.
func (h *handler) take(slots chan struct{}) (free func(), err error) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	default:
		return nil, &refusal{
			status: http.StatusServiceUnavailable, reason: intake.ReasonBusy, wait: time.Second,
			err: fmt.Errorf("%d requests are being served already; send it again in a second", cap(slots)),
		}
	}
}

// readUnknown reads the body of whoever may be a stranger. It takes no slot of
// those who are known, and none at all for a body of the usual size: a stranger
// may send slowly, and many at once.
func (h *handler) readUnknown(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	whole := http.MaxBytesReader(w, r.Body, h.cfg.MaxBody)
	body, err := h.readBody(io.LimitReader(whole, usualBody))
	if err != nil || len(body) < usualBody {
		return body, err
	}
	free, err := h.take(h.large)
	if err != nil {
		return nil, err
	}
	defer free()
	rest, err := h.readBody(whole)
	return append(body, rest...), err
}

// throttle refuses what comes too often.
func (h *handler) throttle(who *credential, now time.Time) error {
	wait := who.wait(now)
	if wait == 0 {
		return nil
	}
	return &refusal{
		status: http.StatusTooManyRequests, reason: intake.ReasonRateLimited, wait: wait,
		err: fmt.Errorf("%s sends more than %v requests a second; slow down or put more items into one request", who, h.cfg.Rate),
	}
}

// readBody reads what a MaxBytesReader lets through.
func (h *handler) readBody(from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(from)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, fmt.Errorf("%w: more than %d bytes; split it", intake.ErrTooLarge, h.cfg.MaxBody)
	case err != nil:
		return nil, &refusal{status: http.StatusBadRequest, reason: intake.ReasonUnread, err: fmt.Errorf("read body: %w", err)}
	}
	return body, nil
}

// log says in one line what became of a body, without any of its content.
func (h *handler) log(who *credential, content intake.Content, answer *intake.Answer) {
	fields := []zap.Field{
		zap.String("sender", who.name), zap.String("content", string(content)),
		zap.Int("accepted", answer.Accepted), zap.Int("refused", answer.Refused),
	}
	if first := answer.FirstRefused(); first != nil {
		fields = append(fields, zap.Int("index", first.Index), zap.String("reason", first.Reason()), zap.String("field", first.Field))
		h.deps.Log.Warn("webhook items refused", fields...)
		return
	}
	h.deps.Log.Debug("webhook items accepted", fields...)
}

// refusal refuses a request before its items are looked at.
type refusal struct {
	status int
	reason string
	wait   time.Duration // Retry-After, none if zero
	err    error
}

func (e *refusal) Error() string { return e.err.Error() }

func (e *refusal) Unwrap() error { return e.err }

// counted is an error that the Receiver has counted already.
type counted struct{ error }

func (e *counted) Unwrap() error { return e.error }

func (h *handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, reason, wait := http.StatusBadRequest, intake.BodyReason(err), time.Duration(0)
	var ref *refusal
	switch {
	case errors.As(err, &ref):
		status, reason, wait = ref.status, ref.reason, ref.wait
	case errors.Is(err, intake.ErrTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, intake.ErrMediaType):
		status = http.StatusUnsupportedMediaType
	}
	if !errors.As(err, new(*counted)) {
		h.deps.Metrics.Refused(reason, 1)
	}
	h.deps.Log.Warn("webhook request refused", zap.String("path", r.URL.Path), zap.Int("status", status), zap.String("reason", reason))
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="picket"`)
	}
	write(w, status, wait, &intake.Answer{Error: err.Error()})
}

func (h *handler) reply(w http.ResponseWriter, answer *intake.Answer) {
	status, wait := http.StatusOK, time.Duration(0)
	switch answer.Outcome() {
	case intake.AllAccepted:
	case intake.SomeRefused:
		status = http.StatusMultiStatus
	case intake.AllRefused:
		status = http.StatusBadRequest
	case intake.NoRoom:
		status = http.StatusInsufficientStorage
	case intake.Fault:
		status, wait = http.StatusServiceUnavailable, time.Second
	}
	write(w, status, wait, answer)
}

func write(w http.ResponseWriter, status int, wait time.Duration, answer *intake.Answer) {
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(answer.JSON(), '\n')) // a sender that is gone hears nothing
}
