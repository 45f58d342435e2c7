package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/waypost/waypost/shared/ledger"
)

// dashboard shows what an operator looks at first, from outcomes down to machines.
func (s *stack) dashboard(outcomes map[ledger.Outcome]awscloudwatch.Metric, errors, transitions, starts awscloudwatch.Metric) {
	var deliveries, durations, concurrency, throttles, waiting []awscloudwatch.IMetric
	for _, o := range ledger.Outcomes {
		deliveries = append(deliveries, outcomes[o])
	}
	for _, f := range s.functions {
		label := jsii.String(f.name)
		durations = append(durations, f.self.MetricDuration(&awscloudwatch.MetricOptions{Label: label, Statistic: jsii.String("p99")}))
		concurrency = append(concurrency, f.self.Metric(jsii.String("ConcurrentExecutions"), &awscloudwatch.MetricOptions{Label: label, Statistic: awscloudwatch.Stats_MAXIMUM()}))
		throttles = append(throttles, f.self.MetricThrottles(&awscloudwatch.MetricOptions{Label: label}))
	}
	for _, q := range s.queues {
		waiting = append(waiting, q.MetricApproximateNumberOfMessagesVisible(&awscloudwatch.MetricOptions{Label: q.Node().Id(), Statistic: awscloudwatch.Stats_MAXIMUM()}))
	}
	graph := func(title string, width float64, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
		return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{Title: &title, Width: &width, Left: &metrics})
	}
	entry := s.function("entry").self
	awscloudwatch.NewDashboard(s.self, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DefaultInterval: awscdk.Duration_Hours(jsii.Number(3)),
		Widgets: &[]*[]awscloudwatch.IWidget{
			{graph("Deliveries by outcome", 16, deliveries...), graph("Dead letters and lost events", 8, waiting...)},
			{graph("Events in", 8, entry.MetricInvocations(nil), entry.MetricErrors(nil)), graph("Logged errors", 8, errors),
				graph("Step Functions throttles", 8, transitions, starts)},
			{graph("Duration, p99", 8, durations...), graph("Concurrency", 8, concurrency...), graph("Throttled invocations", 8, throttles...)},
		},
	})
}
