package providers

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/waypost/waypost/infra/providers/mood"
)

// SetMood tells the stand-in of this name, as /providers/NAME has it, how to
// behave; see package mood.
func (s *StandIns) SetMood(name string, m mood.Mood) error {
	keeper := s.moods[name]
	if keeper == nil {
		return fmt.Errorf("there is no stand-in %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(s.moods)), ", "))
	}
	return keeper.Set(m)
}

// IsMood says whether a path is where a stand-in is told its mood: by the
// person at this machine, and not, as the others are, by whoever calls the provider.
func (s *StandIns) IsMood(path string) bool {
	base, of := strings.CutSuffix(path, "/mood")
	return of && s.moods[strings.TrimPrefix(base, pathAll)] != nil
}

// refusals say in each provider's own words that it takes nothing.
var refusals = map[string]mood.Refuse{
	"twilio": func(w http.ResponseWriter, _ *http.Request, status int) {
		code := map[int]int{http.StatusTooManyRequests: 20429, http.StatusInternalServerError: 20500}[status]
		if code == 0 {
			gateway(w, status)
			return
		}
		answer(w, status, map[string]any{"code": code, "message": http.StatusText(status), "status": status, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code)})
	},
	"sinch": func(w http.ResponseWriter, _ *http.Request, status int) {
		if status == http.StatusTooManyRequests {
			w.WriteHeader(status)
			return
		}
		gateway(w, status)
	},
	"sinch-conversation": func(w http.ResponseWriter, _ *http.Request, status int) {
		names := map[int]string{http.StatusTooManyRequests: "RESOURCE_EXHAUSTED", http.StatusInternalServerError: "INTERNAL", http.StatusServiceUnavailable: "UNAVAILABLE"}
		answer(w, status, map[string]any{"error": map[string]any{"code": status, "message": http.StatusText(status), "status": names[status]}})
	},
	"slack": func(w http.ResponseWriter, r *http.Request, status int) {
		codes := map[int][2]string{http.StatusTooManyRequests: {"ratelimited", "rate_limited"}, http.StatusInternalServerError: {"internal_error", "rollup_error"}}
		switch code := codes[status]; {
		case code[0] == "":
			gateway(w, status)
		case strings.HasPrefix(r.URL.Path, pathSlack+"/api/"):
			answer(w, status, map[string]any{"ok": false, "error": code[0]})
		default:
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(code[1]))
		}
	},
}

// refusal is that of a provider, or of one that has no words of its own for it.
func refusal(name string) mood.Refuse {
	if own := refusals[name]; own != nil {
		return own
	}
	return func(w http.ResponseWriter, _ *http.Request, status int) {
		if status == http.StatusServiceUnavailable {
			gateway(w, status)
			return
		}
		answer(w, status, map[string]any{"error": strings.ToLower(http.StatusText(status))})
	}
}

// gateway answers as what stands before a provider that is out.
func gateway(w http.ResponseWriter, status int) {
	http.Error(w, "upstream connect error or disconnect/reset before headers", status)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
