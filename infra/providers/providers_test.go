package providers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/waypost/waypost/infra/providers/oauth"
	"github.com/waypost/waypost/infra/providers/sinch"
	"github.com/waypost/waypost/infra/providers/slack"
	"github.com/waypost/waypost/shared/egress"
)

// The routes are a setting that functions read, and lead to stand-ins that
// serve: each refuses, accepts or asks who calls, but knows the path.
func TestRoutes(t *testing.T) {
	standIns := New()
	defer standIns.Close()
	server := httptest.NewServer(standIns)
	defer server.Close()
	policy, err := egress.ParsePolicy("", standIns.Routes(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{
		"api.twilio.com":  "/2010-04-01/Accounts/AC0/Messages.json",
		"hooks.slack.com": slack.HookPath,
		"slack.com":       "/api/chat.postMessage",
		"loyalty.example": "/v1/awards",
		"screens.example": "/v1/screens/window",
		"hooks.example":   "/anything",
		"orders.example":  "/anything",
		"login.example":   oauth.Path,
	}
	for _, region := range []string{"us", "eu", "au", "br", "ca"} {
		paths[region+".sms.api.sinch.com"] = "/xms/v1/0/batches"
	}
	for _, region := range []string{"us", "eu", "br"} {
		paths[region+".conversation.api.sinch.com"] = "/v1/projects/0/messages:send"
	}
	for _, host := range []string{"auth.sinch.com", "us.auth.sinch.com", "eu.auth.sinch.com"} {
		paths[host] = sinch.TokenPath
	}
	if got, want := len(policy.Routes), len(paths); got != want {
		t.Errorf("got %d routes, want %d", got, want)
	}
	for _, r := range policy.Routes {
		res, err := http.Post(r.Target.String()+paths[r.Host], "application/json", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		if res.StatusCode == http.StatusNotFound {
			t.Errorf("%s: nothing serves %s%s", r.Host, r.Target, paths[r.Host])
		}
	}
	var accepted []string
	for _, m := range standIns.Inbox.Since(0) {
		if m.Status < 300 {
			accepted = append(accepted, m.Channel)
		}
	}
	// A sink takes anything; newest first.
	if got, want := strings.Join(accepted, " "), "private webhook"; got != want {
		t.Errorf("the inbox has accepted messages of %s, want %s", got, want)
	}
}
