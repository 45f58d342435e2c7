// Package asl is the Amazon States Language as Waypost's local engine speaks
// it: the model of a definition, its reading, and the evaluation of paths,
// payload templates, intrinsic functions and Choice rules.
//
// It knows the JSONPath dialect of the language: Pass, Task, Choice, Wait,
// Parallel, Map (inline), Succeed and Fail. Parse refuses a definition with
// anything that is not implemented here (a field, a type of state, a resource,
// a function, a value), by name and place, so that a definition which is
// accepted does here what it does on AWS. JSONata, variables (Assign), the
// distributed Map and all service integrations but Lambda's Invoke and Step
// Functions' StartExecution are not implemented.
//
// A Machine is read only once parsed, and safe for concurrent use. Its zero
// value is of no use.
package asl

import (
	"time"
)

// A Machine is a definition, or a branch or iterator in one.
type Machine struct {
	StartAt string
	Timeout time.Duration // of a whole execution; 0: none
	States  map[string]*State
}

// Type is a state's type.
type Type string

// The types of states.
const (
	Pass     Type = "Pass"
	Task     Type = "Task"
	Choice   Type = "Choice"
	Wait     Type = "Wait"
	Parallel Type = "Parallel"
	Map      Type = "Map"
	Succeed  Type = "Succeed"
	Fail     Type = "Fail"
)

// A State is one state of a machine. Which fields count depends on its type.
type State struct {
	Name string
	Type Type
	Next string // "" where End

	// Input and output. A nil path is "$"; a Discard stands for null.
	InputPath      *Path
	DiscardInput   bool
	OutputPath     *Path
	DiscardOutput  bool
	Parameters     *Template // Parameters, or a Map's ItemSelector
	ResultSelector *Template
	ResultPath     *Path // nil is "$"
	DiscardResult  bool

	Result    any // Pass
	HasResult bool

	Resource  Resource // Task
	Timeout   Period
	Heartbeat Period

	Choices []Rule // Choice
	Default string

	Wait Delay // Wait

	Branches []*Machine // Parallel

	Processor      *Machine // Map
	ItemsPath      *Path
	MaxConcurrency Amount

	Error, Cause Text // Fail

	Retry []Retrier
	Catch []Catcher
}

// An Amount is a number that a definition gives, or a path to one.
type Amount struct {
	Set  bool
	N    int
	Path *Path
}

// A Period is an Amount of seconds.
type Period = Amount

// A Text is a string that a definition gives, or an expression for one.
type Text struct {
	Constant string
	Expr     *Expression
}

// A Delay is how long a Wait state waits: one of its fields is set.
type Delay struct {
	Seconds       *int
	Timestamp     *time.Time
	SecondsPath   *Path
	TimestampPath *Path
}

// A Retrier says which errors to retry, and when. Each keeps its own count.
type Retrier struct {
	Errors   []string
	Interval time.Duration
	Attempts int
	Backoff  float64
	MaxDelay time.Duration // 0: none
	Jitter   bool          // JitterStrategy FULL
}

// A Catcher says which errors lead where.
type Catcher struct {
	Errors        []string
	ResultPath    *Path // nil is "$"
	DiscardResult bool
	Next          string
}

// Error names that the language reserves.
const (
	ErrAll               = "States.ALL"
	ErrTaskFailed        = "States.TaskFailed"
	ErrTimeout           = "States.Timeout"
	ErrHeartbeatTimeout  = "States.HeartbeatTimeout"
	ErrRuntime           = "States.Runtime"
	ErrDataLimit         = "States.DataLimitExceeded"
	ErrNoChoiceMatched   = "States.NoChoiceMatched"
	ErrResultPath        = "States.ResultPathMatchFailure"
	ErrIntrinsic         = "States.IntrinsicFailure"
	errBranchFailed      = "States.BranchFailed"
	errParameterPath     = "States.ParameterPathFailure"
	errPermissions       = "States.Permissions"
	errToleratedFailures = "States.ExceedToleratedFailureThreshold"
	errItemReader        = "States.ItemReaderFailed"
	errResultWriter      = "States.ResultWriterFailed"
	errHTTPSocket        = "States.Http.Socket"
)

// Matches says whether a retrier or catcher that lists these errors is for an
// error of this name. Nothing matches States.Runtime, which always ends the
// execution; States.ALL matches all but that and States.DataLimitExceeded, and
// States.TaskFailed all but these and States.Timeout.
func Matches(errors []string, name string) bool {
	if name == ErrRuntime {
		return false
	}
	for _, e := range errors {
		switch {
		case e == name:
			return true
		case name == ErrDataLimit:
		case e == ErrAll:
			return true
		case e == ErrTaskFailed && name != ErrTimeout:
			return true
		}
	}
	return false
}

// Integration is what a Task state calls.
type Integration int

// The integrations.
const (
	// LambdaFunction is a function's own ARN as Resource: the Task's input is
	// the payload, the function's answer the result.
	LambdaFunction Integration = iota
	// LambdaInvoke is arn:aws:states:::lambda:invoke.
	LambdaInvoke
	// StartExecution is arn:aws:states:::states:startExecution.
	StartExecution
)

// A Resource is what a Task state calls, and how.
type Resource struct {
	ARN         string
	Integration Integration
	Token       bool // .waitForTaskToken
}

// Kind gives the resource type and the resource as the history names them:
// "lambda" and "invoke.waitForTaskToken".
func (r Resource) Kind() (resourceType, resource string) {
	switch r.Integration {
	case LambdaInvoke:
		resourceType, resource = "lambda", "invoke"
	case StartExecution:
		resourceType, resource = "states", "startExecution"
	default:
		return "lambda", r.ARN
	}
	if r.Token {
		resource += tokenSuffix
	}
	return resourceType, resource
}

const tokenSuffix = ".waitForTaskToken"
