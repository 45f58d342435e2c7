package dynamo

// A write is one change of one item, as PutItem, UpdateItem, DeleteItem and
// the members of a transaction or batch say it.
type writeRequest struct {
	expression
	TableName                           string
	Key                                 item // of an update, a deletion or a check
	Item                                item // of a put
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
}

// The kinds of write.
type writeKind int

const (
	put writeKind = iota
	update
	remove
	check
)

// A change is a write that was judged and can be applied.
type change struct {
	table    *table
	id       string
	old, new item            // nil where there is none
	changed  map[string]bool // of an update, the attributes that it names
	late     bool            // where it was refused: for what the item holds, not for what the request says
	keep     bool            // a check, or the deletion of nothing: the item stays as it is
}

func (c change) apply() {
	if !c.keep {
		c.table.set(c.id, c.new)
	}
}

// plan judges a write without applying it. Where the condition does not hold
// the change is given too, for its item's identity.
func (s *Server) plan(kind writeKind, in *writeRequest) (change, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return change{}, err
	}
	if err := in.check(); err != nil {
		return change{}, err
	}
	c := change{table: t}
	if kind == check && in.ConditionExpression == "" {
		return c, invalid("The expression can not be empty; a ConditionCheck must have a ConditionExpression")
	}
	if in.UpdateExpression != "" {
		if err := in.checkTargets(t.keys()); err != nil {
			return c, err
		}
	}
	if kind == put {
		if err := in.Item.valid(); err != nil {
			return c, err
		}
		c.id, err = t.id(in.Item)
	} else {
		c.id, err = t.keyID(in.Key)
	}
	if err != nil {
		return c, err
	}
	c.old = t.items[c.id]
	if err := in.holds(c.old, in.ReturnValuesOnConditionCheckFailure); err != nil {
		return c, err
	}
	switch kind {
	case put:
		c.new = in.Item
	case update:
		c.late = true
		base := c.old
		if base == nil {
			base = in.Key
		}
		c.new = base.clone()
		if in.UpdateExpression != "" {
			if c.new, err = in.update(base); err != nil {
				return c, err
			}
			c.changed = map[string]bool{}
			for _, target := range in.targets() {
				name, _ := in.targetName(target)
				c.changed[name] = true
			}
		}
	case check:
		c.keep = true
	}
	if c.new != nil {
		return c, t.check(c.new)
	}
	return c, nil
}

func (s *Server) putItem(in *writeRequest) (any, error) {
	switch in.ReturnValues {
	case "", "NONE", "ALL_OLD":
	default:
		return nil, invalid("Return values set to invalid value: %s; PutItem takes NONE and ALL_OLD", in.ReturnValues)
	}
	return s.write(put, in)
}

func (s *Server) updateItem(in *writeRequest) (any, error) { return s.write(update, in) }

func (s *Server) deleteItem(in *writeRequest) (any, error) {
	switch in.ReturnValues {
	case "", "NONE", "ALL_OLD":
	default:
		return nil, invalid("Return values set to invalid value: %s; DeleteItem takes NONE and ALL_OLD", in.ReturnValues)
	}
	return s.write(remove, in)
}

func (s *Server) write(kind writeKind, in *writeRequest) (any, error) {
	c, err := s.plan(kind, in)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	attributes, err := c.returned(in.ReturnValues)
	if err != nil {
		return nil, err
	}
	if len(attributes) > 0 {
		out["Attributes"] = attributes
	}
	c.apply()
	return out, nil
}

// returned gives what ReturnValues asks for.
func (c change) returned(mode string) (item, error) {
	switch mode {
	case "", "NONE":
		return nil, nil
	case "ALL_OLD":
		return c.old, nil
	case "ALL_NEW":
		return c.new, nil
	case "UPDATED_OLD":
		return only(c.old, c.changed), nil
	case "UPDATED_NEW":
		return only(c.new, c.changed), nil
	}
	return nil, invalid("Value %q at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]", mode)
}

// only gives an item's attributes of these names.
func only(it item, names map[string]bool) item {
	out := item{}
	for name, v := range it {
		if names[name] {
			out[name] = v
		}
	}
	return out
}

type getRequest struct {
	expression
	TableName string
	Key       item
}

func (s *Server) get(in *getRequest) (item, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	id, err := t.keyID(in.Key)
	if err != nil {
		return nil, err
	}
	projection, err := in.projection(t.keys())
	if err != nil {
		return nil, err
	}
	return projection.project(t.items[id]), nil
}

// getItem answers without an Item where there is none, and with an empty one
// where there is but the projection matches nothing of it.
func (s *Server) getItem(in *getRequest) (any, error) {
	it, err := s.get(in)
	if err != nil {
		return nil, err
	}
	return itemOutput(it), nil
}

func itemOutput(it item) map[string]any {
	if it == nil {
		return map[string]any{}
	}
	return map[string]any{"Item": it}
}
