package rig_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/waypost/waypost/infra/providers/sinch"
	"github.com/waypost/waypost/infra/providers/twilio"
	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/egress"
)

const (
	sinchSMS = `{"channel": "sms", "provider": "sinch",
		"contract": {"method": null, "path": null, "body": {"text": {"maxLength": 3000}}, "response": {"client_reference": {"type": "string"}}},
		"settings": {"url": "https://eu.sms.api.sinch.com", "auth": {"type": "bearer", "secret": "waypost/sinch"}, "retry": {"attempts": 2}}}`
	localTwilio = `{"accountSid": "` + twilio.AccountSID + `", "username": "` + twilio.AccountSID + `", "password": "` + twilio.AuthToken + `"}`
	localSinch  = `{"servicePlanId": "` + sinch.ServicePlanID + `", "token": "` + sinch.Token + `"}`

	sinchConversation = `{"channel": "sms", "provider": "sinch_conversation",
		"contract": {"method": null, "path": null, "body": {"text": {"maxLength": 3000}}, "response": {"message_id": {"type": "string"}}},
		"settings": {"url": "https://eu.conversation.api.sinch.com", "retry": {"attempts": 2},
			"auth": {"type": "oauth2", "secret": "waypost/sinch_conversation", "tokenUrl": "https://auth.sinch.com/oauth2/token"}}}`
	localConversation = `{"clientId": "` + sinch.KeyID + `", "clientSecret": "` + sinch.KeySecret + `", "projectId": "` + sinch.ProjectID + `", "appId": "` + sinch.AppID + `"}`
)

// standIns serves the providers' stand-ins on sockets, outside the bubble, and
// gives an endpoint's Answer that makes each call there over HTTP, and as its
// Source gets tokens there.
func standIns(t *testing.T, behave func(*http.Request) twilio.Behaviour) func(int, rig.Request) rig.Reply {
	tokens := sinch.NewTokens()
	servers := map[string]*httptest.Server{
		"api.twilio.com":                httptest.NewServer(twilio.New(twilio.Options{Behave: behave})),
		"eu.sms.api.sinch.com":          httptest.NewServer(sinch.New(sinch.Options{})),
		"eu.conversation.api.sinch.com": httptest.NewServer(sinch.NewConversation(sinch.ConversationOptions{Tokens: tokens})),
		"auth.sinch.com":                httptest.NewServer(tokens),
	}
	for _, s := range servers {
		t.Cleanup(s.Close)
	}
	// A connection that is kept would hold the bubble's clock.
	transport := &http.Transport{DisableKeepAlives: true}
	return func(_ int, r rig.Request) rig.Reply {
		u, err := url.Parse(r.URL)
		if err != nil || servers[u.Host] == nil {
			t.Errorf("a call of %s", r.URL)
			return rig.Reply{Fails: egress.Connect}
		}
		req, err := http.NewRequest(r.Method, servers[u.Host].URL+u.Path, strings.NewReader(r.Body))
		if err != nil {
			t.Error(err)
			return rig.Reply{Fails: egress.Unsendable}
		}
		req.Header = r.Header.Clone()
		res, err := transport.RoundTrip(req)
		if err != nil {
			return rig.Reply{Fails: egress.Lost, Written: true}
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Error(err)
		}
		return rig.Reply{Status: res.StatusCode, Header: map[string]string{"Retry-After": res.Header.Get("Retry-After")}, Body: string(bytes.TrimSpace(body))}
	}
}

// once behaves so at the first request, and then as Twilio.
func once(b twilio.Behaviour) func(*http.Request) twilio.Behaviour {
	n := 0
	return func(*http.Request) twilio.Behaviour {
		if n++; n > 1 {
			return twilio.Behaviour{}
		}
		return b
	}
}

func forever(b twilio.Behaviour) func(*http.Request) twilio.Behaviour {
	return func(*http.Request) twilio.Behaviour { return b }
}

// from has a contract send from a number.
func from(action, number string) string {
	return strings.NewReplacer(`"from": "+15005550006"`, `"from": "`+number+`"`, `"body": {"text"`, `"body": {"from": "`+number+`", "text"`).Replace(action)
}

// Every row of the providers' classification, over HTTP against the stand-ins:
// what the delivery comes to, how often the provider was called, and what the
// journey saw of it.
func TestProvidersAnswers(t *testing.T) {
	t.Parallel()
	twice := strings.Replace(sms, `"settings": {`, `"settings": {"retry": {"attempts": 2}, `, 1)
	long := strings.Repeat("a", 2001)
	slow := func(rig.Reply) rig.Reply { return rig.Reply{Takes: 11e9, Status: 201} }
	ended := func(n int, _ rig.Request) rig.Reply {
		return rig.Reply{Status: 200, Body: fmt.Sprintf(`{"access_token": "ended-%d", "token_type": "Bearer", "expires_in": 3600}`, n)}
	}
	for _, tc := range []struct {
		row    string // the table's
		name   string
		action string
		behave func(*http.Request) twilio.Behaviour
		phone  string                           // c-1's
		text   string                           // what is mapped to text; a greeting where empty
		secret string                           // the provider's, where it is a wrong one
		login  func(int, rig.Request) rig.Reply // gives tokens, where the stand-in does not
		after  func(rig.Reply) rig.Reply

		calls int
		saw   string // outcome, code and reason, as the journey has them
	}{
		{row: "accepted", name: "201 + sid", action: twice, calls: 1, saw: "sent 201"},
		{row: "rate limited", name: "429/20429", action: twice, behave: once(twilio.Behaviour{Status: 429, Code: 20429}), calls: 2, saw: "sent 201"},
		{row: "rate limited", name: "21611", action: from(twice, "+15005550008"), calls: 2, saw: "dead 429 given up after 2 attempts; at the last, Twilio refused it: 21611"},
		{row: "ambiguous", name: "500", action: twice, behave: forever(twilio.Behaviour{Status: 500, Code: 20500, Accept: true}), calls: 1, saw: "unknown 500 Twilio refused it: 20500"},
		{row: "ambiguous", name: "a gateway's 502", action: twice, behave: forever(twilio.Behaviour{Status: 502, Plain: true}), calls: 1, saw: "unknown 502 the endpoint answered 502"},
		{row: "ambiguous", name: "read timeout", action: twice, after: slow, calls: 1, saw: "unknown 0 api.twilio.com did not answer within the timeout"},
		{row: "ambiguous", name: "no answer", action: twice, behave: forever(twilio.Behaviour{Hang: true, Accept: true}), calls: 1, saw: "unknown 0 the connection to api.twilio.com"},
		{row: "recipient", name: "21211", action: twice, phone: "+15005550001", calls: 1, saw: "failed 400 Twilio refused it: 21211 (To is not a valid phone number)"},
		{row: "recipient", name: "21610", action: twice, phone: "+15005550004", calls: 1, saw: "suppressed 400 Twilio refused it: 21610 (the recipient has opted out)"},
		{row: "recipient", name: "21614", action: twice, phone: "+15005550009", calls: 1, saw: "failed 400 Twilio refused it: 21614 (To is not a mobile number)"},
		{row: "recipient", name: "21612", action: twice, phone: "+15005550002", calls: 1, saw: "failed 400 Twilio refused it: 21612 (no route from From to To)"},
		{row: "target", name: "20003", action: twice, secret: strings.Replace(localTwilio, twilio.AuthToken, "wrong", 1), calls: 1, saw: "failed 401 Twilio refused it: 20003 (the credential is wrong)"},
		{row: "target", name: "21606", action: from(twice, "+15005550007"), calls: 1, saw: "failed 400 Twilio refused it: 21606 (From cannot send texts, or is not the account's)"},
		{row: "target", name: "21608", action: twice, behave: forever(twilio.Behaviour{Status: 400, Code: 21608}), calls: 1, saw: "failed 400 Twilio refused it: 21608 (a trial account"},
		{row: "target", name: "21408", action: twice, phone: "+15005550003", calls: 1, saw: "failed 400 Twilio refused it: 21408 (the account may not text that region)"},
		{row: "payload", name: "21602", action: twice, text: "{{ '' }}", calls: 1, saw: "failed 400 Twilio refused it: 21602 (the message has no body)"},
		{row: "payload", name: "21617", action: strings.Replace(twice, `"body": {`, `"body": {"text": {"maxLength": 3000}, `, 1), text: long, calls: 1, saw: "failed 400 Twilio refused it: 21617 (the body is over 1,600 characters)"},

		{row: "accepted", name: "201 + id", action: sinchSMS, calls: 1, saw: "sent 201"},
		{row: "rate limited", name: "429", action: sinchSMS, phone: sinch.RateLimited, calls: 2, saw: "dead 429 given up after 2 attempts; at the last, Sinch refused it: 429 (too many requests at once)"},
		{row: "ambiguous", name: "500, not sent", action: sinchSMS, phone: sinch.Outage, calls: 1, saw: "unknown 500 the endpoint answered 500"},
		{row: "ambiguous", name: "500, sent", action: sinchSMS, phone: sinch.LateOutage, calls: 1, saw: "unknown 500 the endpoint answered 500"},
		{row: "ambiguous", name: "read timeout", action: sinchSMS, after: slow, calls: 1, saw: "unknown 0 eu.sms.api.sinch.com did not answer within the timeout"},
		{row: "ambiguous", name: "no answer", action: sinchSMS, phone: sinch.Silent, calls: 1, saw: "unknown 0 the connection to eu.sms.api.sinch.com"},
		{row: "recipient", name: "opted out, which only the report tells", action: sinchSMS, phone: sinch.OptedOut, calls: 1, saw: "sent 201"},
		{row: "recipient", name: "403 illegal_number_type", action: sinchSMS, phone: sinch.IllegalType, calls: 1, saw: "failed 403 Sinch refused it: 403 illegal_number_type (a number in to is of a kind"},
		{row: "target", name: "401", action: sinchSMS, secret: strings.Replace(localSinch, sinch.Token, "wrong", 1), calls: 1, saw: "failed 401 Sinch refused it: 401 (the token is wrong)"},
		{row: "target", name: "403 blocked_account", action: from(sinchSMS, sinch.BlockedAccount), calls: 1, saw: "failed 403 Sinch refused it: 403 blocked_account (the account is blocked)"},
		{row: "target", name: "403", action: from(sinchSMS, sinch.NotAllowed), calls: 1, saw: "failed 403 Sinch refused it: 403 (the service plan may not send this)"},
		{row: "target", name: "404", action: sinchSMS, secret: strings.Replace(localSinch, sinch.ServicePlanID, "another", 1), calls: 1, saw: "failed 404 Sinch refused it: 404 (no such service plan in this region"},
		{row: "payload", name: "400 syntax_invalid_parameter_format", action: sinchSMS, phone: sinch.Invalid, calls: 1, saw: "failed 400 Sinch refused it: 400 syntax_invalid_parameter_format"},
		{row: "payload", name: "400 syntax_constraint_violation", action: sinchSMS, text: long, calls: 1, saw: "failed 400 Sinch refused it: 400 syntax_constraint_violation"},

		{row: "accepted", name: "200 + message_id", action: sinchConversation, calls: 1, saw: "sent 200"},
		{row: "rate limited", name: "429", action: sinchConversation, phone: sinch.RateLimited, calls: 2, saw: "dead 429 given up after 2 attempts; at the last, Sinch refused it: 429 RESOURCE_EXHAUSTED (too many requests at once"},
		{row: "ambiguous", name: "500, not sent", action: sinchConversation, phone: sinch.Outage, calls: 1, saw: "unknown 500 the endpoint answered 500"},
		{row: "ambiguous", name: "500, sent", action: sinchConversation, phone: sinch.LateOutage, calls: 1, saw: "unknown 500 the endpoint answered 500"},
		{row: "ambiguous", name: "503", action: sinchConversation, phone: sinch.Unavailable, calls: 1, saw: "unknown 503 the endpoint answered 503"},
		{row: "ambiguous", name: "read timeout", action: sinchConversation, after: slow, calls: 1, saw: "unknown 0 eu.conversation.api.sinch.com did not answer within the timeout"},
		{row: "ambiguous", name: "no answer", action: sinchConversation, phone: sinch.Silent, calls: 1, saw: "unknown 0 the connection to eu.conversation.api.sinch.com"},
		{row: "recipient", name: "opted out, which only the report tells", action: sinchConversation, phone: sinch.OptedOut, calls: 1, saw: "sent 200"},
		{row: "target", name: "401, and another token is none either", action: sinchConversation, login: ended, calls: 2, saw: "failed 401 Sinch refused it: 401 UNAUTHENTICATED (the token is wrong)"},
		{row: "target", name: "a wrong access key", action: sinchConversation, secret: strings.Replace(localConversation, sinch.KeySecret, "wrong", 1), calls: 0, saw: "failed 0 auth.sinch.com gave no token: it answered 401, invalid_client"},
		{row: "target", name: "403", action: from(sinchConversation, sinch.BlockedAccount), calls: 1, saw: "failed 403 Sinch refused it: 403 PERMISSION_DENIED (the access key may not send"},
		{row: "target", name: "403, another project", action: sinchConversation, secret: strings.Replace(localConversation, sinch.ProjectID, "another", 1), calls: 1, saw: "failed 403 Sinch refused it: 403 PERMISSION_DENIED (the access key may not send"},
		{row: "target", name: "404, another app", action: sinchConversation, secret: strings.Replace(localConversation, sinch.AppID, "another", 1), calls: 1, saw: "failed 404 Sinch refused it: 404 NOT_FOUND (no such project or app in this region"},
		{row: "payload", name: "400 INVALID_ARGUMENT, a number", action: sinchConversation, phone: sinch.Invalid, calls: 1, saw: "failed 400 Sinch refused it: 400 INVALID_ARGUMENT (a value is missing"},
		{row: "payload", name: "400 INVALID_ARGUMENT, no text", action: sinchConversation, text: "{{ '' }}", calls: 1, saw: "failed 400 Sinch refused it: 400 INVALID_ARGUMENT (a value is missing"},
		{row: "payload", name: "400 FAILED_PRECONDITION", action: from(sinchConversation, sinch.NoChannel), calls: 1, saw: "failed 400 Sinch refused it: 400 FAILED_PRECONDITION (the app can't send this"},
	} {
		provider := "Twilio"
		if strings.Contains(tc.action, `"sinch"`) {
			provider = "Sinch"
		}
		if strings.Contains(tc.action, `"sinch_conversation"`) {
			provider = "Sinch_Conversation"
		}
		t.Run(provider+" "+tc.row+" "+tc.name, func(t *testing.T) {
			t.Parallel()
			call := standIns(t, tc.behave)
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Endpoint.Answer = func(n int, r rig.Request) rig.Reply {
					reply := call(n, r)
					if tc.after != nil {
						reply = tc.after(reply)
					}
					return reply
				}
				w.PutSecret("waypost/twilio", localTwilio)
				w.PutSecret("waypost/sinch", localSinch)
				w.PutSecret("waypost/sinch_conversation", localConversation)
				w.Endpoint.Source = call
				if tc.login != nil {
					w.Endpoint.Source = tc.login
				}
				if tc.secret != "" {
					w.PutSecret("waypost/"+strings.ToLower(provider), tc.secret)
				}
				text := tc.text
				if text == "" {
					text = "Hi {{ profile.firstName }}"
				}
				w.Publish(rig.Setup{Action: tc.action, Journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1,
					"with": {"to": "{{ profile.phone }}", "text": "` + text + `"}}, "onError": "continue"}]}`})
				phone := tc.phone
				if phone == "" {
					phone = "+15550001234"
				}
				w.Put("profiles/c-1", `{"phone": "`+phone+`", "firstName": "Ada"}`)
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				if got := len(w.Endpoint.Calls(x)); got != tc.calls {
					t.Errorf("%d calls, want %d", got, tc.calls)
				}
				d := w.Delivery(x)
				if got := fmt.Sprintf("%s %d %s", d.Outcome, d.Code, d.Reason); !strings.HasPrefix(got, tc.saw) || tc.calls > 0 && d.Provider != strings.ToLower(provider) {
					t.Errorf("the record of %s says %s, want %s", d.Provider, got, tc.saw)
				}
				if got := seen(t, w.Executions()[0].Output); !strings.HasPrefix(got, tc.saw) {
					t.Errorf("the journey saw %s, want %s", got, tc.saw)
				}
			})
		})
	}
}

// seen is what an execution's output has of the step text.
func seen(t *testing.T, output string) string {
	t.Helper()
	var out struct {
		Steps struct {
			Text struct {
				Result struct {
					Outcome, Reason string
					Code            int
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(output), &out); err != nil {
		t.Fatalf("%v in the output %s", err, output)
	}
	r := out.Steps.Text.Result
	return fmt.Sprintf("%s %d %s", r.Outcome, r.Code, r.Reason)
}
