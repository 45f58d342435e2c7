package inbox

import (
	"html"
	"regexp"
	"strings"
)

// A span is a run of text that Slack shows in one style. Kind is "b", "i",
// "s", "code", "pre", "quote", "mention", "link", or "" for plain text; Href is a
// link's target, Inner what a quote holds.
type span struct {
	Kind, Text, Href string
	Inner            []span
}

var codeBlock = regexp.MustCompile("(?s)```(.+?)```")

// mark finds what Slack's mrkdwn marks within a line
// (https://docs.slack.dev/messaging/formatting-message-text), one kind a group:
// code, <…>, bold, italic, struck.
var mark = regexp.MustCompile("`([^`]+)`" + `|<([^<>]+)>|\B\*([^*]+)\*\B|\b_([^_]+)_\b|\B~([^~]+)~\B`)

var groups = []string{"code", "angle", "b", "i", "s"}

// mrkdwn cuts a text into spans for the template, which escapes each. A mark
// inside a mark is not looked for.
func mrkdwn(text string) []span {
	var out []span
	end := 0
	for _, m := range codeBlock.FindAllStringSubmatchIndex(text, maxTokens) {
		out = append(out, lines(text[end:m[0]])...)
		out = append(out, span{Kind: "pre", Text: shown(text[m[2]:m[3]])})
		end = m[1]
	}
	return append(out, lines(text[end:])...)
}

// lines gives text line by line: those that begin with > are quotes.
func lines(text string) []span {
	var out []span
	for line := range strings.Lines(text) {
		quoted, ok := strings.CutPrefix(line, "&gt;")
		if !ok {
			quoted, ok = strings.CutPrefix(line, ">")
		}
		if ok {
			out = append(out, span{Kind: "quote", Inner: inline(strings.TrimSpace(quoted))})
		} else {
			out = append(out, inline(line)...)
		}
	}
	return out
}

// inline gives the spans of one line.
func inline(line string) []span {
	var out []span
	end := 0
	for _, m := range mark.FindAllStringSubmatchIndex(line, maxTokens) {
		if m[0] > end {
			out = append(out, span{Text: shown(line[end:m[0]])})
		}
		end = m[1]
		for i, kind := range groups {
			from, to := m[2+2*i], m[3+2*i]
			switch {
			case from < 0:
			case kind == "angle":
				out = append(out, angle(line[from:to]))
			default:
				out = append(out, span{Kind: kind, Text: shown(line[from:to])})
			}
		}
	}
	if end < len(line) {
		out = append(out, span{Text: shown(line[end:])})
	}
	return out
}

// angle reads what stands in <…>: a mention, or a link, perhaps with a label.
func angle(inside string) span {
	target, label, labelled := strings.Cut(inside, "|")
	if !labelled {
		label = target
	}
	switch {
	case strings.HasPrefix(target, "!"), strings.HasPrefix(target, "@"):
		if !labelled {
			label = "@" + target[1:]
		}
		return span{Kind: "mention", Text: shown(label)}
	case strings.HasPrefix(target, "#"):
		if labelled {
			label = "#" + label
		}
		return span{Kind: "mention", Text: shown(label)}
	}
	if !strings.HasPrefix(target, "https://") && !strings.HasPrefix(target, "http://") && !strings.HasPrefix(target, "mailto:") {
		return span{Text: "<" + shown(inside) + ">"}
	}
	return span{Kind: "link", Text: shown(label), Href: html.UnescapeString(target)}
}

var emojiName = regexp.MustCompile(`:[a-z0-9_+-]+:`)

// emoji are those that examples are likely to use; others show as their names.
var emoji = map[string]string{
	":tada:": "🎉", ":white_check_mark:": "✅", ":shopping_bags:": "🛍️", ":package:": "📦", ":warning:": "⚠️", ":wave:": "👋",
	":rotating_light:": "🚨", ":star:": "⭐", ":truck:": "🚚", ":x:": "❌", ":coffee:": "☕", ":bell:": "🔔", ":eyes:": "👀", ":+1:": "👍",
}

// shown undoes Slack's three escapes, and puts emoji for their names.
func shown(text string) string {
	text = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
	return emojiName.ReplaceAllStringFunc(text, func(name string) string {
		if e := emoji[name]; e != "" {
			return e
		}
		return name
	})
}
