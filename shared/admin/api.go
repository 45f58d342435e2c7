package admin

import (
	"context"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/problem"
)

// An api is the routes while they are built.
type api struct {
	huma.API
	h     *Handler
	index []route
}

// A route is one line of the index that GET /admin/ gives.
type route struct {
	Method  string `json:"method"`
	Path    string `json:"path"`
	Summary string `json:"summary"`
}

const describedAt = "/admin/v1/openapi.json"

// build registers every operation.
func (h *Handler) build() *http.ServeMux {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Waypost admin API", "1")
	config.Info.Description = "Actions, journeys, sources, schemas and profiles; deliveries and executions. Every error is application/problem+json (RFC 9457)."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", "" // huma's own page loads scripts from elsewhere
	config.CreateHooks = nil                                             // no $schema in answers: they are documents
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[action.Duration](), reflect.TypeFor[string]())
	config.Transformers = []huma.Transformer{h.ownErrors}
	a := &api{API: humago.New(mux, config), h: h}
	a.UseMiddleware(plainRequest)
	h.definitions(a)
	h.journeys(a)
	h.reports(a)
	h.optOuts(a)
	h.replays(a)
	for _, own := range []string{"ErrorModel", "ErrorDetail"} {
		delete(config.Components.Schemas.Map(), own) // huma describes its own errors; no answer has them
	}

	described := func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, a.OpenAPI()) }
	mux.HandleFunc("GET "+describedAt, described)
	listed := func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"openapi": describedAt, "routes": a.index})
	}
	mux.HandleFunc("GET /admin/{$}", listed)
	mux.HandleFunc("GET /admin", listed)
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the client has gone, if this fails
}

// answer is an operation's output as huma has it.
type answer[T any] struct{ Body T }

// register adds an operation to the API and to the index, changed as asked. An
// error of serve becomes a problem here, with its cause in the log.
func register[I, T any](a *api, method, path, id, summary string, serve func(context.Context, *I) (T, error), changes ...func(*huma.Operation)) *huma.Operation {
	op := huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, MaxBodyBytes: MaxBody + 1,
		Responses: map[string]*huma.Response{"default": a.problems()}}
	for _, change := range changes {
		change(&op)
	}
	huma.Register(a, op, func(ctx context.Context, in *I) (*answer[T], error) {
		body, err := serve(ctx, in)
		if err != nil {
			return nil, problem.Of(ctx, a.h.Log, err)
		}
		return &answer[T]{body}, nil
	})
	a.index = append(a.index, route{method, path, summary})
	return a.operation(method, path)
}

// operation finds a registered operation, as the API describes it.
func (a *api) operation(method, path string) *huma.Operation {
	item := a.OpenAPI().Paths[path]
	return map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete}[method]
}

// problems describes every answer that is an error.
func (a *api) problems() *huma.Response {
	schema := a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem.Problem](), true, "Problem")
	return &huma.Response{Description: "A problem (RFC 9457)", Content: map[string]*huma.MediaType{problem.ContentType: {Schema: schema}}}
}

// takes describes an operation's body. huma must not know of it when the
// operation is registered, or it would parse the body, and answer with line
// and column unknown.
func takes(op *huma.Operation, description string, document any, contentTypes ...string) {
	op.RequestBody.Description = description
	op.RequestBody.Content = map[string]*huma.MediaType{}
	for _, t := range append(contentTypes, "application/json") {
		op.RequestBody.Content[t] = &huma.MediaType{Schema: &huma.Schema{Extensions: described(document)}}
	}
}

// described gives a document's JSON Schema as the API's description holds it.
// It gets an $id, against which its own references are resolved.
func described(document any) map[string]any {
	text, ok := document.([]byte)
	if !ok {
		return map[string]any{"type": "object", "description": document}
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		return map[string]any{"type": "object"} // the domain's own schemas are JSON: their packages' tests say so
	}
	title, _ := schema["title"].(string)
	kind, _, _ := strings.Cut(title, ":")
	schema["$id"] = "urn:waypost:schema:" + strings.ReplaceAll(strings.ToLower(kind), " ", "-")
	return schema
}

// plainRequest refuses what no operation looks at: query parameters that it
// does not have, and bodies that are not JSON.
func plainRequest(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	op := ctx.Operation()
	err := checkQuery(r, op)
	if err == nil && op.RequestBody != nil {
		err = checkContentType(r.Header.Get("Content-Type"))
	}
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	next(ctx)
}

func checkQuery(r *http.Request, op *huma.Operation) error {
	var known []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			known = append(known, p.Name)
		}
	}
	var details []fault.Detail
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case !slices.Contains(known, name):
			d := fault.Detail{Path: name, Rule: "unknown", Message: "is not a query parameter here", Suggestion: fault.Nearest(name, known)}
			if d.Suggestion == "" && len(known) > 0 {
				d.Message += "; there are " + strings.Join(known, ", ")
			}
			details = append(details, d)
		case len(query[name]) > 1:
			details = append(details, fault.Detail{Path: name, Rule: "maxItems", Message: "may be given once"})
		}
	}
	return fault.Document("the query is not valid", details)
}

// checkContentType lets JSON through, a body whose type nobody gave, and what
// curl -d calls a form unless it is told otherwise: whether that is JSON, the parser says.
func checkContentType(given string) error {
	kind, _, err := mime.ParseMediaType(given)
	if given == "" || err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json") || kind == "application/x-www-form-urlencoded") {
		return nil
	}
	return fault.New(fault.Unsupported, "the body must be JSON (Content-Type: application/json), not %s", given)
}

// ownErrors is the transformer that turns huma's own errors, of which few are
// left, into problems. It does by the API's configuration what huma otherwise
// does by a variable of the whole program.
func (h *Handler) ownErrors(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	var err error
	switch m.Status {
	case http.StatusRequestEntityTooLarge:
		err = fault.New(fault.TooLarge, "the body is over the limit of %d bytes", MaxBody)
	case http.StatusBadRequest:
		err = fault.New(fault.Malformed, "the body is empty; send the document as JSON")
	case http.StatusRequestTimeout:
		err = fault.New(fault.Malformed, "the body did not arrive in time")
	case http.StatusUnprocessableEntity:
		var details []fault.Detail
		for _, e := range m.Errors {
			details = append(details, fault.Detail{Path: e.Location, Message: e.Message})
		}
		err = &fault.Error{Code: fault.Invalid, Message: "the request is not valid", Details: details}
	default:
		err = m
	}
	p := problem.Of(ctx.Context(), h.Log, err)
	p.Status = m.Status // which huma has settled already
	return p, nil
}
