package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// needs tells in words what a rule that keeps memory takes to fire, besides a
// match of the rules that feed it.
func needs(r *Rule, a *activity.Activity) []string {
	per := strings.Join(groups(r), ", ")
	switch r.Type {
	case TypeEventCount:
		return []string{fmt.Sprintf("matches for the same %s within %s: %s", per, span(r.Timespan), r.Condition.Text)}
	case TypeValueCount:
		return []string{fmt.Sprintf("different %s of %s for the same %s within %s: %s; %s", countedAs(r), r.Counted(), per, span(r.Timespan), r.Condition.Text, here(r, a))}
	case TypeNewValue:
		return []string{
			fmt.Sprintf("a value of %s that was not seen for the same %s in %s; %s", r.Field.Name, per, span(r.Forget), here(r, a)),
			learned(r),
		}
	case TypeRareValue, TypeLoginRisk, TypeTravel:
		return loginNeeds(r, a)
	case TypePeak:
		return []string{
			fmt.Sprintf("at least %d matches for the same %s within %s", r.Floor, per, span(r.Timespan)),
			fmt.Sprintf("more of them than %s times its second-busiest day of the last %s", strconv.FormatFloat(r.Factor, 'f', -1, 64), span(r.Forget)),
			learned(r) + "; until then the first line alone decides",
		}
	case TypeProfile:
		return []string{
			fmt.Sprintf("a session of posts that is less like the %s than its own oddest ones; about %s a month of them are told", per, strconv.FormatFloat(r.Params["budget"], 'f', -1, 64)),
			learned(r),
		}
	case TypeStorm:
		return []string{
			fmt.Sprintf("at least %d matches for the same %s within %s", r.Params.Count("least"), per, span(r.Timespan)),
			fmt.Sprintf("a score of %s or more against what is usual for it at that hour", figure(r.Params["threshold"])),
			"a series that was learned for " + span(r.Params.Span("warm-up")),
		}
	case TypeRate:
		return rateNeeds(r, per)
	case TypeDrift:
		return []string{
			fmt.Sprintf("a change of %s by at least %d and %s %% within about a day; %s", r.Field.Name, r.Params.Count("least"), figure(100*r.Params["share"]), here(r, a)),
			fmt.Sprintf("more than %s times its usual daily variation for the same %s", figure(r.Params["times"]), per),
			fmt.Sprintf("%d daily changes that are known", r.Params.Count("days")),
		}
	case TypeApproval:
		return []string{
			"an account whose messages need an approval",
			fmt.Sprintf("the verdict %s when the message is held against the account's approvals, at the latest %s after it was seen", r.Verdict, span(r.Grace)),
		}
	case TypeSequence:
		return []string{fmt.Sprintf("a first step, and within %s a second one, on the account or an identity that guards it", span(r.Within))}
	case TypeWithout:
		return []string{fmt.Sprintf("no match of a rule that excuses it for the same %s in the %s before", per, span(r.Within))}
	case TypeTemporal:
		return []string{fmt.Sprintf("a match of each of its rules for the same %s within %s", per, span(r.Timespan))}
	case TypeTemporalOrdered:
		return []string{fmt.Sprintf("a match of each of its rules for the same %s within %s, in their order", per, span(r.Timespan))}
	case TypeValueSum, TypeValueAvg, TypeValuePercentile:
		return []string{fmt.Sprintf("%s of %s over the same %s within %s: %s; %s",
			strings.TrimPrefix(string(r.Type), "value_"), r.Field.Name, per, span(r.Timespan), r.Condition.Text, here(r, a))}
	default:
		return nil
	}
}

// figure writes a number as rule authors do.
func figure(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// here tells the activity's values of the fields whose values count.
func here(r *Rule, a *activity.Activity) string {
	var parts []string
	for i := range len(r.With) + 1 {
		f := r.Field
		if i > 0 {
			f = &r.With[i-1]
		}
		seen := values(f, a)
		if len(seen) == 0 {
			return "here absent, which never counts"
		}
		parts = append(parts, strings.Join(seen, ", "))
	}
	return "here " + strings.Join(parts, " with ")
}

func countedAs(r *Rule) string {
	if len(r.With) > 0 {
		return "combinations"
	}
	return "values"
}

func groups(r *Rule) []string {
	out := make([]string, len(r.GroupBy))
	for i, g := range r.GroupBy {
		out[i] = g.Name
	}
	return out
}

func learned(r *Rule) string {
	joint := "and"
	if r.Learn.Either {
		joint = "or"
	}
	return fmt.Sprintf("an account that is known: watched for %s %s with %d activities, at the latest after %s",
		span(r.Learn.Period), joint, r.Learn.Events, span(r.Learn.AtMost))
}

// span writes a duration as rule authors do: 90d, 10m, 1h30m.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	s = strings.TrimSuffix(s, "0s")
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	if s == "" {
		return "0s"
	}
	return s
}
