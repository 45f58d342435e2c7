package problem_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/problem"
)

// write gives the answer for an error, and what was logged.
func write(t *testing.T, err error) (*http.Response, problem.Problem, string) {
	t.Helper()
	var log bytes.Buffer
	h := problem.LoggingTo(slog.New(slog.NewTextHandler(&log, nil)), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, r, err)
	}))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	res := rec.Result()
	if got, want := res.Header.Get("Content-Type"), "application/problem+json"; got != want {
		t.Errorf("Content-Type = %q, want %q", got, want)
	}
	var p problem.Problem
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if p.Status != res.StatusCode {
		t.Errorf("status member = %d, want the answer's, %d", p.Status, res.StatusCode)
	}
	return res, p, log.String()
}

func TestEveryCodeHasAStatus(t *testing.T) {
	for _, tc := range []struct {
		code fault.Code
		want int
	}{
		{fault.Invalid, 422}, {fault.Malformed, 400}, {fault.NotFound, 404}, {fault.Conflict, 409}, {fault.TooLarge, 413},
		{fault.Unsupported, 415}, {fault.Forbidden, 403}, {fault.Unavailable, 503}, {fault.Internal, 500}, {"novel", 500},
	} {
		res, p, log := write(t, fmt.Errorf("around: %w", fault.New(tc.code, "the reason")))
		if res.StatusCode != tc.want || p.Detail != "the reason" {
			t.Errorf("%s: %d %q, want %d with the fault's message", tc.code, res.StatusCode, p.Detail, tc.want)
		}
		mended := tc.want < 500 // by the client
		if mended != (p.ID == "") || mended != (log == "") {
			t.Errorf("%s: id %q, log %q", tc.code, p.ID, log)
		}
		if (res.Header.Get("Retry-After") != "") != (tc.want == 503) {
			t.Errorf("%s: Retry-After = %q", tc.code, res.Header.Get("Retry-After"))
		}
	}
}

func TestMethodNotAllowed(t *testing.T) {
	_, got, _ := write(t, problem.MethodNotAllowed("POST an event to /entry/"))
	want := problem.Problem{Type: "urn:waypost:problem:method_not_allowed", Title: "Method not allowed", Status: 405, Detail: "POST an event to /entry/"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnUnknownErrorSaysNothing(t *testing.T) {
	_, p, log := write(t, errors.New("dial tcp 10.0.0.1: password=hunter2"))
	if p.Detail != "an internal error" || p.Status != 500 || p.Errors != nil {
		t.Errorf("the client sees %+v", p)
	}
	if len(p.ID) < 10 || !strings.Contains(log, "id="+p.ID) || !strings.Contains(log, "dial tcp 10.0.0.1") {
		t.Errorf("the log lacks the id %q or the cause: %s", p.ID, log)
	}
}

func TestDetailsSuggest(t *testing.T) {
	details := []fault.Detail{
		{Path: "steps.0.with.text", Rule: "unknown", Message: "profile has no fristName", Suggestion: "firstName", Line: 1, Column: 12},
		{Path: "a", Message: "is not a known property; did you mean b?", Suggestion: "b"},
	}
	_, p, _ := write(t, fault.Wrap(errors.New("private"), fault.Invalid, "the journey is not valid"))
	if p.Errors != nil || p.Detail != "the journey is not valid" {
		t.Errorf("without details: %+v", p)
	}
	_, p, _ = write(t, fault.Document("the journey is not valid", details))
	want := []fault.Detail{details[0], details[1]}
	want[0].Message = "profile has no fristName; did you mean firstName?"
	if diff := cmp.Diff(want, p.Errors); diff != "" {
		t.Error(diff)
	}
	if details[0].Message != "profile has no fristName" {
		t.Error("the fault's own details were changed")
	}
}

// A bare problem has no id, no kind of ours and no reason.
func TestBare(t *testing.T) {
	rec := httptest.NewRecorder()
	problem.Bare(http.StatusServiceUnavailable).ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/x", nil))
	want := `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Service Unavailable"}` + "\n"
	if got := rec.Body.String(); got != want || rec.Code != 503 || rec.Header().Get("Content-Type") != problem.ContentType || rec.Header().Get("Retry-After") == "" {
		t.Errorf("got %d %v %s, want %s", rec.Code, rec.Header(), got, want)
	}
}
