package channel

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/limit"
)

// MaxRetryAfter is the longest that an endpoint's wish to wait is honoured: as
// long as a throttle may hold a call back.
const MaxRetryAfter = limit.MaxWait

// RetryAfter reads the Retry-After header (RFC 9110, section 10.2.3), seconds
// or a date: from 0, which stands also for none that can be read, to MaxRetryAfter.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	seconds, err := strconv.ParseUint(v, 10, 64) // one too large is the largest that there is
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(MaxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(0, at.Sub(now)), MaxRetryAfter)
	}
	return 0
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
