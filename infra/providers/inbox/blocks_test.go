package inbox_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/waypost/waypost/infra/providers/inbox"
)

// card gives the page's card of a message to Slack, without the part that
// shows it as it was sent.
func card(t *testing.T, m inbox.Message) string {
	t.Helper()
	s := inbox.New(inbox.Options{})
	m.Channel, m.From, m.To = "slack", "Waypost", "#orders"
	s.Add(m)
	_, body := get(t, s.Handler(), "GET", "/inbox/cards")
	shown, _, _ := strings.Cut(body, "<details>")
	return shown
}

func TestSlackText(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"plain", "plain"},
		{"*bold* _it_ ~no~ `x*y*`", "<b>bold</b> <i>it</i> <s>no</s> <code>x*y*</code>"},
		{"2*3*4 snake_case_name", "2*3*4 snake_case_name"},
		{"```a\nb```", `<code class="block">a` + "\nb</code>"},
		{"&lt;b&gt; &amp;", "&lt;b&gt; &amp;"},
		{"> said\nnot", "<q>said</q>not"},
		{"> said *by* <!here>", `<q>said <b>by</b> <span class="mention">@here</span></q>`},
		{"&gt; said", "<q>said</q>"},
		{"1 > 0", "1 &gt; 0"},
		{"<https://a.example/?b=1&amp;c|here>", `<a href="https://a.example/?b=1&amp;c" rel="noreferrer">here</a>`},
		{"<https://a.example>", `<a href="https://a.example" rel="noreferrer">https://a.example</a>`},
		{"<javascript:alert(1)|here>", "&lt;javascript:alert(1)|here&gt;"},
		{"<!channel> <@U1|ada> <#C1|orders>", `<span class="mention">@channel</span> <span class="mention">ada</span> <span class="mention">#orders</span>`},
		{":tada: :no_such:", "🎉 :no_such:"},
		{"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
	} {
		got := card(t, inbox.Message{Text: tc.text})
		if want := `<p class="mrkdwn">` + tc.want + `</p>`; !strings.Contains(got, want) {
			t.Errorf("%q: got %s, want %s", tc.text, got, want)
		}
	}
}

func TestSlackBlocks(t *testing.T) {
	const attack = `<script>alert(1)</script>`
	for _, tc := range []struct{ name, blocks, want string }{
		{"header", `{"type": "header", "text": {"type": "plain_text", "text": "*Order*"}}`, `<p class="heading">*Order*</p>`},
		{"section", `{"type": "section", "text": {"type": "mrkdwn", "text": "*Ada*"}}`, `<p class="mrkdwn"><b>Ada</b></p>`},
		{"fields", `{"type": "section", "fields": [{"type": "mrkdwn", "text": "*A*"}, {"type": "plain_text", "text": "*B*"}]}`,
			`<div class="columns"><p class="mrkdwn"><b>A</b></p><p class="mrkdwn">*B*</p></div>`},
		{"accessory", `{"type": "section", "text": {"type": "mrkdwn", "text": "a"}, "accessory": {"type": "image", "image_url": "https://a.example/a.png", "alt_text": "a cup"}}`, `>a cup</span></div>`},
		{"divider", `{"type": "divider"}`, `<hr>`},
		{"context", `{"type": "context", "elements": [{"type": "mrkdwn", "text": "_small_"}]}`, `<p class="context"><span class="mrkdwn"><i>small</i></span>`},
		{"actions", `{"type": "actions", "elements": [{"type": "button", "style": "primary", "text": {"type": "plain_text", "text": "Call"}}]}`, `<span class="press primary">Call</span>`},
		{"image", `{"type": "image", "image_url": "https://a.example/a.png", "alt_text": "a cup"}`, `>a cup</span>`},
		{"another", `{"type": "rich_text", "elements": []}`, `a block of the type rich_text`},
		{"an attack", `{"type": "section", "text": {"type": "mrkdwn", "text": "` + attack + `"}}, {"type": "` + attack + `"},
			{"type": "actions", "elements": [{"type": "button", "style": "\"` + attack + `", "text": {"type": "plain_text", "text": "` + attack + `"}}]}`, `&lt;script&gt;alert(1)&lt;/script&gt;`},
	} {
		got := card(t, inbox.Message{Text: "in short", Blocks: json.RawMessage("[" + tc.blocks + "]"), Thread: "1503435956.000247"})
		if !strings.Contains(got, tc.want) || strings.Contains(got, "<script") || strings.Contains(got, "in short") {
			t.Errorf("%s: got %s, want %s and no text beside the blocks", tc.name, got, tc.want)
		}
		if !strings.Contains(got, "#orders <small>in the thread of 1503435956.000247</small>") {
			t.Errorf("%s: the channel and the thread are not shown: %s", tc.name, got)
		}
	}
	if got := card(t, inbox.Message{Text: "in short", Blocks: json.RawMessage(`{"no": "list"}`)}); !strings.Contains(got, "in short") {
		t.Errorf("blocks that can't be read hide the text: %s", got)
	}
}
