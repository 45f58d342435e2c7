package callback_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/callback"
	"github.com/waypost/waypost/shared/callback/callbacktest"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/optout"
	"github.com/waypost/waypost/shared/secret"
)

const (
	base  = "https://callbacks.example/callback"
	token = "x1.text.0.NONCE"
	key   = "key-now-4w1"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// A world is what stands behind the handler, in memory.
type world struct {
	deliveries map[ledger.DeliveryID]ledger.Delivery
	actions    map[string]*action.Action
	secrets    map[string]string // what the store would fetch
	held       map[string]string // what it has in memory; the same where not set
	down       map[string]bool   // by method
	renewals   int
	woken      []ledger.Delivery
	mu         sync.Mutex // for the opt-outs
	optOuts    map[string]optout.OptOut
	log        bytes.Buffer
}

func newWorld() *world {
	sms := &action.Action{Definition: action.Definition{Name: "ready_text", Channel: "sms", Provider: "first"}}
	sms.Settings.Callback = &action.Callback{Secret: "waypost/first"}
	sms.Settings.Failover = &action.Failover{Provider: "second", Callback: &action.Callback{Secret: "waypost/second"}}
	quiet := &action.Action{Definition: action.Definition{Name: "quiet", Channel: "sms", Provider: "first"}}
	w := &world{deliveries: map[ledger.DeliveryID]ledger.Delivery{}, actions: map[string]*action.Action{"ready_text": sms, "quiet": quiet},
		secrets: map[string]string{"waypost/first": `{"key": "` + key + `", "previousKey": "key-before"}`, "waypost/second": `{"key": "key-of-second"}`},
		held:    map[string]string{}, down: map[string]bool{}, optOuts: map[string]optout.OptOut{}}
	w.put(ledger.Delivery{Execution: "x1", Step: "text", Action: "ready_text", ActionVersion: 1, Channel: "sms", Provider: "first", Callback: "NONCE",
		State: ledger.Settled, Outcome: ledger.Sent})
	w.put(ledger.Delivery{Execution: "x2", Step: "text", Action: "quiet", ActionVersion: 1, Channel: "sms", Provider: "first", Callback: "NONCE"})
	return w
}

func (w *world) put(d ledger.Delivery) { w.deliveries[d.ID()] = d }

func (w *world) gone(method string) error {
	if w.down[method] {
		return fault.New(fault.Unavailable, "%s did not answer", method)
	}
	return nil
}

func (w *world) Delivery(_ context.Context, id ledger.DeliveryID) (ledger.Delivery, error) {
	d, found := w.deliveries[id]
	if !found {
		return d, fault.New(fault.NotFound, "there is no delivery")
	}
	return d, w.gone("Delivery")
}

func (w *world) Hear(_ context.Context, d ledger.Delivery, r ledger.Report) (ledger.Delivery, bool, error) {
	if err := w.gone("Hear"); err != nil {
		return d, false, err
	}
	moved := d.Hear(r)
	w.put(d)
	return d, moved, nil
}

func (w *world) Recent(ctx context.Context, name string, _ int) (*action.Action, error) {
	return w.Newest(ctx, name)
}

func (w *world) Newest(_ context.Context, name string) (*action.Action, error) {
	if w.actions[name] == nil {
		return nil, fault.New(fault.NotFound, "there is no action")
	}
	return w.actions[name], w.gone("Newest")
}

func (w *world) credential(name string, from map[string]string) (secret.Credential, error) {
	text, found := from[name]
	if !found {
		return secret.Credential{}, fault.New(fault.NotFound, "the secret %s does not exist", name)
	}
	return secret.Parse(name, []byte(text))
}

func (w *world) Get(_ context.Context, name string) (secret.Credential, error) {
	if err := w.gone("Get"); err != nil {
		return secret.Credential{}, err
	}
	if _, found := w.held[name]; found {
		return w.credential(name, w.held)
	}
	return w.credential(name, w.secrets)
}

func (w *world) Renew(_ context.Context, name string, used secret.Credential) (secret.Credential, bool, error) {
	w.renewals++
	if err := w.gone("Renew"); err != nil {
		return used, false, err
	}
	fresh, err := w.credential(name, w.secrets)
	return fresh, err == nil && !fresh.Same(used), err
}

func (w *world) Wake(_ context.Context, d ledger.Delivery) error {
	if err := w.gone("Wake"); err != nil {
		return err
	}
	w.woken = append(w.woken, d)
	return nil
}

func (w *world) Add(_ context.Context, recipient string, o optout.OptOut) error {
	if err := errors.Join(w.gone("Add"), w.gone("Add "+recipient)); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.optOuts[recipient] = o
	return nil
}

func (w *world) handler() *callback.Handler {
	return &callback.Handler{
		Reporters: map[string]callback.Reporter{"one": callbacktest.Reporter{}, "two": callbacktest.Reporter{}},
		Channels:  []channel.Traits{{Channel: "sms", Provider: "first", Callback: "one", Recipient: "to"}, {Channel: "sms", Provider: "second", Callback: "two", Recipient: "to"}, {Channel: "screen", Callback: "one"}},
		Records:   w, Actions: w, Secrets: w, OptOuts: w, Waker: w, Base: base, Log: slog.New(slog.NewJSONHandler(&w.log, nil)), Now: func() time.Time { return noon },
	}
}

// A call is one request; its zero value is a good one.
type call struct {
	method, path, media, body string
	key                       string   // signs it; "none" for nobody
	signs                     string   // the URL that is signed, where it is another
	more                      []string // signatures besides
}

func (w *world) do(h *callback.Handler, c call) *httptest.ResponseRecorder {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	c.path, c.body = or(c.path, "/callback/one/"+token), or(c.body, callbacktest.Body{Status: ledger.Delivered}.String())
	r := httptest.NewRequest(or(c.method, http.MethodPost), "https://evil.example"+c.path, strings.NewReader(c.body))
	r.Header.Set("Content-Type", or(c.media, "application/json; charset=utf-8"))
	if c.key != "none" {
		signed := or(c.signs, base+strings.TrimPrefix(c.path, "/callback"))
		r.Header.Set(callbacktest.Header, callbacktest.Sign(or(c.key, key), signed, c.body))
	}
	for _, s := range c.more {
		r.Header.Add(callbacktest.Header, s)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// Whatever is refused changes nothing, and its sender learns the status alone.
func TestRefusals(t *testing.T) {
	large := callbacktest.Body{Status: ledger.Delivered, Reason: strings.Repeat("x", callback.MaxBody)}.String()
	for _, tc := range []struct {
		name string
		call call
		harm func(*world)
		want int
	}{
		{name: "another method", call: call{method: http.MethodGet}, want: 405},
		{name: "another method, unsigned and elsewhere", call: call{method: http.MethodPut, path: "/x", key: "none"}, want: 405},
		{name: "another path", call: call{path: "/entry/one/" + token}, want: 404},
		{name: "no token", call: call{path: "/callback/one"}, want: 404},
		{name: "an empty token", call: call{path: "/callback/one/"}, want: 404},
		{name: "more path", call: call{path: "/callback/one/" + token + "/more"}, want: 404},
		{name: "an unknown kind", call: call{path: "/callback/three/" + token}, want: 404},
		{name: "too large", call: call{body: large}, want: 413},
		{name: "too large and unsigned", call: call{body: large, key: "none", path: "/callback/one/x"}, want: 413},
		{name: "another media type", call: call{media: "application/x-www-form-urlencoded"}, want: 415},
		{name: "no media type", call: call{media: ";"}, want: 415},
		{name: "a malformed token", call: call{path: "/callback/one/x1"}, want: 404},
		{name: "an escaped token", call: call{path: "/callback/one/x1.text.0%2ENONCE"}, want: 404},
		{name: "a token that is too long", call: call{path: "/callback/one/" + strings.Repeat("x", 300) + ".text.0.NONCE"}, want: 404},
		{name: "an unknown delivery", call: call{path: "/callback/one/x9.text.0.NONCE"}, want: 404},
		{name: "another secret part", call: call{path: "/callback/one/x1.text.0.NONCF"}, want: 404},
		{name: "no secret part", call: call{path: "/callback/one/x1.text.0."}, want: 404},
		{name: "an id that is written otherwise", call: call{path: "/callback/one/x1.text.00.NONCE"}, want: 404},
		{name: "an action that asks for no reports", call: call{path: "/callback/one/x2.text.0.NONCE"}, want: 404},
		{name: "an action that is gone", harm: func(w *world) { delete(w.actions, "ready_text") }, want: 404},
		{name: "unsigned", call: call{key: "none"}, want: 403},
		{name: "signed twice", call: call{more: []string{"00"}}, want: 403},
		{name: "signed by another key", call: call{key: "another"}, want: 403},
		{name: "signed by the other provider's key", call: call{key: "key-of-second"}, want: 403},
		{name: "signed for another delivery", call: call{signs: base + "/one/x9.text.0.NONCE"}, want: 403},
		{name: "signed for the host that it names", call: call{signs: "https://evil.example/callback/one/" + token}, want: 403},
		{name: "signed without its query", call: call{path: "/callback/one/" + token + "?a=b", signs: base + "/one/" + token}, want: 403},
		{name: "by another kind", call: call{path: "/callback/two/" + token}, want: 403},
		{name: "inbound, unsigned", call: call{path: "/callback/one/inbound.ready_text", key: "none"}, want: 403},
		{name: "inbound, of no action", call: call{path: "/callback/one/inbound.none", key: "none"}, want: 403},
		{name: "inbound, of an action that asks for no reports", call: call{path: "/callback/one/inbound.quiet"}, want: 403},
		{name: "unreadable", call: call{body: `{"status": `}, want: 400},
		{name: "no secret", harm: func(w *world) { delete(w.secrets, "waypost/first") }, want: 503},
		{name: "a secret without its key", harm: func(w *world) { w.secrets["waypost/first"] = `{"previousKey": "` + key + `"}` }, want: 503},
		{name: "an empty key", call: call{key: "none"}, harm: func(w *world) { w.secrets["waypost/first"] = `{"key": ""}` }, want: 503},
		{name: "a key that can't be used", call: call{key: "none"}, harm: func(w *world) { w.secrets["waypost/first"] = `{"key": "` + callbacktest.Unusable + `"}` }, want: 503},
		{name: "no answer of the ledger", harm: func(w *world) { w.down["Delivery"] = true }, want: 503},
		{name: "no answer of the catalog", harm: func(w *world) { w.down["Newest"] = true }, want: 503},
		{name: "no answer of the secrets", harm: func(w *world) { w.down["Get"] = true }, want: 503},
		{name: "no answer for a key that may be new", call: call{key: "newest"}, harm: func(w *world) { w.down["Renew"] = true }, want: 503},
		{name: "no answer when it is recorded", harm: func(w *world) { w.down["Hear"] = true }, want: 503},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			if tc.harm != nil {
				tc.harm(w)
			}
			before := w.deliveries[ledger.DeliveryID{Execution: "x1", Step: "text"}]
			got := w.do(w.handler(), tc.call)
			if got.Code != tc.want {
				t.Errorf("got %d, want %d", got.Code, tc.want)
			}
			want := map[string]any{"type": "about:blank", "title": http.StatusText(tc.want), "detail": http.StatusText(tc.want), "status": float64(tc.want)}
			var body map[string]any
			if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil || cmp.Diff(want, body) != "" {
				t.Errorf("it is told %s, want the status alone", got.Body)
			}
			if got, want := got.Header().Get("Content-Type"), "application/problem+json"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if d := cmp.Diff(before, w.deliveries[before.ID()]); d != "" || len(w.woken) > 0 {
				t.Errorf("something has changed: %s %v", d, w.woken)
			}
			var line struct {
				Msg, Kind, Error string
				Status           int
			}
			if err := json.Unmarshal(w.log.Bytes(), &line); err != nil || line.Msg != "callback refused" || line.Status != tc.want || line.Error == "" {
				t.Errorf("the log has %s", &w.log)
			}
			for _, word := range []string{"NONCE", "three", "key-", "evil", "xxxx"} {
				if strings.Contains(w.log.String(), word) {
					t.Errorf("the log has %s: %s", word, &w.log)
				}
			}
		})
	}
}

func TestReports(t *testing.T) {
	id := ledger.DeliveryID{Execution: "x1", Step: "text"}
	w := newWorld()
	h := w.handler()
	for _, tc := range []struct {
		name string
		call call
		want ledger.Status
	}{
		{"nothing of a message's fate", call{body: `{}`}, ""},
		{"accepted", call{body: callbacktest.Body{Status: ledger.Accepted, ID: "m-1"}.String()}, ledger.Accepted},
		{"delivered, with a query, by the key before", call{path: "/callback/one/" + token + "?a=b%20c&a=d", key: "key-before"}, ledger.Delivered},
		{"again", call{}, ledger.Delivered},
		{"an earlier one, late", call{body: callbacktest.Body{Status: ledger.Accepted}.String()}, ledger.Delivered},
		{"read, by the failover's provider", call{path: "/callback/two/" + token, key: "key-of-second", body: callbacktest.Body{Status: ledger.Read}.String()}, ledger.Read},
	} {
		got := w.do(h, tc.call)
		if got.Code != http.StatusNoContent || got.Body.Len() > 0 {
			t.Errorf("%s: got %d %s, want 204", tc.name, got.Code, got.Body)
		}
		if got := w.deliveries[id]; got.Status != tc.want {
			t.Errorf("%s: got the status %q, want %q", tc.name, got.Status, tc.want)
		}
	}
	if got := w.deliveries[id]; got.ProviderID != "m-1" || !got.StatusAt.Equal(noon) {
		t.Errorf("got %+v, want what was reported", got)
	}
}

// A key that was replaced is known at the first callback that it signs.
func TestRotatedKey(t *testing.T) {
	w := newWorld()
	h := w.handler()
	w.held["waypost/first"] = `{"key": "key-before"}`
	if got := w.do(h, call{}); got.Code != http.StatusNoContent || w.renewals != 1 {
		t.Errorf("got %d after %d renewals, want 204 after 1", got.Code, w.renewals)
	}
	if got := w.do(h, call{key: "key-before"}); got.Code != http.StatusNoContent || w.renewals != 1 {
		t.Errorf("the key before: got %d after %d renewals, want 204 after 1", got.Code, w.renewals)
	}
}

// The step that waits is woken by the final status, and again by its repeat:
// whoever failed to wake it once is called again.
func TestWaking(t *testing.T) {
	w := newWorld()
	h := w.handler()
	d := w.deliveries[ledger.DeliveryID{Execution: "x1", Step: "text"}]
	d.TaskToken = "task-1"
	w.put(d)
	for _, step := range []struct {
		status ledger.Status
		down   bool
		code   int
		woken  int
	}{
		{ledger.Forwarded, false, 204, 0}, {ledger.Delivered, true, 503, 0}, {ledger.Delivered, false, 204, 1}, {ledger.Delivered, false, 204, 2},
		{ledger.Forwarded, false, 204, 3},
	} {
		w.down["Wake"] = step.down
		got := w.do(h, call{body: callbacktest.Body{Status: step.status}.String()})
		if got.Code != step.code || len(w.woken) != step.woken {
			t.Errorf("%s: got %d, woken %d times; want %d and %d", step.status, got.Code, len(w.woken), step.code, step.woken)
		}
	}
	h.Waker = nil
	if got := w.do(h, call{}); got.Code != http.StatusNoContent {
		t.Errorf("without a waker: got %d, want 204", got.Code)
	}
}

// Without a base the URL is that of the request's host, which on Lambda is the
// domain that was called.
func TestURLWithoutBase(t *testing.T) {
	w := newWorld()
	h := w.handler()
	h.Base = ""
	if got := w.do(h, call{signs: "https://evil.example/callback/one/" + token}); got.Code != http.StatusNoContent {
		t.Errorf("got %d, want 204", got.Code)
	}
}

// Who mends a refused signature, or a report that can't be read, is told where:
// the secrets by which it was held to, or the action.
func TestRefusalsNameTheirPlace(t *testing.T) {
	for _, tc := range []struct {
		name  string
		call  call
		alike bool
		want  []string
	}{
		{"another key", call{key: "another"}, false, []string{"the secret waypost/first"}},
		{"another key than either's", call{key: "another"}, true, []string{"the secret waypost/first", "the secret waypost/second"}},
		{"unreadable", call{body: `{"status": `}, false, []string{"the action ready_text"}},
	} {
		w := newWorld()
		h := w.handler()
		if tc.alike {
			h.Channels[1].Callback = "one"
		}
		w.do(h, tc.call)
		for _, want := range tc.want {
			if !strings.Contains(w.log.String(), want) {
				t.Errorf("%s: the log has %s, want %s", tc.name, &w.log, want)
			}
		}
	}
}
