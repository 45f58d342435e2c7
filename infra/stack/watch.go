package main

import (
	"net/http"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/jsii-runtime-go"

	"github.com/waypost/waypost/shared/callback"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/ledger"
)

// Flow control by error names shows in Lambda's own error count, so that the
// alarms of channels stand on what their logs say instead: each delivery that
// is settled logs one line with its outcome, and a metric filter counts it.

// newAlarms makes the topic that alarms go to. A topic's policy replaces SNS's
// own, by which the account's alarms may publish: so this one says that they may.
func (s *stack) newAlarms() {
	s.alarms = awssns.NewTopic(s.self, jsii.String("Alarms"), &awssns.TopicProps{EnforceSSL: jsii.Bool(true),
		DisplayName: jsii.String("Waypost " + s.settings.Environment)})
	alarms := s.self.FormatArn(&awscdk.ArnComponents{Service: jsii.String("cloudwatch"), Resource: jsii.String("alarm"),
		ResourceName: jsii.String("*"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
	s.alarms.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("Alarms"), Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Actions: jsii.Strings("sns:Publish"), Resources: &[]*string{s.alarms.TopicArn()},
		Conditions: &map[string]any{
			"StringEquals": map[string]any{"aws:SourceAccount": s.self.Account()},
			"ArnLike":      map[string]any{"aws:SourceArn": alarms},
		},
	}))
	if to := s.settings.AlarmEmail; to != "" {
		s.alarms.AddSubscription(awssnssubscriptions.NewEmailSubscription(&to, nil))
	}
}

// alarm makes an alarm for a metric that reaches a threshold within one of its
// periods. What is missing is well: a queue without messages has no metric.
func (s *stack) alarm(id, says string, metric awscloudwatch.IMetric, threshold float64) {
	a := awscloudwatch.NewAlarm(s.self, jsii.String(id+"Alarm"), &awscloudwatch.AlarmProps{
		AlarmDescription: &says, Metric: metric, Threshold: &threshold, EvaluationPeriods: jsii.Number(1),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
	a.AddAlarmAction(awscloudwatchactions.NewSnsAction(s.alarms))
}

// watch makes the metrics, the alarms that stand on them, and the dashboard.
func (s *stack) watch() {
	outcomes := map[ledger.Outcome]awscloudwatch.Metric{}
	for _, o := range ledger.Outcomes {
		outcomes[o] = s.countLogs("Deliveries"+title(string(o)),
			awslogs.FilterPattern_All(
				awslogs.FilterPattern_StringValue(jsii.String("$.message"), jsii.String("="), jsii.String(delivery.SettledMessage)),
				awslogs.FilterPattern_StringValue(jsii.String("$.outcome"), jsii.String("="), jsii.String(string(o)))),
			append(s.ofKind(channel), s.ofKind(background)...))
	}
	internal := s.countLogs("Errors", awslogs.FilterPattern_StringValue(jsii.String("$.level"), jsii.String("="), jsii.String("ERROR")), s.functions)

	s.alarm("Failed", "Over 10 deliveries failed within 5 minutes: GET /admin/v1/deliveries?outcome=failed says why; waypost replay ID makes one anew", outcomes[ledger.Failed], 10)
	s.alarm("Unknown", "A delivery ended unknown: its endpoint may have taken it, and a person must decide whether to replay it (waypost replay ID)", outcomes[ledger.Unknown], 1)
	s.alarm("Dead", "A delivery was given up after its retries: GET /admin/v1/deliveries?outcome=dead says why; waypost replay ID makes it anew", outcomes[ledger.Dead], 1)
	s.alarm("Forged", "Over 10 callbacks were not signed by the secret that their action names within 5 minutes: was its key replaced at the provider alone?",
		s.countRefused("CallbacksForged", http.StatusForbidden), 10)
	s.alarm("Unheard", "A callback was answered 503, since AWS did not answer or its action's secret could not be used: the provider may not report again",
		s.countRefused("CallbacksUnheard", http.StatusServiceUnavailable), 1)
	s.alarm("Errors", "A function logged an error; its log says what and why", internal, 1)

	// These have no flow control by error names: an error is one. Nor has decide,
	// whose error is a condition that could not be evaluated.
	for _, name := range []string{"admin", "callback", "decide", "entry", "sweep"} {
		f := s.function(name)
		s.alarm(title(name)+"Fails", "The function "+name+" failed or ran out of time", f.self.MetricErrors(everyFive()), 1)
	}
	for _, f := range s.functions {
		s.alarm(title(f.name)+"Throttled", "Lambda throttled the function "+f.name+": its concurrency is used up", f.self.MetricThrottles(everyFive()), 1)
	}
	transitions := s.statesThrottled("ServiceMetric", "StateTransition")
	starts := s.statesThrottled("APIName", "StartExecution")
	s.alarm("TransitionsThrottled", "Step Functions throttles state transitions in this account and region: ask AWS for a higher quota", transitions, 1)
	s.alarm("StartsThrottled", "Step Functions throttles StartExecution: the sweep starts what waits, and a higher quota would keep it from waiting", starts, 1)
	s.dashboard(outcomes, internal, transitions, starts)
}

// countLogs counts the lines of functions' logs that match a pattern, as one metric.
func (s *stack) countLogs(name string, pattern awslogs.IFilterPattern, of []*lambdaFunction) awscloudwatch.Metric {
	namespace := "Waypost/" + s.settings.Environment
	for _, f := range of {
		f.logs.AddMetricFilter(&name, &awslogs.MetricFilterOptions{
			FilterPattern: pattern, MetricNamespace: &namespace, MetricName: &name, MetricValue: jsii.String("1"), DefaultValue: jsii.Number(0),
		})
	}
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{Namespace: &namespace, MetricName: &name,
		Statistic: awscloudwatch.Stats_SUM(), Period: awscdk.Duration_Minutes(jsii.Number(5))})
}

// countRefused counts the callbacks that were refused with a status.
func (s *stack) countRefused(name string, status int) awscloudwatch.Metric {
	return s.countLogs(name, awslogs.FilterPattern_All(
		awslogs.FilterPattern_StringValue(jsii.String("$.message"), jsii.String("="), jsii.String(callback.RefusedMessage)),
		awslogs.FilterPattern_NumberValue(jsii.String("$.status"), jsii.String("="), jsii.Number(status))),
		s.ofKind(public))
}

// statesThrottled is Step Functions' count of what it throttled, for one of
// its buckets. It counts the whole account: AWS has no finer one.
func (s *stack) statesThrottled(dimension, value string) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{Namespace: jsii.String("AWS/States"), MetricName: jsii.String("ThrottledEvents"),
		DimensionsMap: &map[string]*string{dimension: &value}, Statistic: awscloudwatch.Stats_SUM(), Period: awscdk.Duration_Minutes(jsii.Number(5))})
}

func everyFive() *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Statistic: awscloudwatch.Stats_SUM(), Period: awscdk.Duration_Minutes(jsii.Number(5))}
}
