// Package sqs is the adapter to Amazon SQS.
package sqs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/waypost/waypost/shared/awserror"
	"github.com/waypost/waypost/shared/fault"
)

// DeadLetters sends the ids of dead deliveries to a queue, for alarm and
// replay: the delivery's record is the dead letter itself.
type DeadLetters struct {
	Client *sqs.Client
	Queue  string // URL
}

// Add implements delivery.DeadLetters.
func (d *DeadLetters) Add(ctx context.Context, id string) error {
	if _, err := d.Client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &d.Queue, MessageBody: &id}); err != nil {
		return fault.Wrap(awserror.Loggable(err), fault.Unavailable, "the dead-letter queue did not answer")
	}
	return nil
}
