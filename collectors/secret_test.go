package collectors_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors"
)

func TestSecretNeverPrints(t *testing.T) {
	const value = "hunter2-hunter2"
	secret := collectors.Secret(value)
	holder := struct {
		Token collectors.Secret `json:"token" yaml:"token"`
	}{secret}

	printed := map[string]string{}
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%X", "%d", "%T of %v"} {
		args := []any{secret}
		if strings.Count(verb, "%") == 2 {
			args = []any{secret, secret}
		}
		printed[verb] = fmt.Sprintf(verb, args...)
		if strings.Count(verb, "%") == 1 {
			printed[verb+" in a struct"] = fmt.Sprintf(verb, holder)
		}
	}
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	printed["json"] = string(asJSON)
	asYAML, err := yaml.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	printed["yaml"] = string(asYAML)
	var logs bytes.Buffer
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&logs), zap.DebugLevel))
	log.Info("a", zap.Any("b", secret), zap.Stringer("c", secret), zap.Reflect("d", holder), zap.Object("e", secret))
	printed["zap"] = logs.String()
	var lines bytes.Buffer
	slog.New(slog.NewJSONHandler(&lines, nil)).Info("a", "b", secret)
	printed["slog"] = lines.String()

	for form, got := range printed {
		if strings.Contains(got, value) || strings.Contains(got, fmt.Sprintf("%x", value)) {
			t.Errorf("%s shows the secret: %s", form, got)
		}
		if !strings.Contains(got, collectors.Redacted) {
			t.Errorf("%s = %s, want it to say %s", form, got, collectors.Redacted)
		}
	}
	if secret.Reveal() != value {
		t.Error("Reveal does not return the value")
	}
}

func TestSecretDecodes(t *testing.T) {
	var got struct{ Token collectors.Secret }
	if err := yaml.Unmarshal([]byte("token: s3cret"), &got); err != nil || got.Token.Reveal() != "s3cret" {
		t.Errorf("yaml: %v, revealed %q", err, got.Token.Reveal())
	}
	if err := json.Unmarshal([]byte(`{"token":"other"}`), &got); err != nil || got.Token.Reveal() != "other" {
		t.Errorf("json: %v, revealed %q", err, got.Token.Reveal())
	}
}
