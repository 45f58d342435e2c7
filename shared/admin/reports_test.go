package admin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/ledger"
)

// record puts deliveries into the ledger.
func (w *world) record(deliveries ...ledger.Delivery) {
	w.t.Helper()
	for _, d := range deliveries {
		if _, err := w.ledger.Put(w.t.Context(), d, ""); err != nil {
			w.t.Fatal(err)
		}
	}
}

// sent is a delivery that was entered so long ago.
func (w *world) sent(execution, journey string, ago time.Duration) ledger.Delivery {
	at := w.now.Add(-ago)
	return ledger.Delivery{
		Execution: execution, Step: "tell", Journey: journey, Version: 1, Profile: "c-1", Action: "shop", ActionVersion: 1, Channel: "webhook",
		State: ledger.Settled, Holder: "h", Outcome: ledger.Sent, Code: 200, EnteredAt: at, StartedAt: at, SettledAt: at,
	}
}

func TestDelivery(t *testing.T) {
	w := newWorld(t)
	at := func(ms int) time.Time { return w.now.Add(time.Duration(ms) * time.Millisecond) }
	w.record(ledger.Delivery{
		Execution: "abc", Step: "text", Journey: "order_ready", Version: 1, Profile: "c-1", Action: "order_ready_sms", ActionVersion: 1,
		Channel: "sms", Provider: "twilio", State: ledger.Settled, Holder: "h", Outcome: ledger.Sent, Status: "delivered", Code: 201,
		ProviderID: "SM1", Response: map[string]any{"sid": "SM1"},
		Attempts: []ledger.Attempt{{At: at(100), Result: "ambiguous", Code: 502, Ms: 12.5, Reason: "the endpoint answered 502", Digest: "d"},
			{At: at(200), Result: "accepted", Code: 201, Ms: 38, Digest: "d"}},
		EventAt: at(0), EnteredAt: at(90), StartedAt: at(95), RequestedAt: at(200), SettledAt: at(240),
		Timings: ledger.Timings{ResolveMs: 2.1, OwnMs: 0.06, EndpointMs: 38},
	})
	res, got := w.send(http.MethodGet, "/admin/v1/deliveries/abc.text.0", "")
	const want = `{"id":"abc.text.0","journey":"order_ready","version":1,"execution":"abc","step":"text","profile":"c-1","action":"order_ready_sms","actionVersion":1,` +
		`"channel":"sms","provider":"twilio","outcome":"sent","reason":"","status":"delivered","code":201,` +
		`"attempts":[{"at":"2026-01-31T09:30:00.1Z","result":"ambiguous","code":502,"ms":12.5,"reason":"the endpoint answered 502"},` +
		`{"at":"2026-01-31T09:30:00.2Z","result":"accepted","code":201,"ms":38}],"generation":1,` +
		`"eventAt":"2026-01-31T09:30:00Z","enteredAt":"2026-01-31T09:30:00.09Z","requestedAt":"2026-01-31T09:30:00.2Z","settledAt":"2026-01-31T09:30:00.24Z",` +
		`"timings":{"resolveMs":2.1,"ownMs":0.06,"queueMs":0,"endpointMs":38}}` + "\n"
	if diff := cmp.Diff(want, got); res.StatusCode != 200 || diff != "" {
		t.Errorf("%d: %s", res.StatusCode, diff)
	}
}

func TestUnsettledDeliveries(t *testing.T) {
	w := newWorld(t)
	claimed, waits := w.sent("one", "ready", 0), w.sent("two", "ready", 0)
	for _, d := range []*ledger.Delivery{&claimed, &waits} {
		d.Outcome, d.Code, d.SettledAt = "", 0, time.Time{}
	}
	claimed.State, claimed.Lease = ledger.Claimed, w.now.Add(45*time.Second)
	waits.State, waits.Until, waits.Reason = ledger.Waiting, w.now.Add(time.Minute), "the endpoint answered 429"
	w.record(claimed, waits)
	for id, want := range map[string]map[string]any{
		"one.tell.0": {"outcome": "pending", "attempts": []any{}},
		"two.tell.0": {"outcome": "waiting", "attempts": []any{}, "until": "2026-01-31T09:31:00Z", "reason": "the endpoint answered 429"},
	} {
		got := w.ok(http.MethodGet, "/admin/v1/deliveries/"+id, "")
		for _, absent := range []string{"settledAt", "requestedAt", "eventAt", "response"} {
			if v, given := got[absent]; given {
				t.Errorf("%s has %s: %v", id, absent, v)
			}
		}
		want["reason"] = waits.Reason
		if id == "one.tell.0" {
			want["reason"] = ""
		}
		if diff := cmp.Diff(want, pick(got, "outcome", "attempts", "until", "reason")); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
}

// list asks for deliveries, page by page where pages is not 0, and gives their executions.
func (w *world) list(query string, pages int) []string {
	w.t.Helper()
	found := []string{}
	next := ""
	for n := 0; ; n++ {
		path := "/admin/v1/deliveries?" + query
		if pages > 0 {
			path += fmt.Sprintf("&limit=%d", pages)
		}
		if next != "" {
			path += "&next=" + url.QueryEscape(next)
		}
		page := w.ok(http.MethodGet, path, "")
		list := page["deliveries"].([]any)
		for _, d := range list {
			found = append(found, d.(map[string]any)["execution"].(string))
		}
		next, _ = page["next"].(string)
		if pages > 0 && next != "" && len(list) != pages {
			w.t.Errorf("%s: a page of %d with a next", query, len(list))
		}
		if next == "" || n > 100 {
			return found
		}
	}
}

func TestDeliveriesAreFiltered(t *testing.T) {
	w := placed(t)
	w.ok(http.MethodPut, "/admin/v1/journeys/later", with(t, readyJourney, "name", "later"))
	w.ok(http.MethodPut, "/admin/v1/actions/text", with(t, shopAction, "name", "text"))
	now := w.sent("now", "ready", time.Minute)
	failed := w.sent("failed", "ready", 20*time.Minute)
	failed.Outcome = ledger.Failed
	other := w.sent("other", "later", 2*time.Hour)
	other.Profile, other.Action = "c-2", "text"
	waits := w.sent("waits", "ready", 5*time.Hour)
	waits.State, waits.Outcome, waits.Until = ledger.Waiting, "", w.now
	old := w.sent("old", "ready", 23*time.Hour)
	ancient := w.sent("ancient", "later", 3*24*time.Hour)
	w.record(ancient, now, old, failed, waits, other)
	for query, want := range map[string][]string{
		"":                       {"now", "failed", "other", "waits", "old"},
		"journey=ready":          {"now", "failed", "waits", "old"},
		"journey=later":          {"other"},
		"journey=later&since=4d": {"other", "ancient"},
		"since=96h":              {"now", "failed", "other", "waits", "old", "ancient"},
		"since=10m":              {"now"},
		"journey=ready&since=2026-01-31T09:31:00Z": {},
		"since=2999-01-01T00:00:00Z":               {},
		"profile=c-1&since=2999-01-01T00:00:00Z":   {},
		"since=2026-01-31T09:00:00Z":               {"now", "failed"},
		"since=2026-01-31T10:00:00%2B01:00":        {"now", "failed"},
		"since=2026-01-31T10:00:00+01:00":          {"now", "failed"},
		"outcome=failed":                           {"failed"},
		"outcome=waiting":                          {"waits"},
		"outcome=pending":                          {},
		"action=text":                              {"other"},
		"profile=c-2":                              {"other"},
		"profile=c-1":                              {"now", "failed", "waits", "old", "ancient"},
		"profile=c-1&journey=later":                {"ancient"},
		"profile=c-1&since=1h":                     {"now", "failed"},
		"profile=c-1&outcome=sent":                 {"now", "old", "ancient"},
		"execution=ancient":                        {"ancient"},
		"execution=ancient&profile=c-9":            {},
		"execution=none":                           {},
		"journey=ready&outcome=sent&since=12h&profile=c-1&action=shop": {"now"},
	} {
		if diff := cmp.Diff(want, w.list(query, 0)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
		if len(want) > 2 && strings.Contains(query, "since=96h") { // days, one by one: once is enough
			continue
		}
		if diff := cmp.Diff(want, w.list(query, 2)); diff != "" {
			t.Errorf("%s, two by two: %s", query, diff)
		}
	}
}

// Pages give each delivery once, whatever their size, many at one moment among them.
func TestPages(t *testing.T) {
	w := placed(t)
	w.ok(http.MethodPut, "/admin/v1/journeys/later", with(t, readyJourney, "name", "later"))
	var all []string
	for i := range 30 { // at five moments
		journey := "ready"
		if i%3 == 0 {
			journey = "later"
		}
		d := w.sent(fmt.Sprintf("x%02d", i), journey, time.Duration(i/7)*40*time.Minute)
		if i%2 == 0 {
			d.Outcome = ledger.Dead
		}
		w.record(d)
		all = append(all, d.Execution)
	}
	for _, query := range []string{"", "profile=c-1", "journey=ready", "outcome=dead"} {
		want := w.list(query, 0)
		if query == "" && len(want) != len(all) {
			t.Errorf("%d deliveries, want %d", len(want), len(all))
		}
		for _, size := range []int{1, 7, 29, 30} {
			got := w.list(query, size)
			slices.Sort(got)
			sorted := slices.Sorted(slices.Values(want))
			if diff := cmp.Diff(sorted, got); diff != "" {
				t.Errorf("%q by %d: %s", query, size, diff)
			}
		}
	}
	// What comes in while somebody pages is not among the pages behind.
	first := w.ok(http.MethodGet, "/admin/v1/deliveries?limit=10", "")
	w.record(w.sent("new", "ready", 0))
	rest := w.ok(http.MethodGet, "/admin/v1/deliveries?limit=500&next="+first["next"].(string), "")
	if got, want := len(rest["deliveries"].([]any)), 20; got != want {
		t.Errorf("%d deliveries behind the first page, want %d", got, want)
	}
}

// A search of many hours is given in parts, which together are all of it.
func TestALongSearch(t *testing.T) {
	w := placed(t)
	w.record(w.sent("young", "ready", time.Hour), w.sent("old", "ready", 10*24*time.Hour))
	page := w.ok(http.MethodGet, "/admin/v1/deliveries?journey=ready&since=11d", "")
	if page["next"] == nil {
		t.Error("the first part has no next")
	}
	if diff := cmp.Diff([]string{"young", "old"}, w.list("journey=ready&since=11d", 0)); diff != "" {
		t.Error(diff)
	}
}

func TestExecution(t *testing.T) {
	w := newWorld(t)
	at := func(s int) time.Time { return w.now.Add(time.Duration(s) * time.Second) }
	own := ledger.Execution{
		Execution: "abc", Journey: "ready", Version: 2, Profile: "c-1", StateMachine: "arn:aws:states:us-east-1:000000000000:stateMachine:waypost-ready-v2",
		Input: `{"event":{"phone":"+431234"}}`, State: ledger.Pending, EventSource: "shop", EventID: "e-1", EventType: "order.ready", EnteredAt: at(0),
	}
	if _, _, err := w.ledger.Create(t.Context(), own, nil); err != nil {
		t.Fatal(err)
	}
	common := map[string]any{"execution": "abc", "journey": "ready", "version": 2.0, "profile": "c-1", "enteredAt": "2026-01-31T09:30:00Z",
		"event": map[string]any{"type": "order.ready", "source": "shop", "id": "e-1"}}
	with := func(more map[string]any) map[string]any {
		for k, v := range common {
			more[k] = v
		}
		return more
	}
	if diff := cmp.Diff(with(map[string]any{"status": "pending", "steps": []any{}, "deliveries": []any{}}), w.ok(http.MethodGet, "/admin/v1/executions/abc", "")); diff != "" {
		t.Errorf("before it is started: %s", diff)
	}

	own.State, own.StartedAt = ledger.Started, at(1)
	if err := w.ledger.Update(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(with(map[string]any{"status": "started", "startedAt": "2026-01-31T09:30:01Z", "steps": []any{}, "deliveries": []any{}}),
		w.ok(http.MethodGet, "/admin/v1/executions/abc", "")); diff != "" {
		t.Errorf("unknown to the engine: %s", diff)
	}

	w.record(w.sent("abc", "ready", -2*time.Second))
	w.executions["arn:aws:states:us-east-1:000000000000:execution:waypost-ready-v2:abc"] = execution{
		run: ledger.Run{Status: "FAILED", Started: at(1), Stopped: at(70), Error: "Waypost.Failed",
			Cause: `{"errorMessage":"{\"outcome\":\"failed\",\"code\":400,\"error\":{\"m\":\"planted\"},\"reason\":\"refused\"}"}`},
		visits: []ledger.Visit{
			{State: "tell", Entered: at(1), Exited: at(3)}, {State: "tell.deferred", Entered: at(3), Exited: at(3)},
			{State: "tell.until", Entered: at(3), Exited: at(60)}, {State: "tell", Entered: at(60), Exited: at(61)},
			{State: "tier", Entered: at(61), Exited: at(62)}, {State: "tier.choice", Entered: at(62), Exited: at(62)},
			{State: "last", Entered: at(62)}, {State: "journey.stopped", Entered: at(70)},
		},
	}
	got := w.ok(http.MethodGet, "/admin/v1/executions/abc", "")
	deliveries := got["deliveries"].([]any)
	if len(deliveries) != 1 || deliveries[0].(map[string]any)["id"] != "abc.tell.0" {
		t.Errorf("deliveries = %v", deliveries)
	}
	delete(got, "deliveries")
	if diff := cmp.Diff(with(map[string]any{
		"status": "FAILED", "startedAt": "2026-01-31T09:30:01Z", "stoppedAt": "2026-01-31T09:31:10Z", "error": "Waypost.Failed", "cause": "failed, 400: refused",
		"steps": []any{
			map[string]any{"step": "tell", "enteredAt": "2026-01-31T09:30:01Z", "exitedAt": "2026-01-31T09:31:01Z"},
			map[string]any{"step": "tier", "enteredAt": "2026-01-31T09:31:01Z", "exitedAt": "2026-01-31T09:31:02Z"},
			map[string]any{"step": "last", "enteredAt": "2026-01-31T09:31:02Z"},
		},
	}), got); diff != "" {
		t.Error(diff)
	}
}

// The event's record lies in the same table; it is no execution.
func TestAnEventIsNoExecution(t *testing.T) {
	w := newWorld(t)
	event := ledger.EventRecord{Source: "shop", ID: "e-1", Type: "order.ready", At: w.now}
	if _, _, err := w.ledger.RecordEvent(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"event#x", "#"} {
		if got := w.refused(http.MethodGet, "/admin/v1/executions/"+url.PathEscape(key), ""); got != "404 there is no execution "+key {
			t.Error(got)
		}
	}
}
