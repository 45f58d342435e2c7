package rig_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
)

// Values that occur nowhere else. Those of the profile are what a step may
// name, and what none names.
const (
	leakPhone  = "+15559073301"
	leakName   = "Zebulonia"
	leakPoints = "90733117"
	leakHidden = "hypochondria"
	leakDeep   = "Wobblestreet"

	leakToken = "tok-4kz81-secret"
	leakOld   = "tok-7yy02-before"
	leakUser  = "SK77aa31usr"
	leakWord  = "pw-55q9-secret"
	leakSID   = "AC0bad5ec2e70000000000000000c0ffee"
	leakNote  = "note-3b-secret"
	leakKey   = "bGVha2VkIHNpZ25pbmcga2V5IG9mIG91cnM="
	leakGot   = "got-by-6z-secret" // a token
)

const (
	leakProfile = `{"phone": "` + leakPhone + `", "firstName": "` + leakName + `", "points": ` + leakPoints + `, "consents": {"sms": "y"},
		"illness": "` + leakHidden + `", "address": {"street": "` + leakDeep + `"}}`
	leakSecret = `{"token": "` + leakToken + `", "username": "` + leakUser + `", "password": "` + leakWord + `", "accountSid": "` + leakSID + `",
		"value": "` + leakToken + `", "servicePlanId": "` + leakSID + `", "note": "` + leakNote + `", "url": "https://hooks.slack.com/services/T1/B1/` + leakToken + `", "key": "` + leakKey + `",
		"clientId": "` + leakUser + `", "clientSecret": "` + leakWord + `", "accessKeyId": "` + leakUser + `", "secretAccessKey": "` + leakWord + `", "projectId": "` + leakSID + `", "appId": "` + leakSID + `"}`
	leakSchema = `{"type": "object", "properties": {"phone": {"type": "string"}, "firstName": {"type": "string"}, "tier": {"type": "string"},
		"points": {"type": "integer"}, "consents": {"type": "object", "properties": {"sms": {"type": "string"}}}, "illness": {"type": "string"},
		"address": {"type": "object", "properties": {"street": {"type": "string"}}}}}`
)

// markers are what is searched for, as written and as a request encodes it.
func markers() []string {
	all := []string{leakPhone[1:], leakName, leakPoints, leakHidden, leakDeep, leakToken, leakOld, leakUser, leakWord, leakSID, leakNote, leakKey, leakGot}
	return append(all, base64.StdEncoding.EncodeToString([]byte(leakUser+":"+leakWord)))
}

// echoing gives each status in turn, and the last for good. The answers' bodies
// hold the whole request; id is the one member that the contract names.
func echoing(statuses ...int) func(int, rig.Request) rig.Reply {
	return func(n int, r rig.Request) rig.Reply {
		body, _ := json.Marshal(map[string]any{"id": "m-1", "sid": "SM1", "message_id": "m-1", "message": "no: " + r.Body, "request": r, "authorization": r.Header.Get("Authorization")})
		return rig.Reply{Status: statuses[min(n, len(statuses))-1], Body: string(body)}
	}
}

// plain answers with the request in a body that is not JSON.
func plain(_ int, r rig.Request) rig.Reply {
	return rig.Reply{Status: http.StatusOK, Body: fmt.Sprint(r)}
}

// forAWS is a change of an action that has it sign as AWS asks for.
const forAWS = `{"settings": {"auth": {"type": "sigv4", "service": "execute-api", "region": "eu-west-1"}}}`

// byCall is a change of an action that has it authenticate by a token of the
// endpoint's own kind.
func byCall(in string) string {
	return `{"settings": {"auth": {"type": "customToken", "tokenUrl": "https://login.example/session", "in": "` + in + `", "name": "session",
		"tokenCall": {"headers": {"X-Key": "{{ secret.value }}"}, "json": {"user": "{{ secret.username }}", "word": "{{ secret.password }}"}, "token": "access_token"}}}}`
}

// giving gives a token.
func giving(int, rig.Request) rig.Reply {
	return rig.Reply{Status: http.StatusOK, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token": "` + leakGot + `", "expires_in": 60}`}
}

// No profile value is anywhere but in the profiles' table and at the endpoint,
// and no credential but in Secrets Manager and at the endpoint, whatever became
// of a delivery.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	const (
		basic   = `{"settings": {"auth": {"type": "basic"}}}`
		consent = `{"settings": {"requires": "profile.consents.sms == 'y' and profile.points > 5"}}`
	)
	hook := rig.Patch(t, viaWebhook, `{"settings": {"auth": {"secret": "waypost/hooks"}}}`)
	const post = `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"text": "{{ profile.phone }} {{ profile.firstName }}"}}}]}`
	with := func(to, text string) string {
		return `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "` + to + `", "text": "` + text + `"}}}]}`
	}
	for _, tc := range []struct {
		name            string
		action, journey string // patches of the standard ones
		profile, secret string // where they are others
		stored          map[string]types.AttributeValue
		answer, login   func(int, rig.Request) rig.Reply
		harm            func(*rig.World)
		want            string // the outcome
	}{
		{name: "sent", want: "sent"},
		{name: "sent, all that is named", action: consent, journey: with("{{ profile.phone }}", "{{ profile.firstName }} {{ profile.points }} {{ profile.illness }}"), want: "sent"},
		{name: "sent with basic authentication", action: basic, want: "sent"},
		{name: "sent with a key in the query", action: `{"settings": {"auth": {"type": "apiKey", "in": "query", "name": "key"}}}`, want: "sent"},
		{name: "sent with a key in a header", action: `{"settings": {"auth": {"type": "apiKey", "in": "header", "name": "X-Key"}}}`, answer: echoing(400), want: "failed"},
		{name: "sent in the path and the query", action: `{"contract": {"path": "/v1/{who}", "pathParams": {"who": {"toBeMapped": true, "type": "string"}},
			"query": {"phone": {"toBeMapped": true, "type": "string"}}, "body": null}}`,
			journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"path.who": "{{ profile.firstName }}", "query.phone": "{{ profile.phone }}"}}}]}`,
			answer:  echoing(404), want: "failed"},
		{name: "sent and signed", action: signedToo("hmac"), want: "sent"},
		{name: "signed and refused", action: signedToo("standardWebhooks"), answer: echoing(400), want: "failed"},
		{name: "a key that cannot sign", action: signedToo("standardWebhooks"), secret: `{"token": "` + leakToken + `", "key": "whsk_` + leakKey[:8] + leakNote + `"}`, want: "failed"},
		{name: "sent by a token", action: byOAuth, login: giving, want: "sent"},
		{name: "a token is refused", action: byOAuth, login: giving, answer: echoing(401), want: "failed"},
		{name: "a token that cannot be sent", action: byOAuth, login: func(int, rig.Request) rig.Reply {
			return rig.Reply{Status: 200, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token": "` + leakGot + `\n"}`}
		}, want: "failed"},
		{name: "sent by a custom token", action: byCall("query"), login: giving, answer: echoing(429, 200), want: "sent"},
		{name: "a custom token is refused", action: byCall("header"), login: giving, answer: echoing(401), want: "failed"},
		{name: "no custom token", action: byCall("header"), login: echoing(400), want: "failed"},
		{name: "a certificate that is none", action: `{"settings": {"auth": {"type": "mtls"}}}`,
			secret: `{"certificate": "` + leakNote + `", "privateKey": "-----BEGIN ` + leakWord + `-----"}`, want: "failed"},
		{name: "signed for AWS", action: forAWS, want: "sent"},
		{name: "refused by AWS", action: forAWS, answer: echoing(403), want: "failed"},
		{name: "no token: refused", action: byOAuth, login: echoing(401), want: "failed"},
		{name: "no token: not JSON", action: byOAuth, login: plain, want: "dead"},
		{name: "no token: unreachable", action: byOAuth, login: answers(rig.Reply{Fails: egress.Connect}), want: "dead"},
		{name: "refused", answer: echoing(400), want: "failed"},
		{name: "a redirect", answer: echoing(302), want: "failed"},
		{name: "not JSON", answer: plain, want: "unknown"},
		{name: "refused, and not JSON", answer: func(n int, r rig.Request) rig.Reply { return rig.Reply{Status: 403, Body: fmt.Sprint(r)} }, want: "failed"},
		{name: "too large", answer: func(n int, r rig.Request) rig.Reply {
			return rig.Reply{Status: 200, Body: fmt.Sprint(r), Fails: egress.TooLarge, Written: true}
		}, want: "unknown"},
		{name: "a wrong token", answer: echoing(401), want: "failed"},
		{name: "too slow", action: atMostOnce, answer: func(int, rig.Request) rig.Reply { return rig.Reply{Status: 200, Takes: 11e9} }, want: "unknown"},
		{name: "unreachable", answer: answers(rig.Reply{Fails: egress.Connect}), want: "dead"},
		{name: "down", answer: echoing(503), want: "dead"},
		{name: "later, and accepted", answer: echoing(429, 429, 429, 200), want: "sent"},
		{name: "not allowed", action: `{"settings": {"requires": "profile.consents.sms == 'y' and profile.points > 100000000"}}`, want: "suppressed"},
		{name: "a required field is nil", journey: with("{{ profile.tier }}", "{{ profile.firstName }}"), want: "failed"},
		{name: "a field breaks its rule", action: `{"contract": {"body": {"text": {"maxLength": 3}, "to": {"pattern": "^x", "enum": ["x"], "format": "e164"}}}}`, want: "failed"},
		{name: "the stored type is wrong", stored: map[string]types.AttributeValue{"phone": &types.AttributeValueMemberN{Value: leakPoints}}, want: "failed"},
		{name: "the stored type is wrong, in an expression", journey: with("{{ profile.firstName }}", "{{ trim(profile.phone) }}"),
			stored: map[string]types.AttributeValue{"phone": &types.AttributeValueMemberN{Value: leakPoints}}, want: "failed"},
		{name: "an expression cannot be evaluated", journey: with("{{ profile.phone }}", "{{ string(int(profile.firstName)) }} {{ string(date(profile.illness)) }}"), want: "failed"},
		{name: "a header that HTTP does not allow", action: `{"contract": {"headers": {"X-Name": {"toBeMapped": true, "type": "string"}}}}`,
			journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "x", "text": "y", "headers.X-Name": "{{ profile.firstName }}"}}}]}`,
			profile: `{"firstName": "` + leakName + `\nX: y"}`, want: "failed"},
		{name: "no secret", action: `{"settings": {"auth": {"secret": "waypost/none"}}}`, want: "failed"},
		{name: "a secret that is text", secret: leakToken, want: "failed"},
		{name: "a secret that is broken JSON", secret: `{"token": "` + leakToken + `", ` + leakWord + `}`, want: "failed"},
		{name: "a secret without its key", secret: `{"username": "` + leakUser + `", "` + leakNote + `": 1}`, want: "failed"},
		{name: "a secret with a line break", secret: `{"token": "` + leakToken + `\n"}`, want: "failed"},
		{name: "a username with a colon", action: basic, secret: `{"username": "` + leakUser + `:", "password": "` + leakWord + `"}`, want: "failed"},
		{name: "a secret for another host", secret: `{"token": "` + leakToken + `", "hosts": ["api.example.com"]}`, want: "failed"},
		{name: "a secret whose hosts are none", secret: `{"token": "` + leakToken + `", "hosts": ["https://` + leakUser + `@h"]}`, want: "failed"},
		{name: "a crash before the call", harm: func(w *rig.World) { w.Kill("case-1", "webhook", rig.Death{At: 3, Hangs: true}) }, want: "sent"},
		{name: "a crash after the call", action: atMostOnce, harm: func(w *rig.World) { w.Cold = true; w.Kill("case-1", "webhook", rig.Death{At: 5, Performed: true}) }, want: "unknown"},
		{name: "AWS refuses", harm: func(w *rig.World) {
			w.Answer = func(op string) (int, string) {
				if op == "GetItem profiles" || op == "GetSecretValue" {
					return 400, `{"__type": "AccessDeniedException", "Message": "not for you"}`
				}
				return 0, ""
			}
		}, want: "dead"},
		{name: "onError", answer: echoing(400, 200), journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "a"}},
			"onError": [{"id": "again", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.firstName }}", "text": "{{ steps.text.outcome }}"}}}]}]}`, want: "failed"},
		{name: "a condition", journey: `{"steps": [{"id": "rich", "condition": {"branches": [{"when": "profile.points > 5 and profile.illness != nil",
			"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "{{ profile.address.street }}"}}}]}]}}]}`, want: "sent"},
		{name: "handed over", journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "await": "none", "with": {"to": "{{ profile.phone }}", "text": "{{ profile.firstName }}"}}}]}`,
			answer: echoing(429, 400), want: "failed"},
		{name: "texted", action: sms, answer: echoing(201), want: "sent"},
		{name: "Twilio refuses", action: sms, answer: func(_ int, r rig.Request) rig.Reply {
			return rig.Reply{Status: 400, Body: fmt.Sprintf(`{"code": 21211, "message": "The 'To' number %s is not valid; %s, %s"}`, leakPhone, r.URL, r.Header.Get("Authorization"))}
		}, want: "failed"},
		{name: "Twilio says that they opted out", action: sms, answer: func(_ int, r rig.Request) rig.Reply {
			return rig.Reply{Status: 400, Body: fmt.Sprintf(`{"code": 21610, "message": "Attempt to send to unsubscribed recipient %s"}`, leakPhone)}
		}, want: "suppressed"},
		{name: "Twilio's account is wrong", action: sms, secret: `{"username": "` + leakUser + `", "password": "` + leakWord + `", "accountSid": "` + leakNote + `"}`, want: "failed"},
		{name: "Twilio is down", action: sms, answer: echoing(500), want: "unknown"},
		{name: "posted by a webhook", action: hook, journey: post, answer: func(int, rig.Request) rig.Reply { return rig.Reply{Status: 200, Body: "ok"} }, want: "sent"},
		{name: "a webhook refuses", action: hook, journey: post, answer: func(_ int, r rig.Request) rig.Reply {
			return rig.Reply{Status: 400, Body: leakToken + "_" + strings.ToLower(leakName)}
		}, want: "failed"},
		{name: "a webhook answers with all it was asked", action: hook, journey: post, answer: plain, want: "unknown"},
		{name: "a webhook redirects", action: hook, journey: post, answer: echoing(302), want: "failed"},
		{name: "a webhook is unreachable", action: hook, journey: post, answer: answers(rig.Reply{Fails: egress.Connect}), want: "dead"},
		{name: "a webhook is too slow", action: hook, journey: post, answer: func(int, rig.Request) rig.Reply { return rig.Reply{Status: 200, Takes: 11e9} }, want: "unknown"},
		{name: "a webhook's URL is another's", action: hook, journey: post, secret: `{"url": "https://` + leakUser + `.example/services/T1/B1/` + leakToken + `"}`, want: "failed"},
		{name: "a webhook's URL is none", action: hook, journey: post, secret: `{"url": "` + leakToken + `"}`, want: "failed"},
		{name: "a webhook's URL is broken", action: hook, journey: post, secret: `{"url": "https://hooks.slack.com:` + leakNote + `/services/` + leakToken + `"}`, want: "failed"},
		{name: "Slack refuses", action: rig.Patch(t, viaAPI, `{"settings": {"auth": {"secret": "waypost/hooks"}}}`), journey: strings.Replace(post, `"text":`, `"channel": "#orders", "text":`, 1),
			answer: func(_ int, r rig.Request) rig.Reply {
				return rig.Reply{Status: 200, Body: fmt.Sprintf(`{"ok": false, "error": "invalid_arguments", "needed": %q, "provided": %q}`, r.Body, r.Header.Get("Authorization"))}
			}, want: "failed"},
		{name: "texted by Sinch", action: sinchSMS, answer: echoing(201), want: "sent"},
		{name: "Sinch refuses", action: sinchSMS, answer: func(_ int, r rig.Request) rig.Reply {
			return rig.Reply{Status: 403, Body: fmt.Sprintf(`{"code": "%s", "text": "%s is not one; %s, %s"}`, leakPhone, leakPhone, r.URL, r.Header.Get("Authorization"))}
		}, want: "failed"},
		{name: "Sinch's plan is wrong", action: sinchSMS, secret: `{"token": "` + leakToken + `", "servicePlanId": "` + leakNote + `/.."}`, want: "failed"},
		{name: "texted by Sinch's Conversation API", action: sinchConversation, login: giving, answer: echoing(200), want: "sent"},
		{name: "Sinch's Conversation API refuses", action: sinchConversation, login: giving, answer: func(_ int, r rig.Request) rig.Reply {
			return rig.Reply{Status: 400, Body: fmt.Sprintf(`{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": %q, "details": [{"url": %q, "token": %q}]}}`, r.Body, r.URL, r.Header.Get("Authorization"))}
		}, want: "failed"},
		{name: "Sinch's app is wrong", action: sinchConversation, login: giving, secret: `{"clientId": "` + leakUser + `", "clientSecret": "` + leakWord + `", "projectId": "` + leakSID + `", "appId": "` + leakNote + `/.."}`, want: "failed"},
		{name: "Sinch gives no token", action: sinchConversation, login: echoing(401), want: "failed"},
		{name: "Sinch is down", action: sinchSMS, answer: echoing(500), want: "unknown"},
		{name: "an express journey", journey: `{"mode": "express"}`, action: `{"settings": {"retry": {"within": "3m"}}}`, answer: echoing(400), want: "failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Endpoint.Answer = echoing(200)
				if tc.answer != nil {
					w.Endpoint.Answer = tc.answer
				}
				w.Endpoint.Source = tc.login
				secret, profile := leakSecret, leakProfile
				if tc.secret != "" {
					secret = tc.secret
				}
				if tc.profile != "" {
					profile = tc.profile
				}
				w.PutSecret("waypost/twilio", secret)
				w.PutSecret("waypost/sinch", secret)
				w.PutSecret("waypost/sinch_conversation", secret)
				w.Publish(rig.Setup{Action: tc.action, Journey: tc.journey, ProfileSchema: leakSchema})
				w.PutSecret(rig.Secret, secret)
				w.Put("profiles/c-1", profile)
				if tc.stored != nil {
					w.Store("c-1", tc.stored)
				}
				if tc.harm != nil {
					tc.harm(w)
				}
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				w.Answer = nil
				if d := w.Delivery(x); string(d.Outcome) != tc.want {
					t.Errorf("got %s (%s), want %s", d.Outcome, d.Reason, tc.want)
				}
				if calls := fmt.Sprint(w.Endpoint.Calls(x)); tc.want == "sent" && (!strings.Contains(calls, leakPhone[1:]) || !strings.Contains(calls, "Authorization") && !strings.Contains(calls, leakToken) && !strings.Contains(calls, leakGot)) {
					t.Errorf("the endpoint did not get the values: %s", calls)
				}
				nothingLeaks(t, w)
			})
		})
	}
}

// nothingLeaks searches all that the world keeps, logs or tells for the markers.
func nothingLeaks(t *testing.T, w *rig.World) {
	t.Helper()
	everything := w.Everything()
	for _, place := range slices.Sorted(maps.Keys(everything)) {
		for _, marker := range markers() {
			if i := strings.Index(everything[place], marker); i >= 0 {
				t.Errorf("%s has %s: …%s…", place, marker, everything[place][max(0, i-60):min(len(everything[place]), i+60)])
			}
		}
	}
}

// AWS repeats in its refusals the values that it refuses; the log has their codes.
func TestRefusalsAreLoggedByTheirCode(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"StartExecution", "PutItem ledger", "PutItem ledger event", "UpdateItem ledger", "Query ledger", "GetItem profiles", "PutItem profiles",
		"GetItem catalog", "SendMessage"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				var refuses atomic.Bool
				w.Answer = func(name string) (int, string) {
					if name != op || !refuses.Load() {
						return 0, ""
					}
					return http.StatusBadRequest, `{"__type": "ValidationException", "Message": "1 validation error detected: Value '` + leakName + `' at 'input' failed to satisfy constraint"}`
				}
				w.Endpoint.Answer = answers(rig.Reply{Fails: egress.Connect}) // it ends as a dead letter
				w.Publish(rig.Setup{ProfileSchema: leakSchema})
				refuses.Store(true)
				w.Call(http.MethodPut, "/admin/v1/profiles/c-1", leakProfile)
				w.Call(http.MethodPost, "/entry/", rig.EventOf("case-1", "c-1"))
				sleep(100)
				w.Sweep()
				w.Call(http.MethodGet, "/admin/v1/deliveries?profile=c-1", "")
				w.Call(http.MethodGet, "/admin/v1/profiles/c-1", "")
				refuses.Store(false)
				w.Settle()
				if !strings.Contains(w.Logs(), "ValidationException") {
					t.Error("the log does not say why the request was refused")
				}
				nothingLeaks(t, w)
			})
		})
	}
}

// A credential that is renewed leaks neither before nor after.
func TestNothingLeaksAtRenewal(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{ProfileSchema: leakSchema})
		w.Put("profiles/c-1", leakProfile)
		w.PutSecret(rig.Secret, `{"token": "`+leakOld+`"}`)
		w.Endpoint.Answer = func(n int, r rig.Request) rig.Reply {
			if strings.Contains(r.Header.Get("Authorization"), leakOld) {
				return echoing(401)(n, r)
			}
			return echoing(200)(n, r)
		}
		w.Send("case-1") // the old one is in memory now
		sleep(10)
		w.PutSecret(rig.Secret, leakSecret)
		x := w.Send("case-2").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent || len(d.Attempts) != 2 {
			t.Errorf("got %s (%s) after %q, want sent by the new token", d.Outcome, d.Reason, results(d))
		}
		nothingLeaks(t, w)
	})
}

// Of an endpoint's answer the history has what the response and error schemas
// name, and nothing else: no other member, and none of another type.
func TestOnlyNamedFieldsEnterTheHistory(t *testing.T) {
	t.Parallel()
	const (
		schemas = `{"contract": {"response": {"ref": {"type": "string"}, "member": {"type": "object", "properties": {"tier": {"type": "string"}}},
			"lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}}, "count": {"type": "integer"}},
			"error": {"why": {"type": "string"}}}}`
		answer = `{"ref": "seen-ref", "why": "seen-why", "member": {"tier": "seen-tier", "phone": "` + leakPhone + `"},
			"lines": [{"sku": "seen-sku", "street": "` + leakDeep + `"}, "` + leakNote + `"], "count": "` + leakHidden + `", "` + leakName + `": "` + leakName + `",
			"Ref": "` + leakWord + `", "authorization": "` + leakToken + `"}`
	)
	for _, tc := range []struct {
		status int
		want   []string
	}{
		{http.StatusOK, []string{"seen-ref", "seen-tier", "seen-sku"}},
		{http.StatusBadRequest, []string{"seen-why"}},
	} {
		t.Run(fmt.Sprint(tc.status), func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Action: schemas})
				w.Endpoint.Answer = answers(rig.Reply{Status: tc.status, Body: answer})
				w.Send("case-1")
				w.Settle()
				history := w.History(w.Executions()[0].ARN)
				for _, field := range []string{"seen-ref", "seen-tier", "seen-sku", "seen-why"} {
					if got, want := strings.Contains(history, field), slices.Contains(tc.want, field); got != want {
						t.Errorf("%s is in the history: %v, want %v", field, got, want)
					}
				}
				nothingLeaks(t, w)
			})
		})
	}
}

// What is wrong with a profile is said without its values, to its writer and
// in the log alike.
func TestProblemsHoldNoValues(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{ProfileSchema: leakSchema})
		for _, body := range []string{
			`{"points": "` + leakName + `"}`,
			`{"phone": ` + leakPoints + `}`,
			`{"address": "` + leakDeep + `"}`,
			`{"phone": "` + leakPhone + `", "firstNam": "` + leakName + `", "points": 1.5}`,
			`{"phone": "` + leakPhone + `", ` + leakHidden + `}`,
			`{"phone": "` + leakPhone + `"`,
			`["` + leakHidden + `"]`,
			`{"phone": "` + leakPhone + `", "phone": "` + leakName + `"}`,
			`{"illness": "` + strings.Repeat(leakHidden, 40<<10) + `"}`,
		} {
			code, text := w.Call(http.MethodPut, "/admin/v1/profiles/c-2", body)
			if code < 400 {
				t.Errorf("%.60s was accepted", body)
			}
			for _, marker := range markers() {
				if strings.Contains(text, marker) {
					t.Errorf("%.60s: the problem has %s: %s", body, marker, text)
				}
			}
		}
		nothingLeaks(t, w)
	})
}
