package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/local/states"
)

// A step is what a scripted function does when it is called.
type step struct {
	// One of these is the answer; without any, the payload comes back.
	Payload json.RawMessage `json:"payload,omitempty"`
	Error   string          `json:"error,omitempty"`   // the function's own error…
	Message string          `json:"message,omitempty"` // …and its message
	Service string          `json:"service,omitempty"` // Lambda's error, "TooManyRequestsException"
	Status  int             `json:"status,omitempty"`  // and its HTTP status
	// Defer makes the message a time: this long after the call.
	Defer string `json:"defer,omitempty"`

	Sleep string `json:"sleep,omitempty"` // before the answer
	Large int    `json:"large,omitempty"` // the answer is a string of this many bytes

	// Callback is sent with the payload's "token", some time after the answer.
	Callback *callback `json:"callback,omitempty"`
}

// A callback is what comes by task token.
type callback struct {
	After      string          `json:"after,omitempty"` // 300ms unless told
	Heartbeats int             `json:"heartbeats,omitempty"`
	Success    json.RawMessage `json:"success,omitempty"`
	Error      string          `json:"error,omitempty"`
	Cause      string          `json:"cause,omitempty"`
	Silent     bool            `json:"silent,omitempty"` // heartbeats alone
}

// A script lists, by function, what its calls do in turn; the last goes on
// for ever.
type script map[string][]step

// A stage plays a script for one run on one interpreter. Function names carry
// the run's mark, so that one Lambda can serve many runs at once.
type stage struct {
	script script
	api    *client

	mu    sync.Mutex
	count map[string]int
	calls map[string][]time.Time
	work  sync.WaitGroup
}

// play gives what a call of a function is answered with: a payload, or an error.
func (s *stage) play(ctx context.Context, function string, payload []byte) ([]byte, error) {
	s.mu.Lock()
	steps := s.script[function]
	n := s.count[function]
	s.count[function]++
	s.calls[function] = append(s.calls[function], time.Now())
	s.mu.Unlock()
	if len(steps) == 0 {
		return nil, &states.ServiceError{Name: "Lambda.ResourceNotFoundException", Message: "Function not found: " + function, Status: 404}
	}
	st := steps[min(n, len(steps)-1)]
	if st.Sleep != "" {
		pause(ctx, duration(st.Sleep))
	}
	if st.Callback != nil {
		s.callBack(ctx, st.Callback, payload)
	}
	switch {
	case st.Service != "":
		return nil, &states.ServiceError{Name: "Lambda." + st.Service, Message: st.Message, Status: st.Status}
	case st.Error != "":
		message := st.Message
		if st.Defer != "" {
			message = time.Now().Add(duration(st.Defer)).UTC().Format("2006-01-02T15:04:05.000Z")
		}
		b, err := json.Marshal(map[string]string{"errorMessage": message, "errorType": st.Error})
		if err != nil {
			return nil, err
		}
		return nil, &states.FunctionError{Payload: b}
	case st.Large > 0:
		return []byte(`"` + strings.Repeat("x", st.Large) + `"`), nil
	case st.Payload != nil:
		return st.Payload, nil
	}
	return payload, nil
}

// callBack sends a callback's heartbeats and its end.
func (s *stage) callBack(ctx context.Context, c *callback, payload []byte) {
	var in any
	_ = json.Unmarshal(payload, &in) // without a token there is nothing to send
	token := findToken(in)
	after := 300 * time.Millisecond
	if c.After != "" {
		after = duration(c.After)
	}
	s.work.Go(func() {
		for range c.Heartbeats {
			pause(ctx, after)
			_, _ = s.api.call(ctx, "SendTaskHeartbeat", object{"taskToken": token})
		}
		pause(ctx, after)
		switch {
		case c.Silent:
		case c.Success != nil:
			_, _ = s.api.call(ctx, "SendTaskSuccess", object{"taskToken": token, "output": string(c.Success)})
		default:
			_, _ = s.api.call(ctx, "SendTaskFailure", object{"taskToken": token, "error": c.Error, "cause": c.Cause})
		}
	})
}

// findToken finds the value of a field named token, at any depth.
func findToken(v any) string {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if s, ok := e.(string); ok && strings.EqualFold(strings.TrimPrefix(k, "task"), "token") {
				return s
			}
			if s := findToken(e); s != "" {
				return s
			}
		}
	case []any:
		for _, e := range v {
			if s := findToken(e); s != "" {
				return s
			}
		}
	}
	return ""
}

// gaps gives the seconds between a function's calls, rounded.
func (s *stage) gaps() map[string][]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]int{}
	for name, at := range s.calls {
		for i := 1; i < len(at); i++ {
			out[name] = append(out[name], int(at[i].Sub(at[i-1]).Round(time.Second)/time.Second))
		}
	}
	return out
}

// A theatre is the Lambda of all runs on one interpreter.
type theatre struct {
	mu     sync.Mutex
	stages map[string]*stage // by mark
}

func newTheatre() *theatre { return &theatre{stages: map[string]*stage{}} }

// open begins a run; the function names in its machine end in "--" and the mark.
func (t *theatre) open(mark string, sc script, api *client) *stage {
	s := &stage{script: sc, api: api, count: map[string]int{}, calls: map[string][]time.Time{}}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stages[mark] = s
	return s
}

// Invoke makes the theatre our engine's Lambda.
func (t *theatre) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	name, mark, _ := strings.Cut(function, "--")
	t.mu.Lock()
	s := t.stages[mark]
	t.mu.Unlock()
	if s == nil {
		return nil, &states.ServiceError{Name: "Lambda.ResourceNotFoundException", Message: "Function not found: " + name, Status: 404}
	}
	return s.play(ctx, name, payload)
}

// ServeHTTP makes the theatre moto's Lambda: POST …/functions/{name}/invocations.
func (t *theatre) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) < 4 {
		http.NotFound(w, r)
		return
	}
	name := parts[3]
	if _, bare, ok := strings.Cut(name, ":function:"); ok {
		name = bare
	}
	payload, err := readAll(r.Body)
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	// moto gives up its request when a Task times out; the function goes on.
	answer, err := t.Invoke(context.WithoutCancel(r.Context()), name, payload)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	w.Header().Set("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
	switch err := err.(type) {
	case *states.FunctionError:
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		answer = err.Payload
	case *states.ServiceError:
		w.Header().Set("x-amzn-ErrorType", strings.TrimPrefix(err.Name, "Lambda."))
		w.WriteHeader(err.Status)
		answer = fmt.Appendf(nil, `{"Type":"User","Message":%q,"message":%q}`, err.Message, err.Message)
	}
	_, _ = w.Write(answer) // moto is gone where this fails
}

func duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0
	}
	return d
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
