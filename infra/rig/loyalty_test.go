package rig_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/sink"
	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
)

const (
	loyalty = `{"channel": "loyalty", "contract": {"path": "/v1/awards",
		"body": {"to": null, "text": null, "member": {"toBeMapped": true, "type": "string"}, "points": 5, "reference": {"toBeMapped": true, "type": "string"}},
		"award": {"key": "headers.X-Award-Id", "reference": "reference"%s}, "response": {"id": null, "award": {"type": "string"}, "points": {"type": "integer"}}},
		"settings": {"guarantee": "%s", "url": "https://loyalty.example"}}`
	lookup       = `, "lookup": {"path": "/v1/awards/{key}"}`
	awardJourney = `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"member": "{{ profile.phone }}", "reference": "{{ event.orderId }}"}}}]}`
)

// stood answers as a stand-in does.
func stood(h http.Handler, c rig.Request) rig.Reply {
	r := httptest.NewRequest(c.Method, c.URL, strings.NewReader(c.Body))
	r.Header = c.Header.Clone()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	reply := rig.Reply{Status: rec.Code, Body: rec.Body.String(), Header: map[string]string{}}
	for name := range rec.Header() {
		reply.Header[name] = rec.Header().Get(name)
	}
	return reply
}

// Each row is one award: what each call met, and what it came to. An award is
// given once, whatever its answers were.
func TestAwards(t *testing.T) {
	t.Parallel()
	slow := func(rig.Reply) rig.Reply { return rig.Reply{Status: 201, Takes: time.Minute} }
	lost := func(rig.Reply) rig.Reply { return rig.Reply{Fails: egress.Lost, Written: true} }
	never := func(rig.Reply) rig.Reply { return rig.Reply{Fails: egress.Connect} }
	as := func(code int) func(rig.Reply) rig.Reply { return func(rig.Reply) rig.Reply { return status(code) } }
	empty := func(rig.Reply) rig.Reply { return rig.Reply{Status: 200, Body: `{"items": []}`} }
	type bend = func(rig.Reply) rig.Reply
	for _, tc := range []struct {
		name      string
		guarantee string // atLeastOnce where empty
		lookup    bool
		// before keeps the service from seeing a call; after changes its answer. Of the n-th call, from 1.
		before, after map[int]bend
		// late is the call after whose answer the first award is made, where the service is slow.
		late int

		outcome ledger.Outcome
		reason  string
		calls   string // the methods that the endpoint saw
		given   int    // awards
		seen    string // by the journey
	}{
		{name: "given", outcome: "sent", calls: "POST", given: 1, seen: "5 points"},
		{name: "refused", before: map[int]bend{1: as(422)}, outcome: "failed", reason: "422", calls: "POST"},
		{name: "too many at once", before: map[int]bend{1: as(429)}, outcome: "sent", calls: "POST POST", given: 1, seen: "5 points"},
		{name: "not reached", before: map[int]bend{1: never}, outcome: "sent", calls: "POST", given: 1, seen: "5 points"},
		{name: "lost, and repeated under the key", after: map[int]bend{1: lost, 2: as(503)}, outcome: "sent", calls: "POST POST POST", given: 1, seen: "5 points"},
		{name: "lost, at most once", guarantee: "atMostOnce", after: map[int]bend{1: lost}, outcome: "unknown", reason: "not sent again", calls: "POST", given: 1},

		{name: "lost, and looked up", lookup: true, after: map[int]bend{1: lost}, outcome: "sent", reason: "looked up", calls: "POST GET", given: 1, seen: "5 points"},
		{name: "not made, as the lookup says", lookup: true, before: map[int]bend{1: as(503)}, outcome: "sent", calls: "POST GET GET POST", given: 1, seen: "5 points"},
		{name: "made only after the lookup", lookup: true, before: map[int]bend{1: slow}, late: 2, outcome: "sent", reason: "looked up", calls: "POST GET GET", given: 1, seen: "5 points"},
		{name: "looked up in vain at first", lookup: true, after: map[int]bend{1: lost, 2: as(503), 3: lost}, outcome: "sent", reason: "looked up", calls: "POST GET GET GET", given: 1, seen: "5 points"},
		{name: "looked up, and the answer is about nothing", lookup: true, after: map[int]bend{1: lost, 2: empty}, outcome: "sent", reason: "looked up", calls: "POST GET GET", given: 1, seen: "5 points"},
		{name: "looked up, at most once", guarantee: "atMostOnce", lookup: true, after: map[int]bend{1: lost}, outcome: "sent", reason: "looked up", calls: "POST GET", given: 1, seen: "5 points"},
		{name: "not made, at most once", guarantee: "atMostOnce", lookup: true, before: map[int]bend{1: as(503)}, outcome: "unknown", reason: "not sent again", calls: "POST GET"},
		{name: "lookup not answered, at most once", guarantee: "atMostOnce", lookup: true, after: map[int]bend{1: lost, 2: as(503)}, outcome: "unknown", reason: "asked what became of it", calls: "POST GET", given: 1},
		{name: "not made, until its attempts are used up", lookup: true, before: map[int]bend{1: as(500), 4: as(500), 7: as(500), 10: as(500)}, outcome: "dead",
			reason: "given up after 4 attempts", calls: "POST GET GET POST GET GET POST GET GET POST GET"}, // once more after each wait
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				service := sink.NewLoyalty(sink.Options{}).Handler("")
				keys := map[string]bool{}
				var first rig.Request
				call := func(c rig.Request) rig.Reply {
					reply := stood(service, c)
					var made struct{ Award string }
					if json.Unmarshal([]byte(reply.Body), &made) == nil && made.Award != "" {
						keys[made.Award] = true
					}
					return reply
				}
				w.Endpoint.Answer = func(n int, c rig.Request) rig.Reply {
					if n == 1 {
						first = c
					}
					if bend := tc.before[n]; bend != nil {
						return bend(rig.Reply{})
					}
					reply := call(c)
					if n == tc.late {
						call(first)
					}
					if bend := tc.after[n]; bend != nil {
						return bend(reply)
					}
					return reply
				}
				guarantee, ask := tc.guarantee, ""
				if guarantee == "" {
					guarantee = "atLeastOnce"
				}
				if tc.lookup {
					ask = lookup
				}
				w.Publish(rig.Setup{Action: fmt.Sprintf(loyalty, ask, guarantee), Journey: awardJourney})
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				d := w.Delivery(x)
				if d.Outcome != tc.outcome || !strings.Contains(d.Reason, tc.reason) {
					t.Errorf("got %s (%s), want %s (%s)", d.Outcome, d.Reason, tc.outcome, tc.reason)
				}
				var calls []string
				for _, c := range w.Endpoint.Calls(x) {
					calls = append(calls, c.Method)
					if c.Key() != d.ID().String() || c.Method == http.MethodPost && c.Header.Get("X-Award-Id") != c.Key() ||
						c.Method == http.MethodGet && !strings.HasSuffix(c.URL, "/"+c.Key()) {
						t.Errorf("%s %s has not the delivery's id for its key: %v", c.Method, c.URL, c.Header)
					}
				}
				if diff := cmp.Diff(tc.calls, strings.Join(calls, " ")); diff != "" {
					t.Error(diff)
				}
				if len(keys) != tc.given {
					t.Errorf("got %d awards, want %d", len(keys), tc.given)
				}
				seen := ""
				if r, ok := d.Response.(map[string]any); ok && r["points"] != nil {
					seen = "5 points"
					if r["points"] != int64(5) && r["points"] != 5.0 {
						seen = "not 5 points"
					}
				}
				if seen != tc.seen {
					t.Errorf("the journey saw %v, want %q", d.Response, tc.seen)
				}
			})
		})
	}
}
