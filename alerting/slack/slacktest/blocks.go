package slacktest

import (
	"fmt"
	"unicode/utf16"
)

// Text is a text object.
type Text struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji *bool  `json:"emoji,omitempty"`
}

// Element is an element of a block: a button, or the text of a context.
type Element struct {
	Type     string `json:"type"`
	ActionID string `json:"action_id,omitempty"`
	Value    string `json:"value,omitempty"`
	URL      string `json:"url,omitempty"`
	Style    string `json:"style,omitempty"`
	// Text is a text object in a button and a string in a context.
	Text    any `json:"text,omitempty"`
	Confirm any `json:"confirm,omitempty"`
}

// Block is a layout block.
type Block struct {
	Type     string    `json:"type"`
	BlockID  string    `json:"block_id,omitempty"`
	Text     *Text     `json:"text,omitempty"`
	Elements []Element `json:"elements,omitempty"`
}

// The documented limits, in characters and numbers.
const (
	maxBlocks   = 50
	maxHeader   = 150
	maxSection  = 3000
	maxElements = 25
	maxContext  = 10
	maxButton   = 75
	maxValue    = 2000
	maxURL      = 3000
	maxID       = 255
)

// check returns what Slack would find wrong with blocks.
func check(blocks []Block) []string {
	var faults []string
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, "[ERROR] "+fmt.Sprintf(format, args...))
		}
	}
	fault(len(blocks) <= maxBlocks, "no more than %d items allowed [json-pointer:/blocks]", maxBlocks)
	seen := map[string]bool{}
	for i, b := range blocks {
		at := fmt.Sprintf("[json-pointer:/blocks/%d]", i)
		fault(b.BlockID == "" || !seen[b.BlockID], "block_id %q is there twice %s", b.BlockID, at)
		seen[b.BlockID] = true
		switch b.Type {
		case "header":
			fault(b.Text != nil && b.Text.Type == "plain_text" && between(b.Text.Text, 1, maxHeader), "must be plain_text of 1 to %d characters %s", maxHeader, at)
		case "section":
			fault(b.Text != nil && between(b.Text.Text, 1, maxSection), "must be 1 to %d characters %s", maxSection, at)
		case "context":
			fault(len(b.Elements) >= 1 && len(b.Elements) <= maxContext, "must have 1 to %d elements %s", maxContext, at)
		case "actions":
			fault(len(b.Elements) >= 1 && len(b.Elements) <= maxElements, "must have 1 to %d elements %s", maxElements, at)
			for _, e := range b.Elements {
				fault(button(e), "invalid button %q %s", e.ActionID, at)
			}
		default:
			fault(false, "unsupported type: %s %s", b.Type, at)
		}
	}
	return faults
}

func button(e Element) bool {
	text, _ := e.Text.(map[string]any)
	label, _ := text["text"].(string)
	return e.Type == "button" && text["type"] == "plain_text" && between(label, 1, maxButton) &&
		between(e.ActionID, 1, maxID) && between(e.Value, 0, maxValue) && between(e.URL, 0, maxURL)
}

// between counts as a browser does.
func between(s string, least, most int) bool {
	n := len(utf16.Encode([]rune(s)))
	return n >= least && n <= most
}
