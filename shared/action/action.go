package action

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// An Action is a definition made ready: its fields found, its schemas
// compiled. It is immutable and safe for concurrent use.
type Action struct {
	Definition
	// Fields are what a journey maps, in the order of their names.
	Fields []*Field
	// Requires is settings.requires, or nil.
	Requires *mapping.Expression

	byName     map[string]*Field
	pathParams map[string]any
	query      map[string]any
	headers    map[string]any
	body       any
	response   *schema.Schema // nil where the journey reads nothing
	failure    *schema.Schema
}

// Compile makes a definition ready. Its error is an Invalid fault that lists
// everything wrong with the contract and with settings.requires; see Parse for
// the whole document.
func Compile(def Definition) (*Action, error) {
	a := &Action{Definition: def, byName: map[string]*Field{}}
	w := &walker{at: "contract.body"}
	a.pathParams = w.decode("pathParams", def.Contract.PathParams)
	a.query = w.decode("query", def.Contract.Query)
	a.headers = w.decode("headers", def.Contract.Headers)
	w.values(inPath, a.pathParams)
	w.values(inQuery, a.query)
	w.values(inHeaders, a.headers)
	w.details = append(w.details, CheckHeaders("contract", a.headers)...)
	w.details = append(w.details, CheckPath("contract", def.Contract.Path, a.pathParams)...)
	if len(def.Contract.Body) > 0 {
		body, err := schema.Decode(def.Contract.Body)
		if err != nil {
			w.say("contract.body", "%s", fault.Public(err))
		}
		a.body = body
		w.body(nil, body)
	}
	for _, name := range def.Contract.reads() {
		w.pin(name)
	}
	a.response = w.answer("response", def.Contract.Response)
	a.failure = w.answer("error", def.Contract.Error)
	if src := def.Settings.Requires; src != "" {
		expression, err := ParseExpression(src)
		if err != nil {
			w.details = append(w.details, fault.Under("settings.requires", fault.Details(err))...)
		}
		a.Requires = expression
	}
	for _, f := range w.fields {
		a.byName[f.Name] = f
	}
	a.Fields = w.fields
	slices.SortFunc(a.Fields, byName)
	if err := fault.Document(fmt.Sprintf("the action %s is not valid", def.Name), w.details); err != nil {
		return nil, err
	}
	return a, nil
}

// ParseExpression reads a bare expression of a document, and tells whoever
// wrote it as a template so.
func ParseExpression(src string) (*mapping.Expression, error) {
	expression, err := mapping.ParseExpression(src)
	if err != nil && strings.HasPrefix(strings.TrimSpace(src), "{{") {
		return nil, fault.Wrap(err, fault.Invalid, "is an expression by itself: write it without {{ and }}")
	}
	return expression, err
}

// Field gives the field that a mapping names, which may have "body." before
// its path, or nil.
func (a *Action) Field(name string) *Field { return a.byName[canonical(name, a.byName)] }

// FieldNames lists the names of the fields.
func (a *Action) FieldNames() []string { return sortedKeys(a.byName) }

// ResponseType is what steps.<id>.response is for the mapping language.
func (a *Action) ResponseType() schema.Type { return typeOf(a.response) }

// ErrorType is what steps.<id>.error is for the mapping language.
func (a *Action) ErrorType() schema.Type { return typeOf(a.failure) }

func typeOf(s *schema.Schema) schema.Type {
	if s == nil {
		return schema.Object(nil)
	}
	return s.Type()
}

// decode reads the values of one part of a contract.
func (w *walker) decode(part string, raw map[string]json.RawMessage) map[string]any {
	values := make(map[string]any, len(raw))
	for name, data := range raw {
		v, err := schema.Decode(data)
		if err != nil {
			w.say("contract."+part+"."+name, "%s", fault.Public(err))
		}
		values[name] = v
	}
	return values
}

// answer compiles what a journey may read of an answer.
func (w *walker) answer(part string, raw json.RawMessage) *schema.Schema {
	compiled, err := CompileAnswer(raw)
	if err != nil {
		w.details = append(w.details, fault.Under("contract."+part, fault.Details(err))...)
	}
	return compiled
}
