package dynamo

import (
	"hash/fnv"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/truora/minidyn/interpreter"
)

type searchRequest struct {
	expression
	TableName         string
	IndexName         string
	ConsistentRead    bool
	ExclusiveStartKey item
	Limit             *int
	ScanIndexForward  *bool // of a query; nil means true
	Select            string
	Segment           uint32 // of a parallel scan
	TotalSegments     uint32
}

// begin checks what a query and a scan have in common.
func (s *Server) begin(in *searchRequest) (*table, *index, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, nil, err
	}
	if err := in.check(); err != nil {
		return nil, nil, err
	}
	x, err := t.index(in.IndexName)
	if err != nil {
		return nil, nil, err
	}
	if in.ConsistentRead && x.name != "" && !x.local {
		return nil, nil, invalid("Consistent reads are not supported on global secondary indexes")
	}
	if err := in.ExclusiveStartKey.valid(); err != nil {
		return nil, nil, err
	}
	if in.Limit != nil && *in.Limit < 1 {
		return nil, nil, invalid("Limit must be at least 1")
	}
	return t, x, nil
}

func (s *Server) query(in *searchRequest) (any, error) {
	t, x, err := s.begin(in)
	if err != nil {
		return nil, err
	}
	condition, err := in.keyCondition(x)
	if err != nil {
		return nil, err
	}
	for _, k := range x.keys() {
		if in.FilterExpression != "" && in.filters(k.name) {
			return nil, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", k.name)
		}
	}
	entries := x.partitions[condition.hash]
	if in.ScanIndexForward != nil && !*in.ScanIndexForward {
		entries = reversed(entries)
	}
	if in.ExclusiveStartKey != nil {
		if entries, err = in.after(t, x, condition, entries); err != nil {
			return nil, err
		}
	}
	return in.page(t, x, entries, func(e *entry) bool { return condition.holds(e.at) })
}

var nameInFilter = regexp.MustCompile(`\.?[#:]?[A-Za-z_][A-Za-z0-9_]*`)

// filters says whether the filter names a top-level attribute.
func (in *searchRequest) filters(attribute string) bool {
	return slices.ContainsFunc(nameInFilter.FindAllString(in.FilterExpression, -1), func(word string) bool {
		return word[0] != ':' && word[0] != '.' && in.name(word) == attribute
	})
}

func (e *expression) name(word string) string {
	if name, ok := e.ExpressionAttributeNames[word]; ok {
		return name
	}
	return word
}

// after drops the entries up to the start key, which need not exist any more.
func (in *searchRequest) after(t *table, x *index, condition *keyCondition, entries []*entry) ([]*entry, error) {
	id, err := in.startID(t, x)
	if err != nil {
		return nil, err
	}
	hash, at, ok, err := x.place(in.ExclusiveStartKey)
	if !ok || err != nil || hash != condition.hash || !condition.holds(at) {
		return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	backward := in.ScanIndexForward != nil && !*in.ScanIndexForward
	i := sort.Search(len(entries), func(i int) bool {
		c := entries[i].at.compare(at)
		if c == 0 {
			c = strings.Compare(entries[i].id, id)
		}
		if backward {
			c = -c
		}
		return c > 0
	})
	return entries[i:], nil
}

// startID gives the item that the start key names. The key has the attributes
// of the table's and the index's keys, and no others.
func (in *searchRequest) startID(t *table, x *index) (string, error) {
	names := map[string]bool{}
	for _, k := range append(t.keys(), x.keys()...) {
		names[k.name] = true
	}
	for name := range in.ExclusiveStartKey {
		if !names[name] {
			return "", invalid("The provided starting key is invalid: %s is not part of the key", name)
		}
	}
	if len(in.ExclusiveStartKey) != len(names) {
		return "", invalid("The provided starting key is invalid: it must have %d attributes", len(names))
	}
	id, err := t.id(in.ExclusiveStartKey)
	if err != nil {
		return "", invalid("The provided starting key is invalid: %v", err)
	}
	return id, nil
}

func reversed(entries []*entry) []*entry {
	out := make([]*entry, len(entries))
	for i, e := range entries {
		out[len(entries)-1-i] = e
	}
	return out
}

func (s *Server) scan(in *searchRequest) (any, error) {
	t, x, err := s.begin(in)
	if err != nil {
		return nil, err
	}
	var entries []*entry
	for _, partition := range x.partitions {
		for _, e := range partition {
			if in.TotalSegments < 2 || segment(e.id, in.TotalSegments) == in.Segment {
				entries = append(entries, e)
			}
		}
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].id < entries[j].id })
	if in.ExclusiveStartKey != nil {
		id, err := in.startID(t, x)
		if err != nil {
			return nil, err
		}
		entries = entries[sort.Search(len(entries), func(i int) bool { return entries[i].id > id }):]
	}
	return in.page(t, x, entries, func(*entry) bool { return true })
}

func segment(id string, of uint32) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32() % of
}

// selected gives the projection, nil for all, and refuses one that asks for
// what the index does not hold, or that comes with a count alone.
func (in *searchRequest) selected(t *table, x *index) (*selection, error) {
	projection, err := in.projection(t.keys())
	if err != nil {
		return nil, err
	}
	switch {
	case projection != nil && in.Select != "" && in.Select != "SPECIFIC_ATTRIBUTES":
		return nil, invalid("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
	case in.Select == "ALL_ATTRIBUTES" && x.name != "" && !x.local && x.projection.ProjectionType != "ALL":
		return nil, invalid("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.name)
	case projection == nil || x.name == "" || x.local || x.projection.ProjectionType == "ALL":
		return projection, nil
	}
	for name := range projection.members {
		if held := (item{name: {}}); len(x.project(t, held)) == 0 {
			return nil, invalid("One or more parameter values were invalid: Global secondary index %s does not project %s", x.name, name)
		}
	}
	return projection, nil
}

// page answers with the entries that match, up to the limit or 1 MB. As on
// AWS, a page that is full names its last key even where nothing follows.
func (in *searchRequest) page(t *table, x *index, entries []*entry, keep func(*entry) bool) (any, error) {
	projection, err := in.selected(t, x)
	if err != nil {
		return nil, err
	}
	items := []item{}
	out := map[string]any{}
	count, scanned, size := 0, 0, 0
	for _, e := range entries {
		if !keep(e) {
			continue
		}
		scanned++
		size += e.item.size()
		seen, ok := x.project(t, e.item), true
		if in.FilterExpression != "" {
			if ok, err = in.match(in.FilterExpression, interpreter.ExpressionTypeFilter, seen); err != nil {
				return nil, err
			}
		}
		if ok {
			count++
			if in.Select != "COUNT" {
				items = append(items, projection.project(seen))
			}
		}
		if in.Limit != nil && scanned == *in.Limit || size >= maxPage {
			last := item{}
			for _, k := range append(t.keys(), x.keys()...) {
				last[k.name] = e.item[k.name]
			}
			out["LastEvaluatedKey"] = last
			break
		}
	}
	out["Count"], out["ScannedCount"] = count, scanned
	if in.Select != "COUNT" {
		out["Items"] = items
	}
	return out, nil
}
