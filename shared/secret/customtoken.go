package secret

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

// A TokenCall describes how a token is asked for where no standard says it.
// Its strings may have {{ secret.KEY }} where a value of the secret goes.
type TokenCall struct {
	Method  string            `json:"method,omitempty"` // POST (the default), PUT or GET
	Headers map[string]string `json:"headers,omitempty"`
	// Form and JSON are the body, one or the other.
	Form map[string]string `json:"form,omitempty"`
	JSON json.RawMessage   `json:"json,omitempty"`
	// Token is where in the JSON answer the token is: a dotted path, in which a
	// number is an item of a list.
	Token string `json:"token"`
	// ExpiresIn is where the answer says for how many seconds the token lasts;
	// Life is how long it lasts where no answer says it.
	ExpiresIn string `json:"expiresIn,omitempty"`
	Life      string `json:"life,omitempty"`
}

var (
	secretValue = regexp.MustCompile(`\{\{\s*secret\.([A-Za-z0-9_-]+)\s*\}\}`)
	dottedPath  = regexp.MustCompile(`^[^.\s]+(\.[^.\s]+)*$`)
)

// customToken is a token that a call of the endpoint's own kind gives.
func customToken() method {
	return method{name: TypeCustomToken, token: true, options: []string{"tokenUrl", "tokenCall", "in", "name"}, check: checkCustomToken, apply: applyToken,
		keys: func(a Auth) []string {
			if a.TokenCall == nil {
				return nil
			}
			return a.TokenCall.keys()
		}}
}

func checkCustomToken(path string, a Auth, guard Guard) []fault.Detail {
	details := checkTokenURL(path, a.TokenURL, guard)
	if a.In == "" || a.In == inBearer {
		if a.Name != "" {
			details = append(details, fault.Detail{Path: path + ".name", Rule: "unexpected", Message: `is not used by a bearer token; leave it out, or set "in" to header or query`})
		}
	} else {
		details = append(details, checkPlace(path, a, "bearer, header or query")...)
	}
	if a.TokenCall == nil {
		return append(details, fault.Detail{Path: path + ".tokenCall", Rule: "required", Message: `must say how the token is asked for, such as {"json": {"key": "{{ secret.key }}"}, "token": "access.token"}`})
	}
	return append(details, a.TokenCall.check(path+".tokenCall")...)
}

func (t TokenCall) check(path string) []fault.Detail {
	var details []fault.Detail
	wrong := func(member, rule, message string) {
		details = append(details, fault.Detail{Path: strings.TrimSuffix(path+"."+member, "."), Rule: rule, Message: message})
	}
	bodies := len(t.Form) > 0 || len(t.JSON) > 0
	switch {
	case t.Method != "" && !slices.Contains([]string{"POST", "PUT", "GET"}, t.Method):
		wrong("method", "enum", "must be POST, PUT or GET")
	case len(t.Form) > 0 && len(t.JSON) > 0:
		wrong("json", "unexpected", "stands beside form; a call has one body")
	case t.Method == http.MethodGet && bodies:
		wrong("method", "enum", "must be POST or PUT: a GET has no body")
	}
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		lower := strings.ToLower(name)
		if message := headerFault(name); message != "" {
			wrong("headers."+name, "pattern", message)
		} else if seen[lower] != "" {
			wrong("headers."+name, "unexpected", "is the same header as "+seen[lower]+": names differ only in case")
		} else if !sendable(t.Headers[name]) {
			wrong("headers."+name, "pattern", "has a line break or a space around it")
		}
		seen[lower] = name
	}
	if !dottedPath.MatchString(t.Token) {
		wrong("token", "pattern", "must be where in the answer the token is, such as access.token")
	}
	if t.ExpiresIn != "" && !dottedPath.MatchString(t.ExpiresIn) {
		wrong("expiresIn", "pattern", "must be where in the answer the token's seconds are, such as access.expiresIn")
	}
	if life, err := time.ParseDuration(t.Life); t.Life != "" && (err != nil || life < time.Second) {
		wrong("life", "pattern", "must be a duration of a second at least, such as 30m")
	}
	if len(t.keys()) == 0 {
		wrong("", "required", "sends nothing of the secret: write {{ secret.KEY }} where its values go")
	}
	for _, text := range t.texts() {
		if strings.Contains(secretValue.ReplaceAllString(text, ""), "{{") {
			wrong("", "pattern", "has a template that is not {{ secret.KEY }}; nothing else is in scope here")
			break
		}
	}
	return details
}

// texts are the strings in which values of the secret may stand.
func (t TokenCall) texts() []string {
	texts := slices.Concat(slices.Collect(maps.Values(t.Headers)), slices.Collect(maps.Values(t.Form)))
	if len(t.JSON) > 0 {
		_, _ = t.body(func(text string) (string, error) {
			texts = append(texts, text)
			return text, nil
		})
	}
	return texts
}

// keys are those of the secret that the call sends.
func (t TokenCall) keys() []string {
	var keys []string
	for _, text := range t.texts() {
		for _, m := range secretValue.FindAllStringSubmatch(text, -1) {
			keys = append(keys, m[1])
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Request makes the call with the values of the secret. Its error is Invalid.
func (t TokenCall) Request(tokenURL string, c Credential) (*http.Request, error) {
	var missing error
	fill := func(text string) (string, error) {
		return secretValue.ReplaceAllStringFunc(text, func(found string) string {
			value, err := c.Require(secretValue.FindStringSubmatch(found)[1])
			if err != nil {
				missing = err
			}
			return value
		}), missing
	}
	body, kind, err := t.encode(fill)
	if err != nil {
		return nil, err
	}
	method := t.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, tokenURL, bytes.NewReader(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, "auth.tokenUrl cannot be read")
	}
	req.Header.Set("Accept", "application/json")
	for name, text := range t.Headers {
		value, err := fill(text)
		if err != nil {
			return nil, err
		}
		if !sendable(value) {
			return nil, fault.New(fault.Invalid, "the secret %s cannot be used: its values give the header %s a line break or a space around it", c.Name(), name)
		}
		req.Header.Set(name, value)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return req, nil
}

// encode makes the body, and says of what type it is.
func (t TokenCall) encode(fill func(string) (string, error)) (body []byte, kind string, _ error) {
	if len(t.JSON) > 0 {
		v, err := t.body(fill)
		if err != nil {
			return nil, "", err
		}
		body, err = json.Marshal(v)
		return body, "application/json", err
	}
	if len(t.Form) == 0 {
		return nil, "", nil
	}
	form := url.Values{}
	for name, text := range t.Form {
		value, err := fill(text)
		if err != nil {
			return nil, "", err
		}
		form.Set(name, value)
	}
	return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
}

// body is the JSON body, with each string of it filled.
func (t TokenCall) body(fill func(string) (string, error)) (any, error) {
	d := json.NewDecoder(bytes.NewReader(t.JSON))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fault.New(fault.Invalid, "auth.tokenCall.json is not JSON")
	}
	return each(v, fill)
}

// each fills the strings of a JSON value, at any depth.
func each(v any, fill func(string) (string, error)) (_ any, err error) {
	switch v := v.(type) {
	case string:
		return fill(v)
	case map[string]any:
		for key := range v {
			if v[key], err = each(v[key], fill); err != nil {
				return nil, err
			}
		}
	case []any:
		for i := range v {
			if v[i], err = each(v[i], fill); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// TokenIn finds a text or a number in an answer by its dotted path, as text.
func TokenIn(answer any, path string) (string, bool) {
	for step := range strings.SplitSeq(path, ".") {
		switch at := answer.(type) {
		case map[string]any:
			answer = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return "", false
			}
			answer = at[i]
		default:
			return "", false
		}
	}
	switch v := answer.(type) {
	case string:
		return v, v != ""
	case json.Number:
		return v.String(), true
	}
	return "", false
}
