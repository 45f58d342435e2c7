package secret

import "net/http"

// bearer is a token in the Authorization header (RFC 6750, section 2.1).
func bearer() method {
	return method{name: "bearer", keys: only("token"), apply: func(_ Auth, c Credential, req *http.Request) error {
		token, err := c.headerValue("token")
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		return nil
	}}
}
