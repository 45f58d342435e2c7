package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/local"
)

// openStage opens a stage that ends with the test.
func openStage(t *testing.T, c local.Config, senders int) *stage {
	t.Helper()
	st, err := open(t.Context(), c, senders)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return st
}

// A small load goes through the whole embedded runtime, and arrives once.
func TestThroughput(t *testing.T) {
	l := load{events: 20, senders: 4}
	st := openStage(t, local.Config{}, l.senders)
	f, err := l.run(t.Context(), st, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.took) != l.events || f.bare <= 0 || f.accepted <= 0 || f.arrived <= 0 || slices.Min(f.took) <= 0 {
		t.Errorf("got %+v", f)
	}
	for _, r := range l.section(f).rows {
		if r.measured == "" || r.over {
			t.Errorf("got %+v", r)
		}
	}
	// One that arrives again, or was never sent, is noticed.
	for _, id := range []string{"event-3", "event-99"} {
		if err := st.bare(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	err = st.tally(append(ids("event", l.events), "event-20"), ids("bare", l.events))
	want := "of 21 ids, each of which must arrive once: 1 lost (event-20); 1 doubled (event-3); 1 never sent (event-99)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A cold function reads the catalog; a warm one makes three calls in all,
// whatever the machine's speed. How many of them overlap is the machine's too,
// so only that is held which latency alone decides.
func TestDeliveryCalls(t *testing.T) {
	rec := newRecorder()
	st := openStage(t, local.Config{Around: rec.around}, 1)
	if err := st.enrol(t.Context(), "c-1"); err != nil {
		t.Fatal(err)
	}
	cold, err := st.deliver(t.Context(), rec, "event-0", injected)
	if err != nil {
		t.Fatal(err)
	}
	if !cold.reread || !cold.entryReread || cold.calls <= 3 {
		t.Errorf("the first delivery: %+v", cold)
	}
	warm := cold
	for i := 1; i < 20 && (warm.reread || warm.entryReread); i++ { // a stall of a second cools entry again
		if warm, err = st.deliver(t.Context(), rec, fmt.Sprintf("event-%d", i), injected); err != nil {
			t.Fatal(err)
		}
	}
	if warm.reread || warm.calls != 3 || warm.before < 1 || warm.entryReread || warm.entryCalls != 4 {
		t.Errorf("a later delivery: %+v", warm)
	}
	if warm.took < 4*injected { // entry's record, its start, the invoke, the claim
		t.Errorf("the request came %v after its event: latency was not added", warm.took)
	}
}

func TestCommonest(t *testing.T) {
	of := func(numbers ...int) (all []delivered) {
		for _, n := range numbers {
			all = append(all, delivered{calls: n})
		}
		return all
	}
	for _, tc := range []struct {
		of   []delivered
		n    int
		text string
	}{
		{of(), 0, ""},
		{of(3, 3), 3, "3"},
		{of(3, 4, 3), 3, "3 (2 events), 4 (1)"},
		{of(3, 4), 4, "4 (1 events), 3 (1)"},
	} {
		if n, text := commonest(tc.of, func(d delivered) int { return d.calls }); n != tc.n || text != tc.text {
			t.Errorf("got %d, %q, want %d, %q", n, text, tc.n, tc.text)
		}
	}
}

func TestLatencyVerdicts(t *testing.T) {
	event := func(before, calls int) delivered {
		return delivered{took: 30 * time.Millisecond, before: before, calls: calls}
	}
	s := latencySection([]delivered{event(1, 4), event(2, 4), event(2, 4)}, []delivered{{took: 10 * time.Millisecond}})
	got := map[string]row{}
	for _, r := range s.rows {
		got[r.what] = r
	}
	if r := got["event to request, p50"]; r.ratio != "4.0 trips" {
		t.Errorf("got %+v", r)
	}
	if r := got["round trips before the request, warm"]; r.measured != "2 (2 events), 1 (1)" || !r.over {
		t.Errorf("got %+v", r)
	}
	if r := got["calls of AWS in all, warm"]; r.measured != "4" || !r.over {
		t.Errorf("got %+v", r)
	}
}

func TestSinkRefusesWithoutID(t *testing.T) {
	s, err := listenSink()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, body := range []string{`{}`, `no JSON`} {
		res, err := http.Post(s.url, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %d", body, res.StatusCode)
		}
	}
	if got := s.tally(nil); got.refused != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestLoadIsBounded(t *testing.T) {
	for _, l := range []load{{0, 1}, {maxEvents + 1, 1}, {1, 0}, {1, maxSenders + 1}} {
		if l.check() == nil {
			t.Errorf("%+v passed", l)
		}
	}
	if err := (load{3000, 16}).check(); err != nil {
		t.Error(err)
	}
}
