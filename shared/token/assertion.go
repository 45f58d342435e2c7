package token

import (
	"crypto/elliptic"
	"crypto/rand"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// assertionLife is how long an assertion may be used: it is used at once.
const assertionLife = time.Minute

// assert makes the assertion by which a client proves that it has its private
// key (RFC 7523, section 3): RS256 by an RSA key, ES256 by one on P-256. The
// secret may have "keyId", for an endpoint that knows several keys.
func assert(base secret.Credential, clientID, audience string, now time.Time) (string, error) {
	text, err := base.Require("privateKey")
	if err != nil {
		return "", err
	}
	unusable := func(reason string) error {
		return fault.New(fault.Invalid, `the secret %s cannot be used: its "privateKey" %s`, base.Name(), reason)
	}
	var key any
	var method jwt.SigningMethod
	if rsa, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(text)); err == nil {
		if rsa.N.BitLen() < 2048 {
			return "", unusable("has fewer than 2048 bits")
		}
		key, method = rsa, jwt.SigningMethodRS256
	} else if ec, err := jwt.ParseECPrivateKeyFromPEM([]byte(text)); err == nil {
		if ec.Curve != elliptic.P256() {
			return "", unusable("is on another curve than P-256")
		}
		key, method = ec, jwt.SigningMethodES256
	} else {
		return "", unusable("must be an RSA key or one on P-256, in PEM, without a password")
	}
	assertion := jwt.NewWithClaims(method, jwt.RegisteredClaims{Issuer: clientID, Subject: clientID, Audience: jwt.ClaimStrings{audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(assertionLife))})
	if id, _ := base.Field("keyId"); id != "" {
		assertion.Header["kid"] = id
	}
	signed, err := assertion.SignedString(key)
	if err != nil {
		return "", unusable("cannot sign")
	}
	return signed, nil
}
