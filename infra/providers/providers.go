// Package providers is all the stand-ins together, with the inbox that they
// fill: nobody is called or texted where functions are routed to them.
//
// Each stand-in has a package of its own below this one.
package providers

import (
	"context"
	"net/http"
	"strings"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/mood"
	"github.com/waypost/waypost/infra/providers/oauth"
	"github.com/waypost/waypost/infra/providers/sinch"
	"github.com/waypost/waypost/infra/providers/sink"
	"github.com/waypost/waypost/infra/providers/slack"
	"github.com/waypost/waypost/infra/providers/twilio"
)

// Paths of the stand-ins.
const (
	pathAll     = "/providers/"
	pathTwilio  = "/providers/twilio"
	pathSlack   = "/providers/slack"
	pathSinch   = "/providers/sinch"
	pathLoyalty = "/providers/loyalty"
	pathSignage = "/providers/signage"
	pathSink    = "/providers/sink"
	pathPrivate = "/providers/private"
	pathOAuth   = "/providers/oauth"

	pathSinchConversation = "/providers/sinch-conversation"
	pathSinchTokens       = "/providers/sinch-tokens"
)

// Demo is the client that login.example gives tokens to, at /oauth/token.
var Demo = oauth.Client{ID: "demo", Secret: "not-a-real-one", Scopes: []string{"messages.send"}}

// StandIns are the stand-ins. Make them with New. They serve below /providers/,
// and report on messages that say where, to this machine alone; each can be
// told to misbehave at /providers/NAME/mood.
type StandIns struct {
	Inbox *inbox.Store
	// Callbacks sends what they report.
	Callbacks *callbacks.Sender

	mux   *http.ServeMux
	moods map[string]*mood.Keeper
	slack *slack.Server
}

// New makes stand-ins with an empty inbox. Close ends them.
func New() *StandIns { return Reporting(callbacks.New(callbacks.Options{})) }

// Reporting makes stand-ins that report by a sender, which Close ends too.
func Reporting(sender *callbacks.Sender) *StandIns {
	box := inbox.New(inbox.Options{})
	sinks := sink.Options{Inbox: box, Callbacks: sender}
	s := &StandIns{Inbox: box, Callbacks: sender, mux: http.NewServeMux(), moods: map[string]*mood.Keeper{},
		slack: slack.New(slack.Options{Inbox: box, Callbacks: sender})}
	tokens := sinch.NewTokens()
	for path, standIn := range map[string]http.Handler{
		pathTwilio:      http.StripPrefix(pathTwilio, twilio.New(twilio.Options{Inbox: box, Callbacks: sender})),
		pathSlack:       http.StripPrefix(pathSlack, s.slack),
		pathSinch:       http.StripPrefix(pathSinch, sinch.New(sinch.Options{Inbox: box, Callbacks: sender})),
		pathSinchTokens: http.StripPrefix(pathSinchTokens, tokens),
		pathSinchConversation: http.StripPrefix(pathSinchConversation,
			sinch.NewConversation(sinch.ConversationOptions{Tokens: tokens, Inbox: box, Callbacks: sender})),
		pathLoyalty: sink.NewLoyalty(sinks).Handler(pathLoyalty),
		pathSignage: sink.NewSignage(sinks).Handler(pathSignage),
		pathSink:    sink.New(sinks),
		pathPrivate: sink.New(sink.Options{Inbox: box, Callbacks: sender, Channel: "private"}),
		pathOAuth:   http.StripPrefix(pathOAuth, oauth.New(oauth.Options{URL: "https://login.example" + oauth.Path, Clients: []oauth.Client{Demo}})),
	} {
		name := strings.TrimPrefix(path, pathAll)
		s.moods[name] = mood.New(standIn, refusal(name))
		s.moods[name].Mount(s.mux, path)
	}
	return s
}

// SlackEvents says where Slack sends the app's events: of messages that have
// Waypost's metadata. It sends none before. Its error says why the URL is not
// the app's.
func (s *StandIns) SlackEvents(ctx context.Context, url string) error {
	return s.slack.SetRequestURL(ctx, url)
}

// Close ends what they still had to report.
func (s *StandIns) Close() { s.Callbacks.Close() }

// ServeHTTP serves the stand-ins. They are called under the names of the hosts
// that they stand in for.
func (s *StandIns) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Routes says which hosts the stand-ins serve, at this base, as the setting
// WAYPOST_EGRESS_ROUTES: the providers' own hosts, and the examples'.
func (s *StandIns) Routes(base string) string {
	routes := []string{
		"api.twilio.com=" + base + pathTwilio,
		"hooks.slack.com=" + base + pathSlack,
		"slack.com=" + base + pathSlack,
		"loyalty.example=" + base + pathLoyalty,
		"screens.example=" + base + pathSignage,
		"hooks.example=" + base + pathSink,
		"orders.example=" + base + pathPrivate,
		"login.example=" + base + pathOAuth,
		"auth.sinch.com=" + base + pathSinchTokens,
		"us.auth.sinch.com=" + base + pathSinchTokens,
		"eu.auth.sinch.com=" + base + pathSinchTokens,
	}
	for _, region := range []string{"us", "eu", "au", "br", "ca"} { // a service plan is of one
		routes = append(routes, region+".sms.api.sinch.com="+base+pathSinch)
	}
	for _, region := range []string{"us", "eu", "br"} { // and so is an app
		routes = append(routes, region+".conversation.api.sinch.com="+base+pathSinchConversation)
	}
	return strings.Join(routes, ",")
}
