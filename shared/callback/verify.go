package callback

import (
	"context"
	"errors"
	"net/http"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// The keys of a secret that callbacks are signed with: while the first is
// replaced, the second is what it was before.
const (
	keyNow    = "key"
	keyBefore = "previousKey"
)

// verified gives the one whose key has signed a callback, of those who may have
// sent it. Where it is none's, what may pass is answered before what won't.
func (h *Handler) verified(ctx context.Context, reporter Reporter, c channel.Callback, of []addressee) (addressee, error) {
	var refused error
	for _, to := range of {
		err := h.verify(ctx, reporter, c, to.callback.Secret)
		if err == nil {
			return to, nil
		}
		switch {
		case refused == nil:
			refused = err
		case statusOf(refused) != http.StatusForbidden:
		case statusOf(err) == http.StatusForbidden:
			refused = forbidden(refused.Error() + "; " + err.Error())
		default:
			refused = err
		}
	}
	return addressee{}, refused
}

// verify holds that the provider signed a callback. Where it seems that it did
// not, the secret is read once more, so that a key that was replaced is known
// without a deploy.
func (h *Handler) verify(ctx context.Context, reporter Reporter, c channel.Callback, name string) error {
	cred, err := h.Secrets.Get(ctx, name)
	if err != nil {
		return unusable(err)
	}
	wrong, err := h.signed(reporter, c, cred)
	if err == nil && wrong == nil {
		return nil
	}
	fresh, changed, renewal := h.Secrets.Renew(ctx, name, cred)
	if renewal != nil {
		return unusable(renewal)
	}
	if changed {
		wrong, err = h.signed(reporter, c, fresh)
	}
	switch {
	case err != nil:
		return err
	case wrong != nil:
		return forbidden("by the secret " + name + " the signature does not hold: " + reasonOf(wrong))
	}
	return nil
}

// signed says what is wrong with a callback's signature, by a secret's keys.
// Its error says that the secret has none, or one that can't be used.
func (h *Handler) signed(reporter Reporter, c channel.Callback, cred secret.Credential) (wrong, _ error) {
	key, err := cred.Require(keyNow)
	if err != nil {
		return nil, unusable(err)
	}
	keys := []string{key}
	if before, _ := cred.Field(keyBefore); before != "" {
		keys = append(keys, before)
	}
	wrong = reporter.Verify(c, keys, h.Now())
	if fault.Is(wrong, fault.Invalid) {
		return nil, unusable(fault.New(fault.Invalid, "the secret %s: %s", cred.Name(), fault.Public(wrong)))
	}
	return wrong, nil
}

// reasonOf is what the log may have of a reporter's error: all of a fault, and
// nothing of another, which may repeat what was sent.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Error()
	}
	return fault.Public(err)
}

// unusable is the refusal for a secret that is not there or has no key: the
// operator mends it, and a provider that repeats its callbacks is heard then.
func unusable(err error) error {
	if fault.Is(err, fault.Unavailable) {
		return err
	}
	return fault.Wrap(err, fault.Internal, "callbacks cannot be verified: %s", fault.Public(err))
}
