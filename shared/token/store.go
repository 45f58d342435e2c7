// Package token gets the tokens that some types of authentication send in the
// place of a secret, and keeps them in memory.
//
// A token is got once for all who need it at the same time, whatever their
// journeys, and again before it expires. A process has its own: what one
// Lambda environment got, another does not know. Tokens are kept nowhere else,
// and print as the credentials that they are part of do.
package token

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

const (
	// DefaultLife is how long a token is used whose answer does not say how
	// long it lasts.
	DefaultLife = 5 * time.Minute
	// RenewalGap is how long a token that replaced a refused one is not replaced
	// in its turn, so that an endpoint that refuses every token does not become
	// a stream of calls to the one that gives them.
	RenewalGap = time.Second

	// A token is got anew so long before it expires, or for the last quarter of
	// a life that is short.
	margin = time.Minute
	// one that could not be got anew is tried again after so long, while it holds
	pause = 5 * time.Second

	size         = 256
	fetchTimeout = 10 * time.Second
	maxAnswer    = 64 << 10
)

// Secrets are the credentials, through memory; secret.Store is one.
type Secrets interface {
	Get(ctx context.Context, name string) (secret.Credential, error)
	Renew(ctx context.Context, name string, used secret.Credential) (secret.Credential, bool, error)
}

// Endpoints is the hardened HTTP client.
type Endpoints interface {
	Do(ctx context.Context, r *http.Request, o egress.Options) (*egress.Response, error)
}

// A Store gives credentials, with their tokens where their type has them. It
// holds the 256 tokens last used. NewStore makes one; it is safe for concurrent use.
type Store struct {
	secrets   Secrets
	endpoints Endpoints
	now       func() time.Time
	flight    singleflight.Group

	mu   sync.Mutex // a token is looked at and dropped in one step
	held *lru.Cache[string, entry]
}

type entry struct {
	base    secret.Credential // that got the token, or was tried since in vain
	cred    secret.Credential // with the token
	until   time.Time         // when the token ends
	renewal time.Time         // when it is got anew
	renewed time.Time         // when it replaced a refused one; zero for never
}

// NewStore makes a store. now is the clock; nil is time.Now.
func NewStore(secrets Secrets, endpoints Endpoints, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	held, _ := lru.New[string, entry](size) // fails only for a size below 1
	return &Store{secrets: secrets, endpoints: endpoints, now: now, held: held}
}

// wall is the time without its monotonic part, which stands still while a
// Lambda instance is frozen.
func (s *Store) wall() time.Time { return s.now().Round(0) }

// Get gives the credential that auth names, with a token where its type has
// one. While no new token can be got, one that has not ended serves, unless the
// secret may not be sent there any more.
//
// Errors are those of the secret; Unavailable where whoever gives tokens did not
// answer, or not with one; Forbidden where the secret may not be sent there; and
// Invalid where it refused, or the secret can't be used.
func (s *Store) Get(ctx context.Context, auth secret.Auth) (secret.Credential, error) {
	base, err := s.secrets.Get(ctx, auth.Secret)
	if err != nil || !auth.Tokens() {
		return base, err
	}
	key := keyOf(auth)
	e := s.look(key)
	if e.serves(base, s.wall()) {
		return e.cred, nil
	}
	fresh, err := s.fetch(ctx, key, auth, base, false)
	now := s.wall() // the failure may have taken its time
	if err != nil && now.Before(e.until) && !fault.Is(err, fault.Forbidden) {
		s.change(key, func(held *entry) {
			if held.cred.Same(e.cred) {
				held.base, held.renewal = base, now.Add(pause)
			}
		})
		return e.cred, nil
	}
	return fresh, err
}

// Renew is for when an endpoint refused a credential, as with 401. It drops the
// token that was used and gives another, or the secret's present content where
// there are no tokens, and says whether it differs from the one that was used.
func (s *Store) Renew(ctx context.Context, auth secret.Auth, used secret.Credential) (secret.Credential, bool, error) {
	if !auth.Tokens() {
		return s.secrets.Renew(ctx, auth.Secret, used)
	}
	key, now := keyOf(auth), s.wall()
	held := s.change(key, func(e *entry) {
		if e.cred.Same(used) && now.Sub(e.renewed) >= RenewalGap {
			e.until = time.Time{}
		}
	})
	if now.Before(held.until) { // somebody else has replaced it, or did so a moment ago
		return held.cred, !held.cred.Same(used), nil
	}
	base, err := s.secrets.Get(ctx, auth.Secret)
	if err != nil {
		return used, false, err
	}
	fresh, err := s.fetch(ctx, key, auth, base, true)
	if err != nil {
		return used, false, err
	}
	return fresh, !fresh.Same(used), nil
}

// serves says whether a token can be used by who has this credential.
func (e entry) serves(base secret.Credential, now time.Time) bool {
	return now.Before(e.until) && now.Before(e.renewal) && e.base.Same(base)
}

// keyOf is all that makes one token another.
func keyOf(auth secret.Auth) string {
	text, _ := json.Marshal(auth) // strings alone
	return string(text)
}

func (s *Store) look(key string) entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, _ := s.held.Get(key)
	return e
}

// change changes what is held under a key, if anything is, and gives it.
func (s *Store) change(key string, f func(*entry)) entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, found := s.held.Get(key)
	if found {
		f(&e)
		s.held.Add(key, e)
	}
	return e
}

// fetch gets a token, once for all who ask at the same time. A caller that
// gives up leaves the others their answer.
func (s *Store) fetch(ctx context.Context, key string, auth secret.Auth, base secret.Credential, renewal bool) (secret.Credential, error) {
	answer := s.flight.DoChan(key, func() (any, error) {
		began := s.wall()
		if e := s.look(key); e.serves(base, began) {
			return e.cred, nil // an earlier flight brought it just now
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		t, base, err := s.get(ctx, auth, base)
		if err != nil {
			return secret.Credential{}, err
		}
		e := entry{base: base, cred: base.WithToken(t.text), until: began.Add(t.life), renewal: began.Add(t.life - min(margin, t.life/4))}
		if renewal {
			e.renewed = began
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held.Add(key, e)
		return e.cred, nil
	})
	select {
	case r := <-answer:
		cred, _ := r.Val.(secret.Credential)
		return cred, r.Err
	case <-ctx.Done():
		return secret.Credential{}, fault.Wrap(ctx.Err(), fault.Unavailable, "a token by the secret %s was not got in time", auth.Secret)
	}
}
