package signage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/signage"
	"github.com/waypost/waypost/shared/secret"
)

type anyURL struct{}

func (anyURL) Check(string) error { return nil }

func parsed(t *testing.T, contract string) (*action.Action, []string) {
	t.Helper()
	a, err := action.Parse([]byte(`{"name": "screen", "channel": "signage", "contract": `+contract+`, "settings": {"url": "https://screens.example"}}`), anyURL{})
	if err != nil {
		t.Fatal(err)
	}
	var wrong []string
	for _, d := range signage.Traits().Faults(a) {
		wrong = append(wrong, d.Path+": "+d.Message)
	}
	return a, wrong
}

const contract = `{"method": "POST", "body": {"screens": {"toBeMapped": true, "type": "array", "items": {"type": "string"}},
	"price": {"toBeMapped": true, "type": "integer"}, "end": {"toBeMapped": true, "type": "string", "format": "date-time"}}, "display": %s}`

// The version and the validity are the journey's, or Waypost's.
func TestEncode(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	var targets []string
	for _, tc := range []struct {
		display string
		screens []any
		body    string
		version int64
		until   time.Time
	}{
		{`{"screen": "screens", "version": "price", "validUntil": "end"}`, []any{"a", "b"},
			`{"end":"2026-02-01T00:00:00Z","price":7,"screens":["a","b"]}`, 7, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		{`{"screen": "screens", "version": "meta.v", "validUntil": "meta.until", "validFor": "30m"}`, []any{"b", "a"},
			`{"end":"2026-02-01T00:00:00Z","meta":{"until":"2026-01-31T10:00:00Z","v":1769851800000000},"price":7,"screens":["b","a"]}`,
			start.UnixMicro(), start.Add(30 * time.Minute)},
	} {
		a, wrong := parsed(t, fmt.Sprintf(contract, tc.display))
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		m, err := a.Compose(map[string]any{"screens": tc.screens, "price": int64(7), "end": "2026-02-01T00:00:00Z"})
		if err != nil {
			t.Fatal(err)
		}
		m.Start = start
		r, err := signage.Channel{}.Encode(m, secret.Credential{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.body, string(r.Body)); diff != "" {
			t.Error(diff)
		}
		if r.Turn.Version != tc.version || !r.Turn.Until.Equal(tc.until) {
			t.Errorf("%s: got %+v", tc.display, r.Turn)
		}
		targets = append(targets, r.Turn.Target)
	}
	if targets[0] != targets[1] {
		t.Errorf("the same screens in another order are other targets: %v", targets)
	}
}

// A group's name may be a screen's too: what one shows does not make the other's stale.
func TestTargets(t *testing.T) {
	t.Parallel()
	targets := map[string]string{}
	for _, call := range []string{`"method": "PUT", "path": "/v1/screens/{screen}"`, `"method": "PATCH", "path": "/v1/screens/{screen}"`, `"method": "PUT", "path": "/v1/groups/{screen}"`} {
		a, wrong := parsed(t, `{`+call+`, "pathParams": {"screen": {"toBeMapped": true, "type": "string"}}, "body": {},
			"display": {"screen": "path.screen", "version": "v", "validUntil": "until", "validFor": "30m"}}`)
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		m, err := a.Compose(map[string]any{"path.screen": "lobby"})
		if err != nil {
			t.Fatal(err)
		}
		r, err := signage.Channel{}.Encode(m, secret.Credential{})
		if err != nil {
			t.Fatal(err)
		}
		targets[call] = r.Turn.Target
	}
	screen, changed, group := targets[`"method": "PUT", "path": "/v1/screens/{screen}"`], targets[`"method": "PATCH", "path": "/v1/screens/{screen}"`],
		targets[`"method": "PUT", "path": "/v1/groups/{screen}"`]
	if screen != changed || screen == group {
		t.Errorf("got the targets %v, want one for the screen and another for the group", targets)
	}
}

// A version below 0 would be older than none.
func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	a, wrong := parsed(t, fmt.Sprintf(contract, `{"screen": "screens", "version": "price", "validUntil": "end"}`))
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	m, err := a.Compose(map[string]any{"screens": []any{"a"}, "price": int64(-1), "end": "2026-02-01T00:00:00Z"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (signage.Channel{}).Encode(m, secret.Credential{}); err == nil || err.Error() != "price: the version came out as no whole number from 0 on" {
		t.Errorf("got %v", err)
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code   int
		body   string
		result channel.Result
	}{
		{200, `{"version": 9}`, channel.Accepted},
		{409, `{"version": 6}`, channel.Superseded},
		{412, `{"current": {"version": "6"}}`, channel.Superseded},
		{409, `{"currentVersion": 6}`, channel.Superseded},
		{409, `{"version": 5}`, channel.Accepted}, // an earlier attempt's
		{409, `{"version": 4}`, channel.Refused},
		{409, `{"error": "locked"}`, channel.Refused},
		{412, `version 6`, channel.Refused},
		{404, `{"version": 6}`, channel.Refused},
		{429, ``, channel.Retryable},
		{503, `{"version": 6}`, channel.Ambiguous},
	} {
		got := signage.Channel{}.Classify(channel.Answer{Code: tc.code, Body: []byte(tc.body), Version: 5})
		if got.Result != tc.result {
			t.Errorf("%d %s: got %s (%s), want %s", tc.code, tc.body, got.Result, got.Reason, tc.result)
		}
	}
}

// Each row is a mistake in contract.display, and what its author is told.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ display, want string }{
		{`{"screen": "screns", "version": "v", "validUntil": "end"}`, "screen: must name a field that journeys map: a screen, or a group of screens"},
		{`{"screen": "price", "version": "v", "validUntil": "end"}`, "screen: names price, which must be of type string or array, neither optional nor nullable, and have no default"},
		{`{"screen": "screens", "version": "end", "validUntil": "end"}`, "version: names the field end, which must be of type integer, neither optional nor nullable, and have no default"},
		{`{"screen": "screens", "version": "path.v", "validUntil": "end"}`, "version: must be in the headers, the query or the body: headers.NAME, query.NAME, or a path in the body"},
		{`{"screen": "screens", "version": "v", "validUntil": "price"}`, "validUntil: names the field price, which must be of type string and format date-time, neither optional nor nullable, and have no default"},
		{`{"screen": "screens", "version": "v", "validUntil": "until"}`, `validFor: is missing: how long a message is valid, such as "30m"; or name in validUntil a field of format date-time`},
		{`{"screen": "screens", "version": "v", "validUntil": "end", "validFor": "1h"}`, "validFor: is not used where validUntil is the field end; leave it out"},
		{`{"screen": "screens", "version": "m", "validUntil": "m", "validFor": "1h"}`, "validUntil: is where the version goes; give each a place of its own"},
		{`{"screen": "screens", "version": "m", "validUntil": "body.m.until", "validFor": "1h"}`, "validUntil: is where the version goes; give each a place of its own"},
		{`{"screen": "screens", "version": "m.v", "validUntil": "m", "validFor": "1h"}`, "validUntil: is where the version goes; give each a place of its own"},
		{`{"screen": "screens", "version": "headers.X-M", "validUntil": "headers.x-m", "validFor": "1h"}`, "validUntil: is where the version goes; give each a place of its own"},
	} {
		_, got := parsed(t, fmt.Sprintf(contract, tc.display))
		if diff := cmp.Diff([]string{"contract.display." + tc.want}, got); diff != "" {
			t.Errorf("%s: %s", tc.display, diff)
		}
	}
}
