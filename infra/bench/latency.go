package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/local"
)

const (
	injected     = 5 * time.Millisecond
	latencyRuns  = 200 // with latency, and as many without, in turn
	latencyWarm  = 10
	latencyLimit = 10 * time.Second // of one event

	barBefore = 1 // round trips before the endpoint is called, one after the other
	barCalls  = 3 // calls of AWS in all
)

// A delivered event is what one event took and which calls it cost.
type delivered struct {
	took        time.Duration // from before the event's POST to its request at the sink
	before      int           // the action function's round trips, one after the other, before the request
	calls       int           // its calls in all
	reread      bool          // it read the catalog or a secret again, which memory has when warm
	entrySteps  int           // entry's round trips, one after the other
	entryCalls  int
	entryReread bool
}

// latency measures the time from event to request while every call of AWS
// takes 5 ms longer, and counts the calls that one delivery costs.
func latency(ctx context.Context, progress func(string)) (s section, err error) {
	rec := newRecorder()
	progress("starting the embedded runtime")
	st, err := open(ctx, local.Config{Around: rec.around}, 1)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, st.close(ctx)) }()
	if err := st.enrol(ctx, "c-1"); err != nil {
		return s, err
	}
	var slow, quick []delivered
	for i := range latencyWarm + latencyRuns {
		if i%50 == 0 {
			progress(fmt.Sprintf("event %d of %d, with and without latency", i, latencyWarm+latencyRuns))
		}
		with, err := st.deliver(ctx, rec, fmt.Sprintf("slow-%d", i), injected)
		if err != nil {
			return s, err
		}
		without, err := st.deliver(ctx, rec, fmt.Sprintf("quick-%d", i), 0)
		if err != nil {
			return s, err
		}
		if i >= latencyWarm {
			slow, quick = append(slow, with), append(quick, without)
		}
	}
	return latencySection(slow, quick), nil
}

// deliver sends one event, waits until its delivery is over, and gives what it cost.
func (s *stage) deliver(ctx context.Context, rec *recorder, id string, latency time.Duration) (delivered, error) {
	ctx, cancel := context.WithTimeout(ctx, latencyLimit)
	defer cancel()
	rec.begin(latency)
	began := time.Now()
	if err := s.send(ctx, id, "c-1"); err != nil {
		return delivered{}, err
	}
	select {
	case <-rec.invoked:
	case <-ctx.Done():
		return delivered{}, fmt.Errorf("the event %s was not delivered within %v", id, latencyLimit)
	}
	at, ok := s.sink.first(id)
	if !ok {
		return delivered{}, fmt.Errorf("the function ended, and the event %s has not reached the sink", id)
	}
	own, entrys := rec.by(actionFunction), rec.by("entry")
	before := slices.DeleteFunc(slices.Clone(own), func(c span) bool { return c.ended.After(at) })
	if len(before) == 0 {
		return delivered{}, fmt.Errorf("the endpoint was called for %s before any call of AWS had ended: was it claimed?", id)
	}
	return delivered{took: at.Sub(began), before: chain(before), calls: len(own), reread: reread(own),
		entrySteps: chain(entrys), entryCalls: len(entrys), entryReread: reread(entrys)}, nil
}

// reread says whether something was read that memory has while it is warm.
func reread(calls []span) bool {
	return slices.ContainsFunc(calls, func(c span) bool {
		return strings.HasSuffix(c.Name, " "+local.CatalogTable) || c.Name == "GetSecretValue"
	})
}

func latencySection(slow, quick []delivered) section {
	s := section{title: fmt.Sprintf("Event to request: %d events one after the other through the embedded runtime, %v more for every call of AWS", len(slow), injected)}
	took := func(of []delivered) (d []time.Duration) {
		for _, e := range of {
			d = append(d, e.took)
		}
		return d
	}
	for _, q := range []struct {
		name string
		p    float64
	}{{"p50", 0.5}, {"p99", 0.99}} {
		with, without := quantile(took(slow), q.p), quantile(took(quick), q.p)
		s.rows = append(s.rows, row{what: "event to request, " + q.name, measured: fmt.Sprintf("%.1f ms", millis(with)),
			baseline: fmt.Sprintf("%.1f ms without", millis(without)), ratio: fmt.Sprintf("%.1f trips", float64(with-without)/float64(injected))})
	}
	var warm, cold, entryWarm, entryCold []delivered
	for _, e := range slow {
		pick(e, e.reread, &warm, &cold)
		pick(e, e.entryReread, &entryWarm, &entryCold)
	}
	before := func(e delivered) int { return e.before }
	calls := func(e delivered) int { return e.calls }
	add := func(what, bar string, most int, of []delivered, f func(delivered) int) {
		n, all := commonest(of, f)
		if len(of) > 0 {
			s.rows = append(s.rows, row{what: what, measured: all, bar: bar, over: n > most})
		}
	}
	add("round trips before the request, warm", fmt.Sprintf("≤ %d", barBefore), barBefore, warm, before)
	add("calls of AWS in all, warm", fmt.Sprintf("≤ %d", barCalls), barCalls, warm, calls)
	add("round trips before the request, definition re-read", "", 0, cold, before)
	add("calls of AWS in all, definition re-read", "", 0, cold, calls)
	add("entry: round trips, warm", "", 0, entryWarm, func(e delivered) int { return e.entrySteps })
	add("entry: calls in all, warm", "", 0, entryWarm, func(e delivered) int { return e.entryCalls })
	add("entry: round trips, listeners re-read", "", 0, entryCold, func(e delivered) int { return e.entrySteps })
	add("entry: calls in all, listeners re-read", "", 0, entryCold, func(e delivered) int { return e.entryCalls })
	s.notes = []string{
		"event to request: from before the POST to /entry/ until the sink has the request's headers; the baseline is the same without the latency,",
		"in turn with it, and the ratio is their difference in trips of 5 ms. Latency is added to each request of the functions to DynamoDB, Secrets",
		"Manager, SQS and Step Functions (entry's StartExecution too), and to Step Functions' Invoke of the function; not to the event's own POST.",
		"Round trips and calls are observed: the longest chain of a function's calls that did not overlap, and how many it made, with the number of events.",
		"Where all have the same number only that is shown; the verdict is on the commonest. Memory has the definition for 5 s, and who listens for 1 s.",
	}
	return s
}

func pick(e delivered, first bool, yes, no *[]delivered) {
	if first {
		yes, no = no, yes
	}
	*yes = append(*yes, e)
}

// commonest gives the number that most of the events have, and a text that
// tells how many have which: "1", or "1 (198 events), 2 (2)".
func commonest(of []delivered, f func(delivered) int) (int, string) {
	counts := map[int]int{}
	for _, e := range of {
		counts[f(e)]++
	}
	order := slices.SortedFunc(maps.Keys(counts), func(a, b int) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return b - a // of two that are as common, the worse
	})
	if len(order) == 0 {
		return 0, ""
	}
	if len(order) == 1 {
		return order[0], fmt.Sprintf("%d", order[0])
	}
	var texts []string
	for i, n := range order {
		unit := ""
		if i == 0 {
			unit = " events"
		}
		texts = append(texts, fmt.Sprintf("%d (%d%s)", n, counts[n], unit))
	}
	return order[0], strings.Join(texts, ", ")
}
