package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// A kind of function: what those of it have in common.
type kind int

const (
	channel    kind = iota // calls endpoints, as a Task of journeys
	condition              // evaluates conditions, as a Task of journeys
	api                    // answers at its URL, to who may call it
	public                 // answers at its URL, to anybody
	background             // runs on a schedule
)

// A function is one Lambda function: a folder in functions/.
type function struct {
	name string
	kind kind
	// private functions run in the environment's VPC, where it has one, so that
	// they reach internal endpoints and sources: all do that call either, but
	// admin, which only checks URLs.
	private bool
	does    string
}

// functions are all that there are. A new channel is one line here.
func functions() []function {
	return []function{
		{name: "admin", kind: api, does: "Authors' and operators' API: actions, journeys, deliveries"},
		{name: "entry", kind: api, does: "Takes events in and starts journeys"},
		{name: "callback", kind: public, does: "Hears what providers report of messages"},
		{name: "decide", kind: condition, private: true, does: "Evaluates the conditions of journeys"},
		{name: "loyalty", kind: channel, private: true, does: "Delivers awards, which move value"},
		{name: "private", kind: channel, private: true, does: "Delivers to a company's own systems"},
		{name: "signage", kind: channel, private: true, does: "Shows messages on screens"},
		{name: "slack", kind: channel, private: true, does: "Delivers messages to Slack"},
		{name: "sms", kind: channel, private: true, does: "Delivers text messages"},
		{name: "webhook", kind: channel, private: true, does: "Delivers to any HTTP endpoint"},
		{name: "sweep", kind: background, does: "Comes back to what nobody else comes back to"},
	}
}

func functionNames() []string {
	var names []string
	for _, f := range functions() {
		names = append(names, f.name)
	}
	return names
}

// memoryMB is the default of a kind. Lambda gives CPU by memory, and a TLS
// handshake at 128 MB takes most of a second.
func (k kind) memoryMB() int {
	if k == condition || k == background {
		return 256
	}
	return 512
}

// timeout of a kind. An action's nests: endpoint (30 s at most) < function <
// lease < the Task's TimeoutSeconds (60 s).
func (k kind) timeout() time.Duration {
	switch k {
	case channel:
		return 40 * time.Second
	case condition:
		return 20 * time.Second
	case background:
		return 55 * time.Second // the next sweep begins each minute
	case public:
		return 10 * time.Second // providers wait 5 to 15
	}
	return 29 * time.Second
}

// Code gives a function's deployment package.
type Code func(function string) awslambda.Code

// BuiltIn finds the packages that `make build` leaves in a folder.
func BuiltIn(folder string) (Code, error) {
	for _, name := range functionNames() {
		file := filepath.Join(folder, name, "bootstrap")
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("%s is missing: run make build first", file)
		}
	}
	return func(name string) awslambda.Code {
		return awslambda.Code_FromAsset(jsii.String(filepath.Join(folder, name)), nil)
	}, nil
}
