package token

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// A token is what an endpoint gave, and how long it lasts from the call on.
type token struct {
	text string
	life time.Duration
}

// get asks for a token. One that was refused is asked for once more where the
// secret has changed since it was read. It gives the credential that got it.
func (s *Store) get(ctx context.Context, auth secret.Auth, base secret.Credential) (token, secret.Credential, error) {
	t, err := s.ask(ctx, auth, base)
	if !fault.Is(err, fault.Invalid) {
		return t, base, err
	}
	fresh, changed, renewErr := s.secrets.Renew(ctx, auth.Secret, base)
	if renewErr != nil || !changed {
		return t, base, err
	}
	t, err = s.ask(ctx, auth, fresh)
	return t, fresh, err
}

func (s *Store) ask(ctx context.Context, auth secret.Auth, base secret.Credential) (token, error) {
	u, err := url.Parse(auth.TokenURL)
	if err != nil {
		return token{}, fault.New(fault.Invalid, "auth.tokenUrl cannot be read")
	}
	if err := base.MaySendTo(u.Host, nil); err != nil {
		return token{}, err
	}
	ask := s.clientCredentials
	if auth.Type == secret.TypeCustomToken {
		ask = s.custom
	}
	t, err := ask(ctx, auth, base)
	if err != nil {
		return token{}, err
	}
	if t.life <= 0 {
		t.life = DefaultLife
	}
	return t, nil
}

// refused says what an answer that is not 2xx means. code is the endpoint's own,
// where it is one that RFC 6749 knows; nothing else of the answer is repeated.
func refused(host string, status int, code string) error {
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return fault.New(fault.Unavailable, "%s gave no token: it answered %d", host, status)
	case status >= 300 && status < 400:
		return fault.New(fault.Invalid, "%s gave no token: it answered %d, a redirect, which is not followed: set auth.tokenUrl to where it points", host, status)
	case code != "":
		return fault.New(fault.Invalid, "%s gave no token: it answered %d, %s", host, status, code)
	}
	return fault.New(fault.Invalid, "%s gave no token: it answered %d", host, status)
}

// unreadable is an answer that a gateway may have given.
func unreadable(host string) error {
	return fault.New(fault.Unavailable, "%s gave no token: its answer has none that can be read", host)
}

// transport has net/http's client call by the hardened one.
type transport struct{ endpoints Endpoints }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.endpoints.Do(r.Context(), r, egress.Options{Timeout: fetchTimeout, MaxResponse: maxAnswer})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: res.Status, Header: res.Header, Body: io.NopCloser(bytes.NewReader(res.Body)), ContentLength: int64(len(res.Body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r}, nil
}

// client calls by the hardened client, and follows no redirect.
func (s *Store) client() *http.Client {
	return &http.Client{Transport: transport{s.endpoints}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// unanswered gives the failure of a call, without the words that net/http or a
// library put around it: they may repeat what was sent. It is nil where there
// was an answer.
func unanswered(err error) error {
	if e, ok := errors.AsType[*egress.Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Unavailable, "whoever gives the token did not answer in time")
	}
	return nil
}
