package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// trigger tries what calls functions by itself: the event bus, and the
// schedule of the sweep.
func (w *world) trigger(ctx context.Context) error {
	w.report.step("Putting events on the bus")
	err := w.put(ctx, `{"specversion": "1.0", "id": "bus-ada", "source": "/shop/demo", "type": "order.ready",
		"data": {"orderId": "A-2001", "customerId": "c-ada", "total": 30}}`)
	want := append(sinkOnce(), `sms/twilio to +15550100001: Hi Ada, your order A-2001 is ready.`,
		`signage: All shops shows Order A-2001 is ready`, `private/sink: customer=Ada&state=closed&text=delivered`,
		`webhook/sink: {"lines":[],"order":"A-2001"}`, `slack/api to #orders: Order A-2001 is ready for Ada`,
		`loyalty: {"member":"L-1001","points":30,"reference":"A-2001"}`)
	if err == nil {
		err = until(ctx, time.Minute, func() error { return w.arrived(want) })
	}
	_ = w.report.check("an event of the bus enters as a posted one does, and is delivered once", err)

	if err = w.hand(ctx, `{"specversion": "1.0", "id": "bus-bad", "source": "/shop/demo", "type": "order.ready", "data": {"orderId": 7}}`); err == nil {
		w.report.say("      waiting for Lambda to give up on an event that entry refuses")
		err = until(ctx, time.Minute, func() error { return w.holds(ctx, w.resource("EventsDlq")) })
	}
	_ = w.report.check("an event of the bus that entry refuses three times is in the dead-letter queue of events", err)

	w.report.say("      waiting for the schedule's next minute")
	err = until(ctx, 90*time.Second, func() error { return w.logged(ctx, "Sweep") })
	_ = w.report.check("the schedule runs the sweep each minute", err)
	return nil
}

// put puts a CloudEvent on the deployed bus.
func (w *world) put(ctx context.Context, detail string) error {
	out, err := eventbridge.NewFromConfig(w.operator).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		EventBusName: aws.String(w.outputs["EventBusName"]), Source: aws.String("shop.demo"), DetailType: aws.String("order.ready"), Detail: &detail,
	}}})
	if err != nil {
		return err
	}
	return equal(out.FailedEntryCount, 0)
}

// hand hands the entry function an event of the bus as EventBridge does, by an
// asynchronous invocation. The emulator's own EventBridge calls a function once,
// and drops what fails; and it takes retries and destination from $LATEST alone,
// so that the deployed alias's are put there, and $LATEST is invoked.
func (w *world) hand(ctx context.Context, detail string) error {
	client, function := lambda.NewFromConfig(w.operator), w.resource("EntryFunction")
	deployed, err := client.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &function, Qualifier: aws.String("live")})
	if err != nil {
		return err
	}
	if _, err := client.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: &function, Qualifier: aws.String("$LATEST"),
		DestinationConfig: deployed.DestinationConfig, MaximumEventAgeInSeconds: deployed.MaximumEventAgeInSeconds, MaximumRetryAttempts: deployed.MaximumRetryAttempts}); err != nil {
		return err
	}
	payload := fmt.Sprintf(`{"version": "0", "id": "0", "detail-type": "order.ready", "source": "shop.demo", "account": %q, "region": %q,
		"time": "2026-01-01T00:00:00Z", "resources": [], "detail": %s}`, account, region, detail)
	out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function,
		InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(payload)})
	if err != nil {
		return err
	}
	return equal(out.StatusCode, http.StatusAccepted)
}

// holds says whether a queue has a message.
func (w *world) holds(ctx context.Context, queue string) error {
	out, err := sqs.NewFromConfig(w.operator).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queue})
	if err != nil {
		return err
	}
	return equal(len(out.Messages), 1)
}

// logged says whether a function has run: its log group has a stream then.
func (w *world) logged(ctx context.Context, function string) error {
	group := w.resource(function + "Logs")
	out, err := cloudwatchlogs.NewFromConfig(w.operator).DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: &group})
	if err != nil {
		return err
	}
	if len(out.LogStreams) == 0 {
		return fmt.Errorf("%s has no log stream", group)
	}
	return nil
}

// until asks again and again until there is no error, for a limited time, and
// gives the last one.
func until(ctx context.Context, limit time.Duration, asks func() error) error {
	deadline := time.After(limit)
	for {
		err := asks()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("interrupted")
		case <-deadline:
			return fmt.Errorf("after %s: %w", limit, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
