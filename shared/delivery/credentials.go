package delivery

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/action"
)

// needed names the secrets that an action's settings need; its zero value is none.
type needed struct{ auth, signature string }

func needsOf(act *action.Action) needed {
	var n needed
	if act == nil {
		return n
	}
	if auth := act.Settings.Auth; auth != nil && auth.Needs() {
		n.auth = auth.Secret
	}
	if s := act.Settings.Signature; s != nil {
		n.signature = s.Secret
	}
	return n
}

// credentials gets what is needed, at once.
func (a *attempt) credentials(ctx context.Context, n needed) error {
	var trip errgroup.Group
	if n.auth != "" {
		trip.Go(func() (err error) {
			a.cred, err = a.Secrets.Get(ctx, n.auth)
			return err
		})
	}
	if n.signature != "" {
		trip.Go(func() (err error) {
			a.signing, err = a.Secrets.Get(ctx, n.signature)
			return err
		})
	}
	return trip.Wait()
}

// renew reads the credentials again after a 401, once for each invocation, and
// says whether one has changed.
func (a *attempt) renew(ctx context.Context) bool {
	n := needsOf(a.action)
	if a.renewed || n == (needed{}) {
		return false
	}
	a.renewed = true
	changed := false
	if n.auth != "" {
		if cred, fresh, err := a.Secrets.Renew(ctx, n.auth, a.cred); err == nil && fresh {
			a.cred, changed = cred, true
		}
	}
	if n.signature != "" {
		if cred, fresh, err := a.Secrets.Renew(ctx, n.signature, a.signing); err == nil && fresh {
			a.signing, changed = cred, true
		}
	}
	return changed
}
