package mapping

import (
	"time"

	"github.com/waypost/waypost/shared/schema"
)

// A Scope gives the types of what an expression may read.
type Scope struct {
	Event   schema.Type
	Profile schema.Type
	// Data are the sources, by name.
	Data map[string]schema.Type
	// Steps are the steps that come before, by id.
	Steps map[string]StepTypes
	// Hidden are the names that cannot be read at this place at all, such as
	// "profile" where the profile is not known yet.
	Hidden []string

	items []typedVariable // of the lists around, from the outermost
}

// StepTypes are the types of what a step leaves behind.
type StepTypes struct {
	Response, Error schema.Type
}

// An Env is what an expression reads, with values as schema.Decode gives them.
// What is missing reads as nil.
type Env struct {
	Event   any
	Entry   Entry
	Profile map[string]any
	// Data holds the sources' answers, by source.
	Data map[string]any
	// Steps holds, by step id, objects with outcome, status, code, response and error.
	Steps   map[string]any
	Journey Journey
	// Now is what now() gives: the step's first start, so that a repeat
	// composes the same request.
	Now time.Time
}

// An Entry is what is known of the event beside its data. "" reads as nil.
type Entry struct {
	ID, Source, Type, Time, Subject string
}

// A Journey is what is known of the journey that runs. "" reads as nil.
type Journey struct {
	Name      string
	Version   int
	Execution string
}

// roots are the names that expressions start from.
func roots() []string { return []string{"event", "entry", "profile", "data", "steps", "journey"} }

// typeOf gives the type of a name; the types of its sources and steps for data
// and steps.
func (s Scope) typeOf(root string) schema.Type {
	switch root {
	case "event":
		return s.Event
	case "profile":
		return s.Profile
	case "entry":
		text := schema.String()
		return schema.Object(map[string]schema.Type{
			"id": text, "source": text, "type": text, "time": text.OrNull(), "subject": text.OrNull(),
		})
	case "journey":
		return schema.Object(map[string]schema.Type{
			"name": schema.String(), "version": schema.Integer(), "execution": schema.String(),
		})
	case "data":
		sources := make(map[string]schema.Type, len(s.Data))
		for name, t := range s.Data {
			sources[name] = t.OrNull() // a source may have failed
		}
		return schema.Object(sources)
	case "steps":
		steps := make(map[string]schema.Type, len(s.Steps))
		for id, step := range s.Steps {
			// A step may lie on a branch that was not taken: all may be nil.
			steps[id] = schema.Object(map[string]schema.Type{
				"outcome": schema.String().OrNull(), "status": schema.String().OrNull(), "code": schema.Integer().OrNull(),
				"response": step.Response.OrNull(), "error": step.Error.OrNull(),
			})
		}
		return schema.Object(steps)
	}
	return schema.Any()
}

// root reads a name as a value.
func (e *Env) root(name string) any {
	switch name {
	case "event":
		return e.Event
	case "profile":
		return object(e.Profile)
	case "data":
		return object(e.Data)
	case "steps":
		return object(e.Steps)
	case "entry":
		return map[string]any{
			"id": text(e.Entry.ID), "source": text(e.Entry.Source), "type": text(e.Entry.Type),
			"time": text(e.Entry.Time), "subject": text(e.Entry.Subject),
		}
	case "journey":
		return map[string]any{
			"name": text(e.Journey.Name), "version": int64(e.Journey.Version), "execution": text(e.Journey.Execution),
		}
	}
	return nil
}

// member reads an attribute of a name, without building the object around it.
func (e *Env) member(root, name string) any {
	switch root {
	case "profile":
		return number(e.Profile[name])
	case "data":
		return number(e.Data[name])
	case "steps":
		return number(e.Steps[name])
	case "entry":
		switch name {
		case "id":
			return text(e.Entry.ID)
		case "source":
			return text(e.Entry.Source)
		case "type":
			return text(e.Entry.Type)
		case "time":
			return text(e.Entry.Time)
		case "subject":
			return text(e.Entry.Subject)
		}
		return nil
	case "event":
		return attribute(e.Event, name)
	}
	return attribute(e.root(root), name)
}

// object makes a nil map plain nil: an interface that holds one is not.
func object(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

// text makes "" nil, as an attribute that is not there.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
