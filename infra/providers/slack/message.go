package slack

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Bounds of a message: https://docs.slack.dev/reference/methods/chat.postMessage.
const (
	maxText        = 40000
	maxAttachments = 100
)

// arguments are those of a message that the stand-in looks at.
type arguments struct {
	Channel        string          `json:"channel"`
	Text           string          `json:"text"`
	Blocks         json.RawMessage `json:"blocks"`
	Attachments    json.RawMessage `json:"attachments"`
	ThreadTS       string          `json:"thread_ts"`
	ReplyBroadcast bool            `json:"reply_broadcast"`
	Mrkdwn         *bool           `json:"mrkdwn"`
	UnfurlLinks    *bool           `json:"unfurl_links"`
	UnfurlMedia    *bool           `json:"unfurl_media"`
	Username       string          `json:"username"`
	Metadata       json.RawMessage `json:"metadata"`
}

// A message is one that is being posted.
type message struct {
	args arguments
	to   Channel
	ts   string
}

// posted is the message as chat.postMessage answers it.
func (m *message) posted() map[string]any {
	p := map[string]any{"type": "message", "text": m.args.Text, "ts": m.ts, "team": team, "user": user, "bot_id": bot, "app_id": app}
	for name, v := range map[string]json.RawMessage{"blocks": m.args.Blocks, "attachments": m.args.Attachments, "metadata": m.args.Metadata} {
		if given(v) {
			p[name] = v
		}
	}
	if m.args.ThreadTS != "" {
		p["thread_ts"] = m.args.ThreadTS
	}
	if m.args.ReplyBroadcast {
		p["subtype"] = "thread_broadcast"
	}
	return p
}

// fromForm reads a form's values: those that are lists or objects are JSON.
func (a *arguments) fromForm(form url.Values) (problem string) {
	a.Channel, a.Text, a.ThreadTS, a.Username = form.Get("channel"), form.Get("text"), form.Get("thread_ts"), form.Get("username")
	for name, into := range map[string]*json.RawMessage{"blocks": &a.Blocks, "attachments": &a.Attachments, "metadata": &a.Metadata} {
		if v := form.Get(name); v != "" {
			*into = json.RawMessage(v)
			if !json.Valid(*into) {
				return map[string]string{"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}[name]
			}
		}
	}
	for name, into := range map[string]**bool{"mrkdwn": &a.Mrkdwn, "unfurl_links": &a.UnfurlLinks, "unfurl_media": &a.UnfurlMedia} {
		if v, err := strconv.ParseBool(form.Get(name)); err == nil {
			*into = &v
		}
	}
	a.ReplyBroadcast, _ = strconv.ParseBool(form.Get("reply_broadcast")) // what is no boolean is false
	return ""
}

// given says whether an argument has anything in it.
func given(v json.RawMessage) bool {
	return len(v) > 0 && !slices.Contains([]string{"null", "[]"}, string(v))
}

// problem gives the code with which Slack refuses a message, or "". api says
// that it came by the Web API, which knows more of them.
func (a *arguments) problem(api bool) string {
	var attachments []map[string]any
	if given(a.Attachments) && json.Unmarshal(a.Attachments, &attachments) != nil {
		if api {
			return "invalid_array_arg"
		}
		return "invalid_payload"
	}
	switch {
	case a.Text == "" && !given(a.Blocks) && len(attachments) == 0:
		return "no_text"
	case len(attachments) > maxAttachments:
		return "too_many_attachments"
	case api && utf8.RuneCountInString(a.Text) > maxText:
		return "msg_too_long"
	}
	if given(a.Blocks) {
		var blocks []block
		if err := json.Unmarshal(a.Blocks, &blocks); err != nil {
			if api {
				return "invalid_blocks_format"
			}
			return "invalid_blocks"
		}
		if !validBlocks(blocks) {
			return "invalid_blocks"
		}
	}
	if api && given(a.Metadata) {
		var m struct {
			EventType    string         `json:"event_type"`
			EventPayload map[string]any `json:"event_payload"`
		}
		if json.Unmarshal(a.Metadata, &m) != nil || m.EventType == "" || m.EventPayload == nil {
			return "invalid_metadata_format"
		}
	}
	return ""
}
