package slack

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/slack-go/slack"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
)

// Bounds of Slack's, in characters, and of a message as a whole. Slack does not
// say what a character is; here it is a UTF-16 unit, which is the most that it
// can be.
const (
	maxHeader  = 150
	maxSection = 3000
	maxButton  = 75
	maxValue   = 2000
	maxLines   = 40     // of 50 blocks, with room for the others
	maxText    = 10_000 // of all sections together
	maxLinks   = 10
	maxPeople  = 10
)

// options are what every message is sent with: without mrkdwn, names that
// become mentions, and previews of pages. The text is for notifications and screen
// readers.
func (o *Output) options(blocks []slack.Block, title string) []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(cut(alerting.Plain(title), maxHeader), true), slack.MsgOptionBlocks(blocks...),
		slack.MsgOptionDisableMarkdown(), slack.MsgOptionParse(false),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}
}

// first returns the blocks of a thread's first message.
func (o *Output) first(m *notify.Message) []slack.Block {
	blocks := []slack.Block{
		slack.NewHeaderBlock(plain(cut(alerting.Plain(m.Title), maxHeader))),
		slack.NewContextBlock("picket_state", plain(state(m))),
	}
	blocks = append(blocks, sections(m.Lines)...)
	if calls(m, true) {
		blocks = append(blocks, mention(m.People)...)
	}
	return append(blocks, o.actions(m)...)
}

// reply returns the blocks of a later message. The whole screen stands in the
// first one; the reply repeats it where it has grown.
func (o *Output) reply(m *notify.Message, call bool) []slack.Block {
	blocks := []slack.Block{
		slack.NewSectionBlock(plain(cut(kindWord(m.Kind)+": "+alerting.Plain(m.Title), maxSection)), nil, nil),
		slack.NewContextBlock("picket_state", plain(state(m))),
	}
	if m.Kind == notify.Updated || m.Kind == notify.Assigned || m.Kind == notify.Summary {
		blocks = append(blocks, sections(m.Lines)...)
	}
	if call {
		blocks = append(blocks, mention(m.People)...)
	}
	return blocks
}

// calls reports whether the message is for somebody who should come: also one of
// an incident that grew after the thread said that somebody is on it, and waits
// again.
func calls(m *notify.Message, acked bool) bool {
	if m.Kind == notify.Updated {
		return acked && m.State == alerting.Firing
	}
	return m.Kind == notify.Opened || m.Kind == notify.Escalated || m.Kind == notify.Repeated || m.Kind == notify.Assigned
}

func kindWord(k notify.Kind) string {
	return strings.ToUpper(string(k[:1])) + string(k[1:])
}

// state is the line that says how things stand.
func state(m *notify.Message) string {
	const clock = "2006-01-02 15:04Z"
	began := "began " + m.Started.UTC().Format(clock)
	switch {
	case m.State == alerting.Resolved && !m.Ended.IsZero():
		return "Resolved " + m.Ended.UTC().Format(clock) + ", " + began
	case m.State == alerting.Resolved:
		return "Resolved, " + began
	case m.State == alerting.Acknowledged:
		return "Acknowledged: somebody is on it, " + began
	}
	return "Firing: nobody is on it yet, " + began
}

// sections returns a block for each line.
func sections(lines []notify.Line) []slack.Block {
	var blocks []slack.Block
	room := maxText
	for i, l := range lines {
		text := alerting.Plain(l.Text)
		if label := alerting.Plain(l.Label); label != "" {
			text = label + ": " + text
		}
		if text == "" {
			continue
		}
		text = cut(text, maxSection)
		if room -= units(text); room < 0 || len(blocks) == maxLines {
			return append(blocks, slack.NewContextBlock("picket_more", plain(fmt.Sprintf("… and %d more lines", len(lines)-i))))
		}
		blocks = append(blocks, slack.NewSectionBlock(plain(text), nil, nil))
	}
	return blocks
}

// mention calls the people whose Slack ids are known. It is the only text that
// Slack interprets, and nothing but ids is in it.
func mention(people []notify.Person) []slack.Block {
	var ids []string
	for _, p := range people {
		if a := p.Addresses["slack"]; id(a, "UW") && len(ids) < maxPeople {
			ids = append(ids, "<@"+a+">")
		}
	}
	if len(ids) == 0 {
		return nil
	}
	text := slack.NewTextBlockObject(slack.MarkdownType, "For "+strings.Join(ids, " "), false, true)
	return []slack.Block{slack.NewSectionBlock(text, nil, nil, slack.SectionBlockOptionBlockID("picket_people"))}
}

// plain is text that Slack shows as it is: no emoji names, no formatting.
func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// units counts UTF-16 units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cut returns at most limit UTF-16 units, with … where it was cut.
func cut(s string, limit int) string {
	if units(s) <= limit {
		return s
	}
	n := 0
	for i, r := range s {
		if n += utf16.RuneLen(r); n > limit-1 {
			return s[:i] + "…"
		}
	}
	return s
}
