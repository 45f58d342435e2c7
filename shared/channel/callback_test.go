package channel_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/sinch"
	"github.com/waypost/waypost/shared/channel/slack"
	"github.com/waypost/waypost/shared/channel/twilio"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// A reporter understands one kind of callbacks.
type reporter interface {
	Verify(c channel.Callback, keys []string, now time.Time) error
	Read(c channel.Callback) (channel.Report, error)
	MediaTypes() []string
}

// A kind is one of callbacks, with what a test needs to send one.
type kind struct {
	name     string
	reporter reporter
	body     string
	signed   []string // the headers that sign it
	timed    bool
	key      string
	another  string
	sign     func(t *testing.T, c *channel.Callback, key string, at time.Time)
}

const callbackURL = "https://callbacks.example/callback/kind/x.text.0.token?a=1&b=2"

func kinds() []kind {
	unix := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	return []kind{
		{"twilio", twilio.Callbacks{}, "MessageSid=SM1&MessageStatus=delivered&To=%2B15005550010", []string{twilio.SignatureHeader}, false, "token-1", "token-2",
			func(_ *testing.T, c *channel.Callback, key string, _ time.Time) {
				form, _ := url.ParseQuery(string(c.Body))
				c.Header.Set(twilio.SignatureHeader, twilio.Signature(key, c.URL, form))
			}},
		{"sinch", sinch.Callbacks{}, `{"type":"recipient_delivery_report_sms","batch_id":"01","code":0,"status":"Delivered","recipient":"1"}`,
			[]string{sinch.HeaderSignature, sinch.HeaderAlgorithm, sinch.HeaderNonce, sinch.HeaderTimestamp}, true, "secret-1", "secret-2",
			func(_ *testing.T, c *channel.Callback, key string, at time.Time) {
				c.Header.Set(sinch.HeaderAlgorithm, sinch.Algorithm)
				c.Header.Set(sinch.HeaderNonce, "01JHFFHWYY7HSS4FWTMDTQEK8V")
				c.Header.Set(sinch.HeaderTimestamp, unix(at))
				c.Header.Set(sinch.HeaderSignature, sinch.Signature(key, c.Body, "01JHFFHWYY7HSS4FWTMDTQEK8V", unix(at)))
			}},
		{"slack", slack.Callbacks{}, `{"type":"url_verification","challenge":"c"}`, []string{slack.HeaderSignature, slack.HeaderTimestamp}, true, "secret-1", "secret-2",
			func(_ *testing.T, c *channel.Callback, key string, at time.Time) {
				c.Header.Set(slack.HeaderTimestamp, unix(at))
				c.Header.Set(slack.HeaderSignature, slack.Signature(key, unix(at), c.Body))
			}},
		{"webhook", webhook.Callbacks{}, `{"type":"delivery.status","data":{"status":"delivered"}}`,
			[]string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}, true,
			"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
			func(t *testing.T, c *channel.Callback, key string, at time.Time) {
				cred, err := secret.Parse("waypost/key", []byte(`{"key": "`+key+`"}`))
				if err != nil {
					t.Fatal(err)
				}
				req := &http.Request{Header: c.Header}
				if err := (secret.Signature{Type: secret.StandardWebhooks}).Sign(cred, "msg_1", at, c.Body, req); err != nil {
					t.Fatal(err)
				}
			}},
	}
}

// callback makes one that was signed with a key at a time.
func (k kind) callback(t *testing.T, key string, at time.Time) channel.Callback {
	c := channel.Callback{URL: callbackURL, Header: http.Header{}, Body: []byte(k.body)}
	k.sign(t, &c, key, at)
	return c
}

// Every kind accepts what was signed with one of its keys in time, and nothing
// that differs from it in any way. Whatever the reason, a prober is told the same.
func TestVerify(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			keys := []string{k.key}
			check := func(what string, c channel.Callback, keys []string, accepted bool) {
				t.Helper()
				err := k.reporter.Verify(c, keys, now)
				switch {
				case (err == nil) != accepted:
					t.Errorf("%s: got %v, want accepted: %t", what, err, accepted)
				case err == nil:
				case !fault.Is(err, fault.Forbidden) || fault.Line(err) != "the callback is not signed as it must be":
					t.Errorf("%s: a prober is told %q (%s)", what, fault.Line(err), fault.CodeOf(err))
				case strings.Contains(err.Error(), k.key) || err.Error() == fault.Line(err):
					t.Errorf("%s: the log has %q, want the reason without the key", what, err)
				}
			}
			change := func(what string, f func(c *channel.Callback)) {
				t.Helper()
				c := k.callback(t, k.key, now)
				f(&c)
				check(what, c, keys, false)
			}
			good := k.callback(t, k.key, now)
			check("as it was signed", good, keys, true)
			check("the new key of two", good, []string{k.key, k.another}, true)
			check("the old key of two", good, []string{k.another, k.key}, true)
			check("another key", good, []string{k.another}, false)
			check("no key", good, nil, false)
			check("an empty key", good, []string{""}, false)
			check("an empty key beside the right one", good, []string{k.key, ""}, false)
			for i := range k.body {
				change("a changed byte", func(c *channel.Callback) { c.Body[i] ^= 1 })
			}
			change("a byte more", func(c *channel.Callback) { c.Body = append(c.Body, 'x') })
			change("a byte less", func(c *channel.Callback) { c.Body = c.Body[1:] })
			for _, name := range k.signed {
				change("without "+name, func(c *channel.Callback) { c.Header.Del(name) })
				change("an empty "+name, func(c *channel.Callback) { c.Header.Set(name, "") })
				change("twice "+name, func(c *channel.Callback) { c.Header.Add(name, c.Header.Get(name)) })
				change("another before "+name, func(c *channel.Callback) { c.Header[name] = []string{"x", c.Header.Get(name)} })
				for i := range good.Header.Get(name) {
					change("a changed byte in "+name, func(c *channel.Callback) {
						v := []byte(c.Header.Get(name))
						v[i] ^= 4
						c.Header.Set(name, string(v))
					})
				}
				change("spaces around "+name, func(c *channel.Callback) { c.Header.Set(name, "  "+c.Header.Get(name)+"x") })
			}
			change("a signature of nothing", func(c *channel.Callback) { c.Body = nil })
			for _, apart := range []time.Duration{-channel.Window - time.Second, -channel.Window, channel.Window, channel.Window + time.Second} {
				check("signed "+apart.String()+" from now", k.callback(t, k.key, now.Add(apart)), keys, !k.timed || apart.Abs() <= channel.Window)
			}
			if len(k.reporter.MediaTypes()) == 0 {
				t.Error("it has no media type")
			}
			if _, err := k.reporter.Read(good); err != nil {
				t.Errorf("it does not read what it verified: %v", err)
			}
		})
	}
}

// A time has one spelling: others would be signed as they stand, and read as another.
func TestTimely(t *testing.T) {
	t.Parallel()
	at := strconv.FormatInt(now.Unix(), 10)
	for timestamp, want := range map[string]bool{at: true, "+" + at: false, "0" + at: false, " " + at: false, at + ".0": false, "": false, "soon": false,
		"99999999999999999999": false, "-" + at: false, "9223372036854775807": false, "-9223372036854775808": false} {
		if err := channel.Timely(timestamp, now); (err == nil) != want {
			t.Errorf("%q: got %v, want timely: %t", timestamp, err, want)
		}
	}
}

func TestAsksToStop(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"STOP": true, " stop\n": true, "Unsubscribe": true, "optout": true, "stop it": false, "don't stop": false, "": false, "START": false} {
		if got := channel.AsksToStop(text); got != want {
			t.Errorf("%q: got %t", text, got)
		}
	}
}

// One key signs for one kind: what a kind accepts, no other does.
func TestVerifyOtherKinds(t *testing.T) {
	t.Parallel()
	for _, signed := range kinds() {
		c := signed.callback(t, signed.key, now)
		for _, k := range kinds() {
			if k.name != signed.name && k.reporter.Verify(c, []string{signed.key}, now) == nil {
				t.Errorf("%s accepts what %s signed", k.name, signed.name)
			}
		}
	}
}
