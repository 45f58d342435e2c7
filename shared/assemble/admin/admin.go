// Package admin puts the function of the authors' and operators' API together.
package admin

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/waypost/waypost/shared/admin"
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
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/lambdaedge"
	"github.com/waypost/waypost/shared/stepfunctions"
)

// Channels are the traits of every channel that has a function.
func Channels() []channel.Traits {
	return []channel.Traits{webhook.Traits(), twilio.Traits(), sinch.Traits(), slack.WebhookTraits(), slack.APITraits(),
		loyalty.Traits(), signage.Traits(), private.Traits()}
}

// Needs are the variables that the function cannot do without.
func Needs() []string {
	return []string{assemble.VarProfiles, assemble.VarCatalog, assemble.VarLedger, assemble.VarJourneyRole, assemble.VarNames}
}

// New makes the handler.
func New(p *assemble.Platform) lambda.Handler { return Of(p, Channels()) }

// Of makes the handler of a deployment that has these channels.
func Of(p *assemble.Platform, channels []channel.Traits) lambda.Handler {
	db := p.DB()
	machines := &stepfunctions.Service{Client: sfn.NewFromConfig(p.AWS), Role: p.Env.JourneyRole, Tags: map[string]string{"waypost": p.Env.Prefix}}
	h := &admin.Handler{
		Catalog: &catalog.Catalog{Store: p.Catalog(db), Machines: machines, Guard: egress.NewGuard(p.Env.Egress), Channels: channels,
			Names: func(name string) string { return p.Env.Names[name] }, Prefix: p.Env.Prefix, Now: p.Now, Sleep: catalog.Sleep},
		Profiles: p.Profiles(db), ProfileKey: p.Env.ProfileKey, Ledger: p.Ledger(db), Executions: machines, Log: p.Log, Now: p.Now,
	}
	return lambdaedge.URL(h.Routes())
}
