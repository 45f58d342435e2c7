package action

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
)

// MaxBody is the most bytes that a composed body may have.
const MaxBody = 256 << 10

// A Message is an action's contract with every field filled: what a channel
// turns into its provider's request.
type Message struct {
	BaseURL string
	// Delivery is the delivery's id, for a provider that repeats it in what it
	// reports. Compose leaves it empty.
	Delivery string
	// Callback is the URL at which the provider may report what becomes of the
	// message, or empty. Compose leaves it empty.
	Callback string
	Method   string // empty where the contract names none
	Path     string // escaped, from the contract's path
	Query    url.Values
	Header   http.Header
	Body     any // nil where there is none
	HasBody  bool

	// Contract is the action's, for what a channel reads of it besides.
	Contract *Contract
	// Filled is what each field that is sent came out as, by its name.
	Filled map[string]any
	// Start is the delivery's first start. Compose leaves it empty.
	Start time.Time
}

// Compose fills the contract with values by field name. A value is nil where
// its expression came out nil. Its error is Invalid, with the fields' names
// and never their values: it goes into the delivery's record.
func (a *Action) Compose(values map[string]any) (*Message, error) {
	room := MaxBody
	c := composer{values: make(map[*Field]any, len(values)), room: &room}
	for name, v := range values {
		f := a.Field(name)
		if f == nil {
			c.say(name, "is not a field of the action %s", a.Name)
			continue
		}
		c.values[f] = v
	}
	for _, f := range a.Fields {
		c.fill(f)
	}
	m := &Message{BaseURL: a.Settings.URL, Method: a.Contract.Method, Query: url.Values{}, Header: http.Header{},
		Contract: &a.Contract, Filled: c.filled}
	m.Path = c.path(a.Contract.Path, a.pathParams)
	for _, name := range sortedKeys(a.query) {
		if text, ok := c.text(inQuery, name, a.query[name]); ok {
			m.Query.Set(name, text)
		}
	}
	for _, name := range sortedKeys(a.headers) {
		if text, ok := c.text(inHeaders, name, a.headers[name]); ok {
			if !httpguts.ValidHeaderFieldValue(text) {
				c.say("headers."+name, "came out with a character that a header may not have")
			}
			m.Header.Set(name, text)
		}
	}
	if len(a.Contract.Body) > 0 {
		m.Body, m.HasBody = c.value(nil, a.body)
	}
	if room < 0 && len(c.details) == 0 {
		c.say("body", "%s", tooLarge)
	}
	if err := fault.Document("the message could not be composed", c.details); err != nil {
		return nil, err
	}
	return m, nil
}

// A composer fills one contract, or one item of a list. filled holds what each
// field that is sent came out as; one that is left out is absent.
type composer struct {
	values  map[*Field]any
	filled  map[string]any
	inItem  bool
	lists   bool // a list was filled of which the body writes one item
	room    *int // bytes of MaxBody that the contract's own text has not used up
	details []fault.Detail
}

// tooLarge is said of what the contract's own text would make too large, as
// often as lists repeat it. What is mapped has a budget of its own.
var tooLarge = fmt.Sprintf("comes to more than the %d bytes that a body may have", MaxBody)

// spend counts the contract's own text, at no more than it comes to as JSON,
// and says whether there is room for it.
func (c *composer) spend(bytes int) bool {
	*c.room -= bytes
	return *c.room >= 0
}

func (c *composer) say(path, format string, args ...any) {
	c.details = append(c.details, fault.Detail{Path: path, Message: fmt.Sprintf(format, args...)})
}

// fill decides what a field is sent as: its value, its default, null, or not at all.
func (c *composer) fill(f *Field) {
	if c.filled == nil {
		c.filled = map[string]any{}
	}
	if f.list != nil && f.Covering(c.mapped) != nil || f.lone && !c.mapped(f) {
		return // the list is filled as a whole, or by its one item's fields
	}
	v := c.values[f]
	if f.Item != nil {
		var ok bool
		if v, ok = c.items(f, v); !ok {
			return
		}
		c.lists = c.lists || f.lone
	} else {
		v = Whole(v)
	}
	if v == nil && f.preset != nil {
		v = f.preset
		c.spend(f.presetSize)
	}
	switch {
	case v != nil:
		for _, d := range f.Check(v) {
			c.say(strings.TrimSuffix(f.Name+"."+d.Path, "."), "%s", d.Message)
		}
		c.filled[f.Name] = v
	case f.Nullable:
		c.filled[f.Name] = nil
	case !f.Optional:
		c.say(f.Name, "is required, and came out empty: what it is mapped from is absent")
	}
}

// Whole makes an integer of a float that is one, so that 3.0 fills an integer field.
func Whole(v any) any {
	if x, ok := v.(float64); ok && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
		return int64(x)
	}
	return v
}

// mapped says whether a mapping names the field.
func (c *composer) mapped(f *Field) bool {
	_, ok := c.values[f]
	return ok
}

// name is how a mapping names a field at a path of what is filled.
func (c *composer) name(path []string) string {
	if c.inItem {
		return strings.Join(path, ".")
	}
	return fieldName(inBody, path)
}

// text gives a flat value as text, and whether it is sent.
func (c *composer) text(in place, name string, v any) (string, bool) {
	if isField(v) {
		filled, sent := c.filled[fieldName(in, []string{name})]
		if !sent || filled == nil {
			return "", false
		}
		v = filled
	}
	return mapping.Text(v), true
}

// path fills the path's parameters. One that is not sent was reported as required.
func (c *composer) path(template string, params map[string]any) string {
	unsent := map[string]bool{}
	filled, wrong := FillPath(template, func(name string) string {
		text, sent := c.text(inPath, name, params[name])
		unsent[name] = !sent
		return text
	})
	for _, name := range wrong {
		if !unsent[name] {
			c.say("path."+name, "came out empty or as dots, which would change the path")
		}
	}
	return filled
}

// value fills a value of the body at any depth; false means that it is left out.
func (c *composer) value(path []string, v any) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		if isField(v) {
			filled, sent := c.filled[c.name(path)]
			return filled, sent
		}
		if !c.spend(2) {
			return nil, false
		}
		out := maps.Clone(v)
		for key, item := range v {
			if !c.spend(len(key) + len(`"":`)) {
				return nil, false
			}
			if filled, sent := c.value(append(path[:len(path):len(path)], key), item); sent {
				out[key] = filled
			} else {
				delete(out, key)
				c.spend(-len(key) - len(`"":`))
			}
		}
		return out, true
	case []any:
		if c.lists && loneItem(v) != nil {
			if list, filled := c.filled[c.name(path)]; filled {
				return list, true
			}
		}
		out := make([]any, 0, len(v))
		for i, item := range v {
			if filled, sent := c.value(append(path[:len(path):len(path)], fmt.Sprint(i)), item); sent {
				out = append(out, filled)
			}
		}
		return out, true
	case string:
		return v, c.spend(len(v) + 2)
	}
	return v, c.spend(1)
}

// Response picks, from an answer that was accepted, what the contract lets a
// journey read. A field of another type is left out. Its error says
// that the contract reads fields and the answer is not JSON.
func (a *Action) Response(body []byte) (any, error) { return pick(a.response, body) }

// Failure picks the same from an answer that was not, leniently: nil where it is not JSON.
func (a *Action) Failure(body []byte) any {
	v, _ := pick(a.failure, body)
	return v
}

// JSON encodes the body as JSON, without escaping HTML.
func (m *Message) JSON() ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m.Body); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the body cannot be written as JSON")
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}
