package action_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
)

// What is wrong with a document is told by the cases of package admin
// (testdata/mistakes); these tests hold what a document means.

func TestDefaults(t *testing.T) {
	for _, tc := range []struct {
		settings string
		timeout  time.Duration
		attempts int
		within   time.Duration
	}{
		{`{"url": "https://a.example.com"}`, 10 * time.Second, 4, time.Hour},
		{`{"url": "https://a.example.com", "retry": {}}`, 10 * time.Second, 4, time.Hour},
		{`{"url": "https://a.example.com", "timeout": "1.5s", "retry": {"attempts": 1, "within": "1h30m"}}`, 1500 * time.Millisecond, 1, 90 * time.Minute},
	} {
		s, err := action.ParseSettings([]byte(tc.settings), anyURL{})
		if err != nil {
			t.Fatal(err)
		}
		if s.EndpointTimeout() != tc.timeout || s.Attempts() != tc.attempts || s.Within() != tc.within {
			t.Errorf("%s: %s, %d, %s", tc.settings, s.EndpointTimeout(), s.Attempts(), s.Within())
		}
		// What is written reads as the same.
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := action.ParseSettings(text, anyURL{})
		if diff := cmp.Diff(s, again); err != nil || diff != "" {
			t.Errorf("%s, written as %s: %v %s", tc.settings, text, err, diff)
		}
	}
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		10 * time.Second: "10s", time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m", 100 * time.Millisecond: "100ms",
		time.Hour + 500*time.Millisecond: "1h0m0.5s", 24 * time.Hour: "24h", 20*time.Hour + 20*time.Second: "20h0m20s",
	} {
		if got := action.Duration(d).String(); got != want {
			t.Errorf("%s is written %s, want %s", d, got, want)
		}
		var read action.Duration
		if err := json.Unmarshal([]byte(`"`+want+`"`), &read); err != nil || time.Duration(read) != d {
			t.Errorf("%s reads as %s: %v", want, read, err)
		}
	}
}

func TestSettingsAlone(t *testing.T) {
	_, err := action.ParseSettings([]byte(`{"url": "https://a.example.com", "timeout": "2m", "limits": [{"kind": "cap", "calls": 1, "per": "x"}]}`), anyURL{})
	want := "timeout: must be from 100ms to 30s\nlimits.0.per: must be a duration from \"100ms\" to \"24h\", such as \"1s\", \"1m\" or \"1h\""
	if diff := cmp.Diff(want, details(err)); diff != "" {
		t.Error(diff)
	}
}

// Whatever is parsed can be written and parsed again, with the same fields,
// and composes or says why not; nothing panics.
func FuzzParse(f *testing.F) {
	for _, contract := range []string{bookings, order, `{"body": [[{"l": [{"a": {"toBeMapped": true, "type": "string"}}]}]]}`, `{"body": {"toBeMapped": true, "type": "object"}}`, `{"response": {"a": {"type": "string"}}}`, `{"path": "/{a}{b}"}`} {
		f.Add([]byte(`{"name": "shop", "channel": "webhook", "contract": ` + contract + `, "settings": {"url": "https://shop.example.com", "requires": "profile.a == 1"}}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := action.Parse(data, anyURL{})
		if err != nil {
			if code := fault.CodeOf(err); code != fault.Invalid && code != fault.Malformed {
				t.Fatalf("%s: %v", code, err)
			}
			return
		}
		text, err := json.Marshal(a.Definition)
		if err != nil {
			t.Fatal(err)
		}
		again, err := action.Parse(text, anyURL{})
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if diff := cmp.Diff(a.FieldNames(), again.FieldNames()); diff != "" {
			t.Fatal(diff)
		}
		for _, lists := range []bool{false, true} {
			m, err := a.Compose(someValues(a.Fields, lists))
			if err != nil || !m.HasBody {
				continue
			}
			if _, err := m.JSON(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// someValues gives fields one value or another; with lists, each list has items.
func someValues(fields []*action.Field, lists bool) map[string]any {
	values := map[string]any{}
	for i, f := range fields {
		switch {
		case f.Item != nil && lists:
			values[f.Name] = []any{someValues(f.Item.Fields, i%2 == 0), map[string]any{}}
		case !f.Lone():
			values[f.Name] = []any{"text", 1.0, true, nil, map[string]any{}, []any{}}[i%6]
		}
	}
	return values
}
