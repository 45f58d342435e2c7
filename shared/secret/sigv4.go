package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

// sigV4 is AWS's Signature Version 4, by an access key. It covers the whole
// request, so it is put on by Seal, when all else is there.
func sigV4() method {
	return method{name: TypeSigV4, keys: only("accessKeyId", "secretAccessKey"), options: []string{"service", "region"}, check: checkSigV4,
		apply: func(Auth, Credential, *http.Request) error { return nil }}
}

// awsName is the form of a service's or a region's name, of 64 characters at
// most. The pattern does not count them: it is compiled at each cold start, and
// a counted one takes the longer the higher it counts.
var awsName = regexp.MustCompile(`^[a-z0-9-]+$`)

const awsNameMax = 64

func checkSigV4(path string, a Auth, _ Guard) []fault.Detail {
	var details []fault.Detail
	for _, part := range []struct{ name, value, message string }{
		{"service", a.Service, "must be the name that the service signs by, such as execute-api, lambda or s3"},
		{"region", a.Region, "must be the region of the service, such as us-east-1"},
	} {
		switch {
		case part.value == "":
			details = append(details, fault.Detail{Path: path + "." + part.name, Rule: "required", Message: part.message})
		case len(part.value) > awsNameMax || !awsName.MatchString(part.value):
			details = append(details, fault.Detail{Path: path + "." + part.name, Rule: "pattern", Message: part.message})
		}
	}
	return details
}

// Seal ends a request that is sent now with this body: it signs it where auth
// signs whole requests. Nothing of the request may change after it. auth may be nil.
func Seal(auth *Auth, c Credential, at time.Time, body []byte, req *http.Request) error {
	if auth == nil || auth.Type != TypeSigV4 {
		return nil
	}
	id, err := c.headerValue("accessKeyId")
	if err != nil {
		return err
	}
	key, err := c.Require("secretAccessKey")
	if err != nil {
		return err
	}
	if session, _ := c.Field("sessionToken"); session != "" {
		if session, err = c.headerValue("sessionToken"); err != nil {
			return err
		}
		req.Header.Set("X-Amz-Security-Token", session)
	}
	digest := sha256.Sum256(body)
	payload := hex.EncodeToString(digest[:])
	moment := at.UTC().Format("20060102T150405Z")
	req.Header.Del("Authorization")
	req.Header.Set("X-Amz-Date", moment)
	req.Header.Set("X-Amz-Content-Sha256", payload)

	names, headers := signedHeaders(req, len(body))
	canonical := strings.Join([]string{req.Method, canonicalPath(auth.Service, req), canonicalQuery(req), headers, names, payload}, "\n")
	digest = sha256.Sum256([]byte(canonical))
	scope := strings.Join([]string{moment[:8], auth.Region, auth.Service, "aws4_request"}, "/")
	sum := []byte("AWS4" + key)
	for _, part := range append(strings.Split(scope, "/"), "AWS4-HMAC-SHA256\n"+moment+"\n"+scope+"\n"+hex.EncodeToString(digest[:])) {
		mac := hmac.New(sha256.New, sum)
		mac.Write([]byte(part))
		sum = mac.Sum(nil)
	}
	req.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x", id, scope, names, sum))
	return nil
}

// signedHeaders gives the names and the lines of the headers that are signed:
// all that the request has, but for those that are changed on the way.
func signedHeaders(req *http.Request, length int) (names, lines string) {
	values := map[string]string{"host": req.URL.Host}
	if length > 0 {
		values["content-length"] = strconv.Itoa(length)
	}
	for name, all := range req.Header {
		name = strings.ToLower(name)
		if slices.Contains([]string{"authorization", "user-agent", "expect", "transfer-encoding", "x-amzn-trace-id"}, name) {
			continue
		}
		trimmed := make([]string, len(all))
		for i, v := range all {
			trimmed[i] = strings.Join(strings.FieldsFunc(v, func(r rune) bool { return r == ' ' }), " ")
		}
		values[name] = strings.Join(trimmed, ",")
	}
	var sorted []string
	for name := range values {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	var b strings.Builder
	for _, name := range sorted {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	return strings.Join(sorted, ";"), b.String()
}

// canonicalPath escapes the path as it is sent once more; S3 alone takes it as
// it is escaped once.
func canonicalPath(service string, req *http.Request) string {
	path := req.URL.EscapedPath()
	if service == "s3" {
		path = req.URL.Path
	}
	if path == "" {
		return "/"
	}
	var b strings.Builder
	for _, c := range []byte(path) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// canonicalQuery is the query in the order of its names and then its values, as
// they are escaped.
func canonicalQuery(req *http.Request) string {
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	var pairs [][]string
	for name, values := range req.URL.Query() {
		for _, value := range values {
			pairs = append(pairs, []string{escape(name), escape(value)})
		}
	}
	slices.SortFunc(pairs, slices.Compare[[]string])
	var b []string
	for _, pair := range pairs {
		b = append(b, strings.Join(pair, "="))
	}
	return strings.Join(b, "&")
}
