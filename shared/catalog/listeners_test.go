package catalog_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/waypost/waypost/shared/catalog"
)

// meeting is a store whose List and Get of one read wait for each other.
type meeting struct {
	catalog.Store
	both sync.WaitGroup
}

func (m *meeting) List(ctx context.Context, name string) ([]catalog.Item, error) {
	m.both.Done()
	m.both.Wait()
	return m.Store.List(ctx, name)
}

func (m *meeting) Get(ctx context.Context, key catalog.Key) (catalog.Item, error) {
	m.both.Done()
	m.both.Wait()
	return m.Store.Get(ctx, key)
}

// An event may wait for this read, so it is one round trip. One after the
// other, the two would wait for ever, which the bubble reports.
func TestListenersReadAtOnce(t *testing.T) {
	w := live(t)
	synctest.Test(t, func(t *testing.T) {
		m := &meeting{Store: w.store}
		m.both.Add(2)
		read, err := catalog.NewListeners(m, w.Now).Read(t.Context(), "order.ready")
		if err != nil || len(read.Journeys) != 1 || read.Schema == nil {
			t.Errorf("%+v, %v", read, err)
		}
	})
}
