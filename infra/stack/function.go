package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/waypost/waypost/infra/stack/settings"
)

// live is the alias that everything calls. Versions behind it can be rolled
// back, by lambda:UpdateAlias, and kept warm, without a change to the journeys
// that name it. A deploy leaves the versions before it, so that there is
// something to go back to; one whose deploy failed it deletes, or Lambda would
// refuse to publish the same code again.
const live = "live"

// A lambdaFunction is a function as the stack has it.
type lambdaFunction struct {
	function
	self  awslambda.Function
	alias awslambda.Alias
	logs  awslogs.LogGroup
	url   awslambda.FunctionUrl // nil where it has none
}

// newFunction makes a Lambda function with the house's defaults: the Go
// bootstrap on arm64, JSON logs that are kept for as long as the environment
// says, tracing, and the memory and timeout of its kind.
func (s *stack) newFunction(f function) *lambdaFunction {
	scope := constructs.NewConstruct(s.self, jsii.String(title(f.name)))
	choice := s.settings.Functions[f.name]
	memory := f.kind.memoryMB()
	if choice.MemoryMB > 0 {
		memory = choice.MemoryMB
	}
	out := &lambdaFunction{function: f}
	out.logs = awslogs.NewLogGroup(scope, jsii.String("Logs"), &awslogs.LogGroupProps{
		Retention: retention(s.settings.LogDays), RemovalPolicy: s.removal(),
	})
	props := &awslambda.FunctionProps{
		Description:  jsii.String(f.does),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: awslambda.Architecture_ARM_64(),
		Handler:      jsii.String("bootstrap"),
		Code:         s.code(f.name),
		MemorySize:   jsii.Number(memory),
		Timeout:      awscdk.Duration_Millis(jsii.Number(f.kind.timeout().Milliseconds())),
		Tracing:      awslambda.Tracing_ACTIVE,
		LogGroup:     out.logs, LoggingFormat: awslambda.LoggingFormat_JSON,
		ApplicationLogLevelV2: awslambda.ApplicationLogLevel_INFO, SystemLogLevelV2: awslambda.SystemLogLevel_WARN,
		Environment:           s.environment(f),
		Role:                  s.functionRole(scope, out),
		CurrentVersionOptions: &awslambda.VersionOptions{RemovalPolicy: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE},
	}
	if choice.Reserved > 0 {
		props.ReservedConcurrentExecutions = jsii.Number(choice.Reserved)
	}
	if f.private && s.vpc != nil {
		props.SecurityGroups = &[]awsec2.ISecurityGroup{s.private}
		props.Vpc, props.VpcSubnets = s.vpc, &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}
	}
	out.self = awslambda.NewFunction(scope, jsii.String("Function"), props)
	alias := &awslambda.AliasProps{AliasName: jsii.String(live), Version: out.self.CurrentVersion()}
	if choice.Provisioned > 0 {
		alias.ProvisionedConcurrentExecutions = jsii.Number(choice.Provisioned)
	}
	out.alias = awslambda.NewAlias(scope, jsii.String("Live"), alias)
	switch f.kind {
	case api:
		out.url = out.alias.AddFunctionUrl(&awslambda.FunctionUrlOptions{
			AuthType: awslambda.FunctionUrlAuthType_AWS_IAM, InvokeMode: awslambda.InvokeMode_BUFFERED,
		})
	case public: // the providers sign in ways of their own, which the function verifies
		out.url = out.alias.AddFunctionUrl(&awslambda.FunctionUrlOptions{
			AuthType: awslambda.FunctionUrlAuthType_NONE, InvokeMode: awslambda.InvokeMode_BUFFERED,
		})
	}
	return out
}

// retention finds CDK's name of a number of days, which Settings has checked.
func retention(days int) awslogs.RetentionDays {
	for i, d := range settings.LogRetentions {
		if d == days {
			return retentionDays[i]
		}
	}
	return awslogs.RetentionDays_TWO_WEEKS
}

// retentionDays are those of settings.LogRetentions, in its order.
var retentionDays = []awslogs.RetentionDays{
	awslogs.RetentionDays_ONE_DAY, awslogs.RetentionDays_THREE_DAYS, awslogs.RetentionDays_FIVE_DAYS, awslogs.RetentionDays_ONE_WEEK,
	awslogs.RetentionDays_TWO_WEEKS, awslogs.RetentionDays_ONE_MONTH, awslogs.RetentionDays_TWO_MONTHS, awslogs.RetentionDays_THREE_MONTHS,
	awslogs.RetentionDays_FOUR_MONTHS, awslogs.RetentionDays_FIVE_MONTHS, awslogs.RetentionDays_SIX_MONTHS, awslogs.RetentionDays_ONE_YEAR,
	awslogs.RetentionDays_THIRTEEN_MONTHS, awslogs.RetentionDays_EIGHTEEN_MONTHS, awslogs.RetentionDays_TWO_YEARS,
	awslogs.RetentionDays_THREE_YEARS, awslogs.RetentionDays_FIVE_YEARS, awslogs.RetentionDays_SIX_YEARS,
	awslogs.RetentionDays_SEVEN_YEARS, awslogs.RetentionDays_EIGHT_YEARS, awslogs.RetentionDays_NINE_YEARS, awslogs.RetentionDays_TEN_YEARS,
}
