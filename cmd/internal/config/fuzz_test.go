package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzLoad: whatever the text, there is either a configuration or faults, each
// with a place inside the file and none that repeats a secret; and reading it
// again says the same.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, reference) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("accounts: &a [*a]\n"))
	f.Add([]byte("a: &a {b: *a}\n"))
	f.Add([]byte("? {a: b}\n: c\n"))
	f.Add([]byte("\xef\xbb\xbfaccounts: [{account: x/acme}]\n"))
	f.Add([]byte("%YAML 1.1\n---\n"))

	const secret = "Zq7-secret-of-the-environment"
	path := filepath.Join(f.TempDir(), "picket.yaml")
	read := func(text []byte) (*Config, Faults) {
		d := newDecoder(path, func(string) string { return secret })
		c := d.decode(text)
		return c, d.faults.sorted()
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, faults := read(text)
		if c == nil && len(faults) == 0 {
			t.Fatal("neither a configuration nor a fault")
		}
		lines := 1 + bytes.Count(text, []byte("\n")) // and what else YAML 1.1 takes for a line break
		for _, other := range []string{"\r", "\u0085", "\u2028", "\u2029"} {
			lines += bytes.Count(text, []byte(other))
		}
		for _, fault := range faults {
			if fault.Line < 1 || fault.Column < 1 || fault.Line > lines+1 || fault.Message == "" {
				t.Errorf("fault without a place in %d lines: %+v", lines, fault)
			}
		}
		if len(faults) > 0 && !bytes.Contains(text, []byte(secret)) && bytes.Contains([]byte(faults.Error()), []byte(secret)) {
			t.Errorf("a fault repeats a secret: %v", faults)
		}
		again, more := read(text)
		if !reflect.DeepEqual(faults, more) || !reflect.DeepEqual(c, again) {
			t.Errorf("read twice, differently: %v and %v", faults, more)
		}
		var one Fault
		if len(faults) > 0 && !errors.As(faults, &one) {
			t.Errorf("no Fault is found in %v", faults)
		}
	})
}

// FuzzUnits: what was read is never negative, and a duration survives
// printing.
func FuzzUnits(f *testing.F) {
	for _, s := range []string{"1GiB", "1.5KiB", "0", "90d", "1w2d3h", "", "9e18", "0x10", "1_0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseSize(s); err == nil && n < 0 {
			t.Errorf("size %q is %d", s, n)
		}
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if again, err := ParseDuration(d.String()); d < 0 || err != nil || again != d {
			t.Errorf("duration %q is %s, read again %s, %v", s, d, again, err)
		}
	})
}
