package delivery

import (
	"encoding/json"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// Programs keeps compiled mappings in memory, by their text. It is safe for
// concurrent use.
type Programs struct {
	cache *lru.Cache[string, *program]
}

// NewPrograms makes an empty memory.
func NewPrograms() *Programs {
	cache, _ := lru.New[string, *program](512) // it fails only for a size below 1
	return &Programs{cache}
}

// A program is one step's mapping, compiled.
type program struct {
	fields map[string]*mapping.Template
	reads  mapping.References
}

func (p *Programs) compile(with json.RawMessage) (*program, error) {
	if prog, ok := p.cache.Get(string(with)); ok {
		return prog, nil
	}
	doc, err := schema.Decode(with)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the step's mapping cannot be read")
	}
	values, ok := doc.(map[string]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "the step's mapping must be an object")
	}
	prog := &program{fields: make(map[string]*mapping.Template, len(values))}
	for name, v := range values {
		t, err := mapping.Parse(v)
		if err != nil {
			return nil, err
		}
		prog.fields[name] = t
		prog.reads = prog.reads.Merge(t.References())
	}
	p.cache.Add(string(with), prog)
	return prog, nil
}

// eval evaluates every mapping.
func (p *program) eval(env mapping.Env) (map[string]any, error) {
	values := make(map[string]any, len(p.fields))
	var details []fault.Detail
	for name, t := range p.fields {
		v, err := t.Eval(env)
		if err != nil {
			details = append(details, fault.Under(name, fault.Details(err))...)
			continue
		}
		values[name] = v
	}
	return values, fault.Document("the mapping could not be evaluated", details)
}
