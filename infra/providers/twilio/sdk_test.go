package twilio_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	sdkclient "github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/waypost/waypost/infra/providers/twilio"
)

// sdkToken is one that the SDK lets pass: it takes letters and digits alone.
const sdkToken = "0123456789abcdef0123456789abcdef"

// rerouted sends what is for Twilio to the stand-in.
type rerouted struct{ to *url.URL }

func (r rerouted) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host = r.to.Scheme, r.to.Host
	return http.DefaultTransport.RoundTrip(out)
}

// Twilio's own SDK works against the stand-in unchanged: it reads what it sent,
// and takes the refusals for Twilio's.
func TestSDK(t *testing.T) {
	srv := httptest.NewServer(twilio.New(twilio.Options{Accounts: []twilio.Account{{SID: twilio.AccountSID, AuthToken: sdkToken}}}))
	defer srv.Close()
	to, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := func(token string) *api.ApiService {
		base := &sdkclient.Client{Credentials: sdkclient.NewCredentials(twilio.AccountSID, token), HTTPClient: &http.Client{Transport: rerouted{to}}}
		base.SetAccountSid(twilio.AccountSID)
		return api.NewApiService(sdkclient.NewRequestHandler(base)) // not the whole SDK, which takes minutes to build
	}
	send := func(token, number, text string) (*api.ApiV2010Message, error) {
		params := &api.CreateMessageParams{}
		params.SetTo(number)
		params.SetFrom(good)
		params.SetBody(text)
		return client(token).CreateMessage(params)
	}
	made, err := send(sdkToken, "+4915112345678", "Hi Ann & all")
	if err != nil {
		t.Fatal(err)
	}
	if *made.Status != "queued" || *made.To != "+4915112345678" || *made.Body != "Hi Ann & all" || made.ErrorCode != nil {
		t.Errorf("sent %+v", made)
	}
	read, err := client(sdkToken).FetchMessage(*made.Sid, &api.FetchMessageParams{})
	if err != nil || *read.Status != "delivered" || *read.Body != *made.Body {
		t.Errorf("read %+v, %v", read, err)
	}
	listed, err := client(sdkToken).ListMessage(&api.ListMessageParams{})
	if err != nil || len(listed) != 1 || *listed[0].Sid != *made.Sid {
		t.Errorf("listed %d, %v", len(listed), err)
	}
	for _, tc := range []struct {
		name, token, number string
		status, code        int
	}{
		{"a wrong token", "wrong", "+4915112345678", 401, 20003},
		{"an invalid number", sdkToken, "5551234567", 400, 21211},
		{"opted out", sdkToken, "+15005550004", 400, 21610},
	} {
		_, err := send(tc.token, tc.number, "Hi")
		refusal, ok := errors.AsType[*sdkclient.TwilioRestError](err)
		if !ok || refusal.Status != tc.status || refusal.Code != tc.code || refusal.MoreInfo == "" {
			t.Errorf("%s: got %v, want %d %d", tc.name, err, tc.status, tc.code)
		}
	}
}
