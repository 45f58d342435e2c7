package limit

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/fault"
)

const (
	// Above this many calls a second a Keeper takes several at once, since one
	// number of a DynamoDB table can be written a thousand times a second.
	writesPerSecond = 200
	giveBackTimeout = 2 * time.Second
)

// A Keeper admits calls. NewKeeper makes one; it is safe for concurrent use.
//
// Where a limit's rate is high, it takes a batch of calls at once and holds the
// rest for its next ones. Those that it finds no use for in time (slots that
// have passed, the rest of a window) are lost to all.
type Keeper struct {
	store Store

	mu   sync.Mutex
	held map[ID]rest // by pattern and the limit's name
}

// A rest is what is left of a batch.
type rest struct {
	shard string
	from  []int64 // a throttle's slots; of a cap, the length alone matters
}

// NewKeeper makes a keeper of the limits that a store counts.
func NewKeeper(store Store) *Keeper {
	return &Keeper{store: store, held: map[ID]rest{}}
}

// A Decision is what became of a call.
type Decision struct {
	// Admitted says whether the call may be made.
	Admitted bool
	// At is when an admitted call may be made: now, or its slot's time.
	At time.Time
	// By is the limit that refused the call.
	By Limit
	// Reason says why the call was refused, for people.
	Reason string

	taken []taken
}

// taken is one limit's part in a decision.
type taken struct {
	limit Limit
	id    ID
	move  Move // for one call
	from  int64
	batch int64
	moved bool
}

// Admit asks all limits at once whether a call under this key may be made.
// Where one refuses, what the others gave is given back. The key says who shares
// the limits, such as an action's name; limits must be valid.
//
// A call that was given a slot in the future has it: it must not be admitted
// again when the time comes. A cap counts a call when it is admitted.
//
// The error, where no limit refused, is Invalid for a limit that is not valid,
// or the store's: then the call must not be made, and may have been counted.
func (k *Keeper) Admit(ctx context.Context, key string, limits []Limit, now time.Time) (Decision, error) {
	d := Decision{Admitted: true, At: now, taken: make([]taken, len(limits))}
	var all errgroup.Group // no shared context: a write that is broken off may have been made
	for i, l := range limits {
		if wrong := l.Validate("limit"); len(wrong) > 0 {
			all.Go(func() error { return fault.Document("the limit is not valid", wrong) })
			continue
		}
		all.Go(func() (err error) {
			d.taken[i], err = k.take(ctx, key, l, now)
			return err
		})
	}
	err := all.Wait()
	for i, t := range d.taken {
		switch {
		case t.moved && t.limit.Kind == Throttle && t.from > now.UnixMicro():
			if at := time.UnixMicro(t.from).In(now.Location()); at.After(d.At) {
				d.At = at
			}
		case !t.moved && t.limit.Kind != "" && d.Admitted:
			d.Admitted, d.By, d.Reason = false, limits[i], reason(limits[i])
		}
	}
	if d.Admitted && err == nil {
		return d, nil
	}
	k.GiveBack(ctx, d)
	d.taken, d.At = nil, time.Time{}
	if !d.Admitted {
		return d, nil
	}
	return Decision{}, err
}

func reason(l Limit) string {
	if l.Kind == Throttle {
		return l.String() + " has no free slot within 6h"
	}
	return l.String() + " is used up"
}

// take asks one limit. What it gives has no limit where the store failed.
func (k *Keeper) take(ctx context.Context, key string, l Limit, now time.Time) (taken, error) {
	t := taken{limit: l, id: ID{Pattern: key, Shard: l.name()}, batch: l.batch()}
	switch per := l.Window(); l.Kind {
	case Throttle:
		at := now.UnixMicro()
		t.move = Move{Floor: at, Step: l.interval(), Ceiling: at + MaxWait.Microseconds(), Expires: now.Add(MaxWait + 24*time.Hour)}
	default:
		window := now.UnixMicro() / per.Microseconds()
		t.id.Shard += "/" + strconv.FormatInt(window, 10)
		end := time.UnixMicro((window + 1) * per.Microseconds())
		t.move = Move{Step: 1, Ceiling: l.Calls - t.batch, Expires: end.Add(time.Hour)}
	}
	if from, found := k.unhold(t); found {
		t.from, t.moved = from, true
		return t, nil
	}
	whole := t.move
	whole.Step *= t.batch
	from, moved, err := k.store.Advance(ctx, t.id, whole)
	if err != nil {
		return taken{}, err
	}
	t.from, t.moved = from, moved
	if moved && t.batch > 1 {
		rest := make([]int64, 0, t.batch-1)
		for i := int64(1); i < t.batch; i++ {
			rest = append(rest, from+i*t.move.Step)
		}
		k.hold(t, rest)
	}
	return t, nil
}

// batch is how many calls are taken at once: so many that a number is written
// at most about writesPerSecond times a second, and a tenth of a cap at most.
func (l Limit) batch() int64 {
	n := max(1, (l.Calls*int64(time.Second)/int64(l.Window())+writesPerSecond-1)/writesPerSecond)
	return min(n, max(1, l.Calls/10))
}

// place is where the rest of a limit's batch is held.
func (t taken) place() ID { return ID{Pattern: t.id.Pattern, Shard: t.limit.name()} }

// hold keeps calls for later.
func (k *Keeper) hold(t taken, from []int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.held[t.place()]
	if r.shard != t.id.Shard {
		r = rest{shard: t.id.Shard} // what is left of an earlier window is void
	}
	r.from = append(r.from, from...)
	slices.Sort(r.from)
	k.held[t.place()] = r
}

// unhold gives a call that is held and still of use.
func (k *Keeper) unhold(t taken) (int64, bool) {
	if t.batch == 1 {
		return 0, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.held[t.place()]
	if r.shard != t.id.Shard {
		return 0, false
	}
	// A slot that has passed can't be used: several holders might make up
	// for theirs at the same moment.
	for len(r.from) > 0 && r.from[0] < t.move.Floor {
		r.from = r.from[1:]
	}
	if len(r.from) == 0 {
		delete(k.held, t.place())
		return 0, false
	}
	from := r.from[0]
	r.from = r.from[1:]
	k.held[t.place()] = r
	return from, true
}

// GiveBack undoes an admission whose call will not be made after all. A slot
// can be given back only while it is the last one; otherwise it is lost, and
// so is everything where the store fails.
func (k *Keeper) GiveBack(ctx context.Context, d Decision) {
	// Even a caller that is out of time should leave the limits as they were.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
	defer cancel()
	var all sync.WaitGroup
	for _, t := range d.taken {
		switch {
		case !t.moved:
		case t.batch > 1:
			k.hold(t, []int64{t.from})
		default:
			all.Go(func() { _ = k.store.Retreat(ctx, t.id, t.move, t.from) })
		}
	}
	all.Wait()
}
