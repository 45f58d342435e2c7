package asl

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxDelay is the most that MaxDelaySeconds may be.
const maxDelay = 31_622_400

// task reads a Task's own fields.
func (f *fields) task(s *State) {
	f.require("Resource")
	f.resource(s)
	f.parameters(s, "Parameters")
	f.resultSelector(s)
	f.resultPath(s)
	s.Timeout = f.amount("TimeoutSeconds", 1, maxSeconds)
	s.Heartbeat = f.amount("HeartbeatSeconds", 1, maxSeconds)
	if t, h := s.Timeout, s.Heartbeat; h.Set && t.Set && h.Path == nil && t.Path == nil && h.N >= t.N {
		f.r.fail(f.at, "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'")
	}
	f.handlers(s)
}

// resource reads what a Task calls. The refusals for Express machines are in
// AWS's words, so that a test against one reads as against the other.
func (f *fields) resource(s *State) {
	arn, ok := f.text("Resource")
	if !ok {
		return
	}
	at := f.path("Resource")
	s.Resource.ARN = arn
	base, token := strings.CutSuffix(arn, tokenSuffix)
	s.Resource.Token = token
	if f.r.express {
		switch {
		case token:
			f.r.fail(at, "Express state machine does not support '.waitForTaskToken' service integration ")
			return
		case strings.HasSuffix(arn, ".sync") || strings.Contains(arn, ".sync:"):
			f.r.fail(at, "Express state machine does not support '.sync' service integration")
			return
		case strings.Contains(arn, ":activity:"):
			f.r.fail(at, "Express state machine does not support Activity ARN")
			return
		}
	}
	switch {
	case base == "arn:aws:states:::lambda:invoke":
		s.Resource.Integration = LambdaInvoke
		f.arguments([]string{"FunctionName"}, "Payload", "Qualifier", "InvocationType")
	case base == "arn:aws:states:::states:startExecution" && !token:
		s.Resource.Integration = StartExecution
		f.arguments([]string{"StateMachineArn"}, "Input", "Name")
	case functionARN(base) && !token:
		s.Resource.Integration = LambdaFunction
	default:
		f.r.fail(at, "The resource provided %s is not recognized. The value is not a valid resource ARN, "+
			"or it is of an integration that is not implemented: lambda:invoke, lambda:invoke.waitForTaskToken, "+
			"states:startExecution and a Lambda function's own ARN are", arn)
	}
}

// functionARN says whether an ARN is a Lambda function's.
func functionARN(arn string) bool {
	ok, _ := regexp.MatchString(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]+)?$`, arn)
	return ok
}

// arguments checks which parameters a service integration is given.
func (f *fields) arguments(required []string, optional ...string) {
	v, ok := f.o.Get("Parameters")
	if !ok {
		f.r.fail(f.at, "These fields are required: [Parameters]")
		return
	}
	g := f.r.fields(v, f.path("Parameters"))
	for _, name := range required {
		if !g.has(name) && !g.has(name+".$") {
			f.r.fail(g.at, "The field '%s' is required but was missing", name)
		}
	}
	for i := range g.o.Len() {
		k, arg := g.o.At(i)
		name := strings.TrimSuffix(k, ".$")
		if !slices.Contains(required, name) && !slices.Contains(optional, name) {
			f.r.fail(g.at, "The field '%s' is not supported by Step Functions", k)
		}
		if name == "InvocationType" && arg != "RequestResponse" {
			f.r.fail(g.at, "The field 'InvocationType' is only supported as 'RequestResponse'")
		}
	}
}

// handlers reads Retry and Catch.
func (f *fields) handlers(s *State) {
	if list, ok := f.list("Retry"); ok {
		for i, v := range list {
			g := f.r.fields(v, fmt.Sprintf("%s[%d]", f.path("Retry"), i))
			s.Retry = append(s.Retry, g.retrier(i == len(list)-1))
		}
	}
	if list, ok := f.list("Catch"); ok {
		for i, v := range list {
			g := f.r.fields(v, fmt.Sprintf("%s[%d]", f.path("Catch"), i))
			s.Catch = append(s.Catch, g.catcher(i == len(list)-1))
		}
	}
}

// retrier reads one of Retry. Its defaults are the language's: three attempts,
// after 1 s and then twice as long each time, without a cap or jitter.
func (f *fields) retrier(last bool) Retrier {
	defer f.done()
	f.text("Comment")
	r := Retrier{Errors: f.errorEquals(last), Interval: time.Second, Attempts: 3, Backoff: 2}
	if n, ok := f.whole("IntervalSeconds", 1, maxSeconds); ok {
		r.Interval = time.Duration(n) * time.Second
	}
	if n, ok := f.whole("MaxAttempts", 0, maxSeconds); ok {
		r.Attempts = n
	}
	if v, ok := f.take("BackoffRate"); ok {
		n, isNumber := v.(json.Number)
		rate, err := n.Float64()
		if !isNumber || err != nil || rate < 1 {
			f.r.fail(f.path("BackoffRate"), "Value must be a number of at least 1.0")
		} else {
			r.Backoff = rate
		}
	}
	if n, ok := f.whole("MaxDelaySeconds", 1, maxDelay); ok {
		r.MaxDelay = time.Duration(n) * time.Second
		if r.MaxDelay < r.Interval {
			f.r.fail(f.path("MaxDelaySeconds"), "Value must not be less than 'IntervalSeconds'")
		}
	}
	if s, ok := f.text("JitterStrategy"); ok {
		r.Jitter = s == "FULL"
		if s != "FULL" && s != "NONE" {
			f.r.fail(f.path("JitterStrategy"), "The field 'JitterStrategy' should have one of these values: [FULL, NONE]")
		}
	}
	return r
}

func (f *fields) catcher(last bool) Catcher {
	defer f.done()
	f.text("Comment")
	f.require("Next")
	c := Catcher{Errors: f.errorEquals(last)}
	c.Next, _ = f.text("Next")
	c.ResultPath, c.DiscardResult = f.resultPlace()
	return c
}

// errorEquals reads the names of errors. States.ALL stands alone, and last.
func (f *fields) errorEquals(last bool) []string {
	f.require("ErrorEquals")
	list, ok := f.list("ErrorEquals")
	at := f.path("ErrorEquals")
	if ok && len(list) == 0 {
		f.r.fail(at, "Value cannot be empty")
	}
	var names []string
	for _, v := range list {
		name, ok := v.(string)
		if !ok {
			f.r.fail(at, "Expected value of type String")
			continue
		}
		if strings.HasPrefix(name, "States.") && !reserved(name) {
			f.r.fail(at, "The error name '%s' is none that Step Functions reports", name)
		}
		names = append(names, name)
	}
	if slices.Contains(names, ErrAll) {
		if len(list) > 1 {
			f.r.fail(at, "'States.ALL' must appear alone")
		}
		if !last {
			f.r.fail(at, "'States.ALL' must appear in the last element")
		}
	}
	return names
}

// reserved says whether a name that begins with "States." is one that Step
// Functions knows; a machine that waits for another waits in vain.
func reserved(name string) bool {
	switch name {
	case ErrAll, ErrTaskFailed, ErrTimeout, ErrHeartbeatTimeout, ErrRuntime, ErrDataLimit, ErrNoChoiceMatched,
		ErrResultPath, ErrIntrinsic, errBranchFailed, errParameterPath, errPermissions, errToleratedFailures,
		errItemReader, errResultWriter, errHTTPSocket:
		return true
	}
	return false
}
