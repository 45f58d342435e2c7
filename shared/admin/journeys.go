package admin

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/journey"
)

// Journeys is the list of them.
type Journeys struct {
	Journeys []Definition `json:"journeys"`
}

// A Journey is what there is of one.
type Journey struct {
	Name     string                    `json:"name"`
	Draft    json.RawMessage           `json:"draft"`
	Latest   *catalog.PublishedJourney `json:"latest,omitempty"`
	Versions []int                     `json:"versions"`
}

// journeys registers journeys.
func (h *Handler) journeys(a *api) {
	register(a, http.MethodGet, "/admin/v1/journeys", "list-journeys", "all journeys", h.listJourneys)
	takes(register(a, http.MethodPut, "/admin/v1/journeys/{name}", "put-journey", "save a journey's draft", h.putJourney),
		"The journey. No event enters it until it is published.", journey.SchemaJSON())
	register(a, http.MethodGet, "/admin/v1/journeys/{name}", "get-journey", "a journey's draft and its live version", h.getJourney)
	register(a, http.MethodPost, "/admin/v1/journeys/{name}/publish", "publish-journey", "publish the draft as the live version", h.publishJourney).Description =
		"Every event that is sent after the answer enters this version. Where a journey listened to the event type before, the answer takes a second for that."
	register(a, http.MethodGet, "/admin/v1/journeys/{name}/versions/{n}", "get-journey-version", "a published version", h.getJourneyVersion)
}

func (h *Handler) listJourneys(ctx context.Context, _ *nothing) (Journeys, error) {
	list, err := h.list(ctx, catalog.KindJourney)
	return Journeys{list}, err
}

func (h *Handler) putJourney(ctx context.Context, in *namedBody) (Saved, error) {
	return Saved{Name: in.Name, Saved: true}, h.Catalog.SaveJourney(ctx, in.Name, in.RawBody)
}

func (h *Handler) getJourney(ctx context.Context, in *Named) (Journey, error) {
	draft, err := h.Catalog.Draft(ctx, catalog.KindJourney, in.Name)
	if err != nil {
		return Journey{}, h.suggest(ctx, catalog.KindJourney, in.Name, err)
	}
	latest, err := h.Catalog.Latest(ctx, catalog.KindJourney, in.Name)
	if err != nil {
		return Journey{}, err
	}
	out := Journey{Name: in.Name, Draft: draft, Versions: numbers(latest)}
	if latest > 0 {
		p, err := h.Catalog.JourneyVersion(ctx, in.Name, latest)
		if err != nil {
			return Journey{}, err
		}
		out.Latest = &p
	}
	return out, nil
}

func (h *Handler) publishJourney(ctx context.Context, in *Named) (catalog.PublishedJourney, error) {
	p, err := h.Catalog.PublishJourney(ctx, in.Name)
	return p, h.suggest(ctx, catalog.KindJourney, in.Name, err)
}

func (h *Handler) getJourneyVersion(ctx context.Context, in *Numbered) (catalog.PublishedJourney, error) {
	n, err := in.number()
	if err != nil {
		return catalog.PublishedJourney{}, err
	}
	p, err := h.Catalog.JourneyVersion(ctx, in.Name, n)
	return p, h.unpublished(ctx, catalog.KindJourney, *in, err)
}
