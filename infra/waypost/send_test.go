package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/admin"
)

// A stack is asked ever less often, and for no longer than was said.
func TestPacing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		limit time.Duration
		done  int // the look that finds it done; 0: none
		want  []time.Duration
	}{
		{"done at once", time.Minute, 1, []time.Duration{0}},
		{"done later", time.Minute, 4, []time.Duration{0, 500, 1500, 3500}},
		{"without a limit", 0, 6, []time.Duration{0, 500, 1500, 3500, 5500, 7500}},
		{"never done", 6 * time.Second, 0, []time.Duration{0, 500, 1500, 3500, 5500}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var got []time.Duration // ms
				look := func() (bool, error) {
					got = append(got, time.Since(began)/time.Millisecond)
					return len(got) == tc.done, nil
				}
				pace := pacing{first: 500 * time.Millisecond, most: 2 * time.Second, limit: tc.limit}
				if err := pace.until(t.Context(), began, look, func() {}); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("looks, in ms (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What is not settled when the wait is over is named, with the command that shows it.
func TestSendSaysWhatGoesOn(t *testing.T) {
	t.Parallel()
	var running, over admin.Execution
	running.Execution, running.Status = "x-1", "RUNNING"
	over.Execution, over.Status = "x-2", "SUCCEEDED"
	for _, tc := range []struct {
		at   target
		want string
	}{
		{target{Stack: "waypost-dev", URL: localURL}, "trace --stack waypost-dev x-1 "},
		{target{URL: localURL}, "waypost trace x-1 "},
		{target{URL: "http://127.0.0.1:9"}, "trace --url http://127.0.0.1:9 x-1 "},
	} {
		var out bytes.Buffer
		c := &sendCommand{Wait: time.Minute, target: tc.at}
		c.unsettled(&out, []admin.Execution{running, over})
		if got := out.String(); !strings.Contains(got, "x-1 is not settled after 1m0s") || !strings.Contains(got, tc.want) || strings.Contains(got, "x-2") {
			t.Errorf("got %q, want …%s…", got, tc.want)
		}
	}
}
