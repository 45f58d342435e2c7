package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// CallbackKind is the kind of Twilio's callbacks.
const CallbackKind = "twilio"

// SignatureHeader is the header that signs a callback.
const SignatureHeader = "X-Twilio-Signature"

// Callbacks understands what Twilio sends to a StatusCallback URL, and to the
// URL for incoming messages of a number or a Messaging Service
// (https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks).
// Its keys are the account's AuthTokens. Its zero value is ready.
type Callbacks struct{}

// MediaTypes lists what a body may be.
func (Callbacks) MediaTypes() []string {
	return []string{"application/x-www-form-urlencoded", "application/json"}
}

// Signature gives X-Twilio-Signature for a URL and the parameters of a form
// (https://www.twilio.com/docs/usage/security): HMAC-SHA1 of the URL with each
// name and value behind it, in the order of the names; the values of one name
// are sorted too, and one that is there twice counts once.
func Signature(key, url string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(url))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			mac.Write([]byte(name + value))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Verify says whether Twilio signed a callback. A body that is no form is
// signed by its hash in the URL, bodySHA256. Twilio signs no time, so that now
// does not matter. It is not consistent in whether it signs the URL with its
// port, so that, as in its own libraries, both are tried.
func (Callbacks) Verify(c channel.Callback, keys []string, _ time.Time) error {
	if err := verify(c, keys); err != nil {
		return channel.Unverified(err)
	}
	return nil
}

func verify(c channel.Callback, keys []string) error {
	signature, err := c.SignedHeader(SignatureHeader)
	if err != nil {
		return err
	}
	address, _, _ := strings.Cut(c.URL, "#") // what is behind is for Twilio alone
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the URL that was called is not one")
	}
	var form url.Values
	if sum := u.Query().Get("bodySHA256"); sum != "" {
		got := sha256.Sum256(c.Body)
		if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(got[:])), []byte(strings.ToLower(sum))) == 0 {
			return errors.New("the body's hash is not the one in the URL")
		}
	} else if form, err = url.ParseQuery(string(c.Body)); err != nil {
		return errors.New("the body is not a form, and the URL has no hash of it")
	}
	var refused error
	for _, address := range spellings(address, u) {
		if refused = channel.ByOneOf(keys, signature, func(key string) string { return Signature(key, address, form) }); refused == nil {
			return nil
		}
	}
	return refused
}

// spellings are the ways to write a URL that Twilio may have signed: with its
// port, or the scheme's own, and without one. Nothing else of it changes.
func spellings(address string, u *url.URL) []string {
	host, port := u.Host, u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	} else {
		host = strings.TrimSuffix(host, ":"+port)
	}
	with, without := host+":"+port, host
	return []string{strings.Replace(address, "//"+u.Host, "//"+with, 1), strings.Replace(address, "//"+u.Host, "//"+without, 1)}
}

// Read reads the status of a message that was sent, or a message that a
// recipient sent, which matters where it is STOP.
func (Callbacks) Read(c channel.Callback) (channel.Report, error) {
	get, err := values(c.Body)
	if err != nil {
		return channel.Report{}, err
	}
	sid := get("MessageSid")
	if sid == "" {
		sid = get("SmsSid")
	}
	if sid == "" {
		return channel.Report{}, fault.New(fault.Invalid, "the body has no MessageSid")
	}
	status := get("MessageStatus")
	if status == "" { // it came in
		r := channel.Report{Report: ledger.Report{ProviderID: sid}}
		if stop := get("OptOutType"); stop == "STOP" || stop == "" && channel.AsksToStop(get("Body")) {
			r.OptOut(get("From"))
		}
		return r, nil
	}
	r := channel.Report{Report: ledger.Report{Status: statuses[status], ProviderID: sid}}
	if r.Status != ledger.Undelivered {
		return r, nil
	}
	r.Reason = "Twilio reports it as " + status
	if code, err := strconv.Atoi(get("ErrorCode")); err == nil && code > 0 {
		r.Code, r.Reason = strconv.Itoa(code), fmt.Sprintf("Twilio reports it as %s: %d (%s)", status, code, meaning(code))
		if code == optedOut { // a Messaging Service finds out only now
			r.OptOut(get("To"))
		}
	}
	return r, nil
}

// values reads a form, or an object of JSON with the same names.
func values(body []byte) (get func(name string) string, _ error) {
	var object map[string]any
	if json.Unmarshal(body, &object) == nil {
		return func(name string) string {
			if number, ok := object[name].(float64); ok {
				return strconv.FormatFloat(number, 'f', -1, 64)
			}
			s, _ := object[name].(string)
			return s
		}, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the body is not a form")
	}
	return form.Get, nil
}

// statuses are Twilio's in Waypost's words. Those of incoming messages, and
// those that Twilio may add, say nothing.
var statuses = map[string]ledger.Status{
	"accepted": ledger.Accepted, "queued": ledger.Accepted, "scheduled": ledger.Accepted,
	"sending": ledger.Forwarded, "sent": ledger.Forwarded,
	"delivered": ledger.Delivered, "read": ledger.Read,
	"undelivered": ledger.Undelivered, "failed": ledger.Undelivered, "canceled": ledger.Undelivered,
}
