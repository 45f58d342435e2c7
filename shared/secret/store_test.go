package secret_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// source is a Source whose one secret can be changed.
type source struct {
	mu      sync.Mutex
	value   string
	err     error
	fetches int
	delay   time.Duration
}

func (s *source) Fetch(ctx context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	value, err, delay := s.value, s.err, s.delay
	s.fetches++
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return []byte(value), err
}

func (s *source) set(value string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.err = value, err
}

func (s *source) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches
}

func token(value string) string { return `{"token":"` + value + `"}` }

// want fails unless the store gives this token after this many fetches in all.
func want(t *testing.T, store *secret.Store, src *source, value string, fetches int) secret.Credential {
	t.Helper()
	c, err := store.Get(t.Context(), "waypost/a")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := c.Field("token"); got != value {
		t.Errorf("token %q, want %q", got, value)
	}
	if got := src.count(); got != fetches {
		t.Errorf("%d fetches, want %d", got, fetches)
	}
	return c
}

func TestGetKeepsACredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{value: token("one")}
		store := secret.NewStore(src, nil)
		want(t, store, src, "one", 1)
		src.set(token("two"), nil)
		time.Sleep(secret.TTL - 1)
		want(t, store, src, "one", 1)
		time.Sleep(time.Nanosecond)
		want(t, store, src, "two", 2)
	})
}

func TestGetWhileTheSourceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{value: token("one")}
		store := secret.NewStore(src, nil)
		want(t, store, src, "one", 1)
		src.set("", fault.New(fault.Unavailable, "out of order"))
		time.Sleep(secret.TTL)
		want(t, store, src, "one", 2)
		time.Sleep(2 * time.Hour)
		if _, err := store.Get(t.Context(), "waypost/a"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("after the grace: %v, want Unavailable", err)
		}
		// What is gone for good is gone at once, and what is made works at once.
		src.set("", fault.New(fault.NotFound, "the secret waypost/a does not exist"))
		if _, err := store.Get(t.Context(), "waypost/a"); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted: %v, want NotFound", err)
		}
		src.set(`[]`, nil)
		if _, err := store.Get(t.Context(), "waypost/a"); !fault.Is(err, fault.Invalid) {
			t.Errorf("malformed: %v, want Invalid", err)
		}
		src.set(token("two"), nil)
		want(t, store, src, "two", 6)
	})
}

// A source that hangs holds up few, while the old credential serves.
func TestGetWhileTheSourceHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{value: token("one")}
		store := secret.NewStore(src, nil)
		want(t, store, src, "one", 1)
		src.set("", fault.New(fault.Unavailable, "out of order"))
		src.delay = 9 * time.Second
		time.Sleep(secret.TTL)
		for i, takes := range []time.Duration{src.delay, 0, 0, 0, 0, src.delay, 0} { // a second apart
			began := time.Now()
			if _, err := store.Get(t.Context(), "waypost/a"); err != nil || time.Since(began) != takes {
				t.Errorf("%d: it took %v (%v), want %v", i, time.Since(began), err, takes)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestGetRefusesOtherNames(t *testing.T) {
	src := &source{}
	if _, err := secret.NewStore(src, nil).Get(t.Context(), "prod/db"); !fault.Is(err, fault.Invalid) || src.count() != 0 {
		t.Errorf("got %v after %d fetches, want Invalid after none", err, src.count())
	}
}

func TestOneFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{value: token("one"), delay: time.Second}
		store := secret.NewStore(src, nil)
		var wg sync.WaitGroup
		// The first caller gives up; the others get their answer all the same.
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		wg.Go(func() {
			if _, err := store.Get(ctx, "waypost/a"); !fault.Is(err, fault.Unavailable) {
				t.Errorf("given up: %v, want Unavailable", err)
			}
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() {
				if _, err := store.Get(t.Context(), "waypost/a"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := src.count(); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
	})
}

func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{value: token("one")}
		store := secret.NewStore(src, nil)
		one := want(t, store, src, "one", 1)
		renew := func(used secret.Credential, value string, changed bool, fetches int) secret.Credential {
			t.Helper()
			c, got, err := store.Renew(t.Context(), "waypost/a", used)
			if err != nil {
				t.Fatal(err)
			}
			if token, _ := c.Field("token"); token != value || got != changed || src.count() != fetches {
				t.Errorf("got %q, changed %t, %d fetches; want %q, %t, %d", token, got, src.count(), value, changed, fetches)
			}
			return c
		}
		renew(one, "one", false, 2)
		renew(one, "one", false, 2) // within the gap
		time.Sleep(secret.RenewalGap)
		src.set(token("two"), nil)
		two := renew(one, "two", true, 3)
		renew(one, "two", true, 3) // another who used the old one
		renew(two, "two", false, 3)
		time.Sleep(secret.RenewalGap)
		src.set("", fault.New(fault.Unavailable, "out of order"))
		if c, changed, err := store.Renew(t.Context(), "waypost/a", two); !fault.Is(err, fault.Unavailable) || changed || !c.Same(two) {
			t.Errorf("source out of order: changed %t, %v", changed, err)
		}
	})
}
