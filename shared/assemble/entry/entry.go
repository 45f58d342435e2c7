// Package entry puts the function together that takes events in.
package entry

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/entry"
	"github.com/waypost/waypost/shared/lambdaedge"
	"github.com/waypost/waypost/shared/stepfunctions"
)

// Needs are the variables that the function cannot do without.
func Needs() []string {
	return []string{assemble.VarCatalog, assemble.VarLedger}
}

// New makes the handler.
func New(p *assemble.Platform) lambda.Handler {
	db := p.DB()
	ledger := p.Ledger(db)
	return lambdaedge.Entry(p.Log, &entry.Handler{
		Listeners: catalog.NewListeners(p.Catalog(db), p.Now), Events: ledger, Executions: ledger,
		Starter: entry.Starter{Machines: &stepfunctions.Service{Client: sfn.NewFromConfig(p.AWS)}, Updates: ledger, Log: p.Log, Now: p.Now},
		Log:     p.Log, Now: p.Now,
	})
}
