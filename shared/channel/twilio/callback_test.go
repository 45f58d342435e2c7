package twilio_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twilio/twilio-go/client"
	"pgregory.net/rapid"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/twilio"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/secret"
)

// Twilio's own example (https://www.twilio.com/docs/usage/security), and what
// its libraries test themselves with.
const (
	vectorKey  = "12345"
	vectorURL  = "https://mycompany.com/myapp.php?foo=1&bar=2"
	vectorBody = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
	vectorSign = "RSOYDt4T1cUTdK1PDd93/VVr8B8="

	vectorJSON = `{"property": "value", "boolean": true}`
	vectorHash = "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
)

func signed(url, body, signature string) channel.Callback {
	return channel.Callback{URL: url, Header: http.Header{twilio.SignatureHeader: {signature}}, Body: []byte(body)}
}

func accepts(c channel.Callback, keys ...string) bool {
	return twilio.Callbacks{}.Verify(c, keys, time.Time{}) == nil
}

func TestVerifyVector(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, url, body, signature, key string
		accepted                        bool
	}{
		{"the vector", vectorURL, vectorBody, vectorSign, vectorKey, true},
		{"in another order", vectorURL, "To=%2B18005551212&Digits=1234&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE", vectorSign, vectorKey, true},
		{"a parameter twice with the same value", vectorURL, vectorBody + "&Digits=1234", vectorSign, vectorKey, true},
		{"with the fragment that Twilio keeps", vectorURL + "#rc=2&rp=all", vectorBody, vectorSign, vectorKey, true},
		{"names of which one begins with another", vectorURL, vectorBody + "&Reason=Participant&ReasonConferenceEnded=test", "vOEb5UThFn24KEfnOFLQY2AE5FY=", vectorKey, true},
		{"the same, sorted otherwise", vectorURL, vectorBody + "&Reason=Participant&ReasonConferenceEnded=test", "95+Bu0JVPi0r/SsESZCVf0dWAjw=", vectorKey, false},
		{"names with several values", vectorURL, "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234", "IK+Dwps556ElfBT0I3Rgjkr1wJU=", vectorKey, true},
		{"JSON", vectorURL + vectorHash, vectorJSON, "a9nBmqA0ju/hNViExpshrM61xv4=", vectorKey, true},
		{"JSON, and a query of its hash alone", "https://mycompany.com/myapp.php?" + vectorHash[1:], vectorJSON, "y77kIzt2vzLz71DgmJGsen2scGs=", vectorKey, true},
		{"JSON that was changed", vectorURL + vectorHash, strings.Replace(vectorJSON, "true", "null", 1), "a9nBmqA0ju/hNViExpshrM61xv4=", vectorKey, false},
		{"with a port that Twilio left out", "https://mycompany.com:1234/myapp.php?foo=1&bar=2", vectorBody, vectorSign, vectorKey, true},
		{"with the standard port", "https://mycompany.com:443/myapp.php?foo=1&bar=2", vectorBody, vectorSign, vectorKey, true},
		{"another key", vectorURL, vectorBody, vectorSign, "12346", false},
		{"a parameter more", vectorURL, vectorBody + "&X=1", vectorSign, vectorKey, false},
		{"a parameter less", vectorURL, strings.TrimSuffix(vectorBody, "&To=%2B18005551212"), vectorSign, vectorKey, false},
		{"a parameter twice with two values", vectorURL, vectorBody + "&Digits=9", vectorSign, vectorKey, false},
		{"another scheme", strings.Replace(vectorURL, "https", "http", 1), vectorBody, vectorSign, vectorKey, false},
		{"another host", strings.Replace(vectorURL, "mycompany", "yourcompany", 1), vectorBody, vectorSign, vectorKey, false},
		{"another path", strings.Replace(vectorURL, "myapp", "myapq", 1), vectorBody, vectorSign, vectorKey, false},
		{"another query", strings.Replace(vectorURL, "bar=2", "bar=3", 1), vectorBody, vectorSign, vectorKey, false},
		{"the query in another order", "https://mycompany.com/myapp.php?bar=2&foo=1", vectorBody, vectorSign, vectorKey, false},
		{"a query less", "https://mycompany.com/myapp.php", vectorBody, vectorSign, vectorKey, false},
		{"no form", vectorURL, "%zz", vectorSign, vectorKey, false},
		{"no URL", "https://%zz", vectorBody, vectorSign, vectorKey, false},
	} {
		if got := accepts(signed(tc.url, tc.body, tc.signature), tc.key); got != tc.accepted {
			t.Errorf("%s: got accepted: %t", tc.name, got)
		}
	}
}

// A body of JSON is signed by its hash in the URL, and the URL alone.
func TestVerifyJSON(t *testing.T) {
	t.Parallel()
	const body = `{"MessageSid":"SM1","MessageStatus":"delivered"}`
	sum := sha256.Sum256([]byte(body))
	address := "https://callbacks.example/callback/twilio/t?bodySHA256=" + hex.EncodeToString(sum[:])
	signature := twilio.Signature(vectorKey, address, nil)
	judge := client.NewRequestValidator(vectorKey)
	for _, tc := range []struct {
		name, url, body string
		accepted        bool
	}{
		{"as it was signed", address, body, true},
		{"with the port", strings.Replace(address, "example/", "example:443/", 1), body, true},
		{"a changed byte", address, strings.Replace(body, "SM1", "SM2", 1), false},
		{"an empty body", address, "", false},
		{"a hash of another body", strings.Replace(address, "bodySHA256=", "bodySHA256=00", 1), body, false},
		{"no hash", "https://callbacks.example/callback/twilio/t", body, false},
	} {
		if got := accepts(signed(tc.url, tc.body, signature), vectorKey); got != tc.accepted {
			t.Errorf("%s: got accepted: %t", tc.name, got)
		}
		if got := judge.ValidateBody(tc.url, []byte(tc.body), signature); got != tc.accepted {
			t.Errorf("%s: twilio-go accepts it: %t", tc.name, got)
		}
	}
}

// twilio-go's validator and ours say the same of whatever comes: of what is
// signed as it should be, of any spelling of the port, and of what was changed.
func TestTwilioGoIsTheJudge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scheme := rapid.SampledFrom([]string{"https", "http"}).Draw(t, "scheme")
		ports := rapid.SampledFrom([]string{"", ":443", ":80", ":8443"})
		rest := rapid.SampledFrom([]string{"/callback/twilio/x.text.0.T", "/a%2Fb/c?d=e%20f&g", "/x?y=1"}).Draw(t, "rest")
		form := url.Values{}
		for name, value := range rapid.MapOf(rapid.StringMatching(`[A-Za-z]{1,5}`), rapid.String()).Draw(t, "form") {
			form.Set(name, value)
		}
		key := rapid.SampledFrom([]string{"k1", "k2"})
		signature := twilio.Signature(key.Draw(t, "signs"), scheme+"://callbacks.example"+ports.Draw(t, "signed port")+rest, form)
		if rapid.Bool().Draw(t, "changed") {
			form.Set("MessageStatus", "delivered")
		}
		called := scheme + "://callbacks.example" + ports.Draw(t, "called port") + rest
		with, body := key.Draw(t, "verifies"), form.Encode()
		judge := client.NewRequestValidator(with)
		if got, want := accepts(signed(called, body, signature), with), judge.ValidateBody(called, []byte(body), signature); got != want {
			t.Errorf("%s with %s: got accepted: %t, twilio-go: %t", called, body, got, want)
		}
	})
}

func TestRead(t *testing.T) {
	t.Parallel()
	report := func(status ledger.Status, code, reason string) channel.Report {
		return channel.Report{Report: ledger.Report{Status: status, Code: code, Reason: reason, ProviderID: "SM1"}}
	}
	// The id of what came in is the evidence of an opt-out, so that its repeat is known.
	cameIn := func(optOuts ...string) channel.Report {
		return channel.Report{OptOuts: optOuts, Report: ledger.Report{ProviderID: "SM1"}}
	}
	stopped := report(ledger.Undelivered, "21610", "Twilio reports it as failed: 21610 (the recipient has opted out)")
	stopped.OptOuts = []string{"+15005550010"}
	for _, tc := range []struct {
		body string
		want channel.Report
	}{
		{"MessageStatus=accepted", report(ledger.Accepted, "", "")},
		{"MessageStatus=queued", report(ledger.Accepted, "", "")},
		{"MessageStatus=scheduled", report(ledger.Accepted, "", "")},
		{"MessageStatus=sending", report(ledger.Forwarded, "", "")},
		{"MessageStatus=sent&SmsStatus=sent", report(ledger.Forwarded, "", "")},
		{"MessageStatus=delivered&RawDlrDoneDate=2603040506", report(ledger.Delivered, "", "")},
		{"MessageStatus=read&EventType=READ", report(ledger.Read, "", "")},
		{"MessageStatus=undelivered&ErrorCode=30003", report(ledger.Undelivered, "30003", "Twilio reports it as undelivered: 30003 (the handset can't be reached now)")},
		{"MessageStatus=undelivered&ErrorCode=30004&To=%2B1", report(ledger.Undelivered, "30004", "Twilio reports it as undelivered: 30004 (the carrier blocks the message)")},
		{"MessageStatus=failed&ErrorCode=39999&ErrorMessage=planted", report(ledger.Undelivered, "39999",
			"Twilio reports it as failed: 39999 (see https://www.twilio.com/docs/errors/39999)")},
		{"MessageStatus=failed&ErrorCode=planted", report(ledger.Undelivered, "", "Twilio reports it as failed")},
		{"MessageStatus=canceled", report(ledger.Undelivered, "", "Twilio reports it as canceled")},
		{"MessageStatus=failed&ErrorCode=21610&To=%2B15005550010&From=%2B1", stopped},
		{"MessageStatus=partially_delivered", report("", "", "")},
		{"MessageStatus=new_one", report("", "", "")},
		{"SmsStatus=received&From=%2B15005550010&To=%2B1&Body=Stop%20", cameIn("+15005550010")},
		{"SmsStatus=received&From=%2B15005550010&Body=ARRET&OptOutType=STOP", cameIn("+15005550010")},
		{"SmsStatus=received&From=%2B15005550010&Body=stop&OptOutType=HELP", cameIn()},
		{"SmsStatus=received&From=%2B15005550010&Body=START&OptOutType=START", cameIn()},
		{"SmsStatus=received&From=%2B15005550010&Body=Please+stop", cameIn()},
	} {
		got, err := twilio.Callbacks{}.Read(channel.Callback{Body: []byte("MessageSid=SM1&" + tc.body)})
		if err != nil {
			t.Errorf("%s: %v", tc.body, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.body, diff)
		}
	}
	got, err := twilio.Callbacks{}.Read(channel.Callback{Body: []byte(`{"SmsSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": 30003}`)})
	if want := report(ledger.Undelivered, "30003", "Twilio reports it as undelivered: 30003 (the handset can't be reached now)"); err != nil || !cmp.Equal(got, want) {
		t.Errorf("JSON: got %+v, %v", got, err)
	}
	for _, body := range []string{"", "%zz", "a=b", "{}", "null", "[]", "MessageStatus=delivered"} {
		if got, err := (twilio.Callbacks{}).Read(channel.Callback{Body: []byte(body)}); !fault.Is(err, fault.Invalid) || !cmp.Equal(got, channel.Report{}) {
			t.Errorf("%q: got %+v, %v, want Invalid", body, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, body := range []string{"MessageSid=SM1&MessageStatus=delivered", "MessageSid=SM1&Body=STOP&From=%2B1", `{"MessageSid": "SM1", "ErrorCode": 1e400}`, vectorBody} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := twilio.Callbacks{}.Read(channel.Callback{Body: body})
		if err != nil && (!fault.Is(err, fault.Invalid) || !cmp.Equal(r, channel.Report{})) {
			t.Errorf("got %+v, %v", r, err)
		}
		if r.Status != "" && r.Status.Rank() == 0 {
			t.Errorf("the status is %q", r.Status)
		}
	})
}

func TestEncodeCallback(t *testing.T) {
	t.Parallel()
	cred, err := secret.Parse("waypost/twilio", []byte(`{"accountSid": "AC00000000000000000000000000000000"}`))
	if err != nil {
		t.Fatal(err)
	}
	for callback, want := range map[string]string{"": "To=%2B1", "https://w.example/callback/twilio/t": "StatusCallback=https%3A%2F%2Fw.example%2Fcallback%2Ftwilio%2Ft%23rc%3D5%26rp%3Dall&To=%2B1"} {
		r, err := twilio.Channel{}.Encode(&action.Message{Callback: callback, Body: map[string]any{"to": "+1"}}, cred)
		if err != nil || string(r.Body) != want {
			t.Errorf("%q: got %s, %v, want %s", callback, r.Body, err, want)
		}
	}
}

// An author asks for reports in settings, not in the contract.
func TestCheckCallback(t *testing.T) {
	t.Parallel()
	a := &action.Action{Definition: action.Definition{Channel: "sms", Provider: "twilio"}}
	a.Contract.Body = []byte(`{"to": "+1", "from": "+2", "text": "x", "statusCallback": "https://w.example"}`)
	a.Settings.Callback = &action.Callback{Secret: "waypost/twilio-callbacks"}
	a.Settings.Auth = &secret.Auth{Type: "basic", Secret: "waypost/twilio"}
	details := twilio.Traits().Faults(a)
	if len(details) != 1 || details[0].Path != "contract.body.statusCallback" || !strings.Contains(details[0].Message, "settings.callback") {
		t.Errorf("got %v, want that statusCallback is refused, and nothing more", details)
	}
}
