package channel

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

// Window is how far a callback's time of signing may be from now, in both
// directions: what Slack, Sinch and Standard Webhooks advise.
const Window = 5 * time.Minute

// Unverified makes the error of a callback that is not signed as it must be.
// Whatever the reason, which is for the log, a prober is told the same.
func Unverified(reason error) error {
	return fault.Wrap(reason, fault.Forbidden, "the callback is not signed as it must be")
}

// SignedHeader gives a header that a callback must have once: of two, nobody
// can tell which was signed.
func (c Callback) SignedHeader(name string) (string, error) {
	switch values := c.Values(name); {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", fmt.Errorf("the header %s is missing", name)
	case len(values) > 1:
		return "", fmt.Errorf("the header %s is there %d times", name, len(values))
	default:
		return values[0], nil
	}
}

// Timely says whether a time in Unix seconds is within the Window around now.
// There is one way to write it, so that no other text can be signed as the same time.
func Timely(timestamp string, now time.Time) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != timestamp {
		return errors.New("the time of signing is not one in Unix seconds")
	}
	if apart := now.Sub(time.Unix(seconds, 0)); apart.Abs() > Window {
		return fmt.Errorf("it was signed %v from now, over %v", apart.Truncate(time.Second), Window)
	}
	return nil
}

// ByOneOf says whether a signature is the one that sign makes with one of the
// keys. It tries all, and takes as long for each. An empty key, which anybody
// could sign with, is an error even beside others.
func ByOneOf(keys []string, signature string, sign func(key string) string) error {
	if err := CheckKeys(keys); err != nil {
		return err
	}
	found := 0
	for _, key := range keys {
		found |= subtle.ConstantTimeCompare([]byte(sign(key)), []byte(signature))
	}
	if found == 0 {
		return errors.New("the signature is by none of the keys, or of something else")
	}
	return nil
}

// CheckKeys says whether there are keys, and none is empty.
func CheckKeys(keys []string) error {
	switch {
	case len(keys) == 0:
		return errors.New("there is no key to verify with")
	case slices.Contains(keys, ""):
		return errors.New("a key to verify with is empty")
	}
	return nil
}

// stopWords are what a recipient answers who wants no more messages: those
// that Twilio obeys for every sender
// (https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out).
var stopWords = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}

// AsksToStop says whether a text message is one that opts out: one of the
// words alone, in any case.
func AsksToStop(text string) bool {
	return slices.Contains(stopWords, strings.ToUpper(strings.TrimSpace(text)))
}
