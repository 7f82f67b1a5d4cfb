package file_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/file"
)

func BenchmarkHistoryLines(b *testing.B) {
	const lines = 20_000
	path := benchFile(b, lines)
	for b.Loop() {
		h, err := file.OpenHistory(b.Context(), path, file.Options{})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			_, err := h.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if err := h.Close(); err != nil || n != lines {
			b.Fatalf("%d lines, %v", n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/activity")
}

func BenchmarkFollower(b *testing.B) {
	const lines = 20_000
	path := benchFile(b, lines)
	for b.Loop() {
		f, err := file.NewFollower(file.Config{Path: path}, collectors.Deps{Now: now})
		if err != nil {
			b.Fatal(err)
		}
		n, page := 0, collectors.Page{More: true}
		for page.More {
			if page, err = f.Poll(b.Context(), page.Cursor); err != nil {
				b.Fatal(err)
			}
			n += len(page.Activities)
		}
		if err := f.Close(); err != nil || n != lines {
			b.Fatalf("%d lines, %v", n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/activity")
}

func benchFile(b *testing.B, lines int) string {
	b.Helper()
	var s strings.Builder
	for i := range lines {
		fmt.Fprintf(&s, `{"id":"%d","network":"x","account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z","app":"Web App","text":"Good morning, caf\u00e9 is open until six today","lang":"en","links":["https://acme.example/a"],"link_domains":["acme.example"],"hashtags":["coffee"]}`+"\n", i)
	}
	path := filepath.Join(b.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, []byte(s.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}
