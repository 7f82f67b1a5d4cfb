package main

import (
	"encoding/xml"
	"io"
)

// The form that build servers read test results in, after JUnit's Ant task.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Failure *junitMessage `xml:"failure"`
		Error   *junitMessage `xml:"error"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junit writes the results of suites: a failure is a finding too many or too
// few, an error a test that cannot be played.
func junit(w io.Writer, suites []*suite) error {
	var all junitSuites
	for _, s := range suites {
		out := junitSuite{Name: s.name, Tests: len(s.results)}
		for _, r := range s.results {
			c := junitCase{Name: r.title, Class: s.name, File: r.file}
			switch {
			case r.fault != "":
				c.Name = r.file
				c.Error = &junitMessage{Message: "the test cannot be played", Text: r.fault}
				out.Errors++
			case r.diff != "":
				c.Failure = &junitMessage{Message: "findings differ (- missing, + too much)", Text: r.diff}
				out.Failures++
			}
			out.Cases = append(out.Cases, c)
		}
		all.Tests, all.Failures, all.Errors = all.Tests+out.Tests, all.Failures+out.Failures, all.Errors+out.Errors
		all.Suites = append(all.Suites, out)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
