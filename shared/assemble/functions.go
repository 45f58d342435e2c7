package assemble

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/admin"
	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/twilio"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/decide"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/entry"
	"github.com/waypost/waypost/shared/lambdaedge"
	"github.com/waypost/waypost/shared/sweep"
)

// A Function makes one Lambda function's handler from a platform.
type Function func(*Platform) lambda.Handler

// Start runs a function on Lambda until its environment ends. It does not return.
func Start(f Function) {
	p, err := Load(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "waypost: the function cannot start:", err)
		os.Exit(1)
	}
	lambda.Start(f(p))
}

// Webhook delivers to any endpoint that speaks HTTP and JSON.
func Webhook(p *Platform) lambda.Handler {
	return p.action(delivery.Provider{Channel: webhook.Channel{Now: p.Now}, Traits: webhook.Traits()})
}

// SMS delivers text messages.
func SMS(p *Platform) lambda.Handler {
	return p.action(delivery.Provider{Channel: twilio.Channel{Now: p.Now}, Traits: twilio.Traits()})
}

// Channels are the traits of every channel that the functions above serve.
func Channels() []channel.Traits {
	return []channel.Traits{webhook.Traits(), twilio.Traits()}
}

func (p *Platform) action(providers ...delivery.Provider) lambda.Handler {
	return lambdaedge.Task(p.Log, p.Pipeline(providers...).Deliver)
}

// Decide evaluates conditions.
func Decide(p *Platform) lambda.Handler {
	h := &decide.Handler{Profiles: p.profiles(dynamodb.NewFromConfig(p.AWS)), Now: p.Now}
	return lambdaedge.Task(p.Log, h.Decide)
}

// Entry takes events in.
func Entry(p *Platform) lambda.Handler {
	db := dynamodb.NewFromConfig(p.AWS)
	ledger := p.ledger(db)
	return lambdaedge.Entry(p.Log, &entry.Handler{
		Listeners: catalog.NewListeners(p.catalog(db), p.Now), Events: ledger, Executions: ledger,
		Starter: p.starter(db), Log: p.Log, Now: p.Now,
	})
}

func (p *Platform) starter(db *dynamodb.Client) entry.Starter {
	return entry.Starter{Machines: p.machines(), Updates: p.ledger(db), Log: p.Log, Now: p.Now}
}

// Sweep comes back to what nobody else comes back to.
func Sweep(p *Platform) lambda.Handler {
	db := dynamodb.NewFromConfig(p.AWS)
	ledger := p.ledger(db)
	h := &sweep.Handler{Ledger: ledger, Events: ledger, Runs: p.machines(), Starter: p.starter(db),
		Closer: p.closer(db), Log: p.Log, Now: p.Now}
	return lambdaedge.Task(p.Log, func(ctx context.Context, _ struct{}) (sweep.Report, error) { return h.Sweep(ctx) })
}

// Admin is the authors' and operators' API.
func Admin(p *Platform) lambda.Handler {
	db := dynamodb.NewFromConfig(p.AWS)
	h := &admin.Handler{
		Catalog: &catalog.Catalog{Store: p.catalog(db), Machines: p.machines(), Guard: egress.NewGuard(p.Env.Egress), Channels: Channels(),
			Names: func(name string) string { return p.Env.Names[name] }, Prefix: p.Env.Prefix, Now: p.Now},
		Profiles: p.profiles(db), ProfileKey: p.Env.ProfileKey, Ledger: p.ledger(db), Executions: p.machines(), Log: p.Log, Now: p.Now,
	}
	return lambdaedge.URL(h.Routes())
}
