package secret

import (
	"net/http"
	"strings"

	"github.com/waypost/waypost/shared/fault"
)

// basic is a user name and password in the Authorization header (RFC 7617).
func basic() method {
	return method{name: "basic", keys: only("username", "password"), apply: func(_ Auth, c Credential, req *http.Request) error {
		username, _ := c.Field("username")
		password, _ := c.Field("password")
		// Either may be empty: some endpoints take a key as one of the two.
		if username+password == "" {
			return fault.New(fault.Invalid, "the secret %s has an empty username and an empty password", c.Name())
		}
		if strings.Contains(username, ":") {
			return fault.New(fault.Invalid, "the secret %s cannot be used: its username has a colon, which basic authentication cannot carry", c.Name())
		}
		req.SetBasicAuth(username, password)
		return nil
	}}
}
