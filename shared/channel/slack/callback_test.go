package slack_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"pgregory.net/rapid"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/slack"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/secret"
)

// Slack's own example (https://docs.slack.dev/authentication/verifying-requests-from-slack).
const (
	vectorKey  = "8f742231b10e8888abcd99yyyzzz85a5"
	vectorTime = "1531420618"
	vectorSign = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
	vectorBody = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA" +
		"&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
		"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)

func signed(signature, timestamp, body string) channel.Callback {
	return channel.Callback{Body: []byte(body), Header: http.Header{slack.HeaderSignature: {signature}, slack.HeaderTimestamp: {timestamp}}}
}

func TestVerifyVector(t *testing.T) {
	t.Parallel()
	at := time.Unix(1531420618, 0)
	if err := (slack.Callbacks{}).Verify(signed(vectorSign, vectorTime, vectorBody), []string{vectorKey}, at); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]channel.Callback{
		"another version":          signed("v1"+vectorSign[2:], vectorTime, vectorBody),
		"without the version":      signed(vectorSign[3:], vectorTime, vectorBody),
		"another time":             signed(vectorSign, "1531420619", vectorBody),
		"the time another way":     signed(vectorSign, "+1531420618", vectorBody),
		"a body less":              signed(vectorSign, vectorTime, ""),
		"a part of the signature":  signed(vectorSign[:10], vectorTime, vectorBody),
		"the signature of another": signed(slack.Signature("x", vectorTime, []byte(vectorBody)), vectorTime, vectorBody),
	} {
		if err := (slack.Callbacks{}).Verify(c, []string{vectorKey}, at); err == nil {
			t.Errorf("%s: it is accepted", name)
		}
	}
}

// slack-go's verifier, which reads the clock itself, and ours say the same of
// what is signed as it should be, and of what was changed or is too old.
func TestSlackGoIsTheJudge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		apart := time.Duration(rapid.SampledFrom([]int{0, -290, 290, -310, 310}).Draw(t, "apart")) * time.Second
		timestamp := strconv.FormatInt(now.Add(apart).Unix(), 10)
		key := rapid.SampledFrom([]string{"k1", "k2"})
		body := rapid.String()
		was := body.Draw(t, "signed")
		is := rapid.OneOf(rapid.Just(was), body).Draw(t, "received")
		c := signed(slack.Signature(key.Draw(t, "signs"), timestamp, []byte(was)), timestamp, is)
		with := key.Draw(t, "verifies")
		judge, want := slackgo.NewSecretsVerifier(c.Header, with)
		if want == nil {
			if _, err := judge.Write(c.Body); err != nil {
				t.Fatal(err)
			}
			want = judge.Ensure()
		}
		if got := (slack.Callbacks{}).Verify(c, []string{with}, now); (got == nil) != (want == nil) {
			t.Errorf("got %v, slack-go: %v", got, want)
		}
	})
}

// posted is an event as Slack's reference has it, with this metadata.
func posted(metadata string) string {
	return `{"token": "XXYYZZ", "team_id": "T123ABC456", "api_app_id": "A123ABC456", "event": {"type": "message_metadata_posted", "app_id": "AQF4F123M",
		"bot_id": "B8241P2B34D", "user_id": "U123ABC456", "team_id": "T123ABC456", "channel_id": "CJN879K8A", "metadata": ` + metadata + `,
		"message_ts": "1658903885.673769", "event_ts": "1658903885.673769"}, "type": "event_callback", "event_id": "Ev123ABC456", "event_time": 123456789}`
}

const ours = `{"event_type": "waypost_delivery", "event_payload": {"delivery": "x.text.0.T"}}`

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		body string
		want channel.Report
	}{
		{`{"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}`,
			channel.Report{Reply: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}},
		{posted(ours), channel.Report{Token: "x.text.0.T", Report: ledger.Report{Status: ledger.Delivered, ProviderID: "CJN879K8A/1658903885.673769"}}},
		{posted(`{"event_type": "task_created", "event_payload": {"delivery": "x"}}`), channel.Report{}},
		{`{"type": "event_callback", "event": {"type": "message", "message_ts": 1, "metadata": ` + ours + `}}`, channel.Report{}},
		{`{"type": "event_callback", "event": {"type": "app_mention", "metadata": "no object"}}`, channel.Report{}},
		{`{"type": "event_callback"}`, channel.Report{}},
		{`{"type": "app_rate_limited"}`, channel.Report{}},
	} {
		got, err := slack.Callbacks{}.Read(channel.Callback{Body: []byte(tc.body)})
		if err != nil {
			t.Errorf("%s: %v", tc.body, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.body, diff)
		}
	}
	for _, body := range []string{"", "payload=x", "null", "[]", "{}", posted(`{"event_type": "waypost_delivery", "event_payload": {}}`),
		posted(`{"event_type": "waypost_delivery", "event_payload": {"delivery": 7}}`), posted(`{"event_type": "waypost_delivery", "event_payload": []}`)} {
		if got, err := (slack.Callbacks{}).Read(channel.Callback{Body: []byte(body)}); !fault.Is(err, fault.Invalid) || !cmp.Equal(got, channel.Report{}) {
			t.Errorf("%q: got %+v, %v, want Invalid", body, got, err)
		}
	}
	if _, err := slackevents.ParseEvent(json.RawMessage(posted(ours)), slackevents.OptionNoVerifyToken()); err != nil {
		t.Errorf("slack-go takes the event for none: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, body := range []string{posted(ours), `{"type": "url_verification", "challenge": "c"}`, vectorBody} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := slack.Callbacks{}.Read(channel.Callback{Body: body})
		if err != nil && (!fault.Is(err, fault.Invalid) || !cmp.Equal(r, channel.Report{})) {
			t.Errorf("got %+v, %v", r, err)
		}
		if r.Status != "" && r.Token == "" {
			t.Errorf("it reports %s for no delivery", r.Status)
		}
	})
}

// The token goes out in the message's metadata, and what comes back of it is
// the same token and the id that the answer gave.
func TestEncodeCallback(t *testing.T) {
	t.Parallel()
	m := &action.Message{BaseURL: "https://slack.com", Callback: "https://w.example/callback/slack/x.text.0.T", Body: map[string]any{"channel": "C1", "text": "x"}}
	r, err := slack.API{}.Encode(m, secret.Credential{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.Body), `{"channel":"C1","metadata":{"event_payload":{"delivery":"x.text.0.T"},"event_type":"waypost_delivery"},"text":"x"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	m.Callback = ""
	if r, err = (slack.API{}).Encode(m, secret.Credential{}); err != nil || string(r.Body) != `{"channel":"C1","text":"x"}` {
		t.Errorf("without a callback: got %s, %v", r.Body, err)
	}
	answered := slack.API{}.Classify(channel.Answer{Code: 200, Body: []byte(`{"ok": true, "channel": "CJN879K8A", "ts": "1658903885.673769"}`)})
	reported, err := slack.Callbacks{}.Read(channel.Callback{Body: []byte(posted(ours))})
	if err != nil || answered.ProviderID != reported.ProviderID {
		t.Errorf("the answer's id is %q, the report's %q (%v)", answered.ProviderID, reported.ProviderID, err)
	}
}

// An incoming webhook reports nothing, and an author's metadata would be in
// the way of Waypost's.
func TestCheckCallback(t *testing.T) {
	t.Parallel()
	faults := func(traits channel.Traits, body string) map[string]bool {
		a := &action.Action{Definition: action.Definition{Channel: "slack", Provider: traits.Provider}}
		a.Contract.Body = json.RawMessage(body)
		a.Settings.Callback = &action.Callback{Secret: "waypost/slack-callbacks"}
		found := map[string]bool{}
		for _, d := range traits.Faults(a) {
			found[d.Path] = true
		}
		return found
	}
	if !faults(slack.WebhookTraits(), `{"text": "x"}`)["settings.callback"] {
		t.Error("settings.callback is accepted for the provider webhook")
	}
	plain := faults(slack.APITraits(), `{"channel": "C1", "text": "x"}`)
	if plain["settings.callback"] || plain["contract.body.metadata"] {
		t.Errorf("the provider api: got %v", plain)
	}
	if !faults(slack.APITraits(), `{"channel": "C1", "text": "x", "metadata": {}}`)["contract.body.metadata"] {
		t.Error("the author's metadata is accepted beside Waypost's")
	}
}
