package local_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/infra/providers/sinch"
	"github.com/waypost/waypost/infra/providers/sink"
	"github.com/waypost/waypost/infra/providers/twilio"
	"github.com/waypost/waypost/shared/admin"
	waypostsecrets "github.com/waypost/waypost/shared/secretsmanager"
)

// The stand-ins report as their providers do, over sockets: a message ends
// delivered, and one whose recipient had opted out is the last to them.
func TestStandInsReport(t *testing.T) {
	t.Parallel()
	rt := start(t, local.Config{})
	for name, value := range map[string]string{
		"waypost/twilio": `{"accountSid": "` + twilio.AccountSID + `", "username": "` + twilio.AccountSID + `", "password": "` + twilio.AuthToken + `"}`,
		"waypost/sinch":  `{"servicePlanId": "` + sinch.ServicePlanID + `", "token": "` + sinch.Token + `"}`,
		"waypost/keys":   `{"key": "` + twilio.AuthToken + `", "previousKey": "` + sinch.WebhookSecret + `"}`,
		"waypost/sink":   `{"key": "` + sink.CallbackKey + `"}`,
	} {
		if _, err := (waypostsecrets.Source{Client: secretsmanager.NewFromConfig(rt.AWS)}).Put(t.Context(), name, value); err != nil {
			t.Fatal(err)
		}
	}
	const body = `"contract": {"body": {"to": "%s", "text": "hi", "from": "+15005550006"}}`
	text := func(name, provider, to string) string {
		settings := map[string]string{
			"twilio": `{"url": "https://api.twilio.com", "auth": {"type": "basic", "secret": "waypost/twilio"}, "callback": {"secret": "waypost/keys"}}`,
			"sinch":  `{"url": "https://eu.sms.api.sinch.com", "auth": {"type": "bearer", "secret": "waypost/sinch"}, "callback": {"secret": "waypost/keys"}}`,
		}[provider]
		return fmt.Sprintf(`{"name": "%s", "channel": "sms", "provider": "%s", `+body+`, "settings": %s}`, name, provider, to, settings)
	}
	actions := []string{text("by_twilio", "twilio", "+15550100001"), text("by_sinch", "sinch", "+15550100001"), text("unwanted", "twilio", twilio.OptedOutLate),
		`{"name": "by_hook", "channel": "webhook", "contract": {"method": "POST", "path": "/x", "body": {"a": 1}}, "settings": {"url": "https://hooks.example", "callback": {"secret": "waypost/sink"}}}`}
	var steps []string
	for i, a := range actions {
		name := strings.Split(a, `"`)[3]
		ok(t, http.MethodPut, rt.URL+"/admin/v1/actions/"+name, a, nil)
		ok(t, http.MethodPost, rt.URL+"/admin/v1/actions/"+name+"/publish", "", nil)
		steps = append(steps, fmt.Sprintf(`{"id": "s%d", "action": {"name": "%s", "version": 1, "with": {}}, "onError": "continue"}`, i, name))
	}
	execution := journey(t, rt, strings.Join(steps, ", "))
	want := map[string]string{"by_twilio": "sent delivered", "by_sinch": "sent delivered", "unwanted": "sent undelivered", "by_hook": "sent delivered"}
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var list admin.Deliveries
		ok(t, http.MethodGet, rt.URL+"/admin/v1/deliveries?execution="+execution, "", &list)
		got := map[string]string{}
		for _, d := range list.Deliveries {
			got[d.Action] = d.Outcome + " " + d.Status
		}
		if fmt.Sprint(got) == fmt.Sprint(want) {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if code, text := call(t, http.MethodGet, rt.URL+"/admin/v1/opt-outs/sms/"+twilio.OptedOutLate, ""); code != 200 || !strings.Contains(text, `"by":"twilio"`) || !strings.Contains(text, "21610") {
		t.Errorf("the opt-out is %d %s, want Twilio's", code, text)
	}
}
