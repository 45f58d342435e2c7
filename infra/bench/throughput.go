package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/infra/local"
)

// A load is how many events are sent, by how many senders at once.
type load struct{ events, senders int }

const (
	maxEvents  = 9_000 // the local Step Functions keeps 10,000 closed executions
	maxSenders = 256
	// stalled is how long nothing may arrive while something is missing.
	stalled = 15 * time.Second
)

func (l load) check() error {
	if l.events < 1 || l.events > maxEvents {
		return fmt.Errorf("-events must be 1 to %d, not %d", maxEvents, l.events)
	}
	if l.senders < 1 || l.senders > maxSenders {
		return fmt.Errorf("-senders must be 1 to %d, not %d", maxSenders, l.senders)
	}
	return nil
}

// A flow is what a load came to.
type flow struct {
	bare, accepted, arrived time.Duration   // the time that all took
	took                    []time.Duration // from an event's POST to its request
}

// throughput measures events per second through the embedded runtime. It
// fails where an event did not arrive exactly once.
func (l load) throughput(ctx context.Context, progress func(string)) (s section, err error) {
	if err := l.check(); err != nil {
		return s, err
	}
	progress("starting the embedded runtime")
	st, err := open(ctx, local.Config{}, l.senders)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, st.close(ctx)) }()
	f, err := l.run(ctx, st, progress)
	if err != nil {
		return s, err
	}
	return l.section(f), nil
}

func (l load) run(ctx context.Context, st *stage, progress func(string)) (f flow, err error) {
	progress(fmt.Sprintf("writing %d profiles", l.events))
	if err := l.each(ctx, func(ctx context.Context, i int) error { return st.enrol(ctx, customer(i)) }); err != nil {
		return f, err
	}
	progress(fmt.Sprintf("%d bare POSTs to the sink", l.events))
	began := time.Now()
	if err := l.each(ctx, func(ctx context.Context, i int) error { return st.bare(ctx, fmt.Sprintf("bare-%d", i)) }); err != nil {
		return f, err
	}
	f.bare = time.Since(began)
	if err := st.tally(ids("bare", l.events), nil); err != nil {
		return f, fmt.Errorf("the bare POSTs: %w", err)
	}

	sent := ids("event", l.events)
	posted := make([]time.Time, l.events)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // until stop
		for ticker := time.NewTicker(2 * time.Second); ; {
			select {
			case <-watching.Done():
				ticker.Stop()
				return
			case <-ticker.C:
				progress(fmt.Sprintf("%d of %d events delivered", st.sink.count()-l.events, l.events))
			}
		}
	}()
	began = time.Now()
	if err := l.each(ctx, func(ctx context.Context, i int) error {
		posted[i] = time.Now()
		return st.send(ctx, sent[i], customer(i))
	}); err != nil {
		return f, err
	}
	f.accepted = time.Since(began)
	// Whatever went wrong, say which ids it was about.
	if err := errors.Join(st.await(ctx, 2*l.events), st.settled(ctx), st.tally(sent, ids("bare", l.events))); err != nil {
		return f, err
	}
	for i, id := range sent {
		at, _ := st.sink.first(id)
		f.took = append(f.took, at.Sub(posted[i]))
		f.arrived = max(f.arrived, at.Sub(began))
	}
	return f, nil
}

// each does something once for each event, by as many senders at once.
func (l load) each(ctx context.Context, do func(ctx context.Context, i int) error) error {
	var next atomic.Int64
	senders, ctx := errgroup.WithContext(ctx)
	for range l.senders {
		senders.Go(func() error {
			for i := int(next.Add(1)) - 1; i < l.events; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return senders.Wait()
}

func customer(i int) string { return fmt.Sprintf("c-%d", i) }

func ids(kind string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s-%d", kind, i)
	}
	return out
}

// bare posts to the sink as a program without Waypost would.
func (s *stage) bare(ctx context.Context, id string) error {
	body := fmt.Appendf(nil, `{"id":%q,"text":"Hi Ada, 42 spent.","points":7}`, id)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.sink.url+"/hook", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}

// await waits until so many ids have arrived, or none does for a while.
func (s *stage) await(ctx context.Context, n int) error {
	timer := time.NewTimer(stalled)
	defer timer.Stop()
	for s.sink.count() < n {
		select {
		case <-s.sink.news:
			timer.Reset(stalled)
		case <-timer.C:
			return fmt.Errorf("nothing arrived for %v, and ids that have not arrived: %d", stalled, n-s.sink.count())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// settled waits until no execution runs any more, so that one that is sent
// twice is seen to be.
func (s *stage) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stalled)
	defer cancel()
	client := sfn.NewFromConfig(s.runtime.AWS)
	machines, err := client.ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	if err != nil {
		return fmt.Errorf("listing the state machines: %w", err)
	}
	for _, m := range machines.StateMachines {
		for {
			running, err := client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: m.StateMachineArn, StatusFilter: types.ExecutionStatusRunning, MaxResults: 1})
			if err != nil {
				return fmt.Errorf("waiting until %s has no execution that runs: %w", *m.Name, err)
			}
			if len(running.Executions) == 0 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// tally says which ids did not arrive exactly once. besides are others that
// may be there.
func (s *stage) tally(sent, besides []string) error {
	t := s.sink.tally(append(sent[:len(sent):len(sent)], besides...))
	var wrong []string
	for _, w := range []struct {
		what string
		ids  []string
	}{{"lost", t.lost}, {"doubled", t.doubled}, {"never sent", t.unknown}} {
		if n := len(w.ids); n > 0 {
			wrong = append(wrong, fmt.Sprintf("%d %s (%s)", n, w.what, strings.Join(w.ids[:min(n, 5)], ", ")))
		}
	}
	if t.refused > 0 {
		wrong = append(wrong, fmt.Sprintf("%d without an id", t.refused))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("of %d ids, each of which must arrive once: %s", len(sent), strings.Join(wrong, "; "))
	}
	return nil
}

func (l load) section(f flow) section {
	rate := func(d time.Duration) float64 { return float64(l.events) / d.Seconds() }
	base := fmt.Sprintf("%.0f POSTs/s", rate(f.bare))
	return section{
		title: fmt.Sprintf("Throughput: %d events by %d senders through the embedded runtime", l.events, l.senders),
		rows: []row{
			{what: "accepted", measured: fmt.Sprintf("%.0f events/s", rate(f.accepted)), baseline: base, ratio: ratio(rate(f.accepted), rate(f.bare))},
			{what: "delivered", measured: fmt.Sprintf("%.0f events/s", rate(f.arrived)), baseline: base, ratio: ratio(rate(f.arrived), rate(f.bare))},
			{what: "event to request, p50", measured: fmt.Sprintf("%.1f ms", millis(median(f.took)))},
			{what: "event to request, p99", measured: fmt.Sprintf("%.1f ms", millis(quantile(f.took, 0.99)))},
			{what: "ids lost or doubled", measured: "0", bar: "0"},
		},
		notes: []string{"the baseline is bare net/http POSTs to the same sink by as many senders; all of AWS runs in the same process,",
			"on the same cores; the sweep does not run meanwhile"},
	}
}
