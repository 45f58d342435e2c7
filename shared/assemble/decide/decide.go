// Package decide puts the function together that evaluates conditions.
package decide

import (
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/decide"
	"github.com/waypost/waypost/shared/lambdaedge"
)

// New makes the handler.
func New(p *assemble.Platform) lambda.Handler {
	h := &decide.Handler{Profiles: p.Profiles(p.DB()), Now: p.Now}
	return lambdaedge.Task(p.Log, h.Decide)
}
