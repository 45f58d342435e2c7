// Package admin puts the function of the authors' and operators' API together.
package admin

import (
	"crypto/rand"

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
	"github.com/waypost/waypost/shared/replay"
	"github.com/waypost/waypost/shared/stepfunctions"
)

// Channels are the traits of every channel that has a function.
func Channels() []channel.Traits {
	return []channel.Traits{webhook.Traits(), twilio.Traits(), sinch.Traits(), sinch.ConversationTraits(), slack.WebhookTraits(), slack.APITraits(),
		loyalty.Traits(), signage.Traits(), private.Traits()}
}

// Needs are the variables that the function cannot do without.
func Needs() []string {
	return []string{assemble.VarProfiles, assemble.VarCatalog, assemble.VarLedger, assemble.VarLimits, assemble.VarJourneyRole, assemble.VarNames}
}

// New makes the handler.
func New(p *assemble.Platform) lambda.Handler { return With(p, Channels()) }

// With makes the handler for these channels.
func With(p *assemble.Platform, channels []channel.Traits) lambda.Handler {
	db := p.DB()
	machines := &stepfunctions.Service{Client: sfn.NewFromConfig(p.AWS), Role: p.Env.JourneyRole, Tags: map[string]string{"waypost": p.Env.Prefix}}
	names := func(name string) string { return p.Env.Names[name] }
	definitions := &catalog.Catalog{Store: p.Catalog(db), Machines: machines, Guard: egress.NewGuard(p.Env.Egress), Channels: channels,
		Names: names, Prefix: p.Env.Prefix, Now: p.Now, Sleep: catalog.Sleep}
	ledger := p.Ledger(db)
	h := &admin.Handler{
		Catalog: definitions, Profiles: p.Profiles(db), ProfileKey: p.Env.ProfileKey, Ledger: ledger, Executions: machines, OptOuts: p.OptOuts(db), Log: p.Log, Now: p.Now,
		Replays: &replay.Replayer{Records: ledger, Ledger: ledger, Steps: definitions, Machines: machines, Names: names, NewHolder: rand.Text, Log: p.Log, Now: p.Now},
	}
	return lambdaedge.URL(h.Routes())
}
