package delivery

import (
	"cmp"
	"context"
	"net/http"
	"reflect"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
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

// renewed looks at an answer that may refuse the credential. again says that
// there is another credential now, with which the call may be made once more.
// Where another can't be got at this moment, the refusal passes: nothing was
// processed, and a later invocation may have one.
func (a *attempt) renewed(ctx context.Context, v channel.Verdict, answer channel.Answer) (again bool, _ channel.Verdict) {
	if answer.Code != http.StatusUnauthorized && !v.Unauthorized {
		return false, v
	}
	changed, err := a.renew(ctx)
	if changed || err == nil {
		return changed, v
	}
	v.Reason = joined(v.Reason, fault.Line(err))
	if passing(err) && v.Result == channel.Refused {
		v.Result, a.later = channel.Retryable, true
	}
	return false, v
}

// renew gets the credentials again, once for each invocation, and says whether
// one has changed. Its error says why one could not be got.
func (a *attempt) renew(ctx context.Context) (changed bool, err error) {
	n := needsOf(a.action)
	if a.triedRenewal || n.none() {
		return false, nil
	}
	a.triedRenewal = true
	for _, part := range []struct {
		auth secret.Auth
		cred *secret.Credential
	}{{n.auth, &a.cred}, {n.signature, &a.signing}} {
		if part.auth.Secret == "" {
			continue
		}
		cred, fresh, failed := a.Secrets.Renew(ctx, part.auth, *part.cred)
		switch {
		case failed != nil:
			err = failed
		case fresh:
			*part.cred, changed = cred, true
		}
	}
	return changed, err
}
