package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/activity/recordedtest"
	"github.com/picketd/picket/collectors/entra"
	"github.com/picketd/picket/collectors/entra/entratest"
	"github.com/picketd/picket/collectors/googleworkspace"
	"github.com/picketd/picket/collectors/googleworkspace/googleworkspacetest"
	"github.com/picketd/picket/rules"
)

// TestPublicIdentityRules lets the collectors of Google Workspace and Entra read
// the documented sample events from servers that speak their language, and matches
// what comes of them with the public rules for these products: those in the table
// fire, and no other rule of these folders.
func TestPublicIdentityRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, folder string
		read         func(*testing.T) []activity.Activity
		want         []string // titles
	}{
		{"googleworkspace", "rules/cloud/gcp/gworkspace/", readWorkspaceSamples, []string{
			"Google Workspace Application Access Level Modified",
			"Google Workspace Application Removed",
			"Google Workspace Government Attack Warning",
			"Google Workspace Granted Domain API Access",
			"Google Workspace MFA Disabled",
			"Google Workspace Out Of Domain Email Forwarding",
			"Google Workspace Role Modified or Deleted",
			"Google Workspace Role Privilege Deleted",
			"Google Workspace User Granted Admin Privileges",
			"Suspicious Login Activity Classified By Google",
		}},
		{"entra", "rules/cloud/azure/", readEntraSamples, []string{
			"Account Lockout",
			"Added Owner To Application",
			"App Granted Microsoft Permissions",
			"App Granted Privileged Delegated Or App Permissions",
			"Application Using Device Code Authentication Flow",
			"Azure AD Only Single Factor Authentication Required",
			"Azure Unusual Authentication Interruption",
			"Change to Authentication Method",
			"Changes To PIM Settings",
			"Delegated Permissions Granted For All Users",
			"Login to Disabled Account",
			"Multi Factor Authentication Disabled For User Account",
			"Multifactor Authentication Interrupted",
			"Potential MFA Bypass Using Legacy Client Authentication",
			"User Access Blocked by Azure Conditional Access",
			"User Added to an Administrator's Azure AD Role",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program, err := rules.Compile(publicRulesUnder(t, tt.folder))
			if err != nil {
				t.Fatal(err)
			}
			m := program.NewMatcher()
			var got []string
			for _, a := range tt.read(t) {
				for _, i := range program.Match(&a, m) {
					if title := program.Rules()[i].Title; !slices.Contains(got, title) {
						got = append(got, title)
					}
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

// readAll polls a collector, past its limits, until there is no more.
func readAll(t *testing.T, c collectors.Collector, pass func(until time.Time)) []activity.Activity {
	t.Helper()
	var all []activity.Activity
	var cursor json.RawMessage
	for range 200 {
		page, err := c.Poll(t.Context(), cursor)
		if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
			pass(limited.Until)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range page.Malformed {
			t.Error(err)
		}
		all = append(all, page.Activities...)
		if cursor = page.Cursor; !page.More {
			return all
		}
	}
	t.Fatal("200 polls, and still more")
	return nil
}

// samplesRead is when the samples are read, within an hour after they happened.
func samplesRead() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

func readWorkspaceSamples(t *testing.T) []activity.Activity {
	t.Helper()
	key, err := googleworkspacetest.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	srv := googleworkspacetest.New(googleworkspacetest.Options{Now: samplesRead, Key: key})
	for _, raw := range googleworkspacetest.Samples() {
		var e struct {
			ID struct {
				Time time.Time `json:"time"`
				App  string    `json:"applicationName"`
			} `json:"id"`
			Events []struct {
				Name string `json:"name"`
			} `json:"events"`
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		srv.Add(googleworkspacetest.Event{App: e.ID.App, Name: e.Events[0].Name, Time: e.ID.Time, Raw: string(raw)})
	}
	web := httptest.NewServer(srv)
	t.Cleanup(web.Close)
	c, err := googleworkspace.New(googleworkspace.Config{
		Source: "googleworkspace/acme", BaseURL: web.URL, AdminEmail: "reports@acme.example",
		ServiceAccount: collectors.Secret(googleworkspacetest.ServiceAccount(key, web.URL+"/token")),
		Accept:         func(id string) bool { return id == "googleworkspace/jane.roe" },
	}, collectors.Deps{HTTP: web.Client(), Now: samplesRead})
	if err != nil {
		t.Fatal(err)
	}
	return readAll(t, c, func(time.Time) {})
}

func readEntraSamples(t *testing.T) []activity.Activity {
	t.Helper()
	now := samplesRead()
	clock := func() time.Time { return now }
	srv := entratest.New(entratest.Options{Now: clock})
	at := now.Add(-time.Hour)
	for _, raw := range entratest.SignInSamples() {
		srv.SignIn(entratest.SignIn{Time: at, Raw: string(raw)})
	}
	for _, raw := range entratest.AuditSamples() {
		srv.Audit(entratest.Audit{Time: at, Raw: string(raw)})
	}
	web := httptest.NewServer(srv)
	t.Cleanup(web.Close)
	c, err := entra.New(entra.Config{
		Source: "entra/acme", BaseURL: web.URL, LoginURL: web.URL, Tenant: entratest.Tenant,
		ClientID: entratest.ClientID, ClientSecret: entratest.ClientSecret,
		Accept: func(id string) bool { return id == "entra/jane.roe" },
	}, collectors.Deps{HTTP: web.Client(), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return readAll(t, c, func(until time.Time) { now = until })
}

// publicRulesUnder returns the public rules of one folder.
func publicRulesUnder(t *testing.T, folder string) []rules.File {
	t.Helper()
	f, err := os.Open(filepath.Join(recordedtest.Path(t, "data/sigma"), "rules.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []rules.File
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || !strings.HasPrefix(name, folder) || !strings.HasSuffix(name, ".yml") {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rules.File{Name: name, Data: data})
	}
}
