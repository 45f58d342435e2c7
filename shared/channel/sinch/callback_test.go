package sinch_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/sinch"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// The vector of Sinch's own SDKs.
const (
	vectorKey   = "SMSWebhooksSecret"
	vectorNonce = "01JHFFHWYY7HSS4FWTMDTQEK8V"
	vectorTime  = "1736760161"
	vectorSign  = "ZoHei66PPN/kZjw7hFVfGhJOnml3iGNCMWoyQVcE5o0="
	vectorBody  = `{"at":"2025-01-13T09:22:40.914Z","batch_id":"01JHFFHQ0P99JPPNQPJDV7JTBP","client_reference":"a client reference","code":0,` +
		`"operator_status_at":"2025-01-13T09:22:00Z","recipient":"33662162466","status":"Delivered","type":"recipient_delivery_report_sms"}`
)

func TestVerifyVector(t *testing.T) {
	t.Parallel()
	vector := func(body, key, nonce string) error {
		return sinch.Callbacks{}.Verify(channel.Callback{Body: []byte(body), Header: http.Header{
			// As they come: the names' case does not matter.
			http.CanonicalHeaderKey("x-sinch-webhook-signature"):           {vectorSign},
			http.CanonicalHeaderKey("x-sinch-webhook-signature-algorithm"): {"HmacSHA256"},
			http.CanonicalHeaderKey("x-sinch-webhook-signature-nonce"):     {nonce},
			http.CanonicalHeaderKey("x-sinch-webhook-signature-timestamp"): {vectorTime},
		}}, []string{key}, time.Unix(1736760161, 0))
	}
	if err := vector(vectorBody, vectorKey, vectorNonce); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another key":                   vector(vectorBody, "smswebhookssecret", vectorNonce),
		"another nonce":                 vector(vectorBody, vectorKey, vectorNonce[1:]),
		"the same, written another way": vector(strings.Replace(vectorBody, ":0,", ": 0,", 1), vectorKey, vectorNonce),
		"cut at another full stop":      vector(vectorBody[:strings.Index(vectorBody, ".")], vectorKey, vectorBody[strings.Index(vectorBody, ".")+1:]+"."+vectorNonce),
	} {
		if err == nil {
			t.Errorf("%s: it is accepted", name)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	report := func(status ledger.Status, code, reason string) channel.Report {
		return channel.Report{Report: ledger.Report{Status: status, Code: code, Reason: reason, ProviderID: "01B"}}
	}
	optOut := func(r channel.Report, recipients ...string) channel.Report { r.OptOuts = recipients; return r }
	recipient := func(status, code string) string {
		return `{"type":"recipient_delivery_report_sms","batch_id":"01B","recipient":"33662162466","status":"` + status + `","code":` + code + `}`
	}
	batch := func(statuses string) string {
		return `{"type":"delivery_report_sms","batch_id":"01B","total_message_count":3,"statuses":[` + statuses + `]}`
	}
	conversation := func(status, code string) string {
		return `{"app_id":"A","message_delivery_report":{"message_id":"01B","status":"` + status + `","channel_identity":{"channel":"SMS","identity":"33662162466"},"reason":{"code":"` + code + `","description":"planted"}}}`
	}
	const gone = "there is no such number, or its owner has opted out"
	for _, tc := range []struct {
		body string
		want channel.Report
	}{
		{vectorBody, channel.Report{Report: ledger.Report{Status: ledger.Delivered, ProviderID: "01JHFFHQ0P99JPPNQPJDV7JTBP"}}},
		{recipient("Queued", "400"), report(ledger.Accepted, "", "")},
		{recipient("Dispatched", "401"), report(ledger.Forwarded, "", "")},
		{recipient("Unknown", "0"), report(ledger.Forwarded, "", "")},
		{recipient("Delivered", "0"), report(ledger.Delivered, "", "")},
		{recipient("Aborted", "402"), report(ledger.Undelivered, "402", "Sinch reports it as Aborted: 402 (no route to the number)")},
		{recipient("Aborted", "412"), report(ledger.Undelivered, "412", "Sinch reports it as Aborted: 412 (the account may not text that region)")},
		{recipient("Cancelled", "407"), report(ledger.Undelivered, "407", "Sinch reports it as Cancelled: 407 (it was cancelled)")},
		{recipient("Rejected", "71"), report(ledger.Undelivered, "71", "Sinch reports it as Rejected: 71 (the carrier rejected it)")},
		{recipient("Failed", "0"), report(ledger.Undelivered, "", "Sinch reports it as Failed")},
		{recipient("Expired", "0"), report(ledger.Undelivered, "", "Sinch reports it as Expired (its time ran out before the carrier had it)")},
		{recipient("Deleted", "0"), optOut(report(ledger.Undelivered, "", "Sinch reports it as Deleted ("+gone+")"), "+33662162466")},
		{recipient("NewOne", "0"), report("", "", "")},
		{strings.Replace(recipient("Delivered", "0"), "_sms", "_mms", 1), report(ledger.Delivered, "", "")},

		{batch(`{"code":0,"status":"Delivered","count":3}`), report(ledger.Delivered, "", "")},
		{batch(`{"code":0,"status":"Delivered","count":2},{"code":401,"status":"Dispatched","count":1}`), report(ledger.Forwarded, "", "")},
		{batch(`{"code":0,"status":"Delivered","count":2},{"code":404,"status":"Aborted","count":1,"recipients":["1"]}`),
			report(ledger.Undelivered, "404", "1 of 3 recipients were not reached; of the first, Sinch reports it as Aborted: 404 (a failure that may pass)")},
		{batch(`{"code":0,"status":"Deleted","count":1,"recipients":["+33662162466"]}`), optOut(report(ledger.Undelivered, "", "Sinch reports it as Deleted ("+gone+")"), "+33662162466")},
		{batch(`{"code":0,"status":"Delivered","count":1,"recipients":["+33662162465"]},{"code":0,"status":"Deleted","count":2,"recipients":["+33662162466","33662162467"]}`),
			optOut(report(ledger.Undelivered, "", "2 of 3 recipients were not reached; of the first, Sinch reports it as Deleted ("+gone+")"), "+33662162466", "+33662162467")},
		{batch(``), report("", "", "")},

		{`{"type":"mo_text","id":"01B","from":"33662162466","to":"12345","body":" Stop "}`, optOut(report("", "", ""), "+33662162466")},
		{`{"type":"mo_text","id":"1","from":"33662162466","to":"12345","body":"Stop it"}`, channel.Report{}},
		{`{"type":"mo_binary","id":"1"}`, channel.Report{}},

		{conversation("QUEUED_ON_CHANNEL", ""), report(ledger.Forwarded, "", "")},
		{conversation("SWITCHING_CHANNEL", "RECIPIENT_NOT_OPTED_IN"), report(ledger.Accepted, "", "")},
		{conversation("DELIVERED", ""), report(ledger.Delivered, "", "")},
		{conversation("READ", ""), report(ledger.Read, "", "")},
		{conversation("FAILED", "CHANNEL_FAILURE"), report(ledger.Undelivered, "CHANNEL_FAILURE", "Sinch reports it as FAILED: CHANNEL_FAILURE (the channel failed)")},
		{conversation("FAILED", "NEW_ONE"), report(ledger.Undelivered, "NEW_ONE", "Sinch reports it as FAILED: NEW_ONE")},
		{conversation("FAILED", "planted +1"), report(ledger.Undelivered, "", "Sinch reports it as FAILED")},
		{conversation("FAILED", "RECIPIENT_NOT_OPTED_IN"), optOut(report(ledger.Undelivered, "RECIPIENT_NOT_OPTED_IN",
			"Sinch reports it as FAILED: RECIPIENT_NOT_OPTED_IN (the recipient has not opted in, or has opted out)"), "+33662162466")},
		{`{"message":{"id":"01B","contact_message":{"text_message":{"text":"STOP"}},"channel_identity":{"channel":"SMS","identity":"33662162466"}}}`, optOut(report("", "", ""), "+33662162466")},
		{`{"message":{"contact_message":{"media_message":{}},"channel_identity":{"identity":"33662162466"}}}`, channel.Report{}},
		{`{"opt_out_notification":{"request_id":"01B","channel":"SMS","identity":"33662162466","status":"OPT_OUT_SUCCEEDED"}}`, optOut(report("", "", ""), "+33662162466")},
		{`{"opt_out_notification":{"channel":"SMS","identity":"33662162466","status":"OPT_OUT_FAILED"}}`, channel.Report{}},
		{`{"opt_out_notification":{"channel":"WHATSAPP","identity":"33662162466","status":"OPT_OUT_SUCCEEDED"}}`, channel.Report{}},
		{`{"message":{"contact_message":{"text_message":{"text":"STOP"}},"channel_identity":{"channel":"WHATSAPP","identity":"33662162466"}}}`, channel.Report{}},
		{`{"app_id":"A","contact_create_notification":{}}`, channel.Report{}},
	} {
		got, err := sinch.Callbacks{}.Read(channel.Callback{Body: []byte(tc.body)})
		if err != nil {
			t.Errorf("%s: %v", tc.body, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.body, diff)
		}
	}
	for _, body := range []string{"", "a=b", "null", "[]", `{"type":1}`, `{"type":"recipient_delivery_report_sms"}`, `{"type":"recipient_delivery_report_sms","batch_id":"1"}`,
		`{"type":"delivery_report_sms"}`, `{"type":"delivery_report_sms","batch_id":"1","statuses":[1]}`, `{"type":"mo_text","body":"STOP"}`} {
		if got, err := (sinch.Callbacks{}).Read(channel.Callback{Body: []byte(body)}); !fault.Is(err, fault.Invalid) || !cmp.Equal(got, channel.Report{}) {
			t.Errorf("%q: got %+v, %v, want Invalid", body, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, body := range []string{vectorBody, `{"type":"delivery_report_sms","batch_id":"1","statuses":[{"code":0,"status":"Deleted","count":1,"recipients":["1"]}]}`,
		`{"type":"mo_text","from":"1","body":"STOP"}`, `{"message_delivery_report":{"status":"FAILED","reason":{"code":"RECIPIENT_NOT_OPTED_IN"}}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := sinch.Callbacks{}.Read(channel.Callback{Body: body})
		if err != nil && (!fault.Is(err, fault.Invalid) || !cmp.Equal(r, channel.Report{})) {
			t.Errorf("got %+v, %v", r, err)
		}
		if r.Status != "" && r.Status.Rank() == 0 {
			t.Errorf("the status is %q", r.Status)
		}
	})
}

// Reports are asked for so that they say what became of each recipient.
func TestEncodeCallback(t *testing.T) {
	t.Parallel()
	const url = "https://w.example/callback/sinch/t"
	for _, tc := range []struct {
		name, callback string
		body           map[string]any
		report         any
	}{
		{"no callback", "", map[string]any{"to": "+1", "text": "x"}, nil},
		{"one recipient", url, map[string]any{"to": "+1", "text": "x"}, "per_recipient"},
		{"a list of one", url, map[string]any{"to": []any{"+1"}, "text": "x"}, "per_recipient"},
		{"several", url, map[string]any{"to": []any{"+1", "+2"}, "text": "x"}, "full"},
		{"as the author says", url, map[string]any{"to": "+1", "text": "x", "deliveryReport": "per_recipient_final"}, "per_recipient_final"},
	} {
		r, err := sinch.Channel{}.Encode(&action.Message{Callback: tc.callback, Body: tc.body}, credential(t, `{"servicePlanId": "`+plan+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(r.Body, &got); err != nil {
			t.Fatal(err)
		}
		var callback any
		if tc.callback != "" {
			callback = tc.callback
		}
		if got["callback_url"] != callback || got["delivery_report"] != tc.report {
			t.Errorf("%s: got %v, %v, want %v, %v", tc.name, got["callback_url"], got["delivery_report"], callback, tc.report)
		}
	}
}

// A contract that wants no reports contradicts settings that ask for them.
func TestCheckCallback(t *testing.T) {
	t.Parallel()
	a := &action.Action{Definition: action.Definition{Channel: "sms", Provider: "sinch"}}
	a.Contract.Body = json.RawMessage(`{"to": "+1", "text": "x", "deliveryReport": "none"}`)
	faults := func() (paths []string) {
		for _, d := range sinch.Traits().Faults(a) {
			paths = append(paths, d.Path)
		}
		return paths
	}
	without := faults()
	a.Settings.Callback = &action.Callback{Secret: "waypost/sinch-callbacks"}
	if diff := cmp.Diff(append([]string{"contract.body.deliveryReport"}, without...), faults()); diff != "" {
		t.Error(diff)
	}
}

// The Conversation API is told where to report in each message.
func TestEncodeConversationCallback(t *testing.T) {
	t.Parallel()
	for _, callback := range []string{"", "https://waypost.example/callback/sinch/t"} {
		r, err := sinch.Conversation{}.Encode(&action.Message{Callback: callback, Body: map[string]any{"to": "+46701740605", "text": "Hi"}},
			credential(t, `{"projectId": "p", "appId": "a"}`))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(r.Body, &got); err != nil {
			t.Fatal(err)
		}
		if at, asked := got["callback_url"]; asked != (callback != "") || asked && at != callback {
			t.Errorf("%q: got %v", callback, at)
		}
	}
}
