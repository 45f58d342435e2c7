package source

import (
	"context"
	"sync/atomic"

	"github.com/waypost/waypost/shared/mapping"
)

// A Profile reads attributes of the profile at hand.
type Profile func(ctx context.Context, paths mapping.Paths) (map[string]any, error)

// Once gives a read that is made once, by whoever asks first; the others wait
// for it. (A sync.Once would hold a mutex meanwhile, for which the fake clock
// of a testing/synctest bubble stands still.)
func Once(read func() (map[string]any, error)) func() (map[string]any, error) {
	var begun atomic.Bool
	var attributes map[string]any
	var err error
	done := make(chan struct{})
	return func() (map[string]any, error) {
		if begun.CompareAndSwap(false, true) {
			attributes, err = read()
			close(done)
		}
		<-done
		return attributes, err
	}
}

// Shared gives attributes below paths by a read of these that is under way for
// others too, and any others by a read of their own.
func Shared(read func() (map[string]any, error), paths mapping.Paths, anew Profile) Profile {
	return func(ctx context.Context, need mapping.Paths) (map[string]any, error) {
		if paths.Cover(need) {
			return read()
		}
		return anew(ctx, need)
	}
}
