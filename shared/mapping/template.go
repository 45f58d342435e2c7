package mapping

import (
	"strings"
	"unicode/utf8"

	"github.com/waypost/waypost/shared/fault"
)

// maxEnds is how many }} are tried as the end of one expression.
const maxEnds = 64

// parseText reads a string of a mapping. items are the names of the items of
// the lists that it stands in.
func parseText(text string, items []string) (*Template, []fault.Detail) {
	var parts []part
	for rest := 0; rest < len(text); {
		open := strings.Index(text[rest:], "{{")
		if open < 0 {
			if parts == nil {
				break
			}
			parts = append(parts, part{text: text[rest:]})
			rest = len(text)
			continue
		}
		if open > 0 {
			parts = append(parts, part{text: text[rest : rest+open]})
		}
		x, end, details := parseBraces(text, rest+open+2, items)
		if details != nil {
			return &Template{}, details
		}
		parts = append(parts, part{expression: x})
		rest = end
	}
	switch {
	case parts == nil:
		return &Template{constant: text}, nil
	case len(parts) == 1:
		return &Template{alone: parts[0].expression}, nil
	}
	return &Template{parts: parts}, nil
}

// parseBraces reads the expression that starts at an offset of text, after its
// {{, and gives the offset behind its }}: the first }} before which the text is
// an expression. Where there is none, the error is that of the first }}, since
// a slip inside an expression is likelier than a }} inside one.
func parseBraces(text string, start int, items []string) (x *Expression, end int, details []fault.Detail) {
	fail := func(message string) (*Expression, int, []fault.Detail) {
		line, column := place(text, utf8.RuneCountInString(text[:start-2]))
		return nil, 0, []fault.Detail{{Rule: "expression", Message: message, Line: line, Column: column}}
	}
	at := start
	for range maxEnds {
		next := strings.Index(text[at:], "}}")
		if next < 0 {
			break
		}
		at += next
		source := text[start:at]
		if at == start || strings.TrimSpace(source) == "" {
			return fail("there is no expression between {{ and }}")
		}
		tree, problem := parseSource(source)
		if problem == nil {
			x, details := compile(tree, source, text, start, items)
			return x, at + 2, details
		}
		if details == nil {
			details = []fault.Detail{problem.detail(text, start)}
		}
		at++
	}
	if details == nil {
		return fail("{{ begins an expression, but no }} ends it; to write {{ itself, put {{ '{{' }}")
	}
	return nil, 0, details
}
