package rules

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/activity/recordedtest"
	"github.com/picketd/picket/rules/sigma"
)

// untar returns the files of an archive whose names have the suffix.
func untar(t testing.TB, path, suffix string) []File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []File
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || !strings.HasSuffix(h.Name, suffix) {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, File{Name: strings.TrimPrefix(h.Name, "./"), Data: data})
	}
}

// publicRules returns the active public rules.
func publicRules(t testing.TB) []File {
	t.Helper()
	files := untar(t, filepath.Join(recordedtest.Path(t, "data/sigma"), "rules.tar.gz"), ".yml")
	files = slices.DeleteFunc(files, func(f File) bool { return !strings.HasPrefix(f.Name, "rules") })
	if len(files) != 3780 {
		t.Fatalf("found %d active public rules, want 3780", len(files))
	}
	return files
}

// TestPublicRules compiles the whole public collection at once. Those that
// lack values of placeholders are checked and match nothing.
func TestPublicRules(t *testing.T) {
	t.Parallel()
	files := publicRules(t)
	p, err := Compile(files)
	if err != nil {
		t.Fatal(err)
	}
	dormant := 0
	for _, r := range p.Rules() {
		if len(r.Lacks) > 0 {
			dormant++
		}
	}
	if len(p.Rules()) != 3780 || dormant != 25 {
		t.Errorf("%d rules compile and %d of them lack placeholders, want 3780 and 25", len(p.Rules()), dormant)
	}
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	sample := map[string]*sigma.Document{} // by id
	for i, f := range files {
		if i%4 != 0 {
			continue
		}
		docs, faults := sigma.Parse(f.Name, f.Data)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		printed := sigma.Print(docs)
		if again, faults := sigma.Parse(f.Name, []byte(printed)); len(faults) > 0 || sigma.Print(again) != printed {
			t.Errorf("%s does not survive printing: %v", f.Name, faults)
		}
		sample[docs[0].ID.S] = docs[0]
	}
	matchPublicEvents(t, p, sample)
}

// matchPublicEvents matches the collection's regression events against all
// rules at once, and a sample of both with the oracle, too.
func matchPublicEvents(t *testing.T, p *Program, sample map[string]*sigma.Document) {
	t.Helper()
	m, found, cases := p.NewMatcher(), 0, map[string]bool{}
	events := publicEvents(t)
	for i, e := range events {
		got := p.Match(&e.activity, m)
		found += len(got)
		cases[e.rule] = cases[e.rule] || slices.ContainsFunc(got, func(r int) bool { return p.Rules()[r].ID == e.rule })
		if i%20 != 0 {
			continue
		}
		for j, r := range p.Rules() {
			if d := sample[r.ID]; d != nil && oracleMatch(d, &e.activity) != slices.Contains(got, j) {
				t.Errorf("event of %s: rule %q matches: %v, and the oracle says the opposite", e.rule, r.Title, slices.Contains(got, j))
			}
		}
	}
	hit := 0
	for id, ok := range cases {
		if ok {
			hit++
		} else {
			t.Logf("rule %s matches none of its events", id)
		}
	}
	t.Logf("%d regression events of %d rules give %d matches; %d rules match an event of theirs", len(events), len(cases), found, hit)
	if len(cases) != 202 || hit != 202 {
		t.Errorf("%d of %d rules match an event of theirs, want all of 202", hit, len(cases))
	}
}

type publicEvent struct {
	rule     string
	activity activity.Activity
}

// publicEvents returns the regression events, Windows records flattened to the
// names of their data. One rule of Defender asks for SourceName where the event
// has "Source Name"; see paths.
func publicEvents(t testing.TB) []publicEvent {
	t.Helper()
	var out []publicEvent
	for _, f := range untar(t, filepath.Join(recordedtest.Path(t, "data/sigma"), "regression.tar.gz"), ".json") {
		id := strings.TrimSuffix(filepath.Base(f.Name), ".json")
		for dec := json.NewDecoder(bytes.NewReader(f.Data)); ; {
			var record struct{ Event map[string]map[string]any }
			err := dec.Decode(&record)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			flat := map[string]any{}
			for _, part := range []string{"System", "EventData", "UserData"} {
				maps.Copy(flat, record.Event[part])
			}
			for _, v := range record.Event["UserData"] { // one element around the data
				if inner, ok := v.(map[string]any); ok {
					maps.Copy(flat, inner)
				}
			}
			raw, err := json.Marshal(flat)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, publicEvent{id, activity.Activity{Network: "windows", Kind: activity.KindSession, Raw: raw}})
		}
	}
	if len(out) < 202 {
		t.Fatalf("read %d regression events, want at least 202", len(out))
	}
	return out
}
