package action

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
)

// A Place is where in a request a value of Waypost's own goes, named as a
// mapping names a field: "headers.X-Request-Id", "query.version", or a path in
// the body, "meta.version", which may have "body." before it.
type Place string

// IdempotencyKey is the header that has the delivery's id, in every request.
const IdempotencyKey = "Idempotency-Key"

// cut gives the part of the request that a place is in, and what is below it.
func (p Place) cut() (place, string) {
	first, rest, found := strings.Cut(string(p), ".")
	if in := place(first); found && slices.Contains([]place{inPath, inQuery, inHeaders, inBody}, in) {
		return in, rest
	}
	return inBody, string(p)
}

// InBody gives the path in the body, where the place is there.
func (p Place) InBody() ([]string, bool) {
	in, rest := p.cut()
	return strings.Split(rest, "."), in == inBody
}

// Overlaps says whether two places can't both have a value: they are the same,
// or one of them lies in the other.
func (p Place) Overlaps(q Place) bool {
	in, rest := p.cut()
	other, below := q.cut()
	switch {
	case in != other:
		return false
	case in == inHeaders:
		return strings.EqualFold(rest, below)
	case in == inQuery:
		return rest == below
	}
	return strings.HasPrefix(rest+".", below+".") || strings.HasPrefix(below+".", rest+".")
}

// CheckPlace finds why a value can't be put in a place: at is the document's
// path that names it.
func (a *Action) CheckPlace(at string, p Place) []fault.Detail {
	in, rest := p.cut()
	why := ""
	switch in {
	case inPath:
		why = "must be in the headers, the query or the body: headers.NAME, query.NAME, or a path in the body"
	case inQuery:
		if _, taken := a.query[rest]; taken || rest == "" {
			why = "must name a query parameter that the contract does not give"
		}
	case inHeaders:
		why = a.headerPlace(rest)
	case inBody:
		why = bodyPlace(a.body, len(a.Contract.Body) > 0, strings.Split(rest, "."))
	}
	if why == "" {
		return nil
	}
	return []fault.Detail{{Path: at, Message: why}}
}

func (a *Action) headerPlace(name string) string {
	lower := strings.ToLower(name)
	given := slices.ContainsFunc(slices.Collect(maps.Keys(a.headers)), func(h string) bool { return strings.EqualFold(h, name) })
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Sprintf("%q is not a header name: use letters, digits and - (RFC 9110)", name)
	case given:
		return "must name a header that contract.headers does not give"
	case slices.Contains(reservedHeaders, lower) && lower != strings.ToLower(IdempotencyKey):
		return "the header " + name + " may not be set here"
	}
	return ""
}

// bodyPlace says why there is no room at a path of the body, or "".
func bodyPlace(body any, given bool, path []string) string {
	if !given {
		body = map[string]any{}
	}
	for i, key := range path {
		m, ok := body.(map[string]any)
		if !ok || isField(body) {
			if i == 0 {
				return "the body is no object: name a header or a query parameter"
			}
			return fmt.Sprintf("%s is no object of the body", strings.Join(path[:i], "."))
		}
		if key == "" || strings.HasPrefix(key, "$") {
			return "must be a path of keys with dots between them"
		}
		next, found := m[key]
		switch last := i == len(path)-1; {
		case found && last:
			return "must be a path that the body does not give: Waypost puts the value there"
		case !found:
			return ""
		}
		body = next
	}
	return ""
}

// Put puts a value in a place that CheckPlace has found free.
func (m *Message) Put(p Place, v any) {
	switch in, rest := p.cut(); in {
	case inQuery:
		m.Query.Set(rest, mapping.Text(v))
	case inHeaders:
		if m.Header == nil {
			m.Header = http.Header{}
		}
		m.Header.Set(rest, mapping.Text(v))
	default:
		m.Body, m.HasBody = putIn(m.Body, strings.Split(rest, "."), v), true
	}
}

// putIn gives a copy of a body that has v at the path.
func putIn(body any, path []string, v any) any {
	if len(path) == 0 {
		return v
	}
	m, _ := body.(map[string]any)
	out := maps.Clone(m)
	if out == nil {
		out = map[string]any{}
	}
	out[path[0]] = putIn(out[path[0]], path[1:], v)
	return out
}
