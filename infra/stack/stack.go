package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/waypost/waypost/infra/stack/settings"
)

// A stack is Waypost on AWS while it is put together, in the order of NewStack.
type stack struct {
	self     awscdk.Stack
	settings settings.Settings
	code     Code
	// prefix begins the names of the journeys' machines, and nothing else's.
	prefix string

	alarms      awssns.Topic
	tables      tables
	vpc         awsec2.IVpc          // nil where there is none
	private     awsec2.SecurityGroup // of the functions in it
	deadLetters awssqs.Queue
	queues      []awssqs.Queue
	journeys    awsiam.Role
	delivery    awsstepfunctions.StateMachine
	functions   []*lambdaFunction
	bus         awsevents.EventBus
}

// NewStack makes an environment's stack. It is named waypost-ENVIRONMENT.
func NewStack(scope constructs.Construct, chosen settings.Settings, code Code) awscdk.Stack {
	name := "waypost-" + chosen.Environment
	props := &awscdk.StackProps{StackName: &name, Description: jsii.String("Waypost: actions of customer journeys to messaging channels (" + chosen.Environment + ")"),
		TerminationProtection: &chosen.Protect, Env: &awscdk.Environment{}}
	if chosen.Account != "" {
		props.Env.Account = &chosen.Account
	}
	if chosen.Region != "" {
		props.Env.Region = &chosen.Region
	}
	s := &stack{self: awscdk.NewStack(scope, &name, props), settings: chosen, code: code, prefix: name + "-"}
	awscdk.Tags_Of(s.self).Add(jsii.String("application"), jsii.String("waypost"), nil)
	awscdk.Tags_Of(s.self).Add(jsii.String("environment"), &chosen.Environment, nil)
	s.newAlarms()
	s.newTables()
	s.newNetwork()
	s.deadLetters = s.newQueue("DeadLetters", "ids of deliveries that ended dead, to look at")
	s.newRoles()
	for _, f := range functions() {
		s.functions = append(s.functions, s.newFunction(f))
	}
	s.name()
	s.tellCallbacks()
	s.grant()
	s.newTriggers()
	s.watch()
	s.output()
	return s.self
}

// newNetwork finds the network of the private functions, where there is one, and
// makes the one security group that they have, for internal endpoints to let in.
func (s *stack) newNetwork() {
	v := s.settings.VPC
	if v == nil {
		return
	}
	s.vpc = awsec2.Vpc_FromVpcAttributes(s.self, jsii.String("Network"), &awsec2.VpcAttributes{
		VpcId: &v.ID, AvailabilityZones: jsii.Strings(v.AvailabilityZones...), PrivateSubnetIds: jsii.Strings(v.Subnets...),
	})
	s.private = awsec2.NewSecurityGroup(s.self, jsii.String("PrivateGroup"), &awsec2.SecurityGroupProps{Vpc: s.vpc,
		Description: jsii.String("Waypost's functions that call endpoints and sources"), AllowAllOutbound: jsii.Bool(true)})
}

// function finds one by its name.
func (s *stack) function(name string) *lambdaFunction {
	for _, f := range s.functions {
		if f.name == name {
			return f
		}
	}
	panic("there is no function " + name) // a defect of this program, which any synth shows
}

// ofKind gives the functions of a kind.
func (s *stack) ofKind(k kind) []*lambdaFunction {
	var out []*lambdaFunction
	for _, f := range s.functions {
		if f.kind == k {
			out = append(out, f)
		}
	}
	return out
}

// title makes a construct's id of a function's name.
func title(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// output says where things are, for people and for `waypost --stack`.
func (s *stack) output() {
	type output struct {
		id, does string
		value    *string
	}
	outputs := []output{
		{"AdminUrl", "Authors' and operators' API; requests are signed with SigV4 for lambda", s.function("admin").url.Url()},
		{"EntryUrl", "POST events to /entry/ below it, signed with SigV4 for lambda", s.function("entry").url.Url()},
		{"CallbackUrl", "Providers report to /callback/KIND/TOKEN below it; anybody may call it, and the function verifies who signed", s.function("callback").url.Url()},
		{"EventBusName", "Events put here, as the detail, enter as those posted to EntryUrl do", s.bus.EventBusName()},
		{"ProfilesTable", "Table of the customers' attributes", s.tables.profiles.TableName()},
		{"LedgerTable", "Table of executions and deliveries", s.tables.ledger.TableName()},
		{"DeadLettersUrl", "Queue of the ids of deliveries that ended dead", s.deadLetters.QueueUrl()},
		{"AlarmTopic", "Subscribe here to hear of alarms", s.alarms.TopicArn()},
		{"MachinePrefix", "Begins the names of the journeys' state machines, which also carry it as their tag waypost", &s.prefix},
	}
	if s.vpc != nil {
		outputs = append(outputs, output{"SecurityGroup", "Of the functions in the network: let it in to internal endpoints", s.private.SecurityGroupId()})
	}
	for _, o := range outputs {
		awscdk.NewCfnOutput(s.self, &o.id, &awscdk.CfnOutputProps{Value: o.value, Description: &o.does})
	}
}
