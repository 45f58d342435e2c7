package token

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// codes are the errors that a token endpoint may answer (RFC 6749, section
// 5.2): only these are repeated, since an answer may hold anything.
var codes = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target"}

// clientCredentials gets a token by the client credentials grant.
func (s *Store) clientCredentials(ctx context.Context, auth secret.Auth, base secret.Credential) (token, error) {
	id, err := base.Require("clientId")
	if err != nil {
		return token{}, err
	}
	grant := clientcredentials.Config{ClientID: id, TokenURL: auth.TokenURL, Scopes: auth.Scopes, AuthStyle: oauth2.AuthStyleInHeader, EndpointParams: url.Values{}}
	if auth.Audience != "" {
		grant.EndpointParams.Set("audience", auth.Audience)
	}
	if auth.ClientAuth == secret.ClientSigned {
		grant.AuthStyle = oauth2.AuthStyleInParams
		assertion, err := assert(base, id, auth.TokenURL, s.wall())
		if err != nil {
			return token{}, err
		}
		grant.EndpointParams.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		grant.EndpointParams.Set("client_assertion", assertion)
	} else if grant.ClientSecret, err = base.Require("clientSecret"); err != nil {
		return token{}, err
	}
	if auth.ClientAuth == secret.ClientPost {
		grant.AuthStyle = oauth2.AuthStyleInParams
	}
	t, err := grant.Token(context.WithValue(ctx, oauth2.HTTPClient, s.client()))
	if err != nil {
		return token{}, grantError(auth.TokenURL, err)
	}
	if t.TokenType != "" && !strings.EqualFold(t.TokenType, "bearer") {
		return token{}, fault.New(fault.Invalid, "%s gives tokens of another type than bearer", hostOf(auth.TokenURL))
	}
	life := DefaultLife
	if !t.Expiry.IsZero() {
		life = max(time.Until(t.Expiry).Round(time.Second), time.Second)
	}
	return token{t.AccessToken, life}, nil
}

// grantError says for people why there is no token. It wraps nothing that the
// library says, which repeats the endpoint's answer.
func grantError(tokenURL string, err error) error {
	if failed := unanswered(err); failed != nil {
		return failed
	}
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || answer.Response == nil {
		return unreadable(hostOf(tokenURL))
	}
	code := ""
	if slices.Contains(codes, answer.ErrorCode) {
		code = answer.ErrorCode
	}
	return refused(hostOf(tokenURL), answer.Response.StatusCode, code)
}

func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
