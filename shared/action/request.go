package action

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// What follows holds for every document that describes an HTTP call: an
// action's contract, and the request of a source (package source). at is the
// part of the document that describes it: "contract", "request".

// reservedHeaders may not be set by a document: they belong to the transport,
// to the credential, or to the delivery's own identity, or would make what is
// sent something else than it says (a body that is not encoded, a proxy's word).
var reservedHeaders = []string{
	"accept-encoding", "authorization", "connection", "content-encoding", "content-length", "cookie", "expect", "forwarded", "host",
	"idempotency-key", "keep-alive", "max-forwards", "proxy-authenticate", "proxy-authorization", "proxy-connection", "range", "te", "trailer",
	"transfer-encoding", "upgrade", "via", "waypost-callback", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
	"metadata-flavor", "x-aws-ec2-metadata-token", "x-google-metadata-request",
}

// reserved says why a header of this name, in lower case, may not be set.
func reserved(name string) string {
	switch name {
	case "authorization", "cookie", "proxy-authorization":
		return "may not be set here; credentials belong in settings.auth"
	case "idempotency-key":
		return "may not be set here: Waypost sends the delivery's id in it"
	case "waypost-callback":
		return "may not be set here: Waypost sends the URL for reports in it, where settings.callback is set"
	case "host":
		return "may not be set here; it is the host of settings.url"
	}
	return "may not be set here: it is the transport's"
}

// CheckHeaders checks names against RFC 9110, section 5.1, and the reserved
// ones, and the values that are constant text.
func CheckHeaders(at string, headers map[string]any) []fault.Detail {
	var details []fault.Detail
	seen := map[string]string{}
	for _, name := range sortedKeys(headers) {
		say := func(format string, args ...any) {
			details = append(details, fault.Detail{Path: at + ".headers." + name, Message: fmt.Sprintf(format, args...)})
		}
		lower := strings.ToLower(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			say("is not a header name: use letters, digits and - (RFC 9110)")
		case slices.Contains(reservedHeaders, lower):
			say("%s", reserved(lower))
		case seen[lower] != "":
			say("is the same header as %s: names differ only in case", seen[lower])
		}
		seen[lower] = name
		if v, ok := headers[name].(string); ok && !httpguts.ValidHeaderFieldValue(v) {
			say("has a character that a header value may not have")
		}
	}
	return details
}

var pathParam = regexp.MustCompile(`\{([^{}]*)\}`)

// CheckPath checks that a path and its parameters name each other.
func CheckPath(at, path string, params map[string]any) []fault.Detail {
	if strings.Contains(path, "{{") {
		return []fault.Detail{{Path: at + ".path", Message: "is no template: write a parameter such as {id}, and give its value in " + at + ".pathParams"}}
	}
	var details []fault.Detail
	named := map[string]bool{}
	for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
		if _, ok := params[m[1]]; !ok {
			details = append(details, fault.Detail{Path: at + ".path",
				Message:    fmt.Sprintf("{%s} is not among pathParams", m[1]),
				Suggestion: fault.Nearest(m[1], sortedKeys(params))})
		}
		named[m[1]] = true
	}
	if rest := pathParam.ReplaceAllString(path, ""); strings.ContainsAny(rest, "{}?#") {
		details = append(details, fault.Detail{Path: at + ".path", Message: "must be a plain path with {parameters}; a query goes in " + at + ".query"})
	}
	for _, name := range sortedKeys(params) {
		if !named[name] {
			details = append(details, fault.Detail{Path: at + ".pathParams." + name, Message: fmt.Sprintf("is not in %s.path: write {%s} there", at, name)})
		}
	}
	return details
}

// FillPath puts each parameter's text into the path, escaped as one segment.
// It lists the parameters whose text would change the path.
func FillPath(path string, text func(name string) string) (filled string, wrong []string) {
	return pathParam.ReplaceAllStringFunc(path, func(braced string) string {
		name := braced[1 : len(braced)-1]
		t := text(name)
		if t == "" || t == "." || t == ".." {
			wrong = append(wrong, name)
		}
		return url.PathEscape(t)
	}), wrong
}

// CheckURL checks settings.url by the guard that stands before every call.
func CheckURL(at, baseURL string, guard Guard) []fault.Detail {
	message := ""
	if err := guard.Check(baseURL); err != nil {
		message = fault.Public(err)
	} else if strings.ContainsAny(baseURL, "?#") {
		message = "must have no query and no fragment; a query goes in " + at + ".query"
	}
	if message == "" {
		return nil
	}
	return []fault.Detail{{Path: "settings.url", Message: message}}
}

// CompileAnswer compiles what may be read of an answer: nil where raw is
// empty. An object whose "type" is a JSON Schema type is a schema; any other
// names the properties of an object.
func CompileAnswer(raw json.RawMessage) (*schema.Schema, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	doc, err := schema.Decode(raw)
	if err != nil {
		return nil, err
	}
	m, _ := doc.(map[string]any)
	if _, whole := m["type"].(string); whole {
		return schema.Compile(m)
	}
	if len(m) == 0 {
		return schema.Compile(map[string]any{"type": "object", "additionalProperties": false}) // {} names nothing
	}
	compiled, err := schema.Compile(map[string]any{"type": "object", "properties": m})
	if err != nil {
		details := fault.Details(err)
		for i := range details {
			details[i].Path = strings.TrimPrefix(details[i].Path, "properties.")
		}
		return nil, fault.Document(fault.Public(err), details)
	}
	return compiled, nil
}
