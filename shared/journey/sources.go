package journey

import (
	"fmt"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
	"github.com/waypost/waypost/shared/source"
)

// reads lets the scope know the sources, where what stands at a place reads
// any. The first time that the journey reads one, its request is checked: it
// may read more of the event than this journey's events have.
func (c *checker) reads(refs mapping.References, at string) {
	if len(refs.Sources) == 0 {
		return
	}
	if c.sources == nil {
		c.know(at)
	}
	for _, name := range refs.Sources {
		s := c.sources[name]
		if s == nil || c.read[name] {
			continue // of a name that is none, the expression's own check tells
		}
		c.read[name] = true
		for _, d := range s.Check(c.scope.Event, c.scope.Profile) {
			c.details = append(c.details, fault.Detail{Path: at, Suggestion: d.Suggestion,
				Message: fmt.Sprintf("data.%s can't be read in this journey: its %s: %s", name, d.Path, d.Message)})
		}
	}
}

// know reads the sources, once.
func (c *checker) know(at string) {
	sources, err := c.view.Sources()
	if err != nil {
		c.adopt(at, err)
	}
	c.sources = map[string]*source.Source{}
	c.scope.Data = map[string]schema.Type{}
	for name, s := range sources {
		c.sources[name], c.scope.Data[name] = s, s.ResponseType()
	}
}
