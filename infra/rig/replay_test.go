package rig_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/sink"
	"github.com/waypost/waypost/infra/providers/twilio"
	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/admin"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
)

// replay asks for a replay of the standard step's delivery, and gives the
// answer's status and body.
func replay(w *rig.World, execution, body string) (int, string) {
	return w.Call(http.MethodPost, "/admin/v1/deliveries/"+execution+".text.0/replay", body)
}

// replayed does so where it must begin.
func replayed(t *testing.T, w *rig.World, execution string) {
	t.Helper()
	if code, text := replay(w, execution, ""); code != http.StatusAccepted {
		t.Fatalf("the replay was answered %d %s", code, text)
	}
}

// An ambiguous answer of Twilio's is shown as unknown, and repeated only where
// a person decides that.
func TestReplayOfUnknown(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		texts := inbox.New(inbox.Options{})
		service := twilio.New(twilio.Options{Inbox: texts, Behave: once(twilio.Behaviour{Status: 500, Code: 20500, Accept: true})})
		w.Endpoint.Answer = func(_ int, c rig.Request) rig.Reply { return stood(service, c) }
		w.PutSecret("waypost/twilio", localTwilio)
		w.Publish(rig.Setup{Action: sms})
		w.Put("profiles/c-1", `{"phone": "+15550001234", "firstName": "Ada"}`)
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Unknown || len(texts.Since(0)) != 1 {
			t.Fatalf("got %s (%s) and %d texts, want unknown and one", d.Outcome, d.Reason, len(texts.Since(0)))
		}
		if code, text := replay(w, x, `{"outcome": "failed"}`); code != http.StatusConflict || !strings.Contains(text, "is unknown by now, and not failed") {
			t.Errorf("another outcome than it has: %d %s", code, text)
		}

		code, text := replay(w, x, `{"reason": "Twilio's log lacks it", "outcome": "unknown"}`)
		var got admin.Replayed
		if err := json.Unmarshal([]byte(text), &got); err != nil || code != http.StatusAccepted {
			t.Fatalf("%d %s", code, text)
		}
		id := x + ".text.0"
		want := admin.Replayed{ID: id, Generation: 2, Execution: x, Outcome: "unknown", See: "/admin/v1/deliveries/" + id,
			Note: "the delivery is made anew; its journey is not rewound, and has gone on or ended by the outcome that it saw"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		w.Settle()
		if strings.Contains(w.Logs(), "Twilio's log lacks it") || !strings.Contains(w.Logs(), `"msg":"delivery replayed"`) {
			t.Error("the log must tell of the replay, without the person's words, which may be about a customer")
		}
		if n := len(texts.Since(0)); n != 2 {
			t.Errorf("%d texts, want one by each generation", n)
		}
		for _, c := range w.Endpoint.Calls(x) {
			if c.Key() != id {
				t.Errorf("a call under the key %q, want %q", c.Key(), id)
			}
		}
		var shown admin.Delivery
		if err := json.Unmarshal([]byte(w.Admin(http.MethodGet, "deliveries/"+id, "")), &shown); err != nil {
			t.Fatal(err)
		}
		if shown.Outcome != "sent" || shown.Generation != 2 || len(shown.Attempts) != 1 || len(shown.Replays) != 1 {
			t.Fatalf("got %+v, want it sent by its second generation at the first attempt", shown)
		}
		if before := shown.Replays[0]; before.Outcome != "unknown" || before.Generation != 1 || before.Why != "Twilio's log lacks it" ||
			len(before.Attempts) != 1 || before.Attempts[0].Result != "ambiguous" || before.ReplayedAt.Before(before.SettledAt) {
			t.Errorf("the generation before is %+v", before)
		}
		if code, text := replay(w, x, ""); code != http.StatusConflict || !strings.Contains(text, "was sent") {
			t.Errorf("what was sent: %d %s", code, text)
		}
		if runs := w.Executions(); len(runs) != 2 || !slices.ContainsFunc(runs, func(r rig.Execution) bool { return r.Name == x && r.Error == "Waypost.Unknown" }) {
			t.Errorf("the journey must stay as it ended, beside the run that made the delivery anew: %+v", runs)
		}
	})
}

// Each row is one delivery that was not sent, what changes then, and what its
// replay comes to.
func TestReplays(t *testing.T) {
	t.Parallel()
	refuses := func(phone string) func(int, rig.Request) rig.Reply {
		return func(_ int, c rig.Request) rig.Reply {
			if strings.Contains(c.Body, phone) {
				return status(422)
			}
			return accepted
		}
	}
	consent := `{"settings": {"requires": "profile.consents.sms == 'y'"}}`
	lost := rig.Reply{Fails: egress.Lost, Written: true}
	down := status(429)
	for _, tc := range []struct {
		name    string
		action  string // patches
		journey string
		profile string // c-1's at first, where it is not the standard one
		answer  func(int, rig.Request) rig.Reply
		before  ledger.Outcome
		mend    func(w *rig.World)

		outcome  ledger.Outcome
		reason   string
		attempts string // of the second generation
		calls    int    // in all
		letters  int    // dead letters
	}{
		{name: "dead, and the outage is over", answer: answers(down, down, down, down, accepted), before: "dead", outcome: "sent", attempts: "accepted", calls: 5, letters: 1},
		{name: "dead, and the outage is nearly over", answer: answers(down, down, down, down, down, down, down, accepted), before: "dead", outcome: "sent", attempts: "retryable retryable retryable accepted", calls: 8, letters: 1},
		{name: "dead, and dead again", answer: answers(down), before: "dead", outcome: "dead", reason: "given up after 4 attempts", attempts: "retryable retryable retryable retryable", calls: 8, letters: 2},
		{name: "a wrong phone, and the profile is put right", answer: refuses("+15550001"), before: "failed",
			mend: func(w *rig.World) { w.Put("profiles/c-1", `{"phone": "+2"}`) }, outcome: "sent", attempts: "accepted", calls: 2},
		{name: "a wrong URL, and the settings are put right", answer: func(_ int, c rig.Request) rig.Reply {
			if strings.Contains(c.URL, "hooks.example/") {
				return status(404)
			}
			return accepted
		}, before: "failed", mend: func(w *rig.World) { w.Settings(`{"url": "https://new.example"}`) }, outcome: "sent", attempts: "accepted", calls: 2},
		{name: "no consent, and it is given", action: consent, profile: `{"phone": "+1"}`, before: "suppressed",
			mend: func(w *rig.World) { w.Put("profiles/c-1", rig.Customer) }, outcome: "sent", attempts: "accepted", calls: 1},
		{name: "no consent still", action: consent, profile: `{"phone": "+1"}`, before: "suppressed", outcome: "suppressed", reason: "not allowed"},
		{name: "unknown, and refused", action: atMostOnce, answer: answers(lost, status(422)), before: "unknown", outcome: "unknown",
			reason: "422 Unprocessable Entity; an earlier generation may have been processed", attempts: "refused", calls: 2},
		{name: "unknown, and the consent is withdrawn", action: `{"settings": {"guarantee": "atMostOnce", "requires": "profile.consents.sms == 'y'"}}`, answer: answers(lost), before: "unknown",
			mend: func(w *rig.World) { w.Put("profiles/c-1", `{"phone": "+1"}`) }, outcome: "unknown", reason: "not allowed", calls: 1},
		{name: "unknown, and down", action: atMostOnce, answer: answers(lost, down), before: "unknown", outcome: "unknown", reason: "given up after 4 attempts",
			attempts: "retryable retryable retryable retryable", calls: 5},
		{name: "unknown, and unknown again", action: atMostOnce, answer: answers(lost), before: "unknown", outcome: "unknown", reason: "not sent again", attempts: "ambiguous", calls: 2},
		{name: "of an express journey", journey: `{"mode": "express"}`, action: `{"settings": {"retry": {"within": "3m"}}}`, answer: answers(status(404), accepted), before: "failed", outcome: "sent", attempts: "accepted", calls: 2},
		{name: "of a step that is not waited for", journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "await": "none", "with": {"to": "1", "text": "x"}}}]}`,
			answer: answers(status(404), accepted), before: "failed", outcome: "sent", attempts: "accepted", calls: 2},
		{name: "of a step in a branch", journey: `{"steps": [{"id": "c", "condition": {"branches": [{"when": "profile.tier == 'gold'", "steps": [
			{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "1", "text": "x"}}}]}]}}]}`,
			answer: answers(status(404), accepted), before: "failed", outcome: "sent", attempts: "accepted", calls: 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Action: tc.action, Journey: tc.journey})
				if tc.profile != "" {
					w.Put("profiles/c-1", tc.profile)
				}
				w.Endpoint.Answer = tc.answer
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				first := w.Delivery(x)
				if first.Outcome != tc.before {
					t.Fatalf("got %s (%s), want %s", first.Outcome, first.Reason, tc.before)
				}
				time.Sleep(48 * time.Hour) // longer than any retries may last
				if tc.mend != nil {
					tc.mend(w)
				}
				replayed(t, w, x)
				w.Settle()
				d := w.Delivery(x)
				if d.Outcome != tc.outcome || !strings.Contains(d.Reason, tc.reason) {
					t.Errorf("got %s (%s), want %s (%s)", d.Outcome, d.Reason, tc.outcome, tc.reason)
				}
				if got := results(d); got != tc.attempts {
					t.Errorf("attempts: got %q, want %q", got, tc.attempts)
				}
				if len(d.Replays) != 1 || d.Replays[0].Outcome != tc.before || d.Replays[0].Reason != first.Reason || len(d.Replays[0].Attempts) != len(first.Attempts) {
					t.Errorf("the generation before: got %+v, want that of %+v", d.Replays, first)
				}
				if got := len(w.Endpoint.Calls(x)); got != tc.calls {
					t.Errorf("%d calls, want %d", got, tc.calls)
				}
				if got := len(w.DeadLetters()); got != tc.letters {
					t.Errorf("%d dead letters, want %d", got, tc.letters)
				}
			})
		})
	}
}

// A capped delivery is admitted afresh.
func TestReplayOfCapped(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Action: `{"settings": {"limits": [{"kind": "cap", "calls": 1, "per": "1h"}]}}`})
		w.Send("case-1")
		sleep(10)
		x := w.Send("case-2").Executions[0].Execution
		sleep(10)
		for _, want := range []ledger.Outcome{ledger.Capped, ledger.Capped, ledger.Sent} {
			if d := w.Delivery(x); d.Outcome != want {
				t.Fatalf("got %s (%s), want %s", d.Outcome, d.Reason, want)
			}
			if want == ledger.Capped {
				replayed(t, w, x)
				sleep(10)
				if w.Delivery(x).Outcome == ledger.Capped {
					time.Sleep(time.Hour)
				}
			}
		}
		w.Settle()
	})
}

// A replay sees what the steps before it left, as the ledger has it, and the
// event and the mapping that the step had.
func TestReplaySeesTheStepsBefore(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		step := `{"id": "%s", "action": {"name": "notify", "version": 1, "await": "%s", "with": {"to": "{{ profile.phone }}", "text": "%s"}}, "onError": "continue"}`
		w.Publish(rig.Setup{Journey: `{"steps": [` + strings.Join([]string{
			fmt.Sprintf(step, "first", "response", "{{ event.orderId }}"), fmt.Sprintf(step, "lost", "response", "lost"),
			fmt.Sprintf(step, "text", "response", "{{ steps.first.response.id ?? 'none' }} {{ steps.lost.outcome }} {{ steps.lost.code }} {{ event.orderId }}"),
			fmt.Sprintf(step, "later", "response", "later"),
		}, ",") + `]}`})
		w.Endpoint.Answer = func(n int, c rig.Request) rig.Reply {
			if strings.HasSuffix(c.Key(), ".lost.0") || strings.HasSuffix(c.Key(), ".text.0") && n == 1 {
				return status(404)
			}
			return rig.Reply{Status: 200, Body: `{"id": "m-7"}`}
		}
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		// What is published since is another version's.
		w.Put("journeys/"+rig.Journey, rig.Patch(t, `{"name": "order_ready", "entry": {"event": "order.ready", "profile": "event.customerId"}}`,
			`{"steps": [`+fmt.Sprintf(step, "text", "response", "new")+`]}`))
		w.Admin(http.MethodPost, "journeys/"+rig.Journey+"/publish", "")
		replayed(t, w, x)
		w.Settle()
		var bodies []string
		for _, c := range w.Endpoint.Calls(x + ".text") {
			bodies = append(bodies, c.Body)
		}
		const want = `{"text":"m-7 failed 404 o-case-1","to":"+15550001"}`
		if diff := cmp.Diff([]string{want, want}, bodies); diff != "" {
			t.Error(diff)
		}
		if d := w.Delivery(x); d.Outcome != ledger.Sent {
			t.Errorf("got %s (%s), want sent", d.Outcome, d.Reason)
		}
	})
}

// An award whose earlier generation was ambiguous is not given twice: it is
// looked up first, or repeated under the same key alone.
func TestReplayedAwards(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, guarantee, lookup string
		before                  ledger.Outcome
		reaches                 bool // the service, at the first call
		calls                   string
	}{
		{"looked up, and there", "atLeastOnce", lookup, ledger.Dead, true, "POST GET GET"},
		{"looked up, and not there", "atLeastOnce", lookup, ledger.Dead, false, "POST GET GET POST"},
		{"looked up at most once, and there", "atMostOnce", lookup, ledger.Unknown, true, "POST GET GET"},
		{"repeated under its key", "atLeastOnce", "", ledger.Dead, true, "POST POST"},
		{"repeated at most once, under its key", "atMostOnce", "", ledger.Unknown, true, "POST POST"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				service, given := sink.NewLoyalty(sink.Options{}).Handler(""), map[string]bool{}
				mended := false
				w.Endpoint.Answer = func(_ int, c rig.Request) rig.Reply {
					reply := rig.Reply{}
					if mended || tc.reaches {
						reply = stood(service, c)
						var made struct{ Award string }
						if json.Unmarshal([]byte(reply.Body), &made) == nil && made.Award != "" {
							given[made.Award] = true
						}
					}
					switch {
					case mended:
						return reply
					case c.Method == http.MethodGet:
						return status(503)
					}
					return rig.Reply{Fails: egress.Lost, Written: true}
				}
				action := fmt.Sprintf(loyalty, tc.lookup, tc.guarantee)
				w.Publish(rig.Setup{Action: rig.Patch(t, action, `{"settings": {"retry": {"attempts": 1, "within": "1s"}}}`), Journey: awardJourney})
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				if d := w.Delivery(x); d.Outcome != tc.before {
					t.Fatalf("got %s (%s), want %s", d.Outcome, d.Reason, tc.before)
				}
				mended = true
				replayed(t, w, x)
				w.Settle()
				if d := w.Delivery(x); d.Outcome != ledger.Sent {
					t.Errorf("got %s (%s), want sent", d.Outcome, d.Reason)
				}
				var calls []string
				for _, c := range w.Endpoint.Calls(x) {
					calls = append(calls, c.Method)
				}
				if got := strings.Join(calls, " "); got != tc.calls {
					t.Errorf("calls: got %s, want %s", got, tc.calls)
				}
				if len(given) != 1 {
					t.Errorf("%d awards, want one", len(given))
				}
			})
		})
	}
}

// A screen's message that came too late is shown where a person decides that:
// made anew, it is the newest.
func TestReplayedScreen(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		screens := sink.NewSignage(sink.Options{}).Handler("")
		w.Endpoint.Answer = func(n int, c rig.Request) rig.Reply {
			if n == 1 && strings.Contains(c.Body, "o-case-1") {
				return rig.Reply{Status: 429, Header: map[string]string{"Retry-After": "60"}}
			}
			return stood(screens, c)
		}
		w.Publish(rig.Setup{Action: signage, Journey: screenJourney})
		x := w.Send("case-1").Executions[0].Execution
		sleep(1)
		w.Send("case-2")
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Suppressed {
			t.Fatalf("got %s (%s), want suppressed", d.Outcome, d.Reason)
		}
		replayed(t, w, x)
		w.Settle()
		shown := stood(screens, rig.Request{Method: http.MethodGet, URL: "/v1/screens/+15550001", Header: http.Header{"Authorization": {"Bearer t"}}})
		if d := w.Delivery(x); d.Outcome != ledger.Sent || !strings.Contains(shown.Body, "o-case-1") {
			t.Errorf("got %s (%s), and the screen shows %s, want case-1's message", d.Outcome, d.Reason, shown.Body)
		}
	})
}
