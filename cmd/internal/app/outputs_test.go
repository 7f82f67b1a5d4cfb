package app

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
)

// TestWebhookTrusts: a webhook whose certificate only a configured file vouches
// for is told, with the configured headers; without the file it is not.
func TestWebhookTrusts(t *testing.T) {
	var got string
	srv := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("X-Team") }))
	defer srv.Close()
	dir := t.TempDir()
	ca, rubbish := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "rubbish.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rubbish, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := &outputs{nobody{}, zap.NewNop()}
	for _, tt := range []struct{ name, ca, fault string }{
		{"with the file", ca, ""},
		{"without", "", "certificate"},
		{"no certificates", rubbish, "holds no certificate in PEM"},
		{"no file", filepath.Join(dir, "none.pem"), "ca: open"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got = ""
			out, err := o.of(&config.Receiver{
				Name: "hook", Type: config.ReceiverWebhook, URL: collectors.Secret(srv.URL), CA: tt.ca,
				Headers: []config.Pair{{Name: "X-Team", Value: "social"}},
			}, nil)
			if err == nil {
				_, err = out.Notify(t.Context(), &notify.Message{Key: "k", Receiver: "hook", Incident: "i", Kind: notify.Opened, Title: "HIGH", Number: "IN-1"})
			}
			switch {
			case tt.fault == "" && (err != nil || got != "social"):
				t.Errorf("error %v, header %q; want none, social", err, got)
			case tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)):
				t.Errorf("error %v, want one about %q", err, tt.fault)
			}
		})
	}
}
