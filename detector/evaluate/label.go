package evaluate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Label is what a person said of something that happened on an account: by a
// verdict on an alert, or in a file of labels, one JSON object a line:
//
//	{"account":"x/acme","rule":"posting_burst","verdict":"true",
//	 "from":"2026-03-01T12:00:00Z","until":"2026-03-01T12:20:00Z",
//	 "by":"jane","reason":"the intern's laptop"}
//
// account, verdict and from are needed. verdict is true, expected or false, as
// verdicts on alerts are. rule is a name, id or title; without it the label is about
// whatever rule sees it. until is from where it is absent. Unknown names are
// refused. Empty lines are passed over.
type Label struct {
	Account string    `json:"account"`
	Rule    string    `json:"rule,omitempty"`
	Verdict string    `json:"verdict"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until,omitzero"`
	By      string    `json:"by,omitempty"`
	Reason  string    `json:"reason,omitempty"`

	alert string // whose times From and Until are to be taken from
}

// maxLabelLine bounds a line of a file of labels, in bytes.
const maxLabelLine = 1 << 20

// ReadLabels reads a file of labels. Its errors name the file and line of every
// fault, among them rules for which known has an error; nil knows all.
func ReadLabels(name string, in io.Reader, known func(rule string) error) ([]Label, error) {
	var out []Label
	var faults []error
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLabelLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		l, err := parseLabel(line)
		if err == nil && l.Rule != "" && known != nil {
			err = about(known(l.Rule))
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", name, n, err))
			continue
		}
		out = append(out, l)
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("%s:%d: %w", name, n+1, err))
	}
	return out, errors.Join(faults...)
}

// about words a label about no rule.
func about(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("rule: %w; correct it, or leave it out where any rule will do", err)
}

func parseLabel(line []byte) (Label, error) {
	var l Label
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return l, fmt.Errorf("label: %w; expected {\"account\":\"x/acme\",\"verdict\":\"true\",\"from\":\"2026-03-01T12:00:00Z\"} with rule, until, by and reason as needed", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return l, errors.New("label: something stands behind the object; write one a line")
	}
	words := []string{activity.VerdictTrue, activity.VerdictExpected, activity.VerdictFalse}
	switch {
	case l.Account == "":
		return l, errors.New("account: missing; expected the account that it happened on")
	case !slices.Contains(words, l.Verdict):
		return l, fmt.Errorf("verdict: %q; expected one of %s", l.Verdict, strings.Join(words, ", "))
	case l.From.IsZero():
		return l, errors.New("from: missing; expected when it began, such as 2026-03-01T12:00:00Z")
	case l.Until.IsZero():
		l.Until = l.From
	case l.Until.Before(l.From):
		return l, errors.New("until: is before from; swap or correct them")
	}
	return l, nil
}

// LabelOf returns the label that a verdict on an alert is, to be placed by the
// alert's own times; false for any other activity.
func LabelOf(a *activity.Activity) (Label, bool) {
	v := &a.Verdict
	if a.Kind != activity.KindVerdict || v.Alert == "" {
		return Label{}, false
	}
	return Label{
		Account: strings.Clone(a.Account), Rule: strings.Clone(v.Rule), Verdict: strings.Clone(v.Says),
		By: strings.Clone(v.By), Reason: strings.Clone(v.Reason), alert: strings.Clone(v.Alert),
	}, true
}

// newest drops all but the newest verdict on each alert.
func newest(labels []Label) []Label {
	last := map[string]int{}
	for i := range labels {
		if labels[i].alert != "" {
			last[labels[i].alert] = i
		}
	}
	var out []Label
	for i := range labels {
		if labels[i].alert == "" || last[labels[i].alert] == i {
			out = append(out, labels[i])
		}
	}
	return out
}
