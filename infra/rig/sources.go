package rig

import (
	"net/http"
	"slices"

	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/decide"
	"github.com/waypost/waypost/shared/lambdaedge"
)

// decide makes the decide function, whose sources the world's endpoint serves.
func (w *World) decide(platform *assemble.Platform) awslambda.Handler {
	return lambdaedge.Task(platform.Log, decide.Handler(platform, w.Endpoint).Decide)
}

// sourceReply notes a call of a source, which has no delivery's identity, and
// says what becomes of it.
func (e *Endpoint) sourceReply(call Request) Reply {
	e.sources = append(e.sources, call)
	if e.Source == nil {
		return Reply{Status: http.StatusServiceUnavailable}
	}
	return e.Source(len(e.sources), call)
}

// SourceCalls are the calls of sources so far.
func (e *Endpoint) SourceCalls() []Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.sources)
}
