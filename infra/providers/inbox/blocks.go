package inbox

import "encoding/json"

// A block is one block of a message to Slack, or an element of one, as the
// page shows it. What it does not know is shown by its type alone.
type block struct {
	Type      string
	Spans     []span   // of a section, a header or a text
	Fields    [][]span // of a section, in two columns
	Elements  []block  // of a context or of actions
	Accessory *block
	Alt       string // of an image, which is not loaded
	Style     string // of a button: "primary", "danger"
	Href      string // where a button leads
}

// wireBlock is a block as Slack's Block Kit writes it. Its text is an object,
// or a string where the block is itself a text.
type wireBlock struct {
	Type, URL, Style string
	Text, Title      json.RawMessage
	Fields           []wireBlock
	Elements         []wireBlock
	Accessory        *wireBlock
	AltText          string `json:"alt_text"`
}

// blocksOf reads a message's blocks for the template: nil where it has none
// that can be read.
func blocksOf(m Message) []block {
	var wire []wireBlock
	if json.Unmarshal(m.Blocks, &wire) != nil {
		return nil
	}
	var out []block
	for _, w := range wire {
		out = append(out, w.view())
	}
	return out
}

func (w wireBlock) view() block {
	b := block{Type: w.Type, Alt: w.AltText, Style: w.Style, Href: w.URL}
	if w.Type == "image" {
		if title := w.with(w.Title); len(title) > 0 {
			b.Spans = title
		}
		return b
	}
	b.Spans = w.with(w.Text)
	for _, f := range w.Fields {
		b.Fields = append(b.Fields, f.with(f.Text))
	}
	for _, e := range w.Elements {
		b.Elements = append(b.Elements, e.view())
	}
	if w.Accessory != nil {
		a := w.Accessory.view()
		b.Accessory = &a
	}
	return b
}

// with reads a text: a string of this block's own type, or an object with its type.
func (w wireBlock) with(raw json.RawMessage) []span {
	var object struct{ Type, Text string }
	if json.Unmarshal(raw, &object) != nil {
		object.Type = w.Type
		if json.Unmarshal(raw, &object.Text) != nil {
			return nil
		}
	}
	if object.Type == "mrkdwn" || object.Type == "markdown" {
		return mrkdwn(object.Text)
	}
	if object.Text == "" {
		return nil
	}
	return []span{{Text: shown(object.Text)}}
}
