package dynamo

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/truora/minidyn/interpreter/language"
)

// A selection is what a projection leaves of one value: all of it, or some
// members of a map, or some of a list. minidyn has projections too, but they
// rewrite numbers, and fail where a path leads into what is not a map.
type selection struct {
	whole   bool
	members map[string]*selection
	places  map[int]*selection
}

var (
	documentPath = regexp.MustCompile(`^(#[A-Za-z0-9_]+|[A-Za-z_][A-Za-z0-9_]*)(\.(#[A-Za-z0-9_]+|[A-Za-z_][A-Za-z0-9_]*)|\[[0-9]{1,9}\])*$`)
	pathStep     = regexp.MustCompile(`[^.\[\]]+|\[[0-9]+\]`)
)

// parsePaths reads document paths. No path may be another, or lie below it.
// what names the expression for errors.
func (e *expression) parsePaths(what string, paths []string) (*selection, error) {
	all := &selection{}
	for _, path := range paths {
		path = strings.TrimSpace(path)
		if !documentPath.MatchString(path) {
			return nil, invalid("Invalid %s: Syntax error; near: %q", what, path)
		}
		at := all
		for _, step := range pathStep.FindAllString(path, -1) {
			if at.whole {
				return nil, overlaps(what, path)
			}
			if step[0] == '[' {
				i, _ := strconv.Atoi(strings.Trim(step, "[]")) // digits
				at = at.place(i)
				continue
			}
			if step[0] != '#' && language.IsReservedWord(strings.ToUpper(step)) {
				return nil, invalid("Invalid %s: Attribute name is a reserved keyword; reserved keyword: %s", what, step)
			}
			at = at.member(e.name(step))
		}
		if at.whole || at.members != nil || at.places != nil {
			return nil, overlaps(what, path)
		}
		at.whole = true
	}
	return all, all.conflict(what)
}

func overlaps(what, path string) error {
	return invalid("Invalid %s: Two document paths overlap with each other; must remove or rewrite one of these paths; path: %s", what, path)
}

func (s *selection) member(name string) *selection {
	if s.members == nil {
		s.members = map[string]*selection{}
	}
	if s.members[name] == nil {
		s.members[name] = &selection{}
	}
	return s.members[name]
}

func (s *selection) place(i int) *selection {
	if s.places == nil {
		s.places = map[int]*selection{}
	}
	if s.places[i] == nil {
		s.places[i] = &selection{}
	}
	return s.places[i]
}

// conflict says whether one path takes a value for a map, and another for a list.
func (s *selection) conflict(what string) error {
	if s.members != nil && s.places != nil {
		return invalid("Invalid %s: Two document paths conflict with each other; must remove or rewrite one of these paths", what)
	}
	for _, below := range s.members {
		if err := below.conflict(what); err != nil {
			return err
		}
	}
	for _, below := range s.places {
		if err := below.conflict(what); err != nil {
			return err
		}
	}
	return nil
}

// of gives what is selected of a value, or nil. Of a list the places that
// were found are left, close together.
func (s *selection) of(v *value) *value {
	switch {
	case v == nil || s.whole:
		return v
	case s.members != nil && v.M != nil:
		if found := s.ofMap(v.M); len(found) > 0 {
			return &value{M: found}
		}
	case s.places != nil && v.L != nil:
		var order []int
		for i := range s.places {
			order = append(order, i)
		}
		slices.Sort(order)
		var found []*value
		for _, i := range order {
			if i >= len(v.L) {
				break
			}
			if one := s.places[i].of(v.L[i]); one != nil {
				found = append(found, one)
			}
		}
		if len(found) > 0 {
			return &value{L: found}
		}
	}
	return nil
}

func (s *selection) ofMap(m map[string]*value) map[string]*value {
	found := map[string]*value{}
	for name, below := range s.members {
		if one := below.of(m[name]); one != nil {
			found[name] = one
		}
	}
	return found
}

// projection parses the projection, which is nil where there is none. Nothing
// lies below the keys, which are no maps.
func (e *expression) projection(keys []keyAttribute) (*selection, error) {
	if e.ProjectionExpression == "" {
		return nil, nil
	}
	s, err := e.parsePaths("ProjectionExpression", strings.Split(e.ProjectionExpression, ","))
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if below := s.members[k.name]; below != nil && !below.whole {
			return nil, invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %s", k.name)
		}
	}
	return s, nil
}

// project gives what a projection leaves of an item; a nil one leaves it as it is.
func (s *selection) project(it item) item {
	if s == nil || it == nil {
		return it
	}
	return s.ofMap(it)
}
