package rig_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
)

const (
	atMostOnce = `{"settings": {"guarantee": "atMostOnce"}}`
	onceOnly   = `{"settings": {"retry": {"attempts": 1}}}`
	sms        = `{"channel": "sms", "provider": "twilio",
		"contract": {"method": null, "path": null, "body": {"from": "+15005550006"}, "response": {"id": null, "sid": {"type": "string"}}},
		"settings": {"url": "https://api.twilio.com", "auth": {"type": "basic", "secret": "waypost/twilio"}}}`
	twilioSecret = `{"accountSid": "AC00000000000000000000000000000001", "username": "SK1", "password": "pw-of-twilio"}`
)

// answers gives each reply in turn, and the last for good.
func answers(replies ...rig.Reply) func(int, rig.Request) rig.Reply {
	return func(n int, _ rig.Request) rig.Reply { return replies[min(n, len(replies))-1] }
}

func status(code int) rig.Reply { return rig.Reply{Status: code} }

var accepted = rig.Reply{Status: 200, Body: `{"id":"m-1"}`}

// Each row is one delivery, and what it comes to.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		action   string // a patch of the standard action
		settings string // a patch of its settings, once it is published
		journey  string
		profile  string // c-1's, where it is not the standard one; "none"
		secret   string // likewise
		answer   func(int, rig.Request) rig.Reply

		outcome  ledger.Outcome
		reason   string // a part of it
		attempts string // their results
	}{
		{name: "accepted", outcome: "sent", attempts: "accepted"},
		{name: "refused", answer: answers(status(404)), outcome: "failed", reason: "404 Not Found", attempts: "refused"},
		{name: "a redirect", answer: answers(status(302)), outcome: "failed", reason: "redirect, which is not followed", attempts: "refused"},
		{name: "not JSON", answer: answers(rig.Reply{Status: 200, Body: "<html>"}), outcome: "unknown", reason: "not JSON", attempts: "accepted"},
		{name: "not JSON where nothing is read", action: `{"contract": {"response": null}}`, answer: answers(rig.Reply{Status: 200, Body: "<html>"}), outcome: "sent", attempts: "accepted"},
		{name: "accepted, and too large", answer: answers(rig.Reply{Status: 200, Fails: egress.TooLarge, Written: true}), outcome: "unknown", reason: "too large", attempts: "accepted"},
		{name: "refused, and too large", answer: answers(rig.Reply{Status: 404, Fails: egress.TooLarge, Written: true}), outcome: "failed", reason: "404", attempts: "refused"},
		{name: "a blocked address", answer: answers(rig.Reply{Fails: egress.Blocked}), outcome: "failed", reason: "may not be called", attempts: "refused"},

		{name: "busy, then accepted", answer: answers(status(429), accepted), outcome: "sent", attempts: "retryable accepted"},
		{name: "unreachable, then accepted", action: atMostOnce, answer: answers(rig.Reply{Fails: egress.Connect}, accepted), outcome: "sent", attempts: "retryable accepted"},
		{name: "down until its attempts are used up", answer: answers(status(429)), outcome: "dead", reason: "given up after 4 attempts; at the last, the endpoint answered 429", attempts: "retryable retryable retryable retryable"},
		{name: "down, and one attempt", action: onceOnly, answer: answers(status(429)), outcome: "dead", reason: "after 1 attempts", attempts: "retryable"},
		{name: "Retry-After beyond the deadline", answer: answers(rig.Reply{Status: 429, Header: map[string]string{"Retry-After": "4000"}}), outcome: "dead", reason: "too late: the endpoint asked to wait for 1h6m40s, and settings.retry.within is 1h; the endpoint answered 429", attempts: "retryable"},
		{name: "busy for a second, at most once", action: atMostOnce, answer: answers(rig.Reply{Status: 503, Header: map[string]string{"Retry-After": "1"}}, accepted), outcome: "unknown", reason: "503", attempts: "ambiguous"},
		{name: "busy for a second, at least once", answer: answers(rig.Reply{Status: 503, Header: map[string]string{"Retry-After": "1"}}, accepted), outcome: "sent", attempts: "ambiguous accepted"},
		{name: "refused after an ambiguous one", answer: answers(status(500), status(409)), outcome: "unknown", reason: "may have been processed, and it cannot be repeated: the endpoint answered 409", attempts: "ambiguous refused"},
		{name: "refused after a safe one", answer: answers(status(429), status(409)), outcome: "failed", reason: "409", attempts: "retryable refused"},

		{name: "ambiguous, at least once", answer: answers(status(500), rig.Reply{Fails: egress.Lost, Written: true}, accepted), outcome: "sent", attempts: "ambiguous ambiguous accepted"},
		{name: "ambiguous, at most once", action: atMostOnce, answer: answers(status(500), accepted), outcome: "unknown", reason: "not sent again", attempts: "ambiguous"},
		{name: "too slow, at most once", action: atMostOnce, answer: answers(rig.Reply{Status: 200, Takes: 11e9}), outcome: "unknown", reason: "did not answer within the timeout", attempts: "ambiguous"},
		{name: "too slow, at least once", answer: answers(rig.Reply{Status: 200, Takes: 11e9}, accepted), outcome: "sent", attempts: "ambiguous accepted"},
		{name: "ambiguous until its attempts are used up", answer: answers(status(502)), outcome: "dead", attempts: "ambiguous ambiguous ambiguous ambiguous"},

		{name: "consent", action: `{"settings": {"requires": "profile.consents.sms == 'y'"}}`, profile: `{"phone": "+1555"}`, outcome: "suppressed", reason: "requires profile.consents.sms"},
		{name: "consent is asked before anything is composed", action: `{"settings": {"requires": "profile.consents.sms == 'y'"}}`, profile: `{}`, outcome: "suppressed", reason: "requires"},
		{name: "no profile", profile: "none", outcome: "failed", reason: "the profile c-1 does not exist"},
		{name: "a required field came out empty", profile: `{"firstName": "Ada"}`, outcome: "failed", reason: "to: is required"},
		{name: "a field that breaks its rule", profile: `{"phone": "+1", "firstName": "` + strings.Repeat("Ada", 40) + `"}`, outcome: "failed", reason: "text: must have"},
		{name: "a body over the limit", journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1,
			"with": {"to": "{{ profile.phone + profile.phone + profile.phone }}", "text": "x"}}}]}`, profile: `{"phone": "` + strings.Repeat("1", 100<<10) + `"}`,
			outcome: "failed", reason: "over the limit of 262144"},

		{name: "no secret", action: `{"settings": {"auth": {"secret": "waypost/none"}}}`, outcome: "failed", reason: "the secret waypost/none does not exist"},
		{name: "a malformed secret", secret: `"text"`, outcome: "failed", reason: "not a JSON object"},
		{name: "a secret without its key", secret: `{"username": "u"}`, outcome: "failed", reason: `lacks the key "token"`},
		{name: "a secret for another host", secret: `{"token": "t", "hosts": ["api.example.com"]}`, outcome: "failed", reason: "may not be sent to hooks.example"},
		{name: "a wrong token", answer: answers(status(401)), outcome: "failed", reason: "401", attempts: "refused"},

		{name: "opted out", action: sms, answer: answers(rig.Reply{Status: 400, Body: `{"code": 21610}`}), outcome: "suppressed", reason: "opted out", attempts: "refused"},
		{name: "opted out after an ambiguous one", action: strings.Replace(sms, `"settings": {`, `"settings": {"guarantee": "atLeastOnce", `, 1), answer: answers(status(500), rig.Reply{Status: 400, Body: `{"code": 21610}`}),
			outcome: "unknown", reason: "opted out", attempts: "ambiguous refused"},
		{name: "Twilio is out for a second", action: sms, answer: answers(rig.Reply{Status: 503, Header: map[string]string{"Retry-After": "1"}}, rig.Reply{Status: 201, Body: `{"sid": "SM1"}`}), outcome: "unknown", attempts: "ambiguous"},
		{name: "texted", action: sms, answer: answers(rig.Reply{Status: 201, Body: `{"sid": "SM1", "status": "queued"}`}), outcome: "sent", attempts: "accepted"},
		{name: "no sid", action: sms, answer: answers(rig.Reply{Status: 201, Body: `{}`}), outcome: "unknown", reason: "without a message sid", attempts: "ambiguous"},
		{name: "Twilio's error, which honours no key", action: sms, answer: answers(status(500)), outcome: "unknown", attempts: "ambiguous"},
		{name: "Twilio is busy", action: sms, answer: answers(rig.Reply{Status: 400, Body: `{"code": 21611}`}, rig.Reply{Status: 201, Body: `{"sid": "SM1"}`}), outcome: "sent", attempts: "retryable accepted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Endpoint.Answer = tc.answer
				w.PutSecret("waypost/twilio", twilioSecret)
				w.Publish(rig.Setup{Action: tc.action, Journey: tc.journey})
				if tc.settings != "" {
					w.Settings(tc.settings)
				}
				if tc.secret != "" {
					w.PutSecret(rig.Secret, tc.secret)
				}
				customer := "c-1"
				switch tc.profile {
				case "":
				case "none":
					customer = "c-none"
					tc.reason = strings.ReplaceAll(tc.reason, "c-1", customer)
				default:
					w.Put("profiles/c-1", tc.profile)
				}
				x := w.SendEvent(rig.EventOf("case-1", customer)).Executions[0].Execution
				w.Settle()
				d := w.Delivery(x)
				if d.Outcome != tc.outcome || !strings.Contains(d.Reason, tc.reason) {
					t.Errorf("got %s (%s), want %s (%s)", d.Outcome, d.Reason, tc.outcome, tc.reason)
				}
				if got := results(d); got != tc.attempts {
					t.Errorf("attempts: got %q, want %q", got, tc.attempts)
				}
				var dead []string
				if tc.outcome == ledger.Dead {
					dead = []string{d.ID().String()}
				}
				if got := w.DeadLetters(); !slices.Equal(got, dead) {
					t.Errorf("dead letters: got %v, want %v", got, dead)
				}
				run := w.Executions()[0]
				if got, want := run.Status == "SUCCEEDED", tc.outcome.GoesOn(); got != want {
					t.Errorf("the execution ended %s (%s)", run.Status, run.Error)
				}
				if name := "Waypost." + strings.ToUpper(string(tc.outcome[:1])) + string(tc.outcome[1:]); !tc.outcome.GoesOn() && run.Error != name {
					t.Errorf("the execution's error: got %s, want %s", run.Error, name)
				}
			})
		})
	}
}

func results(d ledger.Delivery) string {
	var all []string
	for _, a := range d.Attempts {
		all = append(all, a.Result)
	}
	return strings.Join(all, " ")
}

// Things that change between two attempts of one delivery. The first attempt is
// left for later, by its Retry-After of a minute.
func TestChangesBetweenAttempts(t *testing.T) {
	t.Parallel()
	later := map[string]string{"Retry-After": "60"}
	safe, ambiguous := rig.Reply{Status: 429, Header: later}, rig.Reply{Status: 500, Header: later}
	for _, tc := range []struct {
		name    string
		first   rig.Reply
		change  func(*rig.World)
		outcome ledger.Outcome
		reason  string
		second  string // the second call's body
	}{
		{"the profile, after a safe one", safe, func(w *rig.World) { w.Put("profiles/c-1", `{"phone": "+2", "firstName": "Bea"}`) },
			"sent", "", `{"text":"Hi Bea, o-case-1 is ready.","to":"+2"}`},
		{"the profile, after an ambiguous one", ambiguous, func(w *rig.World) { w.Put("profiles/c-1", `{"phone": "+2"}`) },
			"unknown", "now composes to another request", ""},
		{"nothing, after an ambiguous one", ambiguous, func(*rig.World) {}, "sent", "", `{"text":"Hi Ada, o-case-1 is ready.","to":"+15550001"}`},
		{"the guarantee, after an ambiguous one", ambiguous, func(w *rig.World) { w.Settings(`{"guarantee": "atMostOnce"}`) }, "unknown", "is not sent again", ""},
		{"consent, after a safe one", safe, func(w *rig.World) { w.Settings(`{"requires": "profile.tier == 'none'"}`) }, "suppressed", "requires", ""},
		{"consent, after an ambiguous one", ambiguous, func(w *rig.World) { w.Settings(`{"requires": "profile.tier == 'none'"}`) },
			"unknown", "an earlier attempt may have been processed", ""},
		{"the phone is gone, after an ambiguous one", ambiguous, func(w *rig.World) { w.Put("profiles/c-1", `{}`) }, "unknown", "may have been processed", ""},
		{"the URL, after a safe one", safe, func(w *rig.World) { w.Settings(`{"url": "https://other.example"}`) }, "sent", "", `{"text":"Hi Ada, o-case-1 is ready.","to":"+15550001"}`},
		{"no secret any more", safe, func(w *rig.World) { w.Settings(`{"auth": null}`) }, "sent", "", `{"text":"Hi Ada, o-case-1 is ready.","to":"+15550001"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{})
				w.Endpoint.Answer = answers(tc.first, accepted)
				x := w.Send("case-1").Executions[0].Execution
				sleep(20)
				if d := w.Delivery(x); d.State != ledger.Waiting {
					t.Fatalf("the delivery is %s, want waiting", d.State)
				}
				tc.change(w)
				w.Settle()
				d, calls := w.Delivery(x), w.Endpoint.Calls(x)
				if d.Outcome != tc.outcome || !strings.Contains(d.Reason, tc.reason) {
					t.Errorf("got %s (%s), want %s (%s)", d.Outcome, d.Reason, tc.outcome, tc.reason)
				}
				second := ""
				if len(calls) > 1 {
					second = calls[1].Body
				}
				if second != tc.second || len(calls) > 2 {
					t.Errorf("%d calls, the second %s, want %s", len(calls), second, tc.second)
				}
			})
		})
	}
}

// A rotated secret is fetched once and used at once; one that is just wrong is
// fetched once, and not again for each delivery.
func TestRotatedSecret(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, action, before, after string
		want                        string
	}{
		{"rotated", "", `{"token": "old"}`, `{"token": "new"}`, "sent: Bearer old, Bearer new"},
		{"wrong", "", `{"token": "old"}`, `{"token": "old"}`, "failed: Bearer old"},
		{"gone", "", `{"token": "old"}`, `"broken"`, "failed: Bearer old"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{})
				w.PutSecret(rig.Secret, tc.before)
				w.Send("case-1")
				w.Settle()
				w.PutSecret(rig.Secret, tc.after)
				w.Ops()
				w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
					if r.Header.Get("Authorization") != "Bearer new" {
						return status(401)
					}
					return accepted
				}
				x := w.Send("case-2").Executions[0].Execution
				w.Settle()
				var sent []string
				for _, c := range w.Endpoint.Calls(x) {
					sent = append(sent, c.Header.Get("Authorization"))
				}
				if got := fmt.Sprintf("%s: %s", w.Delivery(x).Outcome, strings.Join(sent, ", ")); got != tc.want {
					t.Errorf("got %s, want %s", got, tc.want)
				}
				if got, want := count(w.Ops(), "GetSecretValue"), 1; got != want {
					t.Errorf("the secret was fetched %d times, want %d", got, want)
				}
			})
		})
	}
}

func count(ops []rig.Op, name string) int {
	n := 0
	for _, op := range ops {
		if op.Name == name {
			n++
		}
	}
	return n
}

// Twilio's path has the account, so that a rotated secret changes the URL too.
func TestRotatedAccount(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.PutSecret("waypost/twilio", twilioSecret)
		w.Publish(rig.Setup{Action: sms})
		w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
			if !strings.Contains(r.URL, "AC00000000000000000000000000000002") {
				return status(http.StatusUnauthorized)
			}
			return rig.Reply{Status: 201, Body: `{"sid": "SM1"}`}
		}
		w.Send("case-1")
		sleep(10) // Twilio refused the first; memory has the secret
		w.PutSecret("waypost/twilio", strings.Replace(twilioSecret, "01\"", "02\"", 1))
		x := w.Send("case-2").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent {
			t.Errorf("got %s (%s), want sent", d.Outcome, d.Reason)
		}
	})
}
