// Package callback puts the function together that hears what providers report.
package callback

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/callback"
	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/loyalty"
	"github.com/waypost/waypost/shared/channel/private"
	"github.com/waypost/waypost/shared/channel/signage"
	"github.com/waypost/waypost/shared/channel/sinch"
	"github.com/waypost/waypost/shared/channel/slack"
	"github.com/waypost/waypost/shared/channel/twilio"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/lambdaedge"
	"github.com/waypost/waypost/shared/secret"
	waypostsecrets "github.com/waypost/waypost/shared/secretsmanager"
	"github.com/waypost/waypost/shared/stepfunctions"
)

// Needs are the variables that the function cannot do without.
func Needs() []string {
	return []string{assemble.VarCatalog, assemble.VarLedger, assemble.VarLimits}
}

// Reporters are those who understand callbacks, by the kind that stands in
// their URL: that of the traits of the providers that send them.
func Reporters() map[string]callback.Reporter {
	return map[string]callback.Reporter{twilio.CallbackKind: twilio.Callbacks{}, sinch.CallbackKind: sinch.Callbacks{},
		slack.CallbackKind: slack.Callbacks{}, webhook.CallbackKind: webhook.Callbacks{}}
}

// Channels are the traits of every channel that has a function.
func Channels() []channel.Traits {
	return []channel.Traits{webhook.Traits(), twilio.Traits(), sinch.Traits(), sinch.ConversationTraits(), slack.WebhookTraits(), slack.APITraits(),
		loyalty.Traits(), signage.Traits(), private.Traits()}
}

// New makes the handler.
func New(p *assemble.Platform) lambda.Handler { return With(p, Reporters(), Channels()) }

// With makes the handler for these kinds.
func With(p *assemble.Platform, reporters map[string]callback.Reporter, channels []channel.Traits) lambda.Handler {
	return lambdaedge.URL(Handler(p, reporters, channels))
}

// Handler makes what With serves.
func Handler(p *assemble.Platform, reporters map[string]callback.Reporter, channels []channel.Traits) *callback.Handler {
	db := p.DB()
	return &callback.Handler{
		Reporters: reporters, Channels: channels, Records: p.Ledger(db), Actions: catalog.NewActions(p.Catalog(db), p.Now),
		Secrets: secret.NewStore(&waypostsecrets.Source{Client: secretsmanager.NewFromConfig(p.AWS)}, p.Now),
		OptOuts: p.OptOuts(db), Waker: p.Waker(db, &stepfunctions.Service{Client: sfn.NewFromConfig(p.AWS)}),
		Base: channel.CallbackURL(p.Env.CallbackURL), Log: p.Log, Now: p.Now,
	}
}
