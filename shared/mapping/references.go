package mapping

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// References are what an expression or a template reads.
type References struct {
	Profile Paths
	Event   Paths
	// Sources and Steps are names, sorted.
	Sources []string
	Steps   []string
}

// Paths are attributes of one object.
type Paths struct {
	// All says that the whole object may be read; List is then empty.
	All bool
	// List holds the paths, sorted, each a list of attribute names from the
	// root. None lies below another, as DynamoDB's projections need it. A path
	// ends before an index: addresses[0].city reads addresses.
	List [][]string
}

// Empty says that nothing is read.
func (p Paths) Empty() bool { return !p.All && len(p.List) == 0 }

// Cover says whether reading p reads all of need too.
func (p Paths) Cover(need Paths) bool {
	return p.All || !need.All && !slices.ContainsFunc(need.List, func(n []string) bool {
		return !slices.ContainsFunc(p.List, func(have []string) bool { return len(have) <= len(n) && slices.Equal(have, n[:len(have)]) })
	})
}

// Merge gives what either reads.
func (p Paths) Merge(other Paths) Paths { return p.with(other).minimal() }

// Merge gives what either reads.
func (r References) Merge(other References) References {
	merged := References{}
	for _, from := range []References{r, other} {
		merged.Profile = merged.Profile.with(from.Profile)
		merged.Event = merged.Event.with(from.Event)
		merged.Sources = append(merged.Sources, from.Sources...)
		merged.Steps = append(merged.Steps, from.Steps...)
	}
	return merged.minimal()
}

// with gives the paths of both, not yet minimal.
func (p Paths) with(other Paths) Paths {
	return Paths{All: p.All || other.All, List: append(slices.Clone(p.List), other.List...)}
}

// reads are the places that one expression reads, each from its root.
type reads [][]string

// maxPath is how deep a path is asked for; DynamoDB takes 32 levels.
const maxPath = 32

// add notes what an expression reads, by root. What it reads of entry and journey
// is always at hand, and not listed.
func (r *References) add(list reads) {
	for _, path := range list {
		switch rest := path[1:]; path[0] {
		case "profile":
			r.Profile.add(rest)
		case "event":
			r.Event.add(rest)
		case "data":
			r.Sources = append(r.Sources, rest[0])
		case "steps":
			r.Steps = append(r.Steps, rest[0])
		}
	}
}

// add notes one path below a root.
func (p *Paths) add(path []string) {
	// DynamoDB has no attribute with an empty name.
	if i := slices.Index(path, ""); i >= 0 {
		path = path[:i]
	}
	if len(path) == 0 {
		p.All = true
		return
	}
	p.List = append(p.List, path[:min(len(path), maxPath)])
}

// minimal drops what is named twice, or below something that is named.
func (r References) minimal() References {
	r.Profile, r.Event = r.Profile.minimal(), r.Event.minimal()
	r.Sources, r.Steps = unique(r.Sources), unique(r.Steps)
	return r
}

func (p Paths) minimal() Paths {
	if p.All {
		return Paths{All: true}
	}
	list := slices.Clone(p.List)
	slices.SortFunc(list, slices.Compare)
	// In this order a path stands right before those that lie below it.
	var kept [][]string
	for _, path := range list {
		if n := len(kept); n > 0 && len(kept[n-1]) <= len(path) && slices.Equal(kept[n-1], path[:len(kept[n-1])]) {
			continue
		}
		kept = append(kept, path)
	}
	return Paths{List: kept}
}

func unique(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// pathOf gives the root and the attribute names of a chain like
// profile.loyalty["tier"], and whether node is such a chain from end to end.
func pathOf(node ast.Node) (path []string, whole bool) {
	switch n := node.(type) {
	case *ast.ChainNode:
		return pathOf(n.Node)
	case *ast.IdentifierNode:
		return []string{n.Value}, slices.Contains(roots(), n.Value)
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok || n.Method {
			return nil, false
		}
		path, whole = pathOf(n.Node)
		return append(path, name.Value), whole
	}
	return nil, false
}
