package rig_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/waypost/waypost/infra/providers/sinch"
	"github.com/waypost/waypost/infra/providers/twilio"
	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
)

// toSinch is what an action by Twilio says of its failover, toTwilio the other
// way round, and toConversation what either says of the one to Sinch's
// Conversation API.
const (
	toSinch = `{"settings": {"retry": {"attempts": 2}, "failover": {"provider": "sinch", "url": "https://eu.sms.api.sinch.com",
		"auth": {"type": "bearer", "secret": "waypost/sinch"}, "from": "Shop"}}}`
	toTwilio = `{"settings": {"retry": {"attempts": 2}, "failover": {"provider": "twilio", "url": "https://api.twilio.com",
		"auth": {"type": "basic", "secret": "waypost/twilio"}, "from": "+15005550006"}}}`
	toConversation = `{"settings": {"retry": {"attempts": 2}, "failover": {"provider": "sinch_conversation", "url": "https://eu.conversation.api.sinch.com",
		"auth": {"type": "oauth2", "secret": "waypost/sinch_conversation", "tokenUrl": "https://auth.sinch.com/oauth2/token"}, "from": "Shop"}}}`
	twice = `{"settings": {"guarantee": "atLeastOnce"}}`
	// wrongSender has Sinch refuse each message, for what is in it.
	wrongSender = `{"settings": {"failover": {"from": "The Shop Ltd."}}}`
)

// patched makes one merge patch of several, which keeps what they take away.
func patched(t *testing.T, patches ...string) string {
	t.Helper()
	all := map[string]any{}
	for _, p := range patches {
		var change map[string]any
		if err := json.Unmarshal([]byte(cmp.Or(p, "{}")), &change); err != nil {
			t.Fatal(err, p)
		}
		lay(all, change)
	}
	out, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// lay puts a change over what is there, its nulls too.
func lay(over, change map[string]any) {
	for key, v := range change {
		below, ok := over[key].(map[string]any)
		if above, both := v.(map[string]any); ok && both {
			lay(below, above)
			continue
		}
		over[key] = v
	}
}

// tried is who was called for a delivery, and what came of it.
func tried(d ledger.Delivery) string {
	var all []string
	for _, a := range d.Attempts {
		all = append(all, a.Provider+" "+a.Result)
	}
	return strings.Join(all, ", ")
}

// The second provider is asked where the first refuses for its own reasons, and
// only then, over HTTP against both stand-ins.
func TestFailover(t *testing.T) {
	t.Parallel()
	busy := twilio.Behaviour{Status: 429, Code: 20429}
	down := twilio.Behaviour{Status: 500, Code: 20500}
	wrongTwilio := strings.Replace(localTwilio, twilio.AuthToken, "wrong", 1)
	wrongApp := map[string]string{"sinch_conversation": strings.Replace(localConversation, sinch.AppID, "another", 1)}
	wrongKey := strings.Replace(localConversation, sinch.KeySecret, "wrong", 1)
	fromConversation := patched(t, from(sinchConversation, "Shop"), toTwilio)
	// at has a provider's host answer otherwise than its stand-in.
	at := func(host string, reply rig.Reply) func(rig.Request, rig.Reply) rig.Reply {
		return func(r rig.Request, from rig.Reply) rig.Reply {
			if strings.Contains(r.URL, host) {
				return reply
			}
			return from
		}
	}
	for _, tc := range []struct {
		name    string
		action  string // Twilio's with the failover to Sinch where empty
		patch   string // of it
		behave  func(*http.Request) twilio.Behaviour
		phone   string
		text    string
		secrets map[string]string // other ones
		after   func(rig.Request, rig.Reply) rig.Reply

		outcome  ledger.Outcome
		provider string // the record's
		reason   string // a part of it
		tried    string
	}{
		{name: "the first takes it", outcome: "sent", provider: "twilio", tried: "twilio accepted"},

		{name: "its account: 20003", secrets: map[string]string{"twilio": wrongTwilio}, outcome: "sent", provider: "sinch", tried: "twilio refused, sinch accepted"},
		{name: "its account: 21606", patch: `{"contract": {"body": {"from": "+15005550007"}}}`, outcome: "sent", provider: "sinch", tried: "twilio refused, sinch accepted"},
		{name: "its account: a messaging service", patch: `{"contract": {"body": {"from": null, "messagingServiceSid": "MG00000000000000000000000000000000"}}}`, behave: forever(twilio.Behaviour{Status: 403, Code: 20003}),
			outcome: "sent", provider: "sinch", tried: "twilio refused, sinch accepted"},
		{name: "its capacity: 20429", behave: forever(busy), outcome: "sent", provider: "sinch", tried: "twilio retryable, sinch accepted"},
		{name: "its capacity: 21611", patch: `{"contract": {"body": {"from": "+15005550008"}}}`, outcome: "sent", provider: "sinch", tried: "twilio retryable, sinch accepted"},
		{name: "its outage: no connection", after: at("twilio", rig.Reply{Fails: egress.Connect}), outcome: "sent", provider: "sinch", tried: "twilio retryable, sinch accepted"},
		{name: "the other way round", action: patched(t, from(sinchSMS, sinch.BlockedAccount), toTwilio), outcome: "sent", provider: "twilio", tried: "sinch refused, twilio accepted"},

		{name: "to the Conversation API: 20003", action: patched(t, sms, toConversation), secrets: map[string]string{"twilio": wrongTwilio}, outcome: "sent", provider: "sinch_conversation",
			tried: "twilio refused, sinch_conversation accepted"},
		{name: "to the Conversation API: 20429", action: patched(t, sms, toConversation), behave: forever(busy), outcome: "sent", provider: "sinch_conversation", tried: "twilio retryable, sinch_conversation accepted"},
		{name: "to the Conversation API, which has an error", action: patched(t, sms, toConversation), behave: once(busy), phone: sinch.LateOutage, outcome: "unknown", provider: "sinch_conversation",
			reason: "not sent again", tried: "twilio retryable, sinch_conversation ambiguous"},
		{name: "to the Conversation API, which does not take the message", action: patched(t, sms, toConversation), behave: once(busy), phone: sinch.Invalid, outcome: "sent", provider: "twilio",
			tried: "twilio retryable, sinch_conversation refused, twilio accepted"},
		{name: "to the Conversation API, without a token", action: patched(t, sms, toConversation), secrets: map[string]string{"twilio": wrongTwilio, "sinch_conversation": wrongKey}, outcome: "failed", provider: "twilio",
			reason: "the failover sinch_conversation could not be asked: auth.sinch.com gave no token: it answered 401, invalid_client", tried: "twilio refused"},
		{name: "from a service plan to the Conversation API", action: patched(t, from(sinchSMS, sinch.BlockedAccount), toConversation), outcome: "sent", provider: "sinch_conversation",
			tried: "sinch refused, sinch_conversation accepted"},
		{name: "from the Conversation API: 403", action: patched(t, from(sinchConversation, sinch.BlockedAccount), toTwilio), outcome: "sent", provider: "twilio", tried: "sinch_conversation refused, twilio accepted"},
		{name: "from the Conversation API: 429", action: fromConversation, phone: sinch.RateLimited, outcome: "sent", provider: "twilio", tried: "sinch_conversation retryable, twilio accepted"},
		{name: "from the Conversation API to a service plan: 404", action: patched(t, from(sinchConversation, "Shop"), toSinch), secrets: wrongApp, outcome: "sent", provider: "sinch", tried: "sinch_conversation refused, sinch accepted"},
		{name: "from the Conversation API: the number", action: fromConversation, phone: sinch.Invalid, outcome: "failed", provider: "sinch_conversation", reason: "INVALID_ARGUMENT", tried: "sinch_conversation refused"},
		{name: "from the Conversation API: an error", action: fromConversation, phone: sinch.LateOutage, outcome: "unknown", provider: "sinch_conversation", tried: "sinch_conversation ambiguous"},

		{name: "the recipient's number", phone: "+15005550001", outcome: "failed", provider: "twilio", reason: "21211", tried: "twilio refused"},
		{name: "the recipient's will", phone: "+15005550004", outcome: "suppressed", provider: "twilio", reason: "opted out", tried: "twilio refused"},
		{name: "no route to the recipient", phone: "+15005550002", outcome: "failed", provider: "twilio", reason: "21612", tried: "twilio refused"},
		{name: "the message", text: strings.Repeat("a", 1601), outcome: "failed", provider: "twilio", reason: "21617", tried: "twilio refused"},
		{name: "the recipient's number, at Sinch", action: patched(t, sinchSMS, toTwilio), phone: sinch.IllegalType, outcome: "failed", provider: "sinch", reason: "illegal_number_type", tried: "sinch refused"},
		{name: "a blocked address", after: at("twilio", rig.Reply{Fails: egress.Blocked}), outcome: "failed", provider: "twilio", tried: "twilio refused"},

		{name: "an error, at most once", behave: forever(down), outcome: "unknown", provider: "twilio", reason: "not sent again", tried: "twilio ambiguous"},
		{name: "no answer, at most once", after: at("twilio", rig.Reply{Status: 201, Takes: 11e9}), outcome: "unknown", provider: "twilio", tried: "twilio ambiguous"},
		{name: "an error, at least once", patch: twice, behave: forever(down), outcome: "sent", provider: "sinch", tried: "twilio ambiguous, sinch accepted"},
		{name: "an error, and then the recipient's number, at least once", patch: twice, behave: forever(down), phone: sinch.IllegalType, outcome: "unknown", provider: "sinch",
			reason: "illegal_number_type", tried: "twilio ambiguous, sinch refused"},

		{name: "both refuse", secrets: map[string]string{"twilio": wrongTwilio, "sinch": strings.Replace(localSinch, sinch.Token, "wrong", 1)}, outcome: "failed", provider: "sinch",
			reason: "Twilio refused it: 20003 (the credential is wrong); Sinch refused it: 401 (the token is wrong)", tried: "twilio refused, sinch refused"},
		{name: "both are busy, then the first is not", behave: once(busy), phone: sinch.RateLimited, outcome: "sent", provider: "twilio",
			tried: "twilio retryable, sinch retryable, twilio accepted"},
		{name: "both are busy until the attempts are used up", behave: forever(busy), phone: sinch.RateLimited, outcome: "dead", provider: "sinch",
			reason: "given up after 4 attempts; at the last, Twilio refused it: 20429 (too many requests at once); Sinch refused it: 429",
			tried:  "twilio retryable, sinch retryable, twilio retryable, sinch retryable"},
		{name: "the first is wrong, the second busy", secrets: map[string]string{"twilio": wrongTwilio}, phone: sinch.RateLimited, outcome: "dead", provider: "sinch",
			tried: "twilio refused, sinch retryable, twilio refused, sinch retryable"},
		{name: "busy, and the second is wrong", behave: once(busy), secrets: map[string]string{"sinch": strings.Replace(localSinch, sinch.Token, "wrong", 1)}, outcome: "sent", provider: "twilio",
			tried: "twilio retryable, sinch refused, twilio accepted"},
		{name: "busy, and the second has an error", behave: once(busy), phone: sinch.LateOutage, outcome: "unknown", provider: "sinch", reason: "not sent again", tried: "twilio retryable, sinch ambiguous"},
		{name: "busy, and the second does not answer", behave: once(busy), phone: sinch.Silent, outcome: "unknown", provider: "sinch", tried: "twilio retryable, sinch ambiguous"},
		{name: "busy, and the second knows the number", behave: once(busy), phone: sinch.IllegalType, outcome: "failed", provider: "sinch", reason: "illegal_number_type", tried: "twilio retryable, sinch refused"},
		{name: "busy, and the second refuses what it is sent", patch: wrongSender, behave: once(busy), outcome: "sent", provider: "twilio", tried: "twilio retryable, sinch refused, twilio accepted"},
		{name: "an error, and the second refuses what it is sent, at least once", patch: patched(t, wrongSender, twice), behave: once(down), outcome: "sent", provider: "twilio",
			tried: "twilio ambiguous, sinch refused, twilio accepted"},
		{name: "wrong, and the second refuses what it is sent", patch: wrongSender, secrets: map[string]string{"twilio": wrongTwilio}, outcome: "failed", provider: "sinch",
			reason: "syntax_invalid_parameter_format", tried: "twilio refused, sinch refused"},
		{name: "wrong, and the second's secret is missing", patch: `{"settings": {"failover": {"auth": {"secret": "waypost/none"}}}}`, secrets: map[string]string{"twilio": wrongTwilio},
			outcome: "failed", provider: "twilio", reason: "the failover sinch could not be asked: the secret waypost/none does not exist", tried: "twilio refused"},
		{name: "busy, and the second's secret is missing", patch: `{"settings": {"failover": {"auth": {"secret": "waypost/none"}}}}`, behave: once(busy),
			outcome: "sent", provider: "twilio", tried: "twilio retryable, twilio accepted"},
		{name: "wrong, and the second's secret is for another host", secrets: map[string]string{"twilio": wrongTwilio, "sinch": `{"token": "t"}`},
			outcome: "failed", provider: "twilio", reason: "the failover sinch could not be asked: the secret has no servicePlanId", tried: "twilio refused"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			call := standIns(t, tc.behave)
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Endpoint.Answer = func(n int, r rig.Request) rig.Reply {
					reply := rig.Reply{}
					if tc.after != nil {
						reply = tc.after(r, reply)
					}
					if reply.Status == 0 && reply.Fails == "" {
						reply = call(n, r)
					}
					return reply
				}
				w.PutSecret("waypost/twilio", localTwilio)
				w.PutSecret("waypost/sinch", localSinch)
				w.PutSecret("waypost/sinch_conversation", localConversation)
				w.Endpoint.Source = call
				for name, value := range tc.secrets {
					w.PutSecret("waypost/"+name, value)
				}
				action := tc.action
				if action == "" {
					action = patched(t, sms, toSinch, `{"contract": {"body": {"text": {"maxLength": 3000}}}}`)
				}
				text := "Hi {{ profile.firstName }}"
				if tc.text != "" {
					text = tc.text
				}
				w.Publish(rig.Setup{Action: patched(t, action, tc.patch), Journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1,
					"with": {"to": "{{ profile.phone }}", "text": "` + text + `"}}}]}`})
				if tc.phone != "" {
					w.Put("profiles/c-1", `{"phone": "`+tc.phone+`", "firstName": "Ada"}`)
				}
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				d := w.Delivery(x)
				if d.Outcome != tc.outcome || !strings.Contains(d.Reason, tc.reason) || d.Provider != tc.provider {
					t.Errorf("got %s by %s (%s), want %s by %s (%s)", d.Outcome, d.Provider, d.Reason, tc.outcome, tc.provider, tc.reason)
				}
				if got := tried(d); got != tc.tried {
					t.Errorf("got %s, want %s", got, tc.tried)
				}
				for _, c := range w.Endpoint.Calls(x) {
					if got, want := c.Key(), d.ID().String(); got != want {
						t.Errorf("a call has the key %s, want %s", got, want)
					}
					if strings.Contains(c.URL, "sinch") && tc.action == "" && !strings.Contains(c.Body, "Shop") {
						t.Errorf("Sinch got %s, want its own sender", c.Body)
					}
				}
			})
		})
	}
}

// byHost answers for each provider.
func byHost(atTwilio, atSinch func(int) rig.Reply) func(int, rig.Request) rig.Reply {
	n := map[bool]int{}
	return func(_ int, r rig.Request) rig.Reply {
		second := strings.Contains(r.URL, "sinch")
		n[second]++
		if second {
			return atSinch(n[second])
		}
		return atTwilio(n[second])
	}
}

// What changes between two rounds, where a call of either provider may have
// been processed: another message is not sent by anybody, the same one is.
func TestFailoverChangesBetweenRounds(t *testing.T) {
	t.Parallel()
	later := map[string]string{"Retry-After": "60"}
	busy, broken := rig.Reply{Status: 429, Header: later}, rig.Reply{Status: 500, Header: later}
	taken := rig.Reply{Status: 201, Body: `{"sid": "SM1", "id": "01FC66621XXXXX119Z8PMV1QPQ"}`}
	for _, tc := range []struct {
		name          string
		first, second rig.Reply // of the first round
		change        func(*rig.World)
		outcome       ledger.Outcome
		reason        string
		tried         string
	}{
		{"nothing", broken, busy, func(*rig.World) {}, "sent", "", "twilio ambiguous, sinch retryable, twilio accepted"},
		{"nothing, after the second's error", busy, broken, func(*rig.World) {}, "sent", "", "twilio retryable, sinch ambiguous, twilio accepted"},
		{"the profile, after safe ones", busy, busy, func(w *rig.World) { w.Put("profiles/c-1", `{"phone": "+2"}`) }, "sent", "", "twilio retryable, sinch retryable, twilio accepted"},
		{"the profile, after the first's error", broken, busy, func(w *rig.World) { w.Put("profiles/c-1", `{"phone": "+2"}`) }, "unknown", "composes to another request", "twilio ambiguous, sinch retryable"},
		{"the profile, after the second's error", busy, broken, func(w *rig.World) { w.Put("profiles/c-1", `{"phone": "+2"}`) }, "unknown", "composes to another request", "twilio retryable, sinch ambiguous"},
		{"no failover any more, after its error", busy, broken, func(w *rig.World) { w.Settings(`{"failover": null}`) }, "unknown", "composes to another request", "twilio retryable, sinch ambiguous"},
		{"no failover any more, after safe ones", busy, busy, func(w *rig.World) { w.Settings(`{"failover": null}`) }, "sent", "", "twilio retryable, sinch retryable,  accepted"},
		{"the guarantee, after the second's error", busy, broken, func(w *rig.World) { w.Settings(`{"guarantee": "atMostOnce"}`) }, "unknown", "is not sent again", "twilio retryable, sinch ambiguous"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.PutSecret("waypost/twilio", localTwilio)
				w.PutSecret("waypost/sinch", localSinch)
				w.Publish(rig.Setup{Action: patched(t, sms, toSinch, twice, `{"settings": {"retry": {"attempts": 4}}}`)})
				w.Endpoint.Answer = byHost(func(n int) rig.Reply { return []rig.Reply{tc.first, taken}[n-1] }, func(int) rig.Reply { return tc.second })
				x := w.Send("case-1").Executions[0].Execution
				sleep(20)
				if d := w.Delivery(x); d.State != ledger.Waiting {
					t.Fatalf("the delivery is %s (%s), want waiting", d.State, d.Reason)
				}
				tc.change(w)
				w.Settle()
				d := w.Delivery(x)
				if got := tried(d); got != tc.tried || d.Outcome != tc.outcome || !strings.Contains(d.Reason, tc.reason) {
					t.Errorf("got %s (%s) after %s, want %s (%s) after %s", d.Outcome, d.Reason, got, tc.outcome, tc.reason, tc.tried)
				}
			})
		})
	}
}

// The function dies at every step of a round, once and twice, between the two
// providers too. At most once, nobody is called after a call that nobody knows
// the answer of; at least once, the message is sent.
func TestFailoverDies(t *testing.T) {
	t.Parallel()
	const operations = 9 // claim, action, profile, secret, opt-out, endpoint, secret, endpoint, settle
	for g, guarantee := range []string{"atMostOnce", "atLeastOnce"} {
		for h, cold := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s cold=%v", guarantee, cold), func(t *testing.T) {
				t.Parallel()
				rig.Run(t, func(t *testing.T, w *rig.World) {
					w.Cold, w.Latency = cold, spread
					w.PutSecret("waypost/twilio", localTwilio)
					w.PutSecret("waypost/sinch", localSinch)
					// A warm function's rounds begin again where another died with what they share:
					// each takes an attempt, so there are enough of them.
					w.Publish(rig.Setup{Action: patched(t, sms, toSinch, `{"settings": {"retry": {"attempts": 10}, "guarantee": "`+guarantee+`"}}`)})
					w.Endpoint.Answer = byHost(func(int) rig.Reply { return rig.Reply{Status: 429, Body: `{"code": 20429}`} },
						func(int) rig.Reply { return rig.Reply{Status: 201, Body: `{"id": "01FC66621XXXXX119Z8PMV1QPQ"}`} })
					all := scenarios(operations, 2*g+h)
					for _, s := range all {
						w.Kill(s.id, "sms", s.deaths...)
						w.Send(s.id)
					}
					w.Settle()
					between := 0
					for id, e := range ends(w, all) {
						s := all[index(id)]
						calls := map[string]int{}
						for _, c := range e.calls {
							calls[strings.Split(c.URL, "/")[2]]++
						}
						atTwilio, atSinch := calls["api.twilio.com"], calls["eu.sms.api.sinch.com"]
						// A warm function's invocations share a credential's fetch: where one dies
						// with it, another's round begins again, with Twilio, which had refused safely.
						if guarantee == "atMostOnce" && (atSinch > 1 || cold && atTwilio > 1) {
							t.Errorf("%s: Twilio was called %d times, Sinch %d", s.name, atTwilio, atSinch)
						}
						d := e.delivery
						if len(e.runs) != 1 || d.State != ledger.Settled || e.runs[0].Status == "RUNNING" {
							t.Errorf("%s: %d executions, and the delivery is %s", s.name, len(e.runs), d.State)
							continue
						}
						if got, want := e.runs[0].Status == "SUCCEEDED", d.Outcome.GoesOn(); got != want {
							t.Errorf("%s: the execution ended %s, and its delivery %s", s.name, e.runs[0].Status, d.Outcome)
						}
						if atTwilio > 0 && atSinch == 0 {
							between++
						}
						if d.Outcome == ledger.Sent && (d.Provider != "sinch" || atSinch == 0) {
							t.Errorf("%s: sent by %s, and Sinch was called %d times", s.name, d.Provider, atSinch)
						}
						if d.Outcome == ledger.Dead && atTwilio+atSinch > 0 {
							t.Errorf("%s: dead, though somebody may have taken it: %s", s.name, d.Reason)
						}
						if guarantee == "atLeastOnce" && d.Outcome != ledger.Sent {
							t.Errorf("%s: ended %s (%s), want sent: nothing stood against it", s.name, d.Outcome, d.Reason)
						}
						if cold && len(s.deaths) == 1 && w.Spared(id, "sms") {
							t.Errorf("%s: it did not die", s.name)
						}
					}
					if guarantee == "atMostOnce" && cold && between == 0 {
						t.Error("no function died between the two providers")
					}
				})
			})
		}
	}
}
