package intake_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
)

// FuzzElements holds that the splitter agrees with encoding/json on every
// array that is JSON, and that elements are where they are said to be.
func FuzzElements(f *testing.F) {
	for _, seed := range []string{
		"[]", "[1,2]", ` [ {"a":"]"} , "x\"," ] `, "[[1,[2]],{}]", "[,]", "[1", "[{]", "[1] x", "{}", "[\"\\", "[\"a\nb\"]", "[1,2,]", "\n[\n1\n,\n2\n]\n",
		"[" + strings.Repeat("[", 257), `[ "long enough to be too long" , 2 ]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const longest = 24
		var want []json.RawMessage
		isArray := json.Unmarshal(data, &want) == nil && want != nil
		e := intake.NewElements(io.MultiReader(bytes.NewReader(data[:len(data)/2]), bytes.NewReader(data[len(data)/2:])), longest)
		for n := 0; ; n++ {
			el, err := e.Next()
			if err != nil {
				form, broken := errors.AsType[*intake.FormError](err)
				switch {
				case broken && isArray && !tooDeep(data):
					t.Fatalf("%q is an array, but: %v", data, err)
				case broken && (form.Line < 1 || form.Column < 1):
					t.Fatalf("fault at %d:%d", form.Line, form.Column)
				case !broken && !errors.Is(err, io.EOF):
					t.Fatal(err)
				case !broken && isArray && n != len(want):
					t.Fatalf("%q: %d elements, want %d", data, n, len(want))
				}
				if _, again := e.Next(); again == nil || again.Error() != err.Error() {
					t.Fatalf("after %v: %v", err, again)
				}
				return
			}
			if el.Err != nil {
				if el.Data != nil || el.Len <= longest {
					t.Fatalf("%d bytes are too long, with %q", el.Len, el.Data)
				}
				continue
			}
			if got := data[el.Offset : el.Offset+int64(el.Len)]; !bytes.Equal(got, el.Data) || len(el.Data) > longest {
				t.Fatalf("element %q, at its place stands %q", el.Data, got)
			}
			if line := 1 + bytes.Count(data[:el.Offset], []byte("\n")); el.Line != line {
				t.Fatalf("element on line %d, want %d", el.Line, line)
			}
			if isArray && !bytes.Equal(el.Data, bytes.Trim(want[n], " \t\r\n")) {
				t.Fatalf("element %q, want %q", el.Data, want[n])
			}
		}
	})
}

func tooDeep(data []byte) bool {
	return bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > 256
}

// FuzzReceive holds that no body panics, that every item is answered once, and
// that what was accepted is in the journal.
func FuzzReceive(f *testing.F) {
	for _, seed := range []string{
		post("1"), "[" + post("1") + ",{}," + post("2") + "]", post("1") + "\n\nx\n" + post("2"),
		`{"account":"x/acme","text":"a"}`, "[{},{]", "\xef\xbb\xbf{}", `{"id":"\u0000"}`,
	} {
		f.Add([]byte(seed), false, false)
		f.Add([]byte(seed), true, true)
	}
	f.Fuzz(func(t *testing.T, data []byte, lines, approvals bool) {
		body := intake.Body{Data: data, Content: intake.Activities}
		if lines {
			body.Form = intake.FormLines
		}
		if approvals {
			body.Content = intake.Approvals
		}
		var j journal
		answer, err := receiver(&j, &tally{}).Receive(t.Context(), body)
		if err != nil {
			if len(j.kept) != 0 {
				t.Fatalf("refused with %v, but %d items are in the journal", err, len(j.kept))
			}
			return
		}
		if answer.Accepted != len(j.kept) || answer.Accepted+answer.Refused != len(answer.Results) || len(answer.Results) == 0 {
			t.Fatalf("%s, but %d items are in the journal", answer.JSON(), len(j.kept))
		}
		for i := range j.kept {
			if err := j.kept[i].Validate(); err != nil {
				t.Fatalf("accepted an invalid activity: %v", err)
			}
		}
	})
}

// FuzzParseApproval holds that what is accepted is sound and keeps its id.
func FuzzParseApproval(f *testing.F) {
	f.Add([]byte(`{"account":"x/acme","text":"We are hiring!","links":["https://acme.example/jobs"],"media":["sha256:9f"],"approvers":["ann"],"valid_from":"2026-03-01T08:00:00Z","valid_until":"2026-03-02T08:00:00Z","max_uses":1,"tool":"t","time":"2026-02-28T17:00:00Z","id":"i"}`))
	f.Add([]byte(`{"account":"x/acme","text":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := intake.ParseApproval(data, now())
		if err != nil {
			return
		}
		if err := a.Validate(); err != nil {
			t.Fatal(err)
		}
		again, err := intake.ParseApproval(data, now().AddDate(1, 0, 0))
		if err != nil || again.ID != a.ID || a.Kind != activity.KindApproval {
			t.Fatalf("%+v, then %+v (%v)", a, again, err)
		}
	})
}
