package alerting

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// What an alert keeps is bounded, so that one long post or one hostile event
// cannot make it too large to store. Sizes are in bytes.
const (
	// MaxState bounds the stored form of an alert.
	MaxState = 256 << 10

	maxText    = 2000 // text of a post
	maxName    = 512
	maxURL     = 2048 // address of media: signed ones are long, and a part of one leads nowhere
	maxReason  = 500
	maxList    = 16
	maxReasons = 8
	maxUsual   = 4
	maxRelated = 8
)

// Encode returns the stored form, at most MaxState bytes. Until it fits it
// leaves out the evidence between the first and the newest activity, then what
// happened since, then the rest of the evidence.
func Encode(a Alert) ([]byte, error) {
	for {
		data, err := json.Marshal(&a)
		if err != nil {
			return nil, fmt.Errorf("encode alert %s: %w", a.ID, err)
		}
		n := len(a.Evidence)
		switch {
		case len(data) <= MaxState:
			return data, nil
		case n > 2:
			a.Evidence = slices.Delete(slices.Clone(a.Evidence), 1, 2)
		case a.Since != nil && len(a.Since.Activities) > 0:
			since := *a.Since
			since.Activities = since.Activities[:len(since.Activities)-1]
			a.Since = &since
		case n > 0:
			a.Evidence = a.Evidence[1:]
		default:
			return data, nil
		}
	}
}

// Decode reads the stored form. It refuses a newer version than it knows.
func Decode(data []byte) (Alert, error) {
	var a Alert
	if err := json.Unmarshal(data, &a); err != nil {
		return Alert{}, fmt.Errorf("decode alert: %w", err)
	}
	if a.V < 1 || a.V > Version {
		return Alert{}, fmt.Errorf("decode alert %q: field v: version %d, this Picket reads 1 to %d: upgrade it", a.ID, a.V, Version)
	}
	if a.ID == "" {
		return Alert{}, errors.New("decode alert: field id: missing")
	}
	if !slices.Contains(States(), a.State) {
		return Alert{}, fmt.Errorf("decode alert %q: field state: %q, want one of %v", a.ID, a.State, States())
	}
	return a, nil
}

// clip returns valid UTF-8 of at most limit bytes, with … where it was cut.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func clipAll(in []string, limit int) []string {
	if len(in) == 0 {
		return nil
	}
	out := make([]string, 0, min(len(in), maxList))
	for _, s := range in[:min(len(in), maxList)] {
		out = append(out, clip(s, limit))
	}
	return out
}

func labels(fields []activity.Field) []Label {
	if len(fields) == 0 {
		return nil
	}
	out := make([]Label, 0, min(len(fields), maxList))
	for _, f := range fields[:min(len(fields), maxList)] {
		out = append(out, Label{clip(f.Name, maxName), clip(f.Value, maxName)})
	}
	return out
}

func keepRule(r *rules.Rule) Rule {
	return Rule{
		ID: r.ID, Name: clip(r.Name, maxName), Title: clip(r.Title, maxName),
		Description: clip(r.Description, maxText), Level: r.Level, Mode: r.Mode, Type: r.Type, Version: r.Version,
		Tags: clipAll(r.Tags, maxName), Response: clipAll(r.Response, maxName),
	}
}

func keepReasons(in []detector.Reason, most int) []detector.Reason {
	out := slices.Clone(in[:min(len(in), most)])
	for i := range out {
		r := &out[i]
		r.Field, r.Seen, r.Expected = clip(r.Field, maxName), clip(r.Seen, maxReason), clip(r.Expected, maxReason)
		r.Detail = keepDetail(r.Detail)
	}
	return out
}

// keepDetail keeps the first entries by name, so that the same finding always
// keeps the same ones.
func keepDetail(in map[string]string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	names := make([]string, 0, len(in))
	for name := range in {
		names = append(names, name)
	}
	slices.Sort(names)
	out := make(map[string]string, min(len(in), maxList))
	for _, name := range names[:min(len(names), maxList)] {
		out[clip(name, maxName)] = clip(in[name], maxReason)
	}
	return out
}

func keepRelated(in []detector.Related) []detector.Related {
	out := slices.Clone(in[:min(len(in), maxRelated)])
	for i := range out {
		r := &out[i]
		r.Episode, r.Rule, r.Title = clip(r.Episode, maxName), clip(r.Rule, maxName), clip(r.Title, maxName)
		r.Account, r.Words, r.Time = clip(r.Account, maxName), clip(r.Words, maxReason), r.Time.UTC()
	}
	return out
}

func keepSince(in *detector.Since) *detector.Since {
	first := in.Activities[:min(len(in.Activities), detector.MaxSince)]
	return &detector.Since{AsOf: in.AsOf.UTC(), Count: in.Count, Activities: keepActivities(first)}
}

func keepEvidence(in []activity.Activity) []activity.Activity {
	if len(in) > detector.MaxEvidence {
		in = append([]activity.Activity{in[0]}, in[len(in)-detector.MaxEvidence+1:]...)
	}
	return keepActivities(in)
}

// keepActivities returns copies that share no memory with the finding's, whose
// strings may alias a journal message.
func keepActivities(in []activity.Activity) []activity.Activity {
	out := make([]activity.Activity, len(in))
	for i := range in {
		bare := in[i]
		bare.Raw = nil // audit events are large and full of personal data
		out[i] = bare.Clone()
		trim(&out[i])
	}
	return out
}

func trim(a *activity.Activity) {
	a.Text, a.Approval.Text = clip(a.Text, maxText), clip(a.Approval.Text, maxText)
	for _, s := range []*string{
		&a.ID, &a.Network, &a.Account, &a.Actor, &a.App, &a.IP, &a.Device, &a.UserAgent, &a.Lang,
		&a.ReplyTo, &a.Object, &a.Drill, &a.Geo.Country, &a.Geo.Region, &a.Geo.City, &a.Geo.ASOrg, &a.Geo.Proxy,
		&a.Approval.Tool, &a.Outcome.Result, &a.Outcome.Reason, &a.Poll.State, &a.Poll.Reason,
	} {
		*s = clip(*s, maxName)
	}
	for _, list := range []*[]string{
		&a.Links, &a.LinkDomains, &a.Mentions, &a.Hashtags, &a.Changed,
		&a.Approval.Links, &a.Approval.Media, &a.Approval.Approvers,
	} {
		*list = clipAll(*list, maxName)
	}
	a.Media = a.Media[:min(len(a.Media), maxList)]
	for i := range a.Media {
		m := &a.Media[i]
		m.Hash, m.Type = clip(m.Hash, maxName), clip(m.Type, maxName)
		if len(m.URL) > maxURL {
			m.URL = ""
		}
	}
	a.Metrics = a.Metrics[:min(len(a.Metrics), maxList)]
	for _, fields := range []*[]activity.Field{&a.Profile, &a.Old} {
		*fields = (*fields)[:min(len(*fields), maxList)]
		for i := range *fields {
			f := &(*fields)[i]
			f.Name, f.Value = clip(f.Name, maxName), clip(f.Value, maxText)
		}
	}
}
