package channel_test

import (
	"net/http"
	"testing"

	"github.com/waypost/waypost/shared/channel"
)

func TestLookupJudge(t *testing.T) {
	t.Parallel()
	l := channel.Lookup{Names: []string{"x.award.0", "1001"}}
	for _, tc := range []struct {
		code   int
		body   string
		result channel.Result
	}{
		{200, `{"id": "x.award.0"}`, channel.Accepted},
		{200, `{"items": [{"order": {"number": 1001}}]}`, channel.Accepted},
		{200, `[{"reference": "1001"}]`, channel.Accepted},
		{404, `{"id": "x.award.0"}`, channel.Retryable},
		{410, ``, channel.Retryable},
		{200, `[]`, channel.Retryable},
		{200, `{"items": []}`, channel.Ambiguous},
		{200, `{"id": "x.award.00", "key": {"1001": null}}`, channel.Ambiguous}, // a value, and a whole one
		{200, `<html>1001`, channel.Ambiguous},
		{204, ``, channel.Ambiguous},
		{302, ``, channel.Ambiguous},
		{401, ``, channel.Ambiguous},
		{429, ``, channel.Ambiguous},
		{503, ``, channel.Ambiguous},
	} {
		got := l.Judge(channel.Answer{Code: tc.code, Header: http.Header{}, Body: []byte(tc.body)}, now)
		if got.Result != tc.result || got.Result != channel.Accepted && got.Reason == "" {
			t.Errorf("%d %s: got %s (%s), want %s", tc.code, tc.body, got.Result, got.Reason, tc.result)
		}
	}
}
