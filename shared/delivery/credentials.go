package delivery

import (
	"cmp"
	"context"
	"reflect"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/secret"
)

// needed are the credentials that an action's settings need, each the zero
// value where it needs none.
type needed struct{ auth, signature secret.Auth }

func needsOf(act *action.Action) needed {
	var n needed
	if act == nil {
		return n
	}
	if auth := act.Settings.Auth; auth != nil && auth.Needs() {
		n.auth = *auth
	}
	if s := act.Settings.Signature; s != nil {
		n.signature.Secret = s.Secret
	}
	return n
}

// same says whether both need the same.
func (n needed) same(m needed) bool { return reflect.DeepEqual(n, m) }

// none says whether nothing is needed.
func (n needed) none() bool { return n.same(needed{}) }

// credentials gets what is needed, at once. Memory mostly has it: so only the
// second of two is worth a goroutine.
func (a *attempt) credentials(ctx context.Context, n needed) error {
	var trip errgroup.Group
	if n.signature.Secret != "" {
		get := func() (err error) {
			a.signing, err = a.Secrets.Get(ctx, n.signature)
			return err
		}
		if n.auth.Secret == "" {
			return get()
		}
		trip.Go(get)
	}
	var err error
	if n.auth.Secret != "" {
		a.cred, err = a.Secrets.Get(ctx, n.auth)
	}
	return cmp.Or(err, trip.Wait())
}

// renew gets the credentials again after a 401, once for each invocation, and
// says whether one has changed.
func (a *attempt) renew(ctx context.Context) bool {
	n := needsOf(a.action)
	if a.renewed || n.none() {
		return false
	}
	a.renewed = true
	changed := false
	if n.auth.Secret != "" {
		if cred, fresh, err := a.Secrets.Renew(ctx, n.auth, a.cred); err == nil && fresh {
			a.cred, changed = cred, true
		}
	}
	if n.signature.Secret != "" {
		if cred, fresh, err := a.Secrets.Renew(ctx, n.signature, a.signing); err == nil && fresh {
			a.signing, changed = cred, true
		}
	}
	return changed
}
