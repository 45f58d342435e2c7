package rig_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/callback"
	"github.com/waypost/waypost/shared/callback/callbacktest"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/ledger"
)

// reportKey signs what the standard action's provider reports.
const reportKey = "key-of-reports-6w"

// reporting is a world whose standard action asks for reports.
func reporting(t *testing.T, f func(t *testing.T, w *rig.World), patches ...string) {
	t.Helper()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Reporter = callbacktest.Reporter{}
		w.PutSecret("waypost/reports", `{"key": "`+reportKey+`"}`)
		act := `{"settings": {"callback": {"secret": "waypost/reports"}}}`
		for _, p := range patches {
			act = rig.Patch(t, act, p)
		}
		w.Publish(rig.Setup{Action: act})
		f(t, w)
	})
}

// kept is all that callbacks could change, as JSON.
func kept(t *testing.T, w *rig.World) string {
	t.Helper()
	text, err := json.Marshal([]any{w.Items(rig.Ledger), w.Items(rig.Limits)})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const atMostOnceReports = `{"settings": {"guarantee": "atMostOnce", "retry": {"attempts": 1}}}`

// What a stranger sends changes nothing, gets the right status, and is told the
// same whatever it was wrong about.
func TestForgedCallbacks(t *testing.T) {
	t.Parallel()
	reporting(t, func(t *testing.T, w *rig.World) {
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		d := w.Delivery(x)
		token, body := d.CallbackToken(), callbacktest.Body{Status: ledger.Delivered}.String()
		url := channel.CallbackURL(rig.CallbackURL).Of(rig.Kind, token)
		good := callbacktest.Sign(reportKey, url, body)
		before := kept(t, w)
		answers := map[int]string{}
		for _, tc := range []struct {
			name, method, path, body, media, signature string
			want                                       int
		}{
			{"another method", "GET", "", body, "", good, 405},
			{"an unknown kind", "POST", "/callback/none/" + token, body, "", good, 404},
			{"oversized", "POST", "", body + strings.Repeat(" ", callback.MaxBody), "", good, 413},
			{"another type", "POST", "", body, "text/plain", good, 415},
			{"for an unknown delivery", "POST", "/callback/rig/" + strings.Replace(token, "text", "txet", 1), body, "", good, 404},
			{"with a wrong secret part", "POST", "/callback/rig/" + token[:len(token)-1] + "_", body, "", good, 404},
			{"malformed", "POST", "/callback/rig/" + x, body, "", good, 404},
			{"unsigned", "POST", "", body, "", "", 403},
			{"wrongly signed", "POST", "", body, "", callbacktest.Sign("another", url, body), 403},
			{"signed with an empty key", "POST", "", body, "", callbacktest.Sign("", url, body), 403},
			{"signed for the host that it names", "POST", "", body, "", callbacktest.Sign(reportKey, "http://localhost/callback/rig/"+token, body), 403},
			{"of another body", "POST", "", strings.Replace(body, "d", "D", 1), "", good, 403},
			{"for another URL", "POST", "/callback/rig/" + token + "?a=b", body, "", good, 403},
			{"inbound, for no action", "POST", "/callback/rig/inbound.none", body, "", good, 403},
			{"inbound, unsigned", "POST", "/callback/rig/inbound.notify", body, "", "", 403},
		} {
			path, media := tc.path, tc.media
			if path == "" {
				path = "/callback/rig/" + token
			}
			if media == "" {
				media = "application/json"
			}
			code, text := w.Call(tc.method, path, tc.body, "Content-Type", media, callbacktest.Header, tc.signature)
			if code != tc.want {
				t.Errorf("%s: got %d %s, want %d", tc.name, code, text, tc.want)
			}
			if known, found := answers[code]; found && known != text {
				t.Errorf("%s: got %s, and another %d is %s", tc.name, text, code, known)
			}
			answers[code] = text
		}
		if after := kept(t, w); after != before {
			t.Errorf("something has changed:\n%s\n%s", before, after)
		}

		w.Ops()
		if code, text := w.CallBack(reportKey, token, callbacktest.Body{Status: ledger.Delivered, Code: "0"}); code != http.StatusNoContent {
			t.Fatalf("the provider's own is answered %d %s", code, text)
		}
		calls := 0
		for _, op := range w.Ops() {
			if strings.HasSuffix(op.Name, rig.Ledger) || strings.HasSuffix(op.Name, rig.Catalog) {
				calls++
			}
		}
		if calls > 3 {
			t.Errorf("it took %d calls of DynamoDB, want 3 at most", calls)
		}
		heard := w.Delivery(x)
		want := d
		want.Status, want.StatusCode, want.StatusAt = ledger.Delivered, "0", heard.StatusAt
		if d := cmp.Diff(want, heard); d != "" {
			t.Error(d)
		}
		before = kept(t, w)
		time.Sleep(time.Hour)
		for _, late := range []ledger.Status{ledger.Delivered, ledger.Accepted, ledger.Undelivered, ""} {
			if code, text := w.CallBack(reportKey, token, callbacktest.Body{Status: late}); code != http.StatusNoContent {
				t.Errorf("%q, late: got %d %s, want 204", late, code, text)
			}
		}
		if after := kept(t, w); after != before {
			t.Errorf("what came late has changed something:\n%s\n%s", before, after)
		}
	})
}

// A callback proves that a message was accepted, whatever its function knew:
// after it ended, and while it still holds the claim.
func TestCallbackSettlesUnknown(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status int
		during bool
		want   ledger.Outcome // before the callback
	}{
		{"after", 500, false, ledger.Unknown},
		{"during an attempt that is accepted", 200, true, ledger.Sent},
		{"during an attempt that is ambiguous", 500, true, ledger.Sent},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			reporting(t, func(t *testing.T, w *rig.World) {
				report := func(x string) {
					d := w.Delivery(x)
					if code, text := w.CallBack(reportKey, d.CallbackToken(), callbacktest.Body{Status: ledger.Undelivered, Code: "30003", ID: "m-7"}); code != http.StatusNoContent {
						t.Errorf("the callback is answered %d %s", code, text)
					}
				}
				w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
					if tc.during {
						report(strings.Split(r.Key(), ".")[0])
					}
					return rig.Reply{Status: tc.status, Body: `{"id": "m-1"}`, Takes: 2 * time.Second}
				}
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				if d := w.Delivery(x); d.Outcome != tc.want {
					t.Errorf("it ended %s (%s), want %s", d.Outcome, d.Reason, tc.want)
				}
				if !tc.during {
					report(x)
				}
				d := w.Delivery(x)
				if d.Outcome != ledger.Sent || d.Status != ledger.Undelivered || d.StatusCode != "30003" || d.State != ledger.Settled {
					t.Errorf("got %+v, want it sent, and undelivered for 30003", d)
				}
				if text := w.Admin(http.MethodGet, "deliveries/"+d.ID().String(), ""); !strings.Contains(text, `"outcome":"sent"`) || !strings.Contains(text, `"status":"undelivered"`) {
					t.Errorf("the API shows %s", text)
				}
			}, atMostOnceReports)
		})
	}
}

// A key that was replaced holds at once, and the one before it for as long as
// the secret names it.
func TestCallbackKeyIsReplaced(t *testing.T) {
	t.Parallel()
	reporting(t, func(t *testing.T, w *rig.World) {
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		d := w.Delivery(x)
		report := func(key string, s ledger.Status, want int) {
			t.Helper()
			if code, text := w.CallBack(key, d.CallbackToken(), callbacktest.Body{Status: s}); code != want {
				t.Errorf("%s by %s: got %d %s, want %d", s, key, code, text, want)
			}
		}
		report(reportKey, ledger.Accepted, 204) // the key is in memory now
		w.PutSecret("waypost/reports", `{"key": "newer", "previousKey": "`+reportKey+`"}`)
		report("newer", ledger.Forwarded, 204)
		report(reportKey, ledger.Delivered, 204)
		w.PutSecret("waypost/reports", `{"key": "newer"}`)
		time.Sleep(10 * time.Minute)
		report(reportKey, ledger.Read, 403)
		w.Ops()
		for range 20 {
			report("forged", ledger.Read, 403)
		}
		fetches := 0
		for _, op := range w.Ops() {
			if op.Name == "GetSecretValue" {
				fetches++
			}
		}
		if fetches > 1 {
			t.Errorf("20 forged callbacks had the secret fetched %d times, want once at most", fetches)
		}
	})
}

// Where AWS does not answer, the provider is asked to come again, and nothing
// has changed.
func TestCallbackWithoutAWS(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"GetItem ledger", "GetItem catalog", "GetSecretValue", "UpdateItem ledger"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			reporting(t, func(t *testing.T, w *rig.World) {
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				before := w.Delivery(x)
				var mended atomic.Bool
				w.Fail = func(name string, _ []byte) rig.Fault {
					if name == op && !mended.Load() {
						return rig.Refuses
					}
					return rig.Works
				}
				code, text := w.CallBack(reportKey, before.CallbackToken(), callbacktest.Body{Status: ledger.Delivered})
				mended.Store(true)
				if code != http.StatusServiceUnavailable || strings.Contains(text, "table") {
					t.Errorf("got %d %s, want 503 and no reason", code, text)
				}
				if d := cmp.Diff(before, w.Delivery(x)); d != "" {
					t.Errorf("something has changed: %s", d)
				}
				if code, text := w.CallBack(reportKey, before.CallbackToken(), callbacktest.Body{Status: ledger.Delivered}); code != http.StatusNoContent {
					t.Errorf("when it comes again: got %d %s, want 204", code, text)
				}
			})
		})
	}
}

// Many callbacks, in any order and several times each, leave every delivery in
// its right final state.
func TestTenThousandCallbacks(t *testing.T) {
	t.Parallel()
	const deliveries, each, atOnce = 500, 20, 64
	reporting(t, func(t *testing.T, w *rig.World) {
		type report struct {
			token string
			body  callbacktest.Body
		}
		var reports []report
		var want []ledger.Delivery
		for i := range deliveries {
			d := ledger.Delivery{Execution: fmt.Sprintf("many-%d", i), Step: rig.Step, Journey: rig.Journey, Version: 1, Profile: "c-1", Action: rig.Action, ActionVersion: 1,
				Channel: "webhook", Callback: fmt.Sprintf("N%d", i), State: ledger.Settled, Outcome: []ledger.Outcome{ledger.Sent, ledger.Unknown, ledger.Dead}[i%3],
				EnteredAt: time.Now().UTC(), StartedAt: time.Now().UTC(), SettledAt: time.Now().UTC()}
			if _, err := w.Ledger.Put(t.Context(), d, ""); err != nil {
				t.Fatal(err)
			}
			final := []ledger.Status{ledger.Delivered, ledger.Undelivered, ledger.Read, ledger.Forwarded}[i%4]
			told := slices.Concat(slices.Repeat([]ledger.Status{ledger.Accepted, ledger.Forwarded}, 5), []ledger.Status{""})
			if final == ledger.Read {
				told = append(told, ledger.Delivered, ledger.Delivered)
			}
			for len(told) < each {
				told = append(told, final)
			}
			for _, s := range told {
				reports = append(reports, report{d.CallbackToken(), callbacktest.Body{Status: s, Code: "c-" + string(s)}})
			}
			if d.Outcome != ledger.Sent {
				d.Outcome, d.Reason = ledger.Sent, ledger.Heard
			}
			d.Status, d.StatusCode = final, "c-"+string(final)
			want = append(want, d)
		}
		rand.Shuffle(len(reports), func(i, j int) { reports[i], reports[j] = reports[j], reports[i] })
		// The function's handler itself: Lambda around it would only take time.
		h := w.Reports()
		queue := make(chan report)
		var workers sync.WaitGroup
		for range atOnce {
			workers.Go(func() {
				for r := range queue {
					at, body := rig.Kind+"/"+r.token, r.body.String()
					request := httptest.NewRequest(http.MethodPost, "/callback/"+at, strings.NewReader(body))
					request.Header.Set("Content-Type", "application/json")
					request.Header.Set(callbacktest.Header, callbacktest.Sign(reportKey, rig.CallbackURL+"/"+at, body))
					answer := httptest.NewRecorder()
					if h.ServeHTTP(answer, request); answer.Code != http.StatusNoContent {
						t.Errorf("%s: got %d %s, want 204", body, answer.Code, answer.Body)
					}
				}
			})
		}
		for _, r := range reports {
			queue <- r
		}
		close(queue)
		workers.Wait()
		for _, d := range want {
			got := w.Delivery(d.Execution)
			if got.StatusAt.IsZero() {
				t.Errorf("%s has no time of its status", got.ID())
			}
			got.StatusAt = time.Time{}
			if diff := cmp.Diff(d, got); diff != "" {
				t.Errorf("%s: %s", d.ID(), diff)
			}
		}
	})
}

// A token's own part is known to its provider alone, and the key to nobody: no
// answer, no log and no history has either.
func TestCallbackTokensDoNotLeak(t *testing.T) {
	t.Parallel()
	reporting(t, func(t *testing.T, w *rig.World) {
		w.Endpoint.Answer = answers(rig.Reply{Status: 500, Body: `{"id": "m-1"}`})
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		d := w.Delivery(x)
		if d.Callback == "" {
			t.Fatal("the delivery has no token of its own")
		}
		for _, key := range []string{"forged", reportKey, reportKey} {
			w.CallBack(key, d.CallbackToken(), callbacktest.Body{Status: ledger.Delivered})
		}
		w.CallBack(reportKey, d.CallbackToken()+"x", callbacktest.Body{Status: ledger.Delivered})
		w.Call(http.MethodPost, "/callback/rig/"+d.CallbackToken(), "{", callbacktest.Header, callbacktest.Sign(reportKey, rig.CallbackURL+"/rig/"+d.CallbackToken(), "{"))
		for place, text := range w.Everything() {
			for _, word := range []string{d.Callback, reportKey} {
				if ofLedger := place == "the table ledger" || strings.HasPrefix(place, "request") && strings.Contains(place, " ledger"); strings.Contains(text, word) && !(ofLedger && word == d.Callback) {
					t.Errorf("%s has %s: %s", place, word, text)
				}
			}
		}
	}, atMostOnceReports)
}

// A callback wakes the step that awaits its delivery's status: at once, and
// once, however often it comes.
func TestCallbackWakesTheStep(t *testing.T) {
	t.Parallel()
	for status, want := range map[ledger.Status]string{ledger.Delivered: "SUCCEEDED", ledger.Undelivered: "FAILED"} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Reporter = callbacktest.Reporter{}
				w.PutSecret("waypost/reports", `{"key": "`+reportKey+`"}`)
				w.Publish(rig.Setup{Action: `{"settings": {"callback": {"secret": "waypost/reports"}}}`,
					Journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "await": "status", "deadline": "PT1H",
						"with": {"to": "{{ profile.phone }}", "text": "{{ event.orderId }}"}}}]}`})
				x := w.Send("case-1").Executions[0].Execution
				sleep(10)
				d := w.Delivery(x)
				if runs := w.Executions(); len(runs) != 1 || runs[0].Status != "RUNNING" || d.TaskToken == "" {
					t.Fatalf("the step does not wait: %+v", runs)
				}
				for _, s := range []ledger.Status{ledger.Forwarded, status, status} {
					if code, text := w.CallBack(reportKey, d.CallbackToken(), callbacktest.Body{Status: s}); code != http.StatusNoContent {
						t.Errorf("%s: got %d %s, want 204", s, code, text)
					}
				}
				sleep(1)
				if runs := w.Executions(); runs[0].Status != want {
					t.Errorf("the execution is %s, want %s", runs[0].Status, want)
				}
				if d := w.Delivery(x); d.TaskToken != "" || len(w.Due()) > 0 {
					t.Errorf("somebody must still come back to it: %v", w.Due())
				}
			})
		})
	}
}
