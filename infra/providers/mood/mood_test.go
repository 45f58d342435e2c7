package mood_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/mood"
	"github.com/waypost/waypost/shared/action"
)

// A standIn counts what it takes.
type standIn struct{ taken int }

func (s *standIn) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.taken++
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "taken")
}

func refuse(w http.ResponseWriter, _ *http.Request, status int) { w.WriteHeader(status) }

// ask gives an answer's status and Retry-After, or 0 where the connection was closed.
func ask(ctx context.Context, k *mood.Keeper) (answer string) {
	w := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil {
			answer = fmt.Sprint("closed ", p == http.ErrAbortHandler, " ", w.Body)
		}
	}()
	k.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "POST", "/", nil))
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Header().Get("Retry-After"), " ", w.Body))
}

func TestModes(t *testing.T) {
	t.Parallel()
	const second = action.Duration(time.Second)
	for _, tc := range []struct {
		mood  mood.Mood
		want  []string
		taken int
		took  time.Duration
	}{
		{mood.Mood{Mode: mood.OK}, []string{"201  taken", "201  taken"}, 2, 0},
		{mood.Mood{Mode: mood.Slow}, []string{"201  taken"}, 1, 5 * time.Second},
		{mood.Mood{Mode: mood.Slow, Delay: 2 * second}, []string{"201  taken", "201  taken"}, 2, 4 * time.Second},
		{mood.Mood{Mode: mood.Flaky}, []string{"500", "201  taken", "closed true ", "201  taken", "500"}, 3, 0},
		{mood.Mood{Mode: mood.RateLimited}, []string{"429 1", "429 1"}, 0, 0},
		{mood.Mood{Mode: mood.RateLimited, Delay: 7 * second}, []string{"429 7"}, 0, 0},
		{mood.Mood{Mode: mood.Down}, []string{"503", "503"}, 0, 0},
		{mood.Mood{Mode: mood.Slow, Delay: 2 * second, For: 3 * second}, []string{"201  taken", "201  taken", "201  taken"}, 3, 4 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &standIn{}
			k := mood.New(s, refuse)
			if err := k.Set(tc.mood); err != nil {
				t.Fatal(err)
			}
			var got []string
			start := time.Now()
			for range tc.want {
				got = append(got, ask(t.Context(), k))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || s.taken != tc.taken || time.Since(start) != tc.took {
				t.Errorf("%+v: %d taken in %v (-want +got):\n%s", tc.mood, s.taken, time.Since(start), diff)
			}
		})
	}
}

// A mood ends by itself, and a caller who leaves is not waited for.
func TestMoodEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &standIn{}
		k := mood.New(s, refuse)
		if err := k.Set(mood.Mood{Mode: mood.Down, For: action.Duration(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if got, want := k.Mood(), (mood.Mood{Mode: mood.Down, For: action.Duration(40 * time.Second)}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		time.Sleep(40 * time.Second)
		if got := ask(t.Context(), k); got != "201  taken" || k.Mood() != (mood.Mood{Mode: mood.OK}) {
			t.Errorf("after its time: got %s in the mood %+v", got, k.Mood())
		}
		if err := k.Set(mood.Mood{Mode: mood.Slow}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if ask(ctx, k); time.Since(start) != time.Second || s.taken != 1 {
			t.Errorf("who left after a second was waited for %v, and %d were taken", time.Since(start), s.taken)
		}
	})
}

func TestMount(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mood.New(&standIn{}, refuse).Mount(mux, "/providers/x")
	for _, tc := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/providers/x/mood", "", 200, `{"mode":"ok"}`},
		{"POST", "/providers/x/y", "", 201, "taken"},
		{"PUT", "/providers/x/mood", `{"mode": "rateLimited", "delay": "3s"}`, 200, `{"mode":"rateLimited","delay":"3s"}`},
		{"POST", "/providers/x/y", "", 429, ""},
		{"GET", "/providers/x/mood", "", 200, `{"mode":"rateLimited","delay":"3s"}`},
		{"PUT", "/providers/x/mood", `{"mode": "angry"}`, 422, "mode must be one of ok, slow, flaky, rateLimited and down"},
		{"PUT", "/providers/x/mood", `{"mode": "slow", "delay": "2h"}`, 422, "delay must be a duration from 0s to 1m0s"},
		{"PUT", "/providers/x/mood", `{"mode": "slow", "delay": "-1s"}`, 422, "delay must be a duration"},
		{"PUT", "/providers/x/mood", `{"mode": "down", "delay": "1s"}`, 422, "delay is for slow and rateLimited alone"},
		{"PUT", "/providers/x/mood", `{"mode": "ok", "for": "1s"}`, 422, "for is not for ok"},
		{"PUT", "/providers/x/mood", `{"mode": "down", "for": "-1s"}`, 422, "for must be a duration"},
		{"PUT", "/providers/x/mood", `{"mode": "down", "till": "1s"}`, 400, "mode, and perhaps delay and for"},
		{"PUT", "/providers/x/mood", `{"mode": "slow", "delay": 3}`, 400, "mode, and perhaps delay and for"},
		{"PUT", "/providers/x/mood", `{"mode": "ok"} {}`, 400, "mode, and perhaps delay and for"},
		{"PUT", "/providers/x/mood", ``, 400, "mode, and perhaps delay and for"},
		{"GET", "/providers/x/mood", "", 200, `{"mode":"rateLimited","delay":"3s"}`},
		{"PUT", "/providers/x/mood", `{"mode": "ok"}`, 200, `{"mode":"ok"}`},
		{"POST", "/providers/x/y", "", 201, "taken"},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(tc.method, tc.path, strings.NewReader(tc.body)))
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s %s %s: got %d %s, want %d %s", tc.method, tc.path, tc.body, w.Code, w.Body, tc.status, tc.want)
		}
	}
}
