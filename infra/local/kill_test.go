package local

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestAKilledProcess kills the webhook function's processes while their
// endpoint is answering, as kill -9 does. Under atMostOnce nothing is sent
// twice; under atLeastOnce it is sent again, under the same Idempotency-Key.
// The wait is for the lease: the function's deadline, here 6 s, and 5 s.
func TestAKilledProcess(t *testing.T) {
	t.Parallel()
	w := start(t, Config{Binaries: binaries(t), Timeout: 6 * time.Second})

	var mu sync.Mutex
	keys := map[string][]string{} // by path: the calls' Idempotency-Keys
	called := func(path string) []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(keys[path])
	}
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see its caller go
		mu.Lock()
		keys[r.URL.Path] = append(keys[r.URL.Path], r.Header.Get("Idempotency-Key"))
		first := len(keys[r.URL.Path]) == 1
		mu.Unlock()
		if first {
			<-r.Context().Done() // it is answering until its caller is gone
		}
	}))
	defer endpoint.Close()

	w.must("PUT", "/admin/v1/profile-schema", `{"type": "object", "properties": {"phone": {"type": "string"}}}`, nil)
	w.must("PUT", "/admin/v1/profiles/c-1", `{"phone": "+15550001"}`, nil)
	journeys := map[string]string{"atMostOnce": "notify_once", "atLeastOnce": "notify_surely"}
	for guarantee, name := range journeys {
		w.must("PUT", "/admin/v1/events/"+name, `{"type": "object"}`, nil)
		w.must("PUT", "/admin/v1/actions/"+name, fmt.Sprintf(`{"name": %q, "channel": "webhook", "contract": {"method": "POST", "path": "/%s",
			"body": {"to": {"toBeMapped": true, "type": "string"}}}, "settings": {"url": %q, "timeout": "2s", "guarantee": %q}}`,
			name, guarantee, endpoint.URL, guarantee), nil)
		w.must("POST", "/admin/v1/actions/"+name+"/publish", "", nil)
		w.must("PUT", "/admin/v1/journeys/"+name, fmt.Sprintf(`{"name": %[1]q, "entry": {"event": %[1]q, "profile": "'c-1'"},
			"steps": [{"id": "call", "action": {"name": %[1]q, "version": 1, "with": {"to": "{{ profile.phone }}"}}}]}`, name), nil)
		w.must("POST", "/admin/v1/journeys/"+name+"/publish", "", nil)
	}
	executions := map[string]string{}
	for guarantee, name := range journeys {
		executions[guarantee] = w.send(fmt.Sprintf(`{"specversion": "1.0", "id": %[1]q, "source": "test", "type": %[1]q, "data": {}}`, name))
	}
	for guarantee := range journeys {
		w.until("the endpoint is called under "+guarantee, 10*time.Second, func() bool { return len(called("/"+guarantee)) > 0 })
	}
	killed := processes(w.Runtime, "webhook")
	if len(killed) < len(journeys) {
		t.Fatalf("got %d processes, want one for each of %d deliveries", len(killed), len(journeys))
	}
	for _, pid := range killed {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}

	want := map[string]struct {
		outcome, status string
		calls           int
	}{"atMostOnce": {"unknown", "FAILED", 1}, "atLeastOnce": {"sent", "SUCCEEDED", 2}}
	for guarantee, execution := range executions {
		x, want := w.ended(execution, 30*time.Second), want[guarantee]
		if len(x.Deliveries) != 1 {
			t.Fatalf("%s: got the deliveries %v, want one", guarantee, x.Deliveries)
		}
		d := x.Deliveries[0]
		if d.Outcome != want.outcome || x.Status != want.status {
			t.Errorf("%s: got %s (%s) and %s, want %s and %s", guarantee, d.Outcome, d.Reason, x.Status, want.outcome, want.status)
		}
		if d.Attempts[0].Result != "lost" {
			t.Errorf("%s: the first attempt is %+v, want one that was lost with its process", guarantee, d.Attempts[0])
		}
		if took := d.SettledAt.Sub(d.EventAt); took > 20*time.Second {
			t.Errorf("%s: settled after %v, want little more than the lease's 11 s", guarantee, took)
		}
		calls := called("/" + guarantee)
		if len(calls) != want.calls {
			t.Errorf("%s: the endpoint was called %d times, want %d", guarantee, len(calls), want.calls)
		}
		for _, key := range calls {
			if key != d.ID {
				t.Errorf("%s: a call has the Idempotency-Key %s, want %s", guarantee, key, d.ID)
			}
		}
	}

	// Where a person decides it, what may have been sent is sent again, under its key.
	lost := executions["atMostOnce"]
	w.must("POST", "/admin/v1/deliveries/"+lost+".call.0/replay", `{"outcome": "unknown"}`, nil)
	d := w.ended(lost, 10*time.Second).Deliveries[0]
	if calls := called("/atMostOnce"); d.Outcome != "sent" || d.Generation != 2 || len(calls) != 2 || calls[1] != d.ID {
		t.Errorf("the replay: got %s (%s) in generation %d after calls under %v, want sent in 2 after two under %s", d.Outcome, d.Reason, d.Generation, calls, d.ID)
	}
}
