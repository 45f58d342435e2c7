package states

import (
	"strings"
	"time"

	"github.com/waypost/waypost/infra/local/states/value"
)

// An event of a history. Values are kept as they are, and made into JSON only
// when somebody reads the history.
type event struct {
	id, prev int64
	at       time.Time
	kind     string
	d        details
}

// details are what an event tells; which of them count depends on its kind.
type details struct {
	name     string // of the state
	value    any    // input or output
	text     string // the execution's input, as it was given
	role     string
	failure  failure
	resource string
	kind     string // resourceType
	params   any
	timeout  int
	beat     int
	index    int // of a Map's iteration
	length   int // of a Map's items
}

// append adds an event, and gives its id. An Express execution counts them only.
func (x *execution) append(kind string, prev int64, d details) int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.last++
	if x.express {
		return x.last
	}
	x.events = append(x.events, event{id: x.last, prev: prev, at: time.Now(), kind: kind, d: d})
	if x.last == maxHistory-1 { // room for one more: how it ended
		x.cancel(errHistory)
	}
	return x.last
}

// record adds an event that follows the frame's last one, and becomes it.
func (f *frame) record(kind string, d details) int64 {
	f.prev = f.keep(kind, d)
	return f.prev
}

// keep adds an event that follows the frame's last one, but does not become it:
// what comes next follows the same one.
func (f *frame) keep(kind string, d details) int64 {
	if f.ctx.Err() != nil { // nothing happens any more after an interruption
		return f.prev
	}
	return f.x.append(kind, f.prev, d)
}

type object = map[string]any

// render gives an event as GetExecutionHistory shows it.
func (e *event) render(withData bool) object {
	out := object{"id": e.id, "previousEventId": e.prev, "timestamp": stamp(e.at), "type": e.kind}
	key, d := e.d.render(e.kind, withData)
	if key != "" {
		out[key] = d
	}
	return out
}

// render gives the details, and the name of the field they go in.
func (d *details) render(kind string, withData bool) (key string, out object) {
	out = object{}
	data := func(name string, text func() string) {
		if withData {
			out[name] = text()
			out[name+"Details"] = object{"truncated": false}
		}
	}
	encoded := func() string { return value.Encode(d.value) }
	fault := func() {
		if d.failure.name != "" {
			out["error"] = d.failure.name
		}
		if d.failure.cause != "" {
			out["cause"] = d.failure.cause
		}
	}
	resource := func() { out["resource"], out["resourceType"] = d.resource, d.kind }
	key = strings.ToLower(kind[:1]) + kind[1:] + "EventDetails"
	switch {
	case kind == "ExecutionStarted":
		data("input", func() string { return d.text })
		out["roleArn"] = d.role
	case kind == "ExecutionSucceeded", kind == "LambdaFunctionSucceeded":
		data("output", encoded)
	case kind == "LambdaFunctionScheduled":
		data("input", encoded)
		out["resource"] = d.resource
		d.limits(out)
	case kind == "TaskScheduled":
		resource()
		out["region"] = Region
		out["parameters"] = value.Encode(d.params)
		if !withData {
			out["parameters"] = ""
		}
		d.limits(out)
	case kind == "TaskStarted":
		resource()
	case kind == "TaskSucceeded", kind == "TaskSubmitted":
		resource()
		data("output", encoded)
	case kind == "TaskFailed", kind == "TaskTimedOut":
		resource()
		fault()
	case strings.HasPrefix(kind, "Execution"), kind == "LambdaFunctionFailed", kind == "LambdaFunctionTimedOut":
		fault()
	case kind == "MapStateStarted":
		out["length"] = d.length
	case strings.HasPrefix(kind, "MapIteration"):
		out["name"], out["index"] = d.name, d.index
	case strings.HasSuffix(kind, "StateEntered"):
		key = "stateEnteredEventDetails"
		out["name"] = d.name
		data("input", encoded)
	case strings.HasSuffix(kind, "StateExited"):
		key = "stateExitedEventDetails"
		out["name"] = d.name
		data("output", encoded)
	default: // the type says it all
		return "", nil
	}
	return key, out
}

func (d *details) limits(out object) {
	if d.timeout > 0 {
		out["timeoutInSeconds"] = d.timeout
	}
	if d.beat > 0 {
		out["heartbeatInSeconds"] = d.beat
	}
}
