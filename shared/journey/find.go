package journey

// Find gives the step of an id, wherever in the journey it stands, or nil.
func (j *Journey) Find(id string) *Step { return find(j.Steps, id) }

func find(steps []Step, id string) *Step {
	for i := range steps {
		s := &steps[i]
		if s.ID == id {
			return s
		}
		var below [][]Step
		if s.OnError != nil {
			below = append(below, s.OnError.Steps)
		}
		if s.Condition != nil {
			for _, b := range s.Condition.Branches {
				below = append(below, b.Steps)
			}
			below = append(below, s.Condition.Otherwise)
		}
		for _, inner := range below {
			if found := find(inner, id); found != nil {
				return found
			}
		}
	}
	return nil
}
