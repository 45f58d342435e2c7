package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// receives is how often a message is tried before it is a dead letter.
const receives = 5

// clears says how an alarm for what waits in a queue ends: nothing in Waypost
// takes messages out.
const clears = ". It is on until the messages are received and deleted, or the queue is purged, or for the 14 days that it keeps them"

// newQueue makes a queue with the house's defaults: encrypted, over TLS alone,
// with a dead-letter queue, and an alarm for messages that nobody takes.
func (s *stack) newQueue(id string, purpose string) awssqs.Queue {
	dead := s.newDeadLetterQueue(id+"Dlq", purpose)
	q := awssqs.NewQueue(s.self, &id, &awssqs.QueueProps{
		Encryption: awssqs.QueueEncryption_SQS_MANAGED, EnforceSSL: jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
		// Whoever looks at a message has six minutes before another sees it: no
		// function reads a queue.
		VisibilityTimeout: awscdk.Duration_Minutes(jsii.Number(6)),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: jsii.Number(receives)},
	})
	s.alarm(id+"Waits", "Messages of the queue "+id+" wait: "+purpose+clears, q.MetricApproximateNumberOfMessagesVisible(everyMinute(awscloudwatch.Stats_MAXIMUM())), 1)
	s.alarm(id+"Age", "The oldest message of the queue "+id+" has waited for a day: "+purpose+clears,
		q.MetricApproximateAgeOfOldestMessage(everyMinute(awscloudwatch.Stats_MAXIMUM())), 24*3600)
	s.queues = append(s.queues, q)
	return q
}

// newDeadLetterQueue makes the queue at the end of a line, with its alarm. Its
// id ends in Dlq.
func (s *stack) newDeadLetterQueue(id, purpose string) awssqs.Queue {
	q := awssqs.NewQueue(s.self, &id, &awssqs.QueueProps{
		Encryption: awssqs.QueueEncryption_SQS_MANAGED, EnforceSSL: jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
	})
	s.alarm(id+"Holds", "The dead-letter queue "+id+" holds messages: "+purpose+clears, q.MetricApproximateNumberOfMessagesVisible(everyMinute(awscloudwatch.Stats_MAXIMUM())), 1)
	s.queues = append(s.queues, q)
	return q
}

func everyMinute(statistic *string) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Statistic: statistic, Period: awscdk.Duration_Minutes(jsii.Number(1))}
}
