package delivery

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/optout"
)

// nobody has opted out; it counts how many ask at once.
type nobody struct {
	mu               sync.Mutex
	asked, now, most int
}

func (n *nobody) count(by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now += by
	n.asked += max(by, 0)
	n.most = max(n.most, n.now)
}

func (n *nobody) Find(context.Context, string, string) (optout.OptOut, error) {
	n.count(1)
	defer n.count(-1)
	time.Sleep(time.Millisecond) // of the bubble
	return optout.OptOut{}, fault.New(fault.NotFound, "nobody")
}

func (n *nobody) Add(context.Context, string, optout.OptOut) error { return nil }

// A message to many asks for all of them, and not for all at once: each
// question is a connection, of which a function may have a thousand.
func TestManyRecipients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var to []any
		for i := range 1000 {
			to = append(to, fmt.Sprintf("+1555010%04d", i))
		}
		asked := &nobody{}
		a := &attempt{Pipeline: &Pipeline{OptOuts: asked, Limits: limit.NewKeeper(nil)}, action: &action.Action{},
			provider: Provider{Traits: channel.Traits{Recipient: "to"}}, message: &action.Message{Body: map[string]any{"to": to}}}
		a.Closer.Now = time.Now
		out, d, err := a.admission(t.Context(), false)
		if out != nil || !d.Admitted || err != nil {
			t.Errorf("got %v, %v, %v, want that it is admitted", out, d, err)
		}
		if asked.asked != 1000 || asked.most > 64 {
			t.Errorf("it asked %d times, %d at once, want 1000 and 64 at most", asked.asked, asked.most)
		}
	})
}
