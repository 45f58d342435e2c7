package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/jsii-runtime-go"
)

// newTriggers makes what calls functions by itself: the event bus, whose
// events enter as those do that are posted to entry's URL, and the sweep's
// schedule.
//
// An event can be lost on the bus's way in two places, and each leads to the
// same dead-letter queue: EventBridge may not reach Lambda, and entry may
// refuse the event, or fail at it three times.
func (s *stack) newTriggers() {
	entry, sweep := s.function("entry"), s.function("sweep")
	lost := s.newDeadLetterQueue("EventsDlq", "events of the bus that entry refused or could not take in")
	s.bus = awsevents.NewEventBus(s.self, jsii.String("Events"), &awsevents.EventBusProps{
		Description: jsii.String("A CloudEvent as the detail of an event enters journeys"),
	})
	awsevents.NewRule(s.self, jsii.String("EventsToEntry"), &awsevents.RuleProps{
		EventBus:     s.bus,
		EventPattern: &awsevents.EventPattern{Account: &[]*string{s.self.Account()}}, // every event of this account
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewLambdaFunction(entry.alias, &awseventstargets.LambdaFunctionProps{
			DeadLetterQueue: lost, MaxEventAge: awscdk.Duration_Hours(jsii.Number(24)), RetryAttempts: jsii.Number(185),
		})},
	})
	entry.alias.ConfigureAsyncInvoke(&awslambda.EventInvokeConfigOptions{
		OnFailure: awslambdadestinations.NewSqsDestination(lost), RetryAttempts: jsii.Number(2),
		MaxEventAge: awscdk.Duration_Hours(jsii.Number(6)),
	})

	awsevents.NewRule(s.self, jsii.String("SweepEachMinute"), &awsevents.RuleProps{
		Schedule: awsevents.Schedule_Rate(awscdk.Duration_Minutes(jsii.Number(1))),
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewLambdaFunction(sweep.alias, &awseventstargets.LambdaFunctionProps{
			Event:       awsevents.RuleTargetInput_FromObject(map[string]any{}),
			MaxEventAge: awscdk.Duration_Minutes(jsii.Number(1)), RetryAttempts: jsii.Number(0),
		})},
	})
	// One that fails is not repeated: the next one comes in a minute.
	sweep.alias.ConfigureAsyncInvoke(&awslambda.EventInvokeConfigOptions{
		RetryAttempts: jsii.Number(0), MaxEventAge: awscdk.Duration_Minutes(jsii.Number(1)),
	})
}
