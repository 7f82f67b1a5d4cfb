// Package problems writes what a check of rule files found: for people, with
// an excerpt of the line, as JSON lines and as SARIF. What is a problem belongs
// in rules and rules/lint.
package problems

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/lint"
)

// Report is all problems of a set of files.
type Report struct {
	Problems []lint.Problem
	files    map[string][]byte
}

// New makes a report about files; those whose code is ignored are left out,
// but no fault ever is.
func New(files []rules.File, found []lint.Problem, ignore []string) *Report {
	r := &Report{files: map[string][]byte{}}
	for _, f := range files {
		r.files[f.Name] = f.Data
	}
	for _, p := range found {
		if p.Code == lint.Fault || !slices.Contains(ignore, string(p.Code)) {
			r.Problems = append(r.Problems, p)
		}
	}
	slices.SortStableFunc(r.Problems, func(a, b lint.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column))
	})
	return r
}

// Count returns how many faults and warnings there are.
func (r *Report) Count() (faults, warnings int) {
	for _, p := range r.Problems {
		if p.Code == lint.Fault {
			faults++
		} else {
			warnings++
		}
	}
	return faults, warnings
}

// Text writes each problem with the line that it is about, and a caret below.
func (r *Report) Text(w io.Writer) error {
	for _, p := range r.Problems {
		kind := "fault"
		if p.Code != lint.Fault {
			kind = "warning"
		}
		head := fmt.Sprintf("%s:%d:%d: %s: %s", p.File, p.At.Line, p.At.Column, kind, p.Message)
		if p.Code != lint.Fault {
			head += " [" + string(p.Code) + "]"
		}
		if _, err := fmt.Fprintf(w, "%s\n%s", head, r.excerpt(p)); err != nil {
			return err
		}
	}
	return nil
}

// maxWidth bounds a line as shown, in characters.
const maxWidth = 100

// excerpt returns the line of a problem and a line with a caret below the
// column. Tabs become spaces and long lines are cut to the part around it.
func (r *Report) excerpt(p lint.Problem) string {
	line, ok := lineOf(r.files[p.File], p.At.Line)
	if !ok {
		return ""
	}
	runes, col := []rune(line), min(max(p.At.Column-1, 0), len([]rune(line)))
	length := 1
	for col+length < len(runes) && wordRune(runes[col+length]) && wordRune(runes[col]) {
		length++
	}
	start := 0
	if col > maxWidth*3/4 {
		start = col - maxWidth/2
	}
	end := min(len(runes), start+maxWidth)
	shown := string(runes[start:end])
	if start > 0 {
		shown = "…" + shown[len(string(runes[start])):]
	}
	if end < len(runes) {
		shown += "…"
	}
	number := fmt.Sprintf("%5d", p.At.Line)
	caret := strings.Repeat(" ", col-start) + "^" + strings.Repeat("~", max(min(length, end-col)-1, 0))
	return fmt.Sprintf("%s | %s\n%s | %s\n", number, strings.TrimRight(shown, " "), strings.Repeat(" ", len(number)), caret)
}

func wordRune(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("_-.|/", c)
}

func lineOf(data []byte, number int) (string, bool) {
	n := 0
	for line := range strings.Lines(string(data)) {
		if n++; n == number {
			return strings.ReplaceAll(strings.ToValidUTF8(strings.TrimRight(line, "\r\n"), "\uFFFD"), "\t", " "), true
		}
	}
	return "", false
}

// problem is one problem as printed in JSON.
type problem struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"` // fault, warning
	Code     string `json:"code"`
	Message  string `json:"message"`
	Rule     string `json:"rule,omitempty"`
}

// JSON writes one problem a line.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, p := range r.Problems {
		severity := "warning"
		if p.Code == lint.Fault {
			severity = "fault"
		}
		err := enc.Encode(problem{
			File: p.File, Line: p.At.Line, Column: p.At.Column, Severity: severity,
			Code: string(p.Code), Message: p.Message, Rule: p.Rule,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
