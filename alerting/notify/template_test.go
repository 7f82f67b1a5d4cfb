package notify_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/notifytest"
)

func TestParseTemplate(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       string // the error; "" is none
	}{
		{"empty", "", ""},
		{"fields", `{{.Account}} since {{.Started.Format "15:04"}} {{with .People}}{{(index . 0).Name}}{{end}}`, ""},
		{"methods", `{{range .WebLinks}}{{.URL}}{{end}}{{.Text}}`, ""},
		{"unknown field", "What: {{.Titel}}", "own.tmpl:1:9: at <.Titel>: can't evaluate field Titel in type *notify.Message (in a message of kind opened)"},
		{"unknown field, third line", "a\nb\n{{.Title}} {{range .Alerts}}{{.Nummer}}{{end}}", "own.tmpl:3:31: at <.Nummer>: can't evaluate field Nummer in type notify.Alert (in a message of kind opened)"},
		{"what a message may lack", "{{(index .People 0).Name}}", "own.tmpl:1:4: at <index .People 0>: error calling index: reflect: slice index out of range (in a message of kind opened)"},
		{"no end", "a\n{{if .Title}}b", "own.tmpl:2:1: unexpected EOF"},
		{"unknown function", "a {{.Title}} {{env \"HOME\"}}", `own.tmpl:1:14: function "env" not defined`},
		{"another unknown function", "a\n  {{.Title}}{{readFile \"/etc/passwd\"}}", `own.tmpl:2:13: function "readFile" not defined`},
		{"an end too many", "{{.Title}}\n\n{{end}}", "own.tmpl:3:1: unexpected {{end}}"},
		{"an open action", "a\n{{.Title", "own.tmpl:2:1: unclosed action"},
		{"a method that is not there", `{{range $i := .Kind.All}}{{end}}`, "own.tmpl:1:20: at <.Kind.All>: can't evaluate field All in type notify.Kind (in a message of kind opened)"},
		{"a flood", `{{range 200}}{{printf "%100d" 1}}{{end}}`, "own.tmpl:1:1: writes more than 16384 bytes (in a message of kind opened)"},
		{"a wide number", `{{printf "%99999d" 1}}`, "own.tmpl:1:3: at <printf \"%99999d\" 1>: error calling printf: makes a text of more than 16384 bytes"},
		{"a text that doubles", `{{$x := .Title}}{{range 60}}{{$x = print $x $x}}{{end}}`, "own.tmpl:1:36: at <print $x $x>: error calling print: makes a text of more than 16384 bytes"},
		{"a template within itself", `{{define "x"}}{{template "x" .}}{{end}}{{template "x" .}}`, "own.tmpl:1:1: takes more than 10000 steps"},
		{"a loop over a number", "{{range 1000000000}}{{end}}", "own.tmpl:1:1: takes more than 10000 steps"},
		{"loops in loops", "{{range 1000}}{{range 1000}}{{range 1000}}{{else}}{{end}}{{end}}{{end}}", "own.tmpl:1:1: takes more than 10000 steps"},
		{"a loop over a clock", "{{if .Title}}{{range .Started.UnixNano}}{{break}}{{end}}{{range .Started.UnixNano}}{{continue}}{{end}}{{end}}", "own.tmpl:1:1: takes more than 10000 steps"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := notify.ParseTemplate("own.tmpl", tt.text)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func parse(t *testing.T, text string) *notify.Template {
	t.Helper()
	tmpl, err := notify.ParseTemplate("own.tmpl", text)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func TestTemplatesApply(t *testing.T) {
	m := notifytest.Message(notify.Opened)
	own := notify.Templates{
		Title: parse(t, "{{len .Alerts}} alerts https://evil.example\n"+strings.Repeat("long ", 50)),
		Lines: parse(t, "{{range .Lines}}{{if eq .Label \"What\"}}What: {{.Text}}{{end}}{{end}}\n\nOn duty: {{range .People}}{{.Name}}{{end}}\nNumber: {{.Number}}\n"),
	}
	got, err := own.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	const title = "CRITICAL x/acme: 2 alerts hxxps://evil[.]example long long "
	if !strings.HasPrefix(got.Title, title) || !strings.HasSuffix(got.Title, "… [PK-3FA29C]") || utf8.RuneCountInString(got.Title) != alerting.MaxTitle {
		t.Errorf("title %q", got.Title)
	}
	want := []notify.Line{{Label: "What", Text: m.Lines[1].Text}, {Text: "On duty: Jane Doe"}, {Label: "Number", Text: "PK-3FA29C"}}
	if d := cmp.Diff(want, got.Lines); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
	if d := cmp.Diff(notifytest.Message(notify.Opened), m); d != "" {
		t.Errorf("the message was changed (-want +got):\n%s", d)
	}
}

// TestTemplatesFail: a template that fails only with a real message leaves the
// message as it was.
func TestTemplatesFail(t *testing.T) {
	m := notifytest.Message(notify.Opened)
	own := notify.Templates{Title: parse(t, `{{if .Account}}{{if ne .Account "x/acme"}}{{(index .Alerts 99).ID}}{{end}}{{end}}`), Lines: parse(t, `{{if eq .Account "x/b"}}{{(index .Alerts 99).ID}}{{end}}Own: x`)}
	m.Account = "x/b"
	got, err := own.Apply(m)
	if err == nil || !strings.Contains(err.Error(), "own.tmpl:1:46:") || !strings.Contains(err.Error(), "own.tmpl:1:28:") {
		t.Errorf("%v, want errors of both", err)
	}
	if d := cmp.Diff(m, got); d != "" {
		t.Errorf("the message is another (-want +got):\n%s", d)
	}
}

// TestTemplatesWriteNothing: a template that has nothing to say of a message, or
// whose file was emptied, leaves it as it was: a page says what happened.
func TestTemplatesWriteNothing(t *testing.T) {
	m := notifytest.Message(notify.Opened)
	got, err := notify.Templates{Title: parse(t, ""), Lines: parse(t, `{{if eq .Kind "test"}}a test{{end}} `)}.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, got); d != "" {
		t.Errorf("the message is another (-want +got):\n%s", d)
	}
}

func FuzzParseTemplate(f *testing.F) {
	for _, text := range []string{"{{.Title}}", "{{", "a\n{{end}}", "{{range .Alerts}}{{.ID}}{{else}}{{end}}", "{{define \"t\"}}{{end}}", "{{/* x */}}\n{{\n.Title\n}}", "{{`\n`}}{{x"} {
		f.Add(text)
	}
	m := notifytest.Message(notify.Updated)
	f.Fuzz(func(t *testing.T, text string) {
		tmpl, err := notify.ParseTemplate("own.tmpl", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "own.tmpl:") {
				t.Errorf("%q: the error does not say where: %v", text, err)
			}
			return
		}
		if out, err := tmpl.Execute(m); err == nil && len(out) > notify.MaxTemplated {
			t.Errorf("%q writes %d bytes", text, len(out))
		}
	})
}
