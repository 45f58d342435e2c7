package secret

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/waypost/waypost/shared/fault"
)

const (
	// TTL is how long a credential is used before it is fetched again.
	TTL = 5 * time.Minute
	// a credential outlives its TTL by so much while its source is out of order.
	grace = time.Hour
	// and is fetched again only after so long
	pause = 5 * time.Second
	// RenewalGap is how long a renewed credential is not renewed again, so that
	// a wrong password does not become a stream of calls to the source.
	RenewalGap = 5 * time.Second

	size         = 256
	fetchTimeout = 10 * time.Second
)

// A Source is where secrets are kept.
type Source interface {
	// Fetch gives a secret's value, a JSON object. The error is a fault:
	// NotFound where there is no such secret, Internal where it may not be
	// read, Unavailable where it can't be now.
	Fetch(ctx context.Context, name string) ([]byte, error)
}

// A Store gives credentials, from memory where it can. It holds the 256 last
// used. NewStore makes one; it is safe for concurrent use.
//
// What cannot be fetched is not remembered: a secret that is created works at
// the next delivery.
type Store struct {
	source Source
	now    func() time.Time
	held   *lru.Cache[string, entry]
	flight singleflight.Group
}

type entry struct {
	cred    Credential
	fetched time.Time
	renewed time.Time // last time that Renew fetched it; zero for never
	again   time.Time // not fetched before, since its source was out of order; zero for at any time
}

// NewStore makes a store of a source's secrets. now is the clock; nil is time.Now.
func NewStore(source Source, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	held, _ := lru.New[string, entry](size) // fails only for a size below 1
	return &Store{source: source, now: now, held: held}
}

// wall is the time without its monotonic part, which stands still while a
// Lambda instance is frozen.
func (s *Store) wall() time.Time { return s.now().Round(0) }

// Get gives the credential in the secret of this name. One that is past its
// TTL is fetched first; while the source is Unavailable, the old one serves for
// an hour more. Errors are Invalid (for a name or content that is wrong), or the
// source's.
func (s *Store) Get(ctx context.Context, name string) (Credential, error) {
	if !ValidName(name) {
		return Credential{}, fault.New(fault.Invalid, "a secret's name must begin with waypost/, which %q does not", name)
	}
	e, found := s.held.Get(name)
	now := s.wall()
	age := now.Sub(e.fetched)
	if found && (age < TTL || age < TTL+grace && now.Before(e.again)) {
		return e.cred, nil
	}
	fresh, err := s.fetch(ctx, name, false)
	if err != nil && found && fault.Is(err, fault.Unavailable) && age < TTL+grace {
		return e.cred, nil
	}
	return fresh, err
}

// Renew is for when an endpoint refused a credential, as with 401: it gives
// the secret's present one, and says whether it differs from the one that was
// used, so that another try makes sense. It fetches at most once in RenewalGap.
// Where the source fails, its error comes with the credential that was used.
func (s *Store) Renew(ctx context.Context, name string, used Credential) (Credential, bool, error) {
	e, found := s.held.Get(name)
	if found && (!e.cred.Same(used) || s.wall().Sub(e.renewed) < RenewalGap) {
		return e.cred, !e.cred.Same(used), nil
	}
	fresh, err := s.fetch(ctx, name, true)
	if err != nil {
		return used, false, err
	}
	return fresh, !fresh.Same(used), nil
}

// fetch asks the source, once for all who ask at the same time. A caller that
// gives up leaves the others their answer.
func (s *Store) fetch(ctx context.Context, name string, renewal bool) (Credential, error) {
	// A renewal does not share a Get's flight, which may have left before
	// the secret was changed.
	key := name
	if renewal {
		key += " again"
	}
	answer := s.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		at := s.wall()
		value, err := s.source.Fetch(ctx, name)
		if err != nil {
			if !fault.Is(err, fault.Unavailable) {
				s.held.Remove(name)
			} else if old, found := s.held.Peek(name); found {
				old.again = s.wall().Add(pause)
				s.held.Add(name, old)
			}
			return Credential{}, err
		}
		cred, err := Parse(name, value)
		if err != nil {
			s.held.Remove(name)
			return Credential{}, err
		}
		e := entry{cred: cred, fetched: at}
		if old, found := s.held.Peek(name); found {
			if old.fetched.After(at) {
				return cred, nil // a renewal overtook this fetch
			}
			e.renewed = old.renewed
		}
		if renewal {
			e.renewed = at
		}
		s.held.Add(name, e)
		return cred, nil
	})
	select {
	case r := <-answer:
		cred, _ := r.Val.(Credential)
		return cred, r.Err
	case <-ctx.Done():
		return Credential{}, fault.Wrap(ctx.Err(), fault.Unavailable, "the secret %s was not fetched in time", name)
	}
}
