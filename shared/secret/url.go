package secret

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/waypost/waypost/shared/fault"
)

// secretURL is for endpoints whose URL is itself the credential, as with
// Slack's incoming webhooks: the secret holds the whole URL, as url, and the
// action shows only how it begins. The secret's URL takes the place of the
// request's, and must go on where that one ends: so what the guard and the
// secret's hosts permit holds for it, and nothing of it is in a definition.
func secretURL() method {
	return method{name: "url", keys: only("url"), apply: applyURL}
}

func applyURL(_ Auth, c Credential, req *http.Request) error {
	value, err := c.Require("url")
	if err != nil {
		return err
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Opaque != "" || u.User != nil || u.Fragment != "" || strings.TrimSpace(value) != value:
		return fault.New(fault.Invalid, "the secret %s cannot be used: its url must be a whole URL, without a user, a fragment or spaces", c.Name())
	case u.Scheme != req.URL.Scheme || !strings.EqualFold(u.Host, req.URL.Host):
		return fault.New(fault.Invalid, "the secret %s cannot be used: its url must begin with %s://%s, as the action's does", c.Name(), req.URL.Scheme, req.URL.Host)
	}
	begin := strings.TrimSuffix(req.URL.EscapedPath(), "/") + "/"
	if rest, found := strings.CutPrefix(u.EscapedPath(), begin); !found || rest == "" {
		return fault.New(fault.Invalid, "the secret %s cannot be used: its url must have the action's path, and go on after it", c.Name())
	}
	if q := req.URL.RawQuery; q != "" {
		u.RawQuery = strings.TrimSuffix(q+"&"+u.RawQuery, "&")
	}
	req.URL = u
	return nil
}
