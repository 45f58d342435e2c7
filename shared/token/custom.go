package token

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// maxLife is the longest that a token is used, whatever its answer says.
const maxLife = 30 * 24 * time.Hour

// custom gets a token by the call that the definition describes.
func (s *Store) custom(ctx context.Context, auth secret.Auth, base secret.Credential) (token, error) {
	if auth.TokenCall == nil {
		return token{}, fault.New(fault.Invalid, "auth.tokenCall is missing")
	}
	req, err := auth.TokenCall.Request(auth.TokenURL, base)
	if err != nil {
		return token{}, err
	}
	host := hostOf(auth.TokenURL)
	res, err := s.endpoints.Do(ctx, req, egress.Options{Timeout: fetchTimeout, MaxResponse: maxAnswer})
	if err != nil {
		return token{}, err
	}
	if res.Status < 200 || res.Status > 299 {
		return token{}, refused(host, res.Status, "")
	}
	return read(*auth.TokenCall, host, res.Body)
}

// read finds the token in an answer, and how long it lasts.
func read(call secret.TokenCall, host string, body []byte) (token, error) {
	var answer any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&answer); err != nil {
		return token{}, unreadable(host)
	}
	text, found := secret.TokenIn(answer, call.Token)
	if !found {
		return token{}, fault.New(fault.Unavailable, "%s gave no token: its answer has none at %s", host, call.Token)
	}
	t := token{text: text}
	if call.Life != "" {
		life, err := time.ParseDuration(call.Life)
		if err != nil {
			return token{}, fault.New(fault.Invalid, "auth.tokenCall.life is no duration")
		}
		t.life = life
	}
	if call.ExpiresIn == "" {
		return t, nil
	}
	if text, found := secret.TokenIn(answer, call.ExpiresIn); found {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return token{}, fault.New(fault.Unavailable, "%s gave no token: its answer has no number of seconds at %s", host, call.ExpiresIn)
		}
		t.life = time.Duration(min(max(seconds, 1), maxLife.Seconds()) * float64(time.Second))
	}
	return t, nil
}
