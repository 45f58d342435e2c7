package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/secret"
)

// retryDelay is the wait before a call's one retry.
const retryDelay = 50 * time.Millisecond

// answer gives a source's answer to what its request comes to: from memory, or
// by one call for all who ask the same at the same time. A caller that gives
// up leaves the others their answer. Its error is a fault, the reason for people.
func (r *Resolver) answer(ctx context.Context, s *Source, env mapping.Env, until time.Time) (any, error) {
	req, err := s.compose(env)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%s.%d.%s", s.Name, s.Revision, req.Digest())
	if v, found := r.memory.get(key, r.wall(), s.Settings.CacheTime()); found {
		return v, nil
	}
	budget := min(s.Settings.CallTimeout(), until.Sub(r.Now()))
	if budget < MinTimeout {
		return nil, fault.New(fault.Unavailable, "there was no time left to call it")
	}
	called := r.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), budget)
		defer cancel()
		began := r.wall()
		if v, found := r.memory.get(key, began, s.Settings.CacheTime()); found {
			return v, nil // an earlier flight brought it just now
		}
		body, err := r.call(ctx, s, req)
		if err != nil {
			return nil, err
		}
		v, err := s.read(body)
		if err == nil && s.Settings.CacheTime() > 0 {
			r.memory.keep(key, answer{v, len(body), began})
		}
		return v, err
	})
	patience, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	select {
	case c := <-called:
		return c.Val, c.Err
	case <-patience.Done():
		host := ""
		if u, err := url.Parse(req.URL); err == nil {
			host = u.Hostname()
		}
		return nil, egress.NewError(egress.Timeout, true, host)
	}
}

// wall is the time without its monotonic part, which stands still while a
// Lambda instance is frozen.
func (r *Resolver) wall() time.Time { return r.Now().Round(0) }

// call calls a source until an answer is accepted, with the credential renewed
// once where it is refused, and one retry of what may pass, where the time allows.
func (r *Resolver) call(ctx context.Context, s *Source, req *channel.Request) ([]byte, error) {
	auth, cred := s.Settings.Auth, secret.Credential{}
	needed := auth != nil && auth.Needs()
	if needed {
		var err error
		if cred, err = r.Secrets.Get(ctx, *auth); err != nil {
			return nil, err
		}
	}
	deadline, _ := ctx.Deadline()
	for renewed, retried := !needed, false; ; {
		out, err := req.HTTP(ctx, auth, cred, nil)
		if err != nil {
			return nil, err
		}
		if err := secret.Seal(auth, cred, r.Now(), req.Body, out); err != nil {
			return nil, err
		}
		certificate, err := secret.Certificate(auth, cred)
		if err != nil {
			return nil, err
		}
		res, err := r.Endpoints.Do(ctx, out, egress.Options{Timeout: time.Until(deadline), Certificate: certificate})
		if err == nil && res.Status >= 200 && res.Status < 300 {
			return res.Body, nil
		}
		passing, delay, reason := r.judge(res, err)
		if refusesCredential(res, err) && !renewed {
			renewed = true
			if fresh, changed, err := r.Secrets.Renew(ctx, *auth, cred); err == nil && changed {
				cred = fresh
				continue
			}
		}
		if !passing || retried || time.Until(deadline) < delay+MinTimeout {
			return nil, reason
		}
		retried = true
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, reason
		}
	}
}

// refusesCredential says whether an answer does, as a 401, or who ended the
// connection for the client certificate.
func refusesCredential(res *egress.Response, err error) bool {
	e, failed := errors.AsType[*egress.Error](err)
	return res != nil && res.Status == http.StatusUnauthorized || failed && e.Kind == egress.Certificate
}

// judge says whether what brought nothing may pass, after how long, and why it
// brought nothing.
func (r *Resolver) judge(res *egress.Response, err error) (passing bool, after time.Duration, reason error) {
	if e, ok := errors.AsType[*egress.Error](err); ok && (e.Kind != egress.TooLarge || res == nil || res.Status < 300) {
		passes := fault.Is(err, fault.Unavailable) && e.Kind != egress.Canceled && e.Kind != egress.Certificate
		return passes, retryDelay, err
	}
	if res == nil {
		return false, 0, err
	}
	v := channel.ByStatus(channel.Answer{Code: res.Status, Header: res.Header}, r.Now()) // a refusal is one at any size
	passing = v.Result == channel.Retryable || v.Result == channel.Ambiguous
	return passing, max(retryDelay, v.RetryAfter), fault.New(fault.Unavailable, "%s", v.Reason)
}
