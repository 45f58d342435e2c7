// Package sweep puts the function together that comes back to what nobody
// else comes back to.
package sweep

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/entry"
	"github.com/waypost/waypost/shared/lambdaedge"
	waypostsqs "github.com/waypost/waypost/shared/sqs"
	"github.com/waypost/waypost/shared/stepfunctions"
	"github.com/waypost/waypost/shared/sweep"
)

// Needs are the variables that the function cannot do without.
func Needs() []string {
	return []string{assemble.VarCatalog, assemble.VarLedger, assemble.VarDeadLetters}
}

// New makes the handler.
func New(p *assemble.Platform) lambda.Handler {
	db := p.DB()
	ledger := p.Ledger(db)
	machines := &stepfunctions.Service{Client: sfn.NewFromConfig(p.AWS)}
	letters := &waypostsqs.DeadLetters{Client: sqs.NewFromConfig(p.AWS), Queue: p.Env.DeadLetterQueue}
	h := &sweep.Handler{Ledger: ledger, Events: ledger, Runs: machines,
		Starter: entry.Starter{Machines: machines, Updates: ledger, Log: p.Log, Now: p.Now},
		Closer:  p.Closer(db, letters), Waker: p.Waker(db, machines), Log: p.Log, Now: p.Now}
	return lambdaedge.Task(p.Log, func(ctx context.Context, _ struct{}) (sweep.Report, error) { return h.Sweep(ctx) })
}
