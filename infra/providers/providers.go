// Package providers is all the stand-ins together, with the inbox that they
// fill: nobody is called or texted where functions are routed to them.
//
// Each stand-in has a package of its own below this one.
package providers

import (
	"net/http"
	"strings"

	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/oauth"
	"github.com/waypost/waypost/infra/providers/sinch"
	"github.com/waypost/waypost/infra/providers/sink"
	"github.com/waypost/waypost/infra/providers/slack"
	"github.com/waypost/waypost/infra/providers/twilio"
)

// Paths of the stand-ins.
const (
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

// StandIns are the stand-ins. Make them with New. They serve below /providers/.
type StandIns struct {
	Inbox *inbox.Store
	mux   *http.ServeMux
}

// New makes stand-ins with an empty inbox.
func New() *StandIns {
	box := inbox.New(inbox.Options{})
	mux := http.NewServeMux()
	mux.Handle(pathTwilio+"/", http.StripPrefix(pathTwilio, twilio.New(twilio.Options{Inbox: box})))
	mux.Handle(pathSlack+"/", http.StripPrefix(pathSlack, slack.New(slack.Options{Inbox: box})))
	mux.Handle(pathSinch+"/", http.StripPrefix(pathSinch, sinch.New(sinch.Options{Inbox: box})))
	tokens := sinch.NewTokens()
	mux.Handle(pathSinchTokens+"/", http.StripPrefix(pathSinchTokens, tokens))
	mux.Handle(pathSinchConversation+"/", http.StripPrefix(pathSinchConversation, sinch.NewConversation(sinch.ConversationOptions{Tokens: tokens, Inbox: box})))
	mux.Handle(pathLoyalty+"/", sink.NewLoyalty(sink.Options{Inbox: box}).Handler(pathLoyalty))
	mux.Handle(pathSignage+"/", sink.NewSignage(sink.Options{Inbox: box}).Handler(pathSignage))
	mux.Handle(pathSink+"/", sink.New(sink.Options{Inbox: box}))
	mux.Handle(pathPrivate+"/", sink.New(sink.Options{Inbox: box, Channel: "private"}))
	mux.Handle(pathOAuth+"/", http.StripPrefix(pathOAuth, oauth.New(oauth.Options{URL: "https://login.example" + oauth.Path, Clients: []oauth.Client{Demo}})))
	return &StandIns{Inbox: box, mux: mux}
}

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
