package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// hear returns the ids of the literals that a table's automaton finds in text.
func hearLiterals(literals []literal, text string) []int32 {
	p := &Program{lookup: lookup{witnessed: make([][]int32, len(literals))}, predicates: make([]predicate, len(literals))}
	t := &slotTable{literals: slices.Clone(literals)}
	for i := range t.literals {
		t.literals[i].id = int32(i)
		t.entries = append(t.entries, entry{pred: int32(i), proves: true})
	}
	t.finish()
	m := p.NewMatcher()
	m.begin()
	if t.search.folds(text) {
		text = string(appendFold(nil, text))
	}
	m.lookFor(t, text)
	var out []int32
	for i, v := range m.memo {
		if v == m.epoch<<2|holds {
			out = append(out, int32(i))
		}
	}
	return out
}

// stands is what the automaton must find, one literal at a time.
func stands(l literal, folded string) bool {
	switch l.anchor {
	case atStart:
		return strings.HasPrefix(folded, l.text)
	case atEnd:
		return strings.HasSuffix(folded, l.text)
	default:
		return strings.Contains(folded, l.text)
	}
}

func TestAutomaton(t *testing.T) {
	literals := []literal{
		{text: "he"},
		{text: "she"},
		{text: "hers"},
		{text: "his", anchor: atStart},
		{text: "s", anchor: atEnd},
		{text: "he", anchor: atStart},
		{text: `\cmd.exe`, anchor: atEnd},
		{text: "É"},
		{text: "k"},
	}
	for _, tt := range []struct {
		text string
		want []int32
	}{
		{"", nil},
		{"x", nil},
		{"ushers", []int32{0, 1, 2, 4}},
		{"USHERS", []int32{0, 1, 2, 4}},
		{"his", []int32{3, 4}},
		{"this", []int32{4}},
		{"he", []int32{0, 5}},
		{`C:\Windows\System32\CMD.EXE`, []int32{6}},
		{`\cmd.exe /c`, nil},
		{"été", []int32{7}},
		{"\u212a", []int32{8}},
		{"hiſ", []int32{3, 4}},
		{"\xffhe\xc3", []int32{0}},
	} {
		if got := hearLiterals(literals, tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("found %v in %q, want %v", got, tt.text, tt.want)
		}
	}
}

func TestAutomatonEqualsSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	letters := []string{"a", "b", "ab", "\\", "É", "s", "k", "c"}
	cases := []string{"A", "B", "aB", "é", "ſ", "K", "\u212a", "\xc3", "x", "新"}
	word := func(from []string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(from[r.IntN(len(from))])
		}
		return b.String()
	}
	found := 0
	for round := range 3000 {
		var literals []literal
		for range 1 + r.IntN(30) {
			literals = append(literals, literal{text: word(letters[:2+r.IntN(len(letters)-1)], 1+r.IntN(9)), anchor: anchor(r.IntN(3))})
		}
		text := word(slices.Concat(letters, cases), r.IntN(20))
		var want []int32
		for i, l := range literals {
			if stands(l, string(appendFold(nil, text))) {
				want = append(want, int32(i))
			}
		}
		if got := hearLiterals(literals, text); !slices.Equal(got, want) {
			t.Fatalf("round %d: found %v in %q, want %v of %s", round, got, text, want, fmt.Sprint(literals))
		}
		found += len(want)
	}
	if found < 1500 {
		t.Errorf("%d literals found; the generator should make them common", found)
	}
}
