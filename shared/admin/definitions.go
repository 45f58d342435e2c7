package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/profile"
	"github.com/waypost/waypost/shared/schema"
)

// Saved answers a PUT: what is in place now, whether or not it was before.
type Saved struct {
	Name  string `json:"name,omitempty"`
	Saved bool   `json:"saved"`
	// Closed are example journeys that a schema or a source broke: events enter them no more.
	Closed []string `json:"closed,omitempty" doc:"example journeys that the change broke: events enter them no more"`
	// Revision is a source's.
	Revision int `json:"revision,omitempty" doc:"how many times a source was changed, from 1"`
}

// Inputs, as huma has them: names from the path, and bodies as they came.
// What is embedded is exported because huma looks into nothing else.
type (
	nothing struct{}
	body    struct {
		RawBody []byte
	}
	Named struct {
		Name string `path:"name" doc:"the document's name"`
	}
	namedBody struct {
		Named
		RawBody []byte
	}
	Numbered struct {
		Named
		Version string `path:"n" doc:"the version's number, from 1"`
	}
	numberedBody struct {
		Numbered
		RawBody []byte
	}
	Typed struct {
		Type string `path:"type" doc:"a CloudEvents type"`
	}
	typedBody struct {
		Typed
		RawBody []byte
	}
	OfProfile struct {
		ID string `path:"id" doc:"the profile's id, escaped where it has characters of a URL's own"`
	}
	profileBody struct {
		OfProfile
		RawBody []byte
	}
)

// number reads a version's number.
func (v Numbered) number() (int, error) {
	n, err := strconv.Atoi(v.Version)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "a version is a number from 1, not %q", v.Version)
	}
	return n, nil
}

// definitions registers schemas, profiles, sources and actions.
func (h *Handler) definitions(a *api) {
	const ofJSONSchema = "a JSON Schema (draft 2020-12)"
	takes(register(a, http.MethodPut, "/admin/v1/profile-schema", "put-profile-schema", "save the profile schema", h.putProfileSchema),
		"What attributes a profile has. A change that would break a live journey is refused.", ofJSONSchema)
	register(a, http.MethodGet, "/admin/v1/profile-schema", "get-profile-schema", "the profile schema", h.getProfileSchema)
	takes(register(a, http.MethodPut, "/admin/v1/events/{type}", "put-event-schema", "save the schema of an event type's data", h.putEvent),
		"What the data of an event has. A change that would break a live journey is refused.", ofJSONSchema)
	register(a, http.MethodGet, "/admin/v1/events/{type}", "get-event-schema", "an event type's schema", h.getEvent)
	takes(register(a, http.MethodPut, "/admin/v1/profiles/{id}", "put-profile", "replace a profile's attributes", h.putProfile),
		"The attributes, without the id. They replace those that the profile has. In a table of your own (profileTable) they replace the whole item, "+
			"other programs' attributes with it; where its path is set, the attribute of that name alone.", "a profile's attributes")
	register(a, http.MethodGet, "/admin/v1/profiles/{id}", "get-profile", "a profile's attributes", h.getProfile)

	h.sources(a)
	register(a, http.MethodGet, "/admin/v1/actions", "list-actions", "all actions", h.listActions)
	takes(register(a, http.MethodPut, "/admin/v1/actions/{name}", "put-action", "save an action's draft", h.putAction),
		"The action. Nothing uses it until it is published.", action.SchemaJSON())
	register(a, http.MethodGet, "/admin/v1/actions/{name}", "get-action", "an action's draft and its latest version", h.getAction)
	register(a, http.MethodPost, "/admin/v1/actions/{name}/publish", "publish-action", "publish the draft as a version", h.publishAction)
	register(a, http.MethodGet, "/admin/v1/actions/{name}/versions/{n}", "get-action-version", "a published version with its present settings", h.getActionVersion)
	takes(register(a, http.MethodPatch, "/admin/v1/actions/{name}/versions/{n}/settings", "patch-settings", "change the settings under a published version", h.patchSettings),
		"A merge patch (RFC 7396) of the settings: null removes a key.", "a part of an action's settings", "application/merge-patch+json")
}

func (h *Handler) putProfileSchema(ctx context.Context, in *body) (Saved, error) {
	closed, err := h.Catalog.SaveProfileSchema(ctx, in.RawBody)
	return Saved{Saved: true, Closed: closed}, err
}

func (h *Handler) getProfileSchema(ctx context.Context, _ *nothing) (json.RawMessage, error) {
	return h.Catalog.ProfileSchema(ctx)
}

func (h *Handler) putEvent(ctx context.Context, in *typedBody) (Saved, error) {
	// The limits are those of an event's type in package entry.
	if len(in.Type) > 200 || strings.ContainsFunc(in.Type, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return Saved{}, fault.New(fault.Invalid, "an event type must have 1 to 200 bytes, without spaces; order.ready is one")
	}
	closed, err := h.Catalog.SaveEventSchema(ctx, in.Type, in.RawBody)
	return Saved{Name: in.Type, Saved: true, Closed: closed}, err
}

func (h *Handler) getEvent(ctx context.Context, in *Typed) (json.RawMessage, error) {
	doc, err := h.Catalog.EventSchema(ctx, in.Type)
	return doc, h.suggest(ctx, catalog.KindEvent, in.Type, err)
}

func (h *Handler) putProfile(ctx context.Context, in *profileBody) (Saved, error) {
	if err := profile.CheckID(in.ID); err != nil {
		return Saved{}, err
	}
	rules, err := h.profileRules(ctx)
	if err != nil {
		return Saved{}, err
	}
	attributes, err := profile.Parse(in.RawBody, rules, h.profileKey())
	if err != nil {
		return Saved{}, err
	}
	return Saved{Name: in.ID, Saved: true}, h.Profiles.Write(ctx, in.ID, attributes)
}

// profileRules is the profile schema, or nil where there is none.
func (h *Handler) profileRules(ctx context.Context) (*schema.Schema, error) {
	doc, err := h.Catalog.ProfileSchema(ctx)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return schema.Compile(doc)
}

func (h *Handler) profileKey() string {
	if h.ProfileKey == "" {
		return "id"
	}
	return h.ProfileKey
}

// getProfile gives what a PUT would take: the attributes without the key.
func (h *Handler) getProfile(ctx context.Context, in *OfProfile) (map[string]any, error) {
	attributes, err := h.Profiles.Read(ctx, in.ID, mapping.Paths{All: true})
	if err != nil {
		return nil, err
	}
	if key := h.profileKey(); attributes[key] == in.ID {
		delete(attributes, key)
	}
	return attributes, nil
}

// A Definition is one line of a list.
type Definition struct {
	Name    string `json:"name"`
	Version int    `json:"version,omitempty" doc:"the latest that is published; absent for a draft alone"`
}

// list gives the names of a kind with their latest versions.
func (h *Handler) list(ctx context.Context, kind string) ([]Definition, error) {
	names, err := h.Catalog.List(ctx, kind)
	if err != nil {
		return nil, err
	}
	out := make([]Definition, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i, name := range names {
		g.Go(func() error {
			latest, err := h.Catalog.Latest(ctx, kind, name)
			out[i] = Definition{name, latest}
			return err
		})
	}
	return out, g.Wait()
}

// suggest gives a NotFound about a name the nearest name that there is.
func (h *Handler) suggest(ctx context.Context, kind, name string, err error) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	names, listErr := h.Catalog.List(ctx, kind)
	if near := fault.Nearest(name, names); listErr == nil && near != "" && near != name {
		return fault.New(fault.NotFound, "%s; did you mean %s?", fault.Public(err), near)
	}
	return err
}

// numbers lists 1 to n: versions leave no gaps.
func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

// Actions is the list of them.
type Actions struct {
	Actions []Definition `json:"actions"`
}

// An Action is what there is of one.
type Action struct {
	Name     string                   `json:"name"`
	Draft    json.RawMessage          `json:"draft"`
	Latest   *catalog.PublishedAction `json:"latest,omitempty"`
	Versions []int                    `json:"versions"`
}

func (h *Handler) listActions(ctx context.Context, _ *nothing) (Actions, error) {
	list, err := h.list(ctx, catalog.KindAction)
	return Actions{list}, err
}

func (h *Handler) putAction(ctx context.Context, in *namedBody) (Saved, error) {
	return Saved{Name: in.Name, Saved: true}, h.Catalog.SaveAction(ctx, in.Name, in.RawBody)
}

func (h *Handler) getAction(ctx context.Context, in *Named) (Action, error) {
	draft, err := h.Catalog.Draft(ctx, catalog.KindAction, in.Name)
	if err != nil {
		return Action{}, h.suggest(ctx, catalog.KindAction, in.Name, err)
	}
	latest, err := h.Catalog.Latest(ctx, catalog.KindAction, in.Name)
	if err != nil {
		return Action{}, err
	}
	out := Action{Name: in.Name, Draft: draft, Versions: numbers(latest)}
	if latest > 0 {
		p, err := h.Catalog.Published(ctx, in.Name, latest)
		if err != nil {
			return Action{}, err
		}
		out.Latest = &p
	}
	return out, nil
}

func (h *Handler) publishAction(ctx context.Context, in *Named) (catalog.PublishedAction, error) {
	p, err := h.Catalog.PublishAction(ctx, in.Name)
	return p, h.suggest(ctx, catalog.KindAction, in.Name, err)
}

func (h *Handler) getActionVersion(ctx context.Context, in *Numbered) (catalog.PublishedAction, error) {
	n, err := in.number()
	if err != nil {
		return catalog.PublishedAction{}, err
	}
	p, err := h.Catalog.Published(ctx, in.Name, n)
	return p, h.unpublished(ctx, catalog.KindAction, *in, err)
}

func (h *Handler) patchSettings(ctx context.Context, in *numberedBody) (catalog.PublishedAction, error) {
	n, err := in.number()
	if err != nil {
		return catalog.PublishedAction{}, err
	}
	p, err := h.Catalog.PatchSettings(ctx, in.Name, n, in.RawBody)
	return p, h.unpublished(ctx, catalog.KindAction, in.Numbered, err)
}

// unpublished gives a NotFound about a version what there is instead.
func (h *Handler) unpublished(ctx context.Context, kind string, v Numbered, err error) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	latest, latestErr := h.Catalog.Latest(ctx, kind, v.Name)
	if latestErr == nil && latest > 0 {
		return fault.New(fault.NotFound, "%s; its latest version is %d", fault.Public(err), latest)
	}
	if _, draftErr := h.Catalog.Draft(ctx, kind, v.Name); draftErr == nil {
		return fault.New(fault.NotFound, "%s; it is only a draft: POST /admin/v1/%ss/%s/publish", fault.Public(err), kind, v.Name)
	}
	return h.suggest(ctx, kind, v.Name, fault.New(fault.NotFound, "there is no %s %s", kind, v.Name))
}
