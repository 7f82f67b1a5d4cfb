package file_test

import (
	"slices"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/file"
	"github.com/picketd/picket/collectors/intake"
)

func TestArchiveShows(t *testing.T) {
	acts, faults, err := readAll(t, "testdata/archive", file.Options{})
	if err != nil || len(faults) > 0 {
		t.Fatalf("faults %q, error %v", faults, err)
	}
	collectortest.Shown(t, file.ArchiveShows(), acts)
}

func TestFollowerShows(t *testing.T) {
	if s := (file.Config{Path: "in.jsonl"}).Shows(); !s.Any || len(s.Kinds) > 0 {
		t.Errorf("a file of activities shows %+v, want anything", s)
	}
	if s := (file.Config{Path: "in.jsonl", Content: intake.Approvals}).Shows(); s.Any || !slices.Equal(s.Kinds, []activity.Kind{activity.KindApproval}) {
		t.Errorf("a file of approvals shows %+v", s)
	}
}
