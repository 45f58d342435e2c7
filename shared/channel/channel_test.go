package channel_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/waypost/waypost/shared/channel"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestByStatus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code       int
		retryAfter string
		result     channel.Result
		after      time.Duration
	}{
		{code: 200, result: channel.Accepted},
		{code: 204, result: channel.Accepted},
		{code: 302, result: channel.Refused},
		{code: 404, result: channel.Refused},
		{code: 408, result: channel.Ambiguous},
		{code: 409, result: channel.Refused},
		{code: 429, result: channel.Retryable},
		{code: 429, retryAfter: "7", result: channel.Retryable, after: 7 * time.Second},
		{code: 500, result: channel.Ambiguous},
		{code: 503, result: channel.Ambiguous},
		{code: 503, retryAfter: "7", result: channel.Ambiguous, after: 7 * time.Second},
	} {
		whose := map[int]channel.Whose{302: channel.OfMessage, 409: channel.OfMessage}[tc.code]
		if whose == "" && tc.result != channel.Accepted {
			whose = channel.OfProvider
		}
		header := http.Header{}
		if tc.retryAfter != "" {
			header.Set("Retry-After", tc.retryAfter)
		}
		got := channel.ByStatus(channel.Answer{Code: tc.code, Header: header}, now)
		if got.Result != tc.result || got.RetryAfter != tc.after || got.Whose != whose {
			t.Errorf("%d %s: got %+v, want %s of the %s after %v", tc.code, tc.retryAfter, got, tc.result, whose, tc.after)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		header string
		want   time.Duration
	}{
		{"", 0}, {"soon", 0}, {"-1", 0}, {"1.5", 0}, {"0", 0}, {" 30 ", 30 * time.Second},
		{"21600", channel.MaxRetryAfter}, {"21601", channel.MaxRetryAfter},
		{"18446744074", channel.MaxRetryAfter}, {"99999999999999999999999", channel.MaxRetryAfter},
		{"Wed, 04 Mar 2026 05:07:07 GMT", time.Minute}, {"Wed, 04 Mar 2026 05:05:07 GMT", 0}, {"Thu, 04 Mar 9999 05:06:07 GMT", channel.MaxRetryAfter},
	} {
		if got := channel.RetryAfter(http.Header{"Retry-After": {tc.header}}, now); got != tc.want {
			t.Errorf("%q: got %v, want %v", tc.header, got, tc.want)
		}
	}
}
