package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/schema"
	"github.com/waypost/waypost/shared/source"
)

// An override is a change that is not saved yet.
type override struct {
	event   string
	data    *schema.Type
	profile *schema.Type
	action  *action.Action
	version int
	source  *source.Source
}

// view is what a journey can see, with a change that is not saved yet.
func (c *Catalog) view(ctx context.Context, with *override) *view {
	if with == nil {
		with = &override{}
	}
	return &view{Catalog: c, ctx: ctx, with: with}
}

// A view reads the catalog for one publish. It keeps its context, since it
// lives for one call only.
type view struct {
	*Catalog
	ctx  context.Context
	with *override
	// noProfiles says that there is no profile schema, so that no attribute can be named.
	noProfiles bool
}

// explain adds to what is wrong with a journey that there is no profile schema
// to name attributes of, where it names some.
func (v *view) explain(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || !v.noProfiles || !slices.ContainsFunc(e.Details, func(d fault.Detail) bool { return strings.Contains(d.Message, "the profile schema has no") }) {
		return err
	}
	explained := *e
	explained.Details = append(slices.Clone(e.Details), fault.Detail{Message: "there is no profile schema yet: PUT one to /admin/v1/profile-schema"})
	return &explained
}

// profile gives the profile's type; without a profile schema it has no attributes.
func (v *view) profile() (schema.Type, error) {
	profile, err := v.typeOf(v.with.profile, v.ProfileSchema)
	if fault.Is(err, fault.NotFound) {
		profile, err, v.noProfiles = schema.Object(nil), nil, true
	}
	return profile, err
}

func (v *view) Types(event string) (data, profile schema.Type, _ error) {
	profile, err := v.profile()
	if err != nil {
		return data, profile, err
	}
	saved := v.with.data
	if v.with.event != event {
		saved = nil
	}
	data, err = v.typeOf(saved, func(ctx context.Context) (json.RawMessage, error) {
		doc, err := v.EventSchema(ctx, event)
		if fault.Is(err, fault.NotFound) {
			known, listErr := v.List(ctx, KindEvent)
			if listErr != nil {
				return nil, listErr
			}
			return nil, &fault.Error{Code: fault.NotFound, Message: fault.Public(err), Details: []fault.Detail{{
				Message: "has no schema: PUT one to /admin/v1/events/" + event, Suggestion: fault.Nearest(event, known)}}}
		}
		return doc, err
	})
	return data, profile, err
}

func (v *view) typeOf(saved *schema.Type, read func(context.Context) (json.RawMessage, error)) (schema.Type, error) {
	if saved != nil {
		return *saved, nil
	}
	doc, err := read(v.ctx)
	if err != nil {
		return schema.Type{}, err
	}
	s, err := schema.Compile([]byte(doc))
	if err != nil {
		return schema.Type{}, err
	}
	return s.Type(), nil
}

func (v *view) Action(name string, version int) (*action.Action, journey.Server, error) {
	var a *action.Action
	if o := v.with.action; o != nil && o.Name == name && v.with.version == version {
		a = o
	} else {
		p, err := v.Published(v.ctx, name, version)
		if fault.Is(err, fault.NotFound) {
			return nil, journey.Server{}, v.noSuchAction(name, version)
		}
		if err != nil {
			return nil, journey.Server{}, err
		}
		if a, err = action.Compile(p.Definition); err != nil {
			return nil, journey.Server{}, err
		}
	}
	traits, err := v.traits(a.Channel, a.Provider)
	return a, journey.Server{Function: traits.Function, Reports: traits.Callback != ""}, err
}

// noSuchAction says which versions or names there are instead.
func (v *view) noSuchAction(name string, version int) error {
	detail := fault.Detail{Message: fmt.Sprintf("the action %s is not published", versionName(name, version))}
	newest, err := v.Latest(v.ctx, KindAction, name)
	if err != nil {
		return err
	}
	known, err := v.List(v.ctx, KindAction)
	if err != nil {
		return err
	}
	switch {
	case newest > 0:
		detail.Message += fmt.Sprintf("; its latest version is %d", newest)
	case slices.Contains(known, name):
		detail.Message += "; it is only a draft: POST /admin/v1/actions/" + name + "/publish"
	default:
		detail.Message = fmt.Sprintf("there is no action %s", name)
		detail.Suggestion = fault.Nearest(name, known)
	}
	return &fault.Error{Code: fault.NotFound, Message: detail.Message, Details: []fault.Detail{detail}}
}
