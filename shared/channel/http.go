package channel

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// RetryAfter reads the Retry-After header (RFC 9110, section 10.2.3): seconds
// or a date. False means that there is none that can be read.
func RetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// Join puts a path and a query behind a base URL, which settings have checked.
func Join(base, path string, query url.Values) string {
	u := strings.TrimSuffix(base, "/") + path
	if path == "" {
		u = base
	}
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	return u
}

func statusText(code int) string {
	if text := http.StatusText(code); text != "" {
		return fmt.Sprintf("%d %s", code, text)
	}
	return strconv.Itoa(code)
}
