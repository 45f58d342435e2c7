package slack

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// A block is one of Block Kit's (https://docs.slack.dev/reference/block-kit/blocks),
// or an element of one, as far as the stand-in judges it.
type block struct {
	Type      string          `json:"type"`
	BlockID   string          `json:"block_id"`
	Text      json.RawMessage `json:"text"`
	Fields    []text          `json:"fields"`
	Accessory *block          `json:"accessory"`
	Elements  []block         `json:"elements"`
	ImageURL  string          `json:"image_url"`
	SlackFile json.RawMessage `json:"slack_file"`
	AltText   string          `json:"alt_text"`
}

// A text is a text object.
type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func (t text) valid(maxLength int) bool {
	n := utf8.RuneCountInString(t.Text)
	return (t.Type == "plain_text" || t.Type == "mrkdwn") && n > 0 && n <= maxLength
}

// textOf decodes a text object; the zero text is one that is not valid.
func textOf(raw json.RawMessage) text {
	var t text
	if json.Unmarshal(raw, &t) != nil {
		return text{}
	}
	return t
}

// untouched are the blocks that the stand-in takes as they are.
var untouched = []string{"call", "context_actions", "divider", "file", "input", "markdown", "rich_text", "table", "video"}

func validBlocks(blocks []block) bool {
	ids := map[string]bool{}
	for _, b := range blocks {
		if b.BlockID != "" && ids[b.BlockID] || len(b.BlockID) > 255 || !b.valid() {
			return false
		}
		ids[b.BlockID] = true
	}
	return len(blocks) <= 50
}

func (b block) valid() bool {
	switch b.Type {
	case "section":
		if len(b.Fields) > 10 || slices.ContainsFunc(b.Fields, func(f text) bool { return !f.valid(2000) }) {
			return false
		}
		if given(b.Text) && !textOf(b.Text).valid(3000) || !given(b.Text) && len(b.Fields) == 0 {
			return false
		}
		return b.Accessory == nil || b.Accessory.validElement()
	case "header":
		t := textOf(b.Text)
		return t.Type == "plain_text" && t.valid(150)
	case "image":
		return b.validImage()
	case "context":
		return between(len(b.Elements), 10) && !slices.ContainsFunc(b.Elements, func(e block) bool { return !e.validInContext() })
	case "actions":
		return between(len(b.Elements), 25) && !slices.ContainsFunc(b.Elements, func(e block) bool { return !e.validElement() })
	}
	return slices.Contains(untouched, b.Type)
}

func between(n, most int) bool { return n > 0 && n <= most }

func (b block) validImage() bool {
	return (b.ImageURL != "" || given(b.SlackFile)) && b.AltText != ""
}

// validInContext says whether an element may stand in a context: an image, or
// a text, whose own text is a string.
func (b block) validInContext() bool {
	if b.Type == "image" {
		return b.validImage()
	}
	t := text{Type: b.Type}
	return json.Unmarshal(b.Text, &t.Text) == nil && t.valid(3000)
}

// validElement judges buttons and images; other elements are taken as they are.
func (b block) validElement() bool {
	switch b.Type {
	case "":
		return false
	case "button":
		t := textOf(b.Text)
		return t.Type == "plain_text" && t.valid(75)
	case "image":
		return b.validImage()
	}
	return true
}
