// Package sentiment scores what people say of an account, before it is
// journaled, so that a replay sees the same score. The lexicon and its rules
// are VADER's (Hutto and Gilbert, VADER: A Parsimonious Rule-based Model for
// Sentiment Analysis of Social Media Text, ICWSM 2014) in a port to Go.
//
// It knows English words only. German "die" would count as death and "gift" in
// Danish as a present, so a text is scored only where its network names its
// language English; others carry no score, and a rule that asks for one does
// not match them. It judges words, not meaning: irony is lost on it.
//
// Which rule makes what of a score belongs in rules.
package sentiment

import (
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/jonreiter/govader"

	"github.com/picketd/picket/collectors/activity"
)

// Metric is the name under which a score is kept, metrics.sentiment: from -1,
// entirely hostile, to 1, entirely friendly. The paper takes -0.05 to 0.05 for
// neutral.
const Metric = "sentiment"

// longest is how much of a text is scored, in bytes: what is said is said by
// then, and time grows with it.
const longest = 4096

//nolint:gochecknoglobals // the lexicon is parsed once, when the first mention comes
var analyzer = sync.OnceValue(govader.NewSentimentIntensityAnalyzer)

// Add gives each mention in English its score. Those that have one keep it.
func Add(activities []activity.Activity) {
	for i := range activities {
		a := &activities[i]
		if a.Kind != activity.KindMention || a.Text == "" || !english(a.Lang) {
			continue
		}
		at, has := slices.BinarySearchFunc(a.Metrics, Metric, func(m activity.Metric, name string) int { return strings.Compare(m.Name, name) })
		if has {
			continue
		}
		if score, ok := Score(a.Text); ok {
			a.Metrics = slices.Insert(slices.Clip(a.Metrics), at, activity.Metric{Name: Metric, Value: score})
		}
	}
}

// english reports whether a language tag (BCP 47) is English.
func english(tag string) bool {
	primary, _, _ := strings.Cut(tag, "-")
	return strings.EqualFold(primary, "en")
}

// Score returns the compound score of an English text, to two decimals, -1 to
// 1; false where the text cannot be scored.
func Score(text string) (score float64, ok bool) {
	defer func() {
		if recover() != nil { // the port takes apart what anybody may write
			score, ok = 0, false
		}
	}()
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "")
	}
	score = math.Round(100*analyzer().PolarityScores(text).Compound) / 100
	return score, score >= -1 && score <= 1
}
