package admin

import (
	"context"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/source"
)

// sources registers the sources that mappings read.
func (h *Handler) sources(a *api) {
	register(a, http.MethodGet, "/admin/v1/sources", "list-sources", "all sources", h.listSources)
	takes(register(a, http.MethodPut, "/admin/v1/sources/{name}", "put-source", "save a source, which takes effect at once", h.putSource),
		"The source. A change that would break a live journey is refused.", source.SchemaJSON())
	register(a, http.MethodGet, "/admin/v1/sources/{name}", "get-source", "a source as it is now", h.getSource)
}

// A Source is one line of the list of them.
type Source struct {
	Name     string `json:"name"`
	Revision int    `json:"revision"`
}

// Sources is the list of them.
type Sources struct {
	Sources []Source `json:"sources"`
}

func (h *Handler) listSources(ctx context.Context, _ *nothing) (Sources, error) {
	names, err := h.Catalog.List(ctx, catalog.KindSource)
	if err != nil {
		return Sources{}, err
	}
	list := make([]Source, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i, name := range names {
		g.Go(func() error {
			s, err := h.Catalog.Source(ctx, name)
			list[i] = Source{name, s.Revision}
			return err
		})
	}
	return Sources{list}, g.Wait()
}

func (h *Handler) putSource(ctx context.Context, in *namedBody) (Saved, error) {
	s, closed, err := h.Catalog.SaveSource(ctx, in.Name, in.RawBody)
	return Saved{Name: in.Name, Saved: true, Closed: closed, Revision: s.Revision}, err
}

func (h *Handler) getSource(ctx context.Context, in *Named) (catalog.StoredSource, error) {
	s, err := h.Catalog.Source(ctx, in.Name)
	return s, h.suggest(ctx, catalog.KindSource, in.Name, err)
}
