package secret

import (
	"strings"

	"github.com/waypost/waypost/shared/fault"
)

// Ways in which an OAuth client proves who it is to the token endpoint.
const (
	ClientBasic  = "basic"         // id and secret in the Authorization header (RFC 6749, section 2.3.1); the default
	ClientPost   = "post"          // id and secret in the form
	ClientSigned = "privateKeyJwt" // an assertion signed by the client's key (RFC 7523)
)

// oauth2 is a bearer token that the client credentials grant gives (RFC 6749,
// section 4.4).
func oauth2() method {
	return method{name: TypeOAuth2, token: true, options: []string{"tokenUrl", "clientAuth", "scopes", "audience"}, check: checkOAuth2, apply: applyToken,
		keys: func(a Auth) []string {
			if a.ClientAuth == ClientSigned {
				return []string{"clientId", "privateKey"}
			}
			return []string{"clientId", "clientSecret"}
		}}
}

func checkOAuth2(path string, a Auth, guard Guard) []fault.Detail {
	details := checkTokenURL(path, a.TokenURL, guard)
	switch a.ClientAuth {
	case "", ClientBasic, ClientPost, ClientSigned:
	default:
		names := []string{ClientBasic, ClientPost, ClientSigned}
		details = append(details, fault.Detail{Path: path + ".clientAuth", Rule: "enum", Message: "must be one of " + strings.Join(names, ", "),
			Suggestion: fault.Nearest(a.ClientAuth, names)})
	}
	for _, scope := range a.Scopes {
		if scope == "" || strings.IndexFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) >= 0 {
			details = append(details, fault.Detail{Path: path + ".scopes", Rule: "pattern", Message: "must be a list of scopes, each without a space or a quotation mark (RFC 6749)"})
			break
		}
	}
	return details
}

// checkTokenURL checks whom a token is asked of as settings.url is checked.
func checkTokenURL(path, tokenURL string, guard Guard) []fault.Detail {
	path += ".tokenUrl"
	if tokenURL == "" {
		return []fault.Detail{{Path: path, Rule: "required", Message: "must be the URL that gives tokens, such as https://login.example.com/oauth/token"}}
	}
	if strings.Contains(tokenURL, "{{") {
		return []fault.Detail{{Path: path, Rule: "url", Message: "is no template; what is secret goes into the headers or the body"}}
	}
	if err := guard.Check(tokenURL); err != nil {
		return []fault.Detail{{Path: path, Rule: "url", Message: fault.Public(err)}}
	}
	return nil
}
