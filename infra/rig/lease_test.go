package rig_test

import (
	"context"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/assemble/action"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/delivery"
)

// A function that is given more time than design.md allows holds a delivery
// no longer for it: its Task times out after a minute, whatever it does.
func TestLeaseIsCapped(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ timeout, lease time.Duration }{
		{15 * time.Minute, 45 * time.Second}, {20 * time.Second, 25 * time.Second}, {0, 45 * time.Second},
	} {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			w.Publish(rig.Setup{})
			task, began := taskOf("case-1"), time.Now()
			var lease time.Duration
			w.Endpoint.Answer = func(int, rig.Request) rig.Reply {
				d, err := w.Ledger.Delivery(context.WithoutCancel(t.Context()), task.ID())
				if err != nil {
					t.Error(err)
				}
				lease = d.Lease.Sub(began)
				return accepted
			}
			ctx := t.Context()
			if tc.timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tc.timeout)
				defer cancel()
			}
			p := action.Pipeline(w.Platform, w.Endpoint, delivery.Provider{Channel: webhook.Channel{}, Traits: webhook.Traits()})
			if _, err := p.Deliver(ctx, task); err != nil {
				t.Fatal(err)
			}
			if lease != tc.lease {
				t.Errorf("with %v: the lease is %v, want %v", tc.timeout, lease, tc.lease)
			}
		})
	}
}
