package secret

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/fault"
)

// apiKey is a value in a header or a query parameter of the endpoint's own choice.
func apiKey() method {
	return method{name: "apiKey", keys: only("value"), options: []string{"in", "name"}, check: checkAPIKey, apply: applyAPIKey}
}

// Places where a value goes.
const (
	inHeader = "header"
	inQuery  = "query"
	inBearer = "bearer"
)

func checkAPIKey(path string, a Auth, _ Guard) []fault.Detail {
	return checkPlace(path, a, "header or query")
}

// checkPlace checks in and name. places are those that in may say.
func checkPlace(path string, a Auth, places string) []fault.Detail {
	var details []fault.Detail
	if a.In != inHeader && a.In != inQuery {
		details = append(details, fault.Detail{Path: path + ".in", Rule: "enum", Message: "must say where the key goes: " + places})
	}
	switch {
	case a.Name == "":
		details = append(details, fault.Detail{Path: path + ".name", Rule: "required", Message: "must name the header or the query parameter"})
	case a.In == inHeader && headerFault(a.Name) != "":
		details = append(details, fault.Detail{Path: path + ".name", Rule: "pattern", Message: headerFault(a.Name)})
	}
	return details
}

func applyAPIKey(a Auth, c Credential, req *http.Request) error {
	if a.In == inHeader {
		value, err := c.headerValue("value")
		if err != nil {
			return err
		}
		req.Header.Set(a.Name, value)
		return nil
	}
	value, _ := c.Field("value")
	putQuery(req, a.Name, value)
	return nil
}

// putQuery sets a parameter of a request's query, as a header is set: where the
// request has one of that name, an endpoint might take that for the credential.
func putQuery(req *http.Request, name, value string) {
	u := *req.URL // the caller may hold on to the URL, which had nothing secret
	if given := u.Query(); given.Has(name) {
		given.Del(name)
		u.RawQuery = given.Encode()
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += url.QueryEscape(name) + "=" + url.QueryEscape(value)
	req.URL = &u
}

// isToken says whether a header may have this name (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	}) < 0
}

// isFraming says whether a header is one by which HTTP delimits or routes messages.
func isFraming(name string) bool {
	return slices.Contains([]string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Keep-Alive",
		"Te", "Trailer", "Upgrade", "Expect", "Proxy-Connection", "Idempotency-Key"}, http.CanonicalHeaderKey(name))
}
