package action

import (
	"strconv"
	"strings"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
)

// maxFaults is after how many faults the rest of a list is not looked at: they
// go into the delivery's record, and tell no more.
const maxFaults = 20

// items fills a list: v holds, for each of its items, an object of values by
// field name. A list that came out nil is empty, unless it says what else to
// send. It gives false where there are no items to look at.
func (c *composer) items(f *Field, v any) (any, bool) {
	list, ok := v.([]any)
	switch {
	case v == nil && f.needed():
		return []any{}, true
	case v == nil:
		return nil, true
	case !ok:
		c.say(f.Name, "must be a list")
		return nil, false
	case len(list) > mapping.MaxItems:
		c.say(f.Name, "must have at most %d items, has %d", mapping.MaxItems, len(list))
		return nil, false
	}
	out := make([]any, 0, len(list))
	for i, values := range list {
		item, details := f.Item.compose(values, c.room)
		out = append(out, item)
		c.details = append(c.details, fault.Under(f.Name+"."+strconv.Itoa(i), details)...)
		if *c.room < 0 && len(c.details) == 0 {
			c.say(f.Name, "%s", tooLarge)
		}
		if *c.room < 0 || len(c.details) >= maxFaults {
			break
		}
	}
	return out, true
}

// compose makes one item of its fields' values, in the room that the body has.
func (i *Item) compose(values any, room *int) (any, []fault.Detail) {
	named, ok := values.(map[string]any)
	if !ok {
		return nil, []fault.Detail{{Message: "must be an object of the item's fields"}}
	}
	c := composer{values: make(map[*Field]any, len(named)), inItem: true, room: room}
	for name, v := range named {
		f := i.Field(name)
		if f == nil {
			c.say(name, "is not a field of the list's items, which have %s", strings.Join(i.FieldNames(), ", "))
			continue
		}
		c.values[f] = v
	}
	for _, f := range i.Fields {
		c.fill(f)
	}
	item, _ := c.value(nil, i.shape)
	return item, c.details
}
