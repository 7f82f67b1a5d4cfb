package problems

import (
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/picketd/picket/rules/lint"
)

// The part of SARIF 2.1.0 (OASIS standard) that a check of files needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Version        string      `json:"version,omitempty"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		Default          struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine   int `json:"startLine"`
				StartColumn int `json:"startColumn"`
			} `json:"region"`
		} `json:"physicalLocation"`
	}
)

// SARIF writes the report as one SARIF 2.1.0 log, for code hosts and editors.
// version is that of Picket.
func (r *Report) SARIF(w io.Writer, version string) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "picket check", InformationURI: "https://github.com/picketd/picket", Version: version}
	codes := lint.Codes()
	for _, c := range codes {
		rule := sarifRule{ID: c.Code, ShortDescription: sarifText{c.About}}
		rule.Default.Level = level(lint.Code(c.Code))
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
	}
	for _, p := range r.Problems {
		var at sarifLocation
		at.Physical.Artifact.URI = fileURI(p.File)
		at.Physical.Region.StartLine, at.Physical.Region.StartColumn = max(p.At.Line, 1), max(p.At.Column, 1)
		run.Results = append(run.Results, sarifResult{
			RuleID: string(p.Code), Level: level(p.Code), Message: sarifText{p.Message}, Locations: []sarifLocation{at},
			RuleIndex: slices.IndexFunc(codes, func(c struct{ Code, About string }) bool { return c.Code == string(p.Code) }),
		})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	})
}

func level(c lint.Code) string {
	if c == lint.Fault {
		return "error"
	}
	return "warning"
}

// fileURI writes a path as a URI: relative ones stay so, for the reader to
// resolve against the repository.
func fileURI(path string) string {
	path = filepath.ToSlash(path)
	u := url.URL{Path: path}
	if strings.HasPrefix(path, "/") {
		u.Scheme = "file"
	}
	return u.String()
}
