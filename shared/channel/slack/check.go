package slack

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// webhookArguments are what an incoming webhook takes, with their types.
var webhookArguments = map[string]schema.Kind{
	"text": schema.StringKind, "blocks": schema.ArrayKind, "attachments": schema.ArrayKind, "thread_ts": schema.StringKind,
	"mrkdwn": schema.BooleanKind, "unfurl_links": schema.BooleanKind, "unfurl_media": schema.BooleanKind,
}

// apiArguments are what chat.postMessage takes, with their types.
var apiArguments = map[string]schema.Kind{
	"channel": schema.StringKind, "text": schema.StringKind, "blocks": schema.ArrayKind, "attachments": schema.ArrayKind,
	"thread_ts": schema.StringKind, "reply_broadcast": schema.BooleanKind, "mrkdwn": schema.BooleanKind,
	"parse": schema.StringKind, "link_names": schema.BooleanKind, "unfurl_links": schema.BooleanKind, "unfurl_media": schema.BooleanKind,
	"metadata": schema.ObjectKind, "username": schema.StringKind, "icon_emoji": schema.StringKind, "icon_url": schema.StringKind,
}

// answerFields are what chat.postMessage answers.
var answerFields = []string{"ok", "channel", "ts", "message", "warning", "response_metadata", "error", "needed", "provided"}

// hooksURL is where Slack takes incoming webhooks.
const hooksURL = "https://hooks.slack.com"

// maxBlocks is how many blocks Slack takes in a message.
const maxBlocks = 50

var timestamp = regexp.MustCompile(`^[0-9]{10}\.[0-9]{6}$`)

// A checker collects what is wrong with a definition.
type checker struct {
	*action.Action
	provider string
	body     map[string]any
	details  []fault.Detail
}

func (c *checker) say(path, format string, args ...any) {
	c.details = append(c.details, fault.Detail{Path: path, Message: fmt.Sprintf(format, args...)})
}

func checkWebhook(a *action.Action) []fault.Detail {
	c := &checker{Action: a, provider: "webhook"}
	c.details = channel.OnlyBody(a, "slack")
	if c.readBody("text, blocks or attachments") {
		for _, name := range []string{"channel", "username", "icon_emoji", "icon_url"} {
			if _, given := c.body[name]; given {
				c.say("contract.body."+name, "is fixed where the webhook is made; leave it out, or use the provider api")
				delete(c.body, name)
			}
		}
		c.arguments("a webhook's message", webhookArguments)
	}
	if len(a.Contract.Response) > 0 {
		c.say("contract.response", "must be left out: Slack answers a webhook with a word, not with JSON; the provider api answers with ts and channel")
	}
	if len(a.Contract.Error) > 0 {
		c.say("contract.error", "must be left out: Slack answers a webhook with a word, not with JSON")
	}
	if auth := a.Settings.Auth; auth == nil || auth.Type != "url" {
		c.say("settings.auth", `must be {"type": "url", "secret": "waypost/…"}: the secret holds the webhook's whole URL as url`)
	}
	if base := pathOf(a.Settings.URL); strings.Contains(base, "/services/") || base != "" && strings.HasPrefix(a.Settings.URL, hooksURL) {
		c.say("settings.url", "has the webhook's path, which is its credential: write %s, and keep the whole URL in the secret", hooksURL)
	}
	return c.sorted()
}

func checkAPI(a *action.Action) []fault.Detail {
	c := &checker{Action: a, provider: "api"}
	c.details = channel.OnlyBody(a, "slack")
	if c.readBody("channel, and text, blocks or attachments") {
		if c.body["channel"] == nil {
			c.say("contract.body.channel", "is missing: a channel's id (C0123456789), a user's (U…), or a channel's name")
		}
		if _, broadcast := c.body["reply_broadcast"]; broadcast && c.body["thread_ts"] == nil {
			c.say("contract.body.reply_broadcast", "needs thread_ts: it shows a thread's reply in the channel too")
		}
		if _, metadata := c.body["metadata"]; metadata && c.Settings.Callback != nil {
			c.say("contract.body.metadata", "is Waypost's own where settings.callback asks for reports: they come by it; leave out one of the two")
		}
		c.arguments("chat.postMessage", apiArguments)
	}
	c.answer("response", a.Contract.Response, a.ResponseType())
	c.answer("error", a.Contract.Error, a.ErrorType())
	if auth := a.Settings.Auth; auth == nil || auth.Type != "bearer" {
		c.say("settings.auth", `must be {"type": "bearer", "secret": "waypost/…"}: the secret holds a bot's token (xoxb-…) as token`)
	}
	if base := pathOf(a.Settings.URL); base == "/api" || strings.HasSuffix(base, methodPath) {
		c.say("settings.url", "must be https://slack.com; %s is put behind it", methodPath)
	}
	return c.sorted()
}

// readBody decodes the body, and wants something to show in it.
func (c *checker) readBody(what string) bool {
	if err := json.Unmarshal(c.Contract.Body, &c.body); err != nil || c.body == nil || c.body["toBeMapped"] != nil {
		c.say("contract.body", "must be an object with %s", what)
		return false
	}
	if c.body["text"] == nil && c.body["blocks"] == nil && c.body["attachments"] == nil {
		c.say("contract.body.text", "is missing: give text, blocks or attachments")
	}
	return true
}

// arguments checks names, types, and constants that Slack is sure to refuse.
func (c *checker) arguments(of string, known map[string]schema.Kind) {
	for name, v := range c.body {
		at := "contract.body." + name
		want, ok := known[name]
		if !ok {
			c.details = append(c.details, fault.Detail{Path: at, Rule: "additionalProperties", Message: "is not an argument of " + of,
				Suggestion: fault.Nearest(name, slices.Sorted(maps.Keys(known)))})
			continue
		}
		if f := c.Field("body." + name); f != nil {
			if got := f.Type.Kind; got != want && got != schema.AnyKind {
				c.say(at+".type", "must be %s, as Slack takes it", typeNames[want])
			}
			continue
		}
		if got := kindOf(v); got != want {
			c.say(at, "must be %s, is %s", schema.Type{Kind: want}, schema.Type{Kind: got})
		}
	}
	if ts, ok := c.body["thread_ts"].(string); ok && !timestamp.MatchString(ts) {
		c.say("contract.body.thread_ts", "must be a message's ts, such as 1503435956.000247")
	}
	if blocks, ok := c.body["blocks"].([]any); ok {
		c.blocks(blocks)
	}
}

// blocks checks a list of blocks that the contract writes out.
func (c *checker) blocks(blocks []any) {
	if len(blocks) > maxBlocks {
		c.say("contract.body.blocks", "must have at most %d blocks", maxBlocks)
	}
	for i, b := range blocks {
		at := fmt.Sprintf("contract.body.blocks.%d", i)
		block, _ := b.(map[string]any)
		if block["toBeMapped"] != nil {
			continue
		}
		kind, constant := block["type"].(string)
		switch {
		case block["type"] == nil:
			c.say(at+".type", "is missing: say which block it is, such as section")
		case constant && !slices.Contains(blockTypes, kind):
			c.details = append(c.details, fault.Detail{Path: at + ".type", Rule: "enum", Message: "is not a block of Slack's",
				Suggestion: fault.Nearest(kind, blockTypes)})
		}
	}
}

// blockTypes are the blocks that a message may have
// (https://docs.slack.dev/reference/block-kit/blocks).
var blockTypes = []string{"actions", "call", "context", "context_actions", "divider", "file", "header", "image", "input", "markdown",
	"rich_text", "section", "table", "video"}

// answer checks the names of what a journey reads of an answer.
func (c *checker) answer(part string, raw json.RawMessage, t schema.Type) {
	at := "contract." + part + "."
	var whole struct{ Type json.RawMessage }
	if json.Unmarshal(raw, &whole) == nil && len(whole.Type) > 0 && whole.Type[0] == '"' {
		at += "properties."
	}
	for _, name := range t.Names() {
		if !slices.Contains(answerFields, name) {
			c.details = append(c.details, fault.Detail{Path: at + name, Message: "is not in chat.postMessage's answer",
				Suggestion: fault.Nearest(name, answerFields)})
		}
	}
}

func (c *checker) sorted() []fault.Detail {
	slices.SortFunc(c.details, func(x, y fault.Detail) int { return strings.Compare(x.Path, y.Path) })
	return c.details
}

var typeNames = map[schema.Kind]string{schema.StringKind: "string", schema.BooleanKind: "boolean", schema.ArrayKind: "array", schema.ObjectKind: "object"}

// kindOf gives the kind of a decoded JSON value.
func kindOf(v any) schema.Kind {
	switch v.(type) {
	case string:
		return schema.StringKind
	case bool:
		return schema.BooleanKind
	case []any:
		return schema.ArrayKind
	case map[string]any:
		return schema.ObjectKind
	case nil:
		return schema.NullKind
	}
	return schema.NumberKind
}

func pathOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}
