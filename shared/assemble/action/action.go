// Package action puts the action functions together, one for each channel.
package action

import (
	"crypto/rand"
	mathrand "math/rand/v2"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/loyalty"
	"github.com/waypost/waypost/shared/channel/private"
	"github.com/waypost/waypost/shared/channel/signage"
	"github.com/waypost/waypost/shared/channel/sinch"
	"github.com/waypost/waypost/shared/channel/slack"
	"github.com/waypost/waypost/shared/channel/twilio"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/lambdaedge"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/secret"
	waypostsecrets "github.com/waypost/waypost/shared/secretsmanager"
	"github.com/waypost/waypost/shared/source"
	waypostsqs "github.com/waypost/waypost/shared/sqs"
	"github.com/waypost/waypost/shared/stepfunctions"
	"github.com/waypost/waypost/shared/token"
)

// Needs are the variables that every action function cannot do without.
func Needs() []string {
	return []string{assemble.VarProfiles, assemble.VarCatalog, assemble.VarLedger, assemble.VarLimits, assemble.VarDeadLetters}
}

// Webhook delivers to any endpoint that speaks HTTP.
func Webhook(p *assemble.Platform) lambda.Handler {
	return handler(p, delivery.Provider{Channel: webhook.Channel{Now: p.Now}, Traits: webhook.Traits()})
}

// Loyalty delivers awards.
func Loyalty(p *assemble.Platform) lambda.Handler {
	return handler(p, delivery.Provider{Channel: loyalty.Channel{Channel: webhook.Channel{Now: p.Now}}, Traits: loyalty.Traits()})
}

// Private delivers to a company's own systems.
func Private(p *assemble.Platform) lambda.Handler {
	return handler(p, delivery.Provider{Channel: private.Channel{Channel: webhook.Channel{Now: p.Now}}, Traits: private.Traits()})
}

// Signage delivers to screens.
func Signage(p *assemble.Platform) lambda.Handler {
	return handler(p, delivery.Provider{Channel: signage.Channel{Channel: webhook.Channel{Now: p.Now}}, Traits: signage.Traits()})
}

// SMS delivers text messages.
func SMS(p *assemble.Platform) lambda.Handler {
	return handler(p, delivery.Provider{Channel: twilio.Channel{Now: p.Now}, Traits: twilio.Traits()},
		delivery.Provider{Channel: sinch.Channel{Now: p.Now}, Traits: sinch.Traits()},
		delivery.Provider{Channel: sinch.Conversation{Now: p.Now}, Traits: sinch.ConversationTraits()})
}

// Slack delivers to Slack's channels and people.
func Slack(p *assemble.Platform) lambda.Handler {
	return handler(p, delivery.Provider{Channel: slack.Webhook{Now: p.Now}, Traits: slack.WebhookTraits()},
		delivery.Provider{Channel: slack.API{Now: p.Now}, Traits: slack.APITraits()})
}

func handler(p *assemble.Platform, providers ...delivery.Provider) lambda.Handler {
	client := egress.NewClient(egress.NewGuard(p.Env.Egress), egress.Config{})
	return lambdaedge.Task(p.Log, Pipeline(p, client, providers...).Deliver)
}

// Pipeline makes the pipeline of a channel's providers, with the client that
// calls endpoints and sources.
func Pipeline(p *assemble.Platform, endpoints delivery.Endpoints, providers ...delivery.Provider) *delivery.Pipeline {
	db := p.DB()
	letters := &waypostsqs.DeadLetters{Client: sqs.NewFromConfig(p.AWS), Queue: p.Env.DeadLetterQueue}
	limits := dynamo.NewLimits(db, p.Env.LimitsTable)
	secrets := token.NewStore(secret.NewStore(&waypostsecrets.Source{Client: secretsmanager.NewFromConfig(p.AWS)}, p.Now), endpoints, p.Now)
	return &delivery.Pipeline{
		Closer: p.Closer(db, letters), Providers: providers, Profiles: p.Profiles(db),
		Sources:   source.NewResolver(catalog.NewSources(p.Catalog(db), p.Now), secrets, endpoints, p.Now),
		Secrets:   secrets,
		Endpoints: endpoints,
		Limits:    limit.NewKeeper(limits), Turns: limits, OptOuts: p.OptOuts(db),
		Callbacks: channel.CallbackURL(p.Env.CallbackURL),
		Waker:     p.Waker(db, &stepfunctions.Service{Client: sfn.NewFromConfig(p.AWS)}),
		Programs:  delivery.NewPrograms(), NewHolder: rand.Text, Random: mathrand.Float64,
	}
}
