package journey_test

import (
	"testing"

	"github.com/waypost/waypost/shared/journey"
)

func TestFind(t *testing.T) {
	at := func(id string, inner ...journey.Step) journey.Step {
		return journey.Step{ID: id, OnError: &journey.OnError{Steps: inner}}
	}
	j := &journey.Journey{Steps: []journey.Step{at("a", at("b", at("c"))), {ID: "d", Condition: &journey.Condition{
		Branches: []journey.Branch{{Steps: []journey.Step{at("e")}}, {Steps: []journey.Step{at("f", at("g"))}}}, Otherwise: []journey.Step{at("h")}}}}}
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		if s := j.Find(id); s == nil || s.ID != id {
			t.Errorf("%s: got %v", id, s)
		}
	}
	if s := j.Find("none"); s != nil {
		t.Errorf("got %v, want nothing", s)
	}
}
