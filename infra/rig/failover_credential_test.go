package rig_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/waypost/waypost/infra/providers/sinch"
	"github.com/waypost/waypost/infra/providers/twilio"
	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
)

// A first provider whose credential can't be had, or can't be used, is not
// called: that is a reason of its own, and the second is asked in the same
// round. Where neither can be asked, and time may help, it is no round.
func TestFailoverWithoutCredential(t *testing.T) {
	t.Parallel()
	const (
		none     = `{"settings": {"auth": {"secret": "waypost/none"}}}`
		noneToo  = `{"settings": {"failover": {"auth": {"secret": "waypost/none-too"}}}}`
		oneRound = `{"settings": {"retry": {"attempts": 1}}}`
		noToken  = "auth.sinch.com gave no token: it answered "
	)
	var (
		conversation = patched(t, from(sinchConversation, "Shop"), toTwilio)
		byTwilio     = patched(t, sms, toSinch)
		wrongKey     = map[string]string{"sinch_conversation": strings.Replace(localConversation, sinch.KeySecret, "wrong", 1)}
		busy         = twilio.Behaviour{Status: 429, Code: 20429}
	)
	for _, tc := range []struct {
		name    string
		action  string
		behave  func(*http.Request) twilio.Behaviour
		phone   string
		secrets map[string]string // other ones
		login   rig.Reply         // of the token endpoint, where it is none of its own
		aws     bool              // Secrets Manager is out of order
		back    int               // what is out of order works again so many seconds later

		outcome  ledger.Outcome
		provider string // the record's
		reason   string // a part of it, or of the first attempt's
		tried    string
		called   string // the hosts
	}{
		{name: "a wrong access key", action: conversation, secrets: wrongKey, outcome: "sent", provider: "twilio", reason: noToken + "401, invalid_client",
			tried: "sinch_conversation refused, twilio accepted", called: "api.twilio.com"},
		{name: "no tokens for now", action: conversation, login: rig.Reply{Status: 503}, outcome: "sent", provider: "twilio", reason: noToken + "503",
			tried: "sinch_conversation retryable, twilio accepted", called: "api.twilio.com"},
		{name: "no tokens for now, at least once", action: patched(t, conversation, twice), login: rig.Reply{Status: 503}, outcome: "sent", provider: "twilio", reason: noToken + "503",
			tried: "sinch_conversation retryable, twilio accepted", called: "api.twilio.com"},
		{name: "no connection to who gives tokens", action: conversation, login: rig.Reply{Fails: egress.Connect}, outcome: "sent", provider: "twilio", reason: "no connection to auth.sinch.com",
			tried: "sinch_conversation retryable, twilio accepted", called: "api.twilio.com"},
		{name: "tokens that do not come", action: conversation, login: rig.Reply{Status: 200, Takes: 60e9}, outcome: "sent", provider: "twilio", reason: "auth.sinch.com did not answer",
			tried: "sinch_conversation retryable, twilio accepted", called: "api.twilio.com"},
		{name: "a blocked address of who gives tokens", action: conversation, login: rig.Reply{Fails: egress.Blocked}, outcome: "sent", provider: "twilio", reason: "may not be called",
			tried: "sinch_conversation refused, twilio accepted", called: "api.twilio.com"},
		{name: "no secret", action: patched(t, conversation, none), outcome: "sent", provider: "twilio", reason: "the secret waypost/none does not exist",
			tried: "sinch_conversation refused, twilio accepted", called: "api.twilio.com"},
		{name: "no secret, the other way round", action: patched(t, byTwilio, none), outcome: "sent", provider: "sinch", reason: "the secret waypost/none does not exist",
			tried: "twilio refused, sinch accepted", called: "eu.sms.api.sinch.com"},
		{name: "a secret without the client", action: conversation, secrets: map[string]string{"sinch_conversation": `{"projectId": "p", "appId": "a"}`}, outcome: "sent", provider: "twilio", reason: `lacks the key "clientId"`,
			tried: "sinch_conversation refused, twilio accepted", called: "api.twilio.com"},
		{name: "a secret for other hosts", action: conversation, secrets: map[string]string{"sinch_conversation": strings.Replace(localConversation, "{", `{"hosts": ["sinch.example"], `, 1)}, outcome: "sent", provider: "twilio",
			reason: "may not be sent to auth.sinch.com", tried: "sinch_conversation refused, twilio accepted", called: "api.twilio.com"},
		{name: "a secret without the project", action: conversation, secrets: map[string]string{"sinch_conversation": strings.Replace(localConversation, "projectId", "project", 1)}, outcome: "sent", provider: "twilio",
			reason: "the secret has no projectId", tried: "sinch_conversation refused, twilio accepted", called: "api.twilio.com"},
		{name: "a secret without the service plan", action: patched(t, sinchSMS, toTwilio), secrets: map[string]string{"sinch": `{"token": "t"}`}, outcome: "sent", provider: "twilio",
			reason: "the secret has no servicePlanId", tried: "sinch refused, twilio accepted", called: "api.twilio.com"},
		{name: "a secret without the account", action: byTwilio, secrets: map[string]string{"twilio": `{"username": "u", "password": "p"}`}, outcome: "sent", provider: "sinch",
			reason: "the secret has no accountSid", tried: "twilio refused, sinch accepted", called: "eu.sms.api.sinch.com"},
		{name: "a secret without the password", action: byTwilio, secrets: map[string]string{"twilio": `{"accountSid": "` + twilio.AccountSID + `", "username": "u"}`}, outcome: "sent", provider: "sinch",
			reason: `lacks the key "password"`, tried: "twilio refused, sinch accepted", called: "eu.sms.api.sinch.com"},

		{name: "and the second refuses the recipient", action: conversation, secrets: wrongKey, phone: "+15005550004", outcome: "suppressed", provider: "twilio", reason: "opted out",
			tried: "sinch_conversation refused, twilio refused", called: "api.twilio.com"},
		{name: "and the second has an error", action: conversation, secrets: wrongKey, behave: forever(twilio.Behaviour{Status: 500, Code: 20500}), outcome: "unknown", provider: "twilio", reason: "not sent again",
			tried: "sinch_conversation refused, twilio ambiguous", called: "api.twilio.com"},
		{name: "and the second is wrong", action: conversation, secrets: map[string]string{"sinch_conversation": wrongKey["sinch_conversation"], "twilio": strings.Replace(localTwilio, twilio.AuthToken, "wrong", 1)},
			outcome: "failed", provider: "twilio", reason: noToken + "401, invalid_client; Twilio refused it: 20003",
			tried: "sinch_conversation refused, twilio refused", called: "api.twilio.com"},
		{name: "and the second is busy", action: conversation, secrets: wrongKey, behave: once(busy), outcome: "sent", provider: "twilio", reason: noToken + "401",
			tried: "sinch_conversation refused, twilio retryable, sinch_conversation refused, twilio accepted", called: "api.twilio.com api.twilio.com"},
		{name: "for now, and the second is busy until the attempts are used up", action: conversation, login: rig.Reply{Status: 503}, behave: forever(busy), outcome: "dead", provider: "twilio",
			reason: "given up after 4 attempts; at the last, " + noToken + "503; Twilio refused it: 20429",
			tried:  "sinch_conversation retryable, twilio retryable, sinch_conversation retryable, twilio retryable", called: "api.twilio.com api.twilio.com"},
		{name: "for now, and the second is busy, then the first can be asked", action: conversation, login: rig.Reply{Status: 503}, back: 5, behave: forever(busy), outcome: "sent", provider: "sinch_conversation",
			reason: noToken + "503", tried: "sinch_conversation retryable, twilio retryable, sinch_conversation accepted", called: "api.twilio.com eu.conversation.api.sinch.com"},
		{name: "for now, and the second refuses what it is sent", action: patched(t, conversation, `{"settings": {"failover": {"from": "+15005550001"}}}`), login: rig.Reply{Status: 503}, back: 5,
			behave:  forever(twilio.Behaviour{Status: 400, Code: 21617}),
			outcome: "sent", provider: "sinch_conversation", reason: noToken + "503", tried: "sinch_conversation retryable, twilio refused, sinch_conversation accepted", called: "api.twilio.com eu.conversation.api.sinch.com"},

		{name: "neither has a secret", action: patched(t, byTwilio, none, noneToo), outcome: "failed", provider: "twilio",
			reason: "the secret waypost/none does not exist; the failover sinch could not be asked: the secret waypost/none-too does not exist"},
		{name: "a wrong access key, and no secret", action: patched(t, conversation, noneToo), secrets: wrongKey, outcome: "failed", provider: "sinch_conversation",
			reason: noToken + "401, invalid_client; the failover twilio could not be asked: the secret waypost/none-too does not exist"},
		{name: "for now, and no secret", action: patched(t, conversation, noneToo, oneRound), login: rig.Reply{Status: 503}, back: 5, outcome: "sent", provider: "sinch_conversation",
			tried: "sinch_conversation accepted", called: "eu.conversation.api.sinch.com"},
		{name: "for now, and no secret, for too long", action: patched(t, conversation, noneToo, oneRound), login: rig.Reply{Status: 503}, outcome: "dead", provider: "sinch_conversation",
			reason: "would come too late: " + noToken + "503; the failover twilio could not be asked: the secret waypost/none-too does not exist"},
		{name: "no secret, and for now none of the second's", action: patched(t, byTwilio, none, toConversation, oneRound), login: rig.Reply{Status: 503}, back: 5, outcome: "sent", provider: "sinch_conversation",
			reason: "the secret waypost/none does not exist", tried: "twilio refused, sinch_conversation accepted", called: "eu.conversation.api.sinch.com"},
		{name: "Secrets Manager is out of order", action: patched(t, byTwilio, oneRound), aws: true, back: 20, outcome: "sent", provider: "twilio", tried: "twilio accepted", called: "api.twilio.com"},
		{name: "no call, no admission", action: patched(t, byTwilio, oneRound, `{"settings": {"limits": [{"kind": "cap", "calls": 1, "per": "24h"}]}}`), aws: true, back: 20, outcome: "sent", provider: "twilio",
			tried: "twilio accepted", called: "api.twilio.com"},
		{name: "not allowed", action: patched(t, conversation, `{"settings": {"requires": "profile.firstName == 'Eve'"}}`), secrets: wrongKey, outcome: "suppressed", provider: "sinch_conversation", reason: "not allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			call := standIns(t, tc.behave)
			rig.Run(t, func(t *testing.T, w *rig.World) {
				var works atomic.Bool // what was out of order
				w.Endpoint.Answer = call
				w.Endpoint.Source = func(n int, r rig.Request) rig.Reply {
					if !works.Load() && (tc.login.Status != 0 || tc.login.Fails != "") {
						return tc.login
					}
					return call(n, r)
				}
				w.PutSecret("waypost/twilio", localTwilio)
				w.PutSecret("waypost/sinch", localSinch)
				w.PutSecret("waypost/sinch_conversation", localConversation)
				for name, value := range tc.secrets {
					w.PutSecret("waypost/"+name, value)
				}
				w.Publish(rig.Setup{Action: tc.action})
				if tc.phone != "" {
					w.Put("profiles/c-1", `{"phone": "`+tc.phone+`", "firstName": "Ada"}`)
				}
				w.Fail = func(op string, _ []byte) rig.Fault {
					if op == "GetSecretValue" && tc.aws && !works.Load() {
						return rig.Refuses
					}
					return rig.Works
				}
				x := w.Send("case-1").Executions[0].Execution
				if tc.back > 0 {
					sleep(tc.back)
					for w.Delivery(x).State == ledger.Claimed { // nothing changes while a function looks
						sleep(1)
					}
					if d := w.Delivery(x); d.State != ledger.Waiting {
						t.Fatalf("the delivery is %s (%s), want waiting", d.State, d.Reason)
					}
					works.Store(true)
				}
				w.Settle()
				d := w.Delivery(x)
				reason := d.Reason
				if len(d.Attempts) > 0 {
					reason += " " + d.Attempts[0].Reason
				}
				if d.Outcome != tc.outcome || !strings.Contains(reason, tc.reason) || d.Provider != tc.provider {
					t.Errorf("got %s by %s (%s), want %s by %s (%s)", d.Outcome, d.Provider, reason, tc.outcome, tc.provider, tc.reason)
				}
				if got := tried(d); got != tc.tried {
					t.Errorf("got %q, want %q", got, tc.tried)
				}
				var called []string
				for _, c := range w.Endpoint.Calls(x) {
					called = append(called, strings.Split(c.URL, "/")[2])
				}
				if got := strings.Join(called, " "); got != tc.called {
					t.Errorf("called %q, want %q", got, tc.called)
				}
			})
		})
	}
}

// A record names its provider where the credential failed, in a function that
// has not seen the action before.
func TestProviderWithoutCredential(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Cold = true
		w.Publish(rig.Setup{Action: patched(t, sms, `{"settings": {"auth": {"secret": "waypost/none"}}}`)})
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Failed || d.Channel != "sms" || d.Provider != "twilio" {
			t.Errorf("got %s by %s %s (%s), want failed by sms twilio", d.Outcome, d.Channel, d.Provider, d.Reason)
		}
	})
}

// The function dies at every step of a round whose first provider can't be
// asked. Whoever takes the delivery over reads all that its message is made of.
func TestFailoverWithoutCredentialDies(t *testing.T) {
	t.Parallel()
	const operations = 9 // claim, action, profile, secret, the second's secret, source, opt-out, endpoint, settle
	for turn, cold := range []bool{true, false} {
		t.Run(fmt.Sprintf("cold=%v", cold), func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Cold, w.Latency = cold, spread
				w.PutSecret("waypost/sinch", localSinch)
				w.Endpoint.Source = func(int, rig.Request) rig.Reply { return rig.Reply{Status: 200, Body: `{"city": "Ulm"}`} }
				w.Endpoint.Answer = func(int, rig.Request) rig.Reply {
					return rig.Reply{Status: 201, Body: `{"id": "01FC66621XXXXX119Z8PMV1QPQ"}`}
				}
				w.PublishWithSources("", rig.Setup{Journey: rig.Maps("In {{ data.stores.city ?? 'nowhere' }}"),
					Action: patched(t, sms, toSinch, twice, `{"settings": {"auth": {"secret": "waypost/none"}, "retry": {"attempts": 4}}}`)})
				all := scenarios(operations, turn)
				for _, s := range all {
					w.Kill(s.id, "sms", s.deaths...)
					w.Send(s.id)
				}
				w.Settle()
				for id, e := range ends(w, all) {
					s, d := all[index(id)], e.delivery
					if d.Outcome != ledger.Sent || d.Provider != "sinch" {
						t.Errorf("%s: got %s by %s (%s), want sent by sinch", s.name, d.Outcome, d.Provider, d.Reason)
					}
					for i, c := range e.calls {
						// Warm invocations share a source's call: where one dies with it, the record tells.
						told := strings.Contains(d.Reason, "stores") || i < len(e.calls)-1
						if !strings.Contains(c.URL, "sinch") || !strings.Contains(c.Body, "In Ulm") && !told {
							t.Errorf("%s: called %s with %s (%s), want Sinch with a text that names the city", s.name, c.URL, c.Body, d.Reason)
						}
					}
				}
			})
		})
	}
}
