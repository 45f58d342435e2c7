package dynamo

import (
	"hash/fnv"
	"regexp"
	"sort"
	"strings"

	"github.com/truora/minidyn/interpreter"
	"github.com/truora/minidyn/interpreter/language"
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
	hash, all, err := in.partition(x)
	if err != nil {
		return nil, err
	}
	entries := x.partitions[hash]
	if in.ScanIndexForward != nil && !*in.ScanIndexForward {
		entries = reversed(entries)
	}
	if in.ExclusiveStartKey != nil {
		if entries, err = in.after(t, x, entries); err != nil {
			return nil, err
		}
	}
	keep := func(it item) (bool, error) {
		if all {
			return true, nil
		}
		return in.match(in.KeyConditionExpression, interpreter.ExpressionTypeKey, it)
	}
	return in.page(t, x, entries, keep)
}

var (
	equality  = regexp.MustCompile(`(#?[A-Za-z0-9_]+)\s*=\s*(:[A-Za-z0-9_]+)`)
	nameInKey = regexp.MustCompile(`[#:]?[A-Za-z0-9_]+`)
)

// partition finds the hash key's value in the key condition, and says whether
// the condition asks for all of its partition.
func (in *searchRequest) partition(x *index) (hash string, all bool, err error) {
	for _, word := range nameInKey.FindAllString(in.KeyConditionExpression, -1) {
		if word[0] == ':' || strings.EqualFold(word, "AND") || strings.EqualFold(word, "BETWEEN") || word == "begins_with" {
			continue
		}
		if language.IsReservedWord(strings.ToUpper(word)) {
			return "", false, invalid("Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: %s", word)
		}
		if name := in.name(word); name != x.hash.name && name != x.rng.name {
			return "", false, invalid("Query key condition not supported: %s is not part of the key", name)
		}
	}
	for _, m := range equality.FindAllStringSubmatch(in.KeyConditionExpression, -1) {
		if in.name(m[1]) != x.hash.name {
			continue
		}
		at, err := orderOf(in.ExpressionAttributeValues[m[2]], x.hash.kind)
		if err != nil {
			return "", false, invalid("One or more parameter values were invalid: Condition parameter type does not match schema type: %v", err)
		}
		return at.String(), m[0] == strings.TrimSpace(in.KeyConditionExpression), nil
	}
	return "", false, invalid("Query condition missed key schema element: %s", x.hash.name)
}

func (e *expression) name(word string) string {
	if name, ok := e.ExpressionAttributeNames[word]; ok {
		return name
	}
	return word
}

// after drops the entries up to the start key, which need not exist any more.
func (in *searchRequest) after(t *table, x *index, entries []*entry) ([]*entry, error) {
	id, err := t.id(in.ExclusiveStartKey)
	if err != nil {
		return nil, invalid("The provided starting key is invalid: %v", err)
	}
	_, at, ok, err := x.place(in.ExclusiveStartKey)
	if !ok || err != nil {
		return nil, invalid("The provided starting key is invalid")
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
		id, err := t.id(in.ExclusiveStartKey)
		if err != nil {
			return nil, invalid("The provided starting key is invalid: %v", err)
		}
		entries = entries[sort.Search(len(entries), func(i int) bool { return entries[i].id > id }):]
	}
	return in.page(t, x, entries, func(item) (bool, error) { return true, nil })
}

func segment(id string, of uint32) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32() % of
}

// page answers with the entries that match, up to the limit or 1 MB. As on
// AWS, a page that is full names its last key even where nothing follows.
func (in *searchRequest) page(t *table, x *index, entries []*entry, keep func(item) (bool, error)) (any, error) {
	items := []item{}
	out := map[string]any{}
	count, scanned, size := 0, 0, 0
	for _, e := range entries {
		ok, err := keep(e.item)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		scanned++
		size += e.item.size()
		seen := x.project(t, e.item)
		if in.FilterExpression != "" {
			if ok, err = in.match(in.FilterExpression, interpreter.ExpressionTypeFilter, seen); err != nil {
				return nil, err
			}
		}
		if ok {
			count++
			if in.Select != "COUNT" {
				if seen, err = in.project(seen); err != nil {
					return nil, err
				}
				items = append(items, seen)
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
