package callbacks_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/callbacks"
)

// transport answers for a server, so that nothing leaves a bubble of synctest.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func status(code int) *http.Response {
	return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader("answer"))}
}

func post(url string) func(context.Context, callbacks.Attempt) *http.Request {
	return func(ctx context.Context, _ callbacks.Attempt) *http.Request {
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
		return r
	}
}

// A callback is sent at its time, and again when its provider says so.
func TestSend(t *testing.T) {
	t.Parallel()
	twice := func(last callbacks.Attempt) (time.Duration, bool) {
		return time.Duration(last.Count) * time.Minute, last.Count < 3 && last.Status != 404
	}
	for _, tc := range []struct {
		name    string
		answers []int // 0: no answer
		again   func(callbacks.Attempt) (time.Duration, bool)
		want    []time.Duration // when there were calls
	}{
		{"taken", []int{204}, twice, []time.Duration{callbacks.Soon}},
		{"refused, and never repeated", []int{500}, nil, []time.Duration{callbacks.Soon}},
		{"taken at the second", []int{500, 200}, twice, []time.Duration{callbacks.Soon, callbacks.Soon + time.Minute}},
		{"given up", []int{0, 302, 500, 200}, twice, []time.Duration{callbacks.Soon, callbacks.Soon + time.Minute, callbacks.Soon + 3*time.Minute}},
		{"refused for good", []int{404, 200}, twice, []time.Duration{callbacks.Soon}},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, answers := time.Now(), tc.answers
			var got []time.Duration
			s := callbacks.New(callbacks.Options{Client: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
				got = append(got, time.Since(start))
				answer := answers[0]
				answers = answers[1:]
				if answer == 0 {
					return nil, errors.New("refused")
				}
				return status(answer), nil
			}), CheckRedirect: callbacks.Loopback().CheckRedirect}})
			s.Send(callbacks.Soon, callbacks.Callback{Make: post("http://127.0.0.1/"), Again: tc.again})
			s.Wait()
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.name, diff)
			}
			s.Close()
		})
	}
}

// Close breaks off what is being sent and drops what is to come.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls, start := 0, time.Now()
		s := callbacks.New(callbacks.Options{Client: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			calls++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}})
		always := func(callbacks.Attempt) (time.Duration, bool) { return time.Second, true }
		s.Send(0, callbacks.Callback{Make: post("http://127.0.0.1/"), Again: always})
		s.Send(time.Hour, callbacks.Callback{Make: post("http://127.0.0.1/"), Again: always})
		time.Sleep(time.Second)
		s.Close()
		s.Send(0, callbacks.Callback{Make: post("http://127.0.0.1/")})
		s.Wait()
		if took := time.Since(start); took != time.Second {
			t.Errorf("closing took until %v", took)
		}
		time.Sleep(2 * time.Hour)
		if calls != 1 {
			t.Errorf("there were %d calls, want 1", calls)
		}
	})
	var none *callbacks.Sender
	none.Send(0, callbacks.Callback{})
	none.Wait()
	none.Close()
}

// The client reaches loopback alone, by whatever name, and follows no redirect.
func TestLoopback(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.RedirectHandler("http://192.0.2.1/", http.StatusFound))
	defer srv.Close()
	client := callbacks.Loopback()
	res, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusFound {
		t.Errorf("got %d, %v, want the redirect itself", res.StatusCode, err)
	}
	for _, url := range []string{"http://192.0.2.1/", "http://10.0.0.1/", "http://169.254.169.254/", "http://[2001:db8::1]/", "http://0.0.0.0/"} {
		res, err := client.Get(url)
		if err == nil {
			_ = res.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "is not this machine") {
			t.Errorf("%s: got %v, want that it is refused", url, err)
		}
	}
}
