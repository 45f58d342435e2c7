// Package decide puts the function together that evaluates conditions.
package decide

import (
	"github.com/aws/aws-lambda-go/lambda"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/decide"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/lambdaedge"
	"github.com/waypost/waypost/shared/secret"
	"github.com/waypost/waypost/shared/secretsmanager"
	"github.com/waypost/waypost/shared/source"
	"github.com/waypost/waypost/shared/token"
)

// Needs are the variables that the function cannot do without.
func Needs() []string {
	return []string{assemble.VarProfiles, assemble.VarCatalog}
}

// New makes the handler.
func New(p *assemble.Platform) lambda.Handler {
	return lambdaedge.Task(p.Log, Handler(p, egress.NewClient(egress.NewGuard(p.Env.Egress), egress.Config{})).Decide)
}

// Handler makes what decides, with the client that calls sources.
func Handler(p *assemble.Platform, endpoints source.Endpoints) *decide.Handler {
	db := p.DB()
	secrets := token.NewStore(secret.NewStore(&secretsmanager.Source{Client: awssecrets.NewFromConfig(p.AWS)}, p.Now), endpoints, p.Now)
	return &decide.Handler{Profiles: p.Profiles(db), Log: p.Log, Now: p.Now,
		Sources: source.NewResolver(catalog.NewSources(p.Catalog(db), p.Now), secrets, endpoints, p.Now)}
}
