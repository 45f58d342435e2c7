package dynamo

import (
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// Limits of DynamoDB, in bytes.
const (
	maxItem = 400 << 10
	maxPage = 1 << 20

	maxHashKey = 2048
	maxSortKey = 1024
)

// A keyAttribute is a part of a key: its name, and its type S, N or B.
type keyAttribute struct{ name, kind string }

// An index holds items by one key: the table's own, or a secondary one.
type index struct {
	name       string // "" for the table's own
	local      bool   // a local secondary index, which allows consistent reads
	hash, rng  keyAttribute
	projection projection
	partitions map[string][]*entry // by hash key, each in the order of (range key, id)
	count      int
}

// An entry is an item's place in an index.
type entry struct {
	at   order
	id   string // the item's primary key
	item item
}

// A table is its items, by the text of their primary key, and its indexes.
type table struct {
	name      string
	arn       string
	created   time.Time
	spec      tableSpec
	ttl       timeToLive
	items     map[string]item
	primary   *index
	secondary map[string]*index
}

func newIndex(hash, rng keyAttribute) *index {
	return &index{hash: hash, rng: rng, partitions: map[string][]*entry{}}
}

// place gives where an item belongs in the index; ok is false where it lacks
// the index's key, so that a sparse index leaves it out.
func (x *index) place(it item) (hash string, at order, ok bool, err error) {
	h, hasHash, err := x.part(x.hash, it)
	if err != nil || x.rng.name == "" {
		return h.String(), order{}, hasHash, err
	}
	at, hasRange, err := x.part(x.rng, it)
	return h.String(), at, hasHash && hasRange, err
}

// part gives an item's value for one part of the key. Its type must be right
// even where the item lacks the other part.
func (x *index) part(k keyAttribute, it item) (order, bool, error) {
	v, present := it[k.name]
	if !present {
		return order{}, false, nil
	}
	o, err := orderOf(v, k.kind)
	if err != nil {
		return order{}, false, x.badKey(k, err)
	}
	most := maxSortKey
	if k == x.hash {
		most = maxHashKey
	}
	if len(o.text) > most {
		return order{}, false, x.badKey(k, fmt.Errorf("it has %d bytes, over the limit of %d", len(o.text), most))
	}
	return o, true, nil
}

func (x *index) badKey(k keyAttribute, err error) error {
	where := "the key attribute " + k.name
	if x.name != "" {
		where += " of the index " + x.name
	}
	return invalid("One or more parameter values were invalid: %s: %v", where, err)
}

// find gives the position of (at, id) in a partition, or where it would be.
func find(entries []*entry, at order, id string) int {
	return sort.Search(len(entries), func(i int) bool {
		c := entries[i].at.compare(at)
		return c > 0 || c == 0 && entries[i].id >= id
	})
}

func (x *index) add(id string, it item) {
	hash, at, ok, err := x.place(it)
	if !ok || err != nil { // check has refused what can't be placed
		return
	}
	entries := x.partitions[hash]
	i := find(entries, at, id)
	entries = append(entries, nil)
	copy(entries[i+1:], entries[i:])
	entries[i] = &entry{at: at, id: id, item: it}
	x.partitions[hash] = entries
	x.count++
}

func (x *index) remove(id string, it item) {
	hash, at, ok, err := x.place(it)
	if !ok || err != nil {
		return
	}
	entries := x.partitions[hash]
	i := find(entries, at, id)
	if i == len(entries) || entries[i].id != id {
		return
	}
	copy(entries[i:], entries[i+1:])
	entries[len(entries)-1] = nil
	entries = entries[:len(entries)-1]
	if len(entries) == 0 {
		delete(x.partitions, hash)
	} else {
		x.partitions[hash] = entries
	}
	x.count--
}

// id gives the text of an item's primary key, or why it has none.
func (t *table) id(it item) (string, error) {
	for _, k := range t.keys() {
		if it[k.name] == nil {
			return "", invalid("One or more parameter values were invalid: Missing the key %s in the item", k.name)
		}
	}
	hash, at, _, err := t.primary.place(it)
	if err != nil {
		return "", err
	}
	// The length keeps two different pairs from making one text.
	return strconv.Itoa(len(hash)) + ":" + hash + at.String(), nil
}

// keyID is id for a Key parameter, which has the key's attributes and no others.
func (t *table) keyID(key item) (string, error) {
	if err := key.valid(); err != nil {
		return "", err
	}
	if len(key) != len(t.keys()) {
		return "", invalid("The provided key element does not match the schema")
	}
	for _, k := range t.keys() {
		if key[k.name] == nil {
			return "", invalid("The provided key element does not match the schema")
		}
	}
	return t.id(key)
}

func (t *table) keys() []keyAttribute { return t.primary.keys() }

func (x *index) keys() []keyAttribute {
	if x.rng.name == "" {
		return []keyAttribute{x.hash}
	}
	return []keyAttribute{x.hash, x.rng}
}

// check says why an item may not be stored, if it may not.
func (t *table) check(it item) error {
	if it.size() > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	for _, x := range t.secondary {
		if _, _, _, err := x.place(it); err != nil {
			return err
		}
	}
	return nil
}

// set stores an item that check let pass; a nil one deletes.
func (t *table) set(id string, it item) {
	old, had := t.items[id]
	for _, x := range t.indexes() {
		if had {
			x.remove(id, old)
		}
		if it != nil {
			x.add(id, it)
		}
	}
	if it == nil {
		delete(t.items, id)
		return
	}
	t.items[id] = it
}

func (t *table) indexes() []*index {
	all := []*index{t.primary}
	for _, x := range t.secondary {
		all = append(all, x)
	}
	return all
}

// index gives an index by name, "" being the table's own.
func (t *table) index(name string) (*index, error) {
	if name == "" {
		return t.primary, nil
	}
	x, ok := t.secondary[name]
	if !ok {
		return nil, awsjson.Errorf("ValidationException", "The table does not have the specified index: %s", name)
	}
	return x, nil
}

// project leaves the attributes that the index holds.
func (x *index) project(t *table, it item) item {
	if x.name == "" || x.projection.ProjectionType == "ALL" {
		return it
	}
	out := item{}
	keep := func(name string) {
		if v, ok := it[name]; ok {
			out[name] = v
		}
	}
	for _, k := range append(t.keys(), x.keys()...) {
		keep(k.name)
	}
	if x.projection.ProjectionType == "INCLUDE" {
		for _, name := range x.projection.NonKeyAttributes {
			keep(name)
		}
	}
	return out
}
