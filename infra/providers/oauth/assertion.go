package oauth

import (
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	assertionType    = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	maxAssertionLife = 5 * time.Minute
)

// asserts says whether the form has an assertion of the client's own, for this
// server, which has not ended and was not used before (RFC 7523, section 3).
func (s *Server) asserts(c Client, form url.Values) bool {
	if form.Get("client_assertion_type") != assertionType {
		return false
	}
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(form.Get("client_assertion"), &claims, func(*jwt.Token) (any, error) { return c.Key, nil },
		jwt.WithValidMethods([]string{"RS256", "ES256"}), jwt.WithAudience(s.opts.URL), jwt.WithIssuer(c.ID), jwt.WithSubject(c.ID),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(s.opts.Now))
	if err != nil || claims.ID == "" || s.seen[claims.ID] || claims.ExpiresAt.After(s.opts.Now().Add(maxAssertionLife)) {
		return false
	}
	s.seen[claims.ID] = true
	return true
}
