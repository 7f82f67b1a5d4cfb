package collectors

import (
	"fmt"
	"io"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// Redacted is what every printed form of a Secret says.
const Redacted = "[redacted]"

// Secret is a token, password or key. Every printed form of it, fmt verbs,
// JSON, text, zap and slog encodings included, is Redacted; Reveal gives the
// value to the one place that needs it. JSON and YAML decoders fill it like a
// string. It must not be the key of a map: encoding/json writes keys whose kind
// is string as they are.
type Secret string

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// String returns Redacted.
func (s Secret) String() string { return Redacted }

// GoString returns Redacted.
func (s Secret) GoString() string { return Redacted }

// Format writes Redacted whatever the verb: %x and %d would else reach the
// bytes.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalJSON returns Redacted as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText returns Redacted; YAML and XML encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalLogObject adds nothing but Redacted to a zap log line.
func (s Secret) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("secret", Redacted)
	return nil
}

// LogValue returns Redacted to log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }
