package secret

import (
	"crypto/sha256"
	"net/http"

	"github.com/waypost/waypost/shared/fault"
)

// WithToken gives the credential with a token that was got by it. It is kept
// from print and bound to hosts as the credential is, and is another than any
// with another token; see Same.
func (c Credential) WithToken(token string) Credential {
	var with content
	if c.content != nil {
		with = *c.content()
	}
	with.token = token
	with.digest = sha256.Sum256(append(with.digest[:], token...))
	return Credential{func() *content { return &with }}
}

// bearerToken gives the token that a request is sent with.
func (c Credential) bearerToken() (string, error) {
	if c.content == nil || c.content().token == "" {
		return "", fault.New(fault.Internal, "no token was got by the secret %s", c.Name())
	}
	token := c.content().token
	if !sendable(token) {
		return "", fault.New(fault.Invalid, "the token that the secret %s got cannot be sent: it has a line break or a space around it", c.Name())
	}
	return token, nil
}

func applyToken(a Auth, c Credential, req *http.Request) error {
	token, err := c.bearerToken()
	if err != nil {
		return err
	}
	switch a.In {
	case inHeader:
		req.Header.Set(a.Name, token)
	case inQuery:
		putQuery(req, a.Name, token)
	default:
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return nil
}
