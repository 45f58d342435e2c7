package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/ledger"
)

const (
	// clockSlack is how far ahead of this clock a delivery's may be.
	clockSlack = time.Minute
	// precision is that of times in the ledger.
	precision = time.Microsecond
	// maxReads bounds the queries of one list; where they are used up, the
	// list says where to go on.
	maxReads = 200
)

// A position is where a list goes on: with deliveries entered before a time,
// but for those of its last moment that were given already.
type position struct {
	Before time.Time `json:"b"`
	Given  []string  `json:"g,omitempty"` // ids
}

func (p position) String() string {
	data, _ := json.Marshal(p) // it has nothing that could fail
	return base64.RawURLEncoding.EncodeToString(data)
}

func parsePosition(s string) (p position, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(data, &p) != nil {
		return position{}, false
	}
	return p, !p.Before.IsZero()
}

// pass moves the position behind a delivery.
func (p *position) pass(d *ledger.Delivery) {
	if before := d.EnteredAt.Truncate(precision).Add(precision); !before.Equal(p.Before) {
		*p = position{Before: before}
	}
	p.Given = append(p.Given, d.ID().String())
}

func (p *position) gave(d *ledger.Delivery) bool {
	return d.EnteredAt.Truncate(precision).Add(precision).Equal(p.Before) && slices.Contains(p.Given, d.ID().String())
}

// A pager gathers one page of deliveries.
type pager struct {
	limit int
	fits  func(*ledger.Delivery) bool
	at    position
	reads int // that are left
	found []ledger.Delivery
	more  bool // there may be more behind at
}

// read takes deliveries until the page is full, or fetch has none left; it
// says which. fetch gives up to n that were entered before a time, newest first.
func (p *pager) read(fetch func(before time.Time, n int) ([]ledger.Delivery, error)) (full bool, _ error) {
	for {
		if p.reads--; p.reads < 0 {
			p.more = true
			return true, nil
		}
		n := p.limit + len(p.at.Given) + 1 // one more than could be known already
		batch, err := fetch(p.at.Before, n)
		if err != nil {
			return false, err
		}
		for i := range batch {
			d := &batch[i]
			if p.at.gave(d) {
				continue
			}
			if p.fits(d) {
				if len(p.found) == p.limit {
					p.more = true
					return true, nil
				}
				p.found = append(p.found, *d)
			}
			p.at.pass(d)
		}
		if len(batch) < n {
			return false, nil
		}
	}
}

// next is what asks for the page after this one, or "" where there is none.
func (p *pager) next() string {
	if !p.more {
		return ""
	}
	return p.at.String()
}

// ofExecution pages through the deliveries of one execution.
func (h *Handler) ofExecution(ctx context.Context, f *filter, p *pager) error {
	_, all, err := h.Ledger.Trace(ctx, f.Execution)
	if err != nil {
		return err
	}
	newestFirst(all)
	_, err = p.read(func(before time.Time, n int) ([]ledger.Delivery, error) {
		rest := slices.DeleteFunc(slices.Clone(all), func(d ledger.Delivery) bool { return !d.EnteredAt.Before(before) })
		return rest[:min(n, len(rest))], nil
	})
	return err
}

// ofJourneys pages through the hours of journeys, newest first.
func (h *Handler) ofJourneys(ctx context.Context, f *filter, p *pager, journeys []string) error {
	if len(journeys) == 0 {
		return nil
	}
	// A day must fit into one page's reads, however many journeys there are.
	p.reads = max(2*int(DefaultWindow/time.Hour), maxReads/len(journeys))
	for hour := p.at.Before.Add(-precision).UTC().Truncate(time.Hour); !hour.Before(f.since.UTC().Truncate(time.Hour)); hour = hour.Add(-time.Hour) {
		full, err := p.read(func(before time.Time, n int) ([]ledger.Delivery, error) {
			return h.ofHour(ctx, journeys, hour, f.since, before, n)
		})
		if full || err != nil {
			return err
		}
		p.at = position{Before: hour}
	}
	return nil
}

// ofHour lists the deliveries of several journeys in one hour.
func (h *Handler) ofHour(ctx context.Context, journeys []string, hour, since, before time.Time, n int) ([]ledger.Delivery, error) {
	lists := make([][]ledger.Delivery, len(journeys))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, journey := range journeys {
		g.Go(func() (err error) {
			lists[i], err = h.Ledger.OfJourney(ctx, journey, hour, since, before, n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(lists...)
	newestFirst(all)
	return all[:min(n, len(all))], nil
}

func newestFirst(list []ledger.Delivery) {
	slices.SortStableFunc(list, func(a, b ledger.Delivery) int { return b.EnteredAt.Compare(a.EnteredAt) })
}
