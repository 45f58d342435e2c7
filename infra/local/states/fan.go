package states

import (
	"fmt"
	"sync"

	"github.com/waypost/waypost/infra/local/states/asl"
	"github.com/waypost/waypost/infra/local/states/value"
)

// maxIterations is how many iterations of a Map run at once, at most: AWS's
// bound for the inline mode.
const maxIterations = 40

// parallel runs all branches at once, and gives the list of their outputs.
func (f *frame) parallel(s *asl.State, input any) (any, error) {
	in, err := f.parameters(s, input)
	if err != nil {
		return nil, err
	}
	f.record("ParallelStateStarted", details{})
	g := f.group()
	defer g.cancel()
	outputs := make([]any, len(s.Branches))
	frames := make([]*frame, len(s.Branches))
	var last lastEvent
	var all sync.WaitGroup
	for i, m := range s.Branches {
		b := &frame{x: f.x, ctx: g.ctx, prev: f.prev, item: f.item}
		frames[i] = b
		all.Go(func() {
			out, err := b.machine(m, in)
			outputs[i] = out
			last.set(b.prev)
			g.report(b, err)
		})
	}
	all.Wait()
	if err := f.ctx.Err(); err != nil {
		return nil, err
	}
	if fault, ok := g.failure(); ok {
		f.prev = fault.prev
		for _, b := range frames {
			f.abort(b.state)
		}
		return nil, fault.within()
	}
	f.prev = last.id
	f.keep("ParallelStateSucceeded", details{})
	return f.bounded(s, outputs)
}

// lastEvent keeps the last event of the branch that ended last.
type lastEvent struct {
	mu sync.Mutex
	id int64
}

func (l *lastEvent) set(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.id = max(l.id, id)
}

// bounded holds what branches give together to the limit of a state's data.
func (f *frame) bounded(s *asl.State, outputs []any) (any, error) {
	if value.Size(outputs) > maxData {
		return nil, tooLarge(s.Name)
	}
	return outputs, nil
}

// mapItems runs the item processor for each item, and gives the list of outputs.
func (f *frame) mapItems(s *asl.State, input any) (any, error) {
	in, err := f.input(s, input)
	if err != nil {
		return nil, err
	}
	items, err := f.items(s, in)
	if err != nil {
		return nil, err
	}
	width, err := f.amount(s.MaxConcurrency, "MaxConcurrency", in)
	if err != nil {
		return nil, err
	}
	if width <= 0 || width > maxIterations {
		width = maxIterations
	}
	width = min(width, len(items))
	f.record("MapStateStarted", details{length: len(items)})
	g := f.group()
	defer g.cancel()
	outputs := make([]any, len(items))
	workers := make([]*frame, width)
	var next counter
	var last lastEvent
	var all sync.WaitGroup
	for i := range workers {
		w := &frame{x: f.x, ctx: g.ctx, prev: f.prev}
		workers[i] = w
		all.Go(func() {
			for n := next.take(); n < len(items) && g.ctx.Err() == nil; n = next.take() {
				w.item = &mapItem{index: n, value: items[n]}
				out, err := w.iterate(s, in, items[n])
				if err != nil {
					g.report(w, err)
					return
				}
				outputs[n] = out
				last.set(w.keep("MapIterationSucceeded", details{name: s.Name, index: n}))
			}
		})
	}
	all.Wait()
	if err := f.ctx.Err(); err != nil {
		return nil, err
	}
	if fault, ok := g.failure(); ok {
		f.prev = fault.prev
		f.abortIterations(s, workers, fault.at)
		return nil, fault.within()
	}
	if len(items) > 0 {
		f.prev = last.id
	}
	f.keep("MapStateSucceeded", details{})
	return f.bounded(s, outputs)
}

// iterate runs one iteration.
func (f *frame) iterate(s *asl.State, in, item any) (any, error) {
	f.record("MapIterationStarted", details{name: s.Name, index: f.item.index})
	input := item
	if s.Parameters != nil {
		f.state, f.event = s, f.prev
		v, err := f.fill(s.Parameters, in)
		f.state = nil
		if err != nil {
			return nil, err
		}
		input = v
	}
	return f.machine(s.Processor, input)
}

// abortIterations records the iteration that failed, and those it ended.
func (f *frame) abortIterations(s *asl.State, workers []*frame, failed *frame) {
	f.keep("MapIterationFailed", details{name: s.Name, index: failed.item.index})
	f.abort(failed.state)
	for _, w := range workers {
		if w == failed || w.item == nil || w.state == nil {
			continue
		}
		f.keep("MapIterationAborted", details{name: s.Name, index: w.item.index})
		f.abort(w.state)
	}
}

// items applies ItemsPath.
func (f *frame) items(s *asl.State, in any) ([]any, error) {
	v := in
	if p := s.ItemsPath; p != nil {
		selected, err := p.Get(in, f.contextFor(p.Context()))
		if err != nil {
			return nil, f.runtimeFailure(err)
		}
		v = selected
	}
	list, ok := v.([]any)
	if !ok {
		return nil, f.runtimeFailure(fmt.Errorf("Reference path \"%s\" must point to array.", itemsPath(s)))
	}
	return list, nil
}

func itemsPath(s *asl.State) string {
	if s.ItemsPath == nil {
		return "$"
	}
	return s.ItemsPath.String()
}

// amount gives a number of a definition's, or what its path selects; 0 where
// there is none.
func (f *frame) amount(a asl.Amount, field string, in any) (int, error) {
	if a.Path == nil {
		return a.N, nil
	}
	v, err := a.Path.Get(in, f.contextFor(a.Path.Context()))
	if err != nil {
		return 0, f.runtimeFailure(err)
	}
	n, ok := value.Whole(v)
	if !ok || n < 0 || n > 99_999_999 {
		return 0, f.runtimeFailure(fmt.Errorf("The %sPath field refers to value \"%s\" which is not a valid integer: %s", field, plain(v), a.Path))
	}
	return int(n), nil
}

// plain gives a string as it is, and anything else as JSON.
func plain(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return value.Encode(v)
}

// counter hands out 0, 1, 2, …
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) take() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n - 1
}
