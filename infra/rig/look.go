package rig

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/ledger"
	waypostsecrets "github.com/waypost/waypost/shared/secretsmanager"
	"github.com/waypost/waypost/shared/sweep"
)

// PutSecret makes a secret have a value.
func (w *World) PutSecret(name, value string) {
	w.t.Helper()
	_, err := waypostsecrets.Source{Client: secretsmanager.NewFromConfig(w.Platform.AWS)}.Put(context.Background(), name, value)
	w.must(err)
}

// Sweep runs the sweep once. False means that it died.
func (w *World) Sweep() (sweep.Report, bool) {
	w.t.Helper()
	text, ok := w.Invoke("sweep", struct{}{})
	var r sweep.Report
	if ok {
		w.must(json.Unmarshal([]byte(text), &r))
	}
	return r, ok
}

// patience is how long Settle lets things go on, and idle how long it goes
// without a sweep where the first record is due later.
const (
	patience = 26 * time.Hour
	idle     = 5 * time.Minute
)

// Settle lets time pass, with a sweep each minute, until no execution runs and
// nothing is due any more.
func (w *World) Settle() {
	w.t.Helper()
	for began := time.Now(); time.Since(began) < patience; {
		next := w.nextDue()
		if next.IsZero() && !w.running() {
			return
		}
		wait := min(time.Until(next), idle) // negative where nothing is due
		time.Sleep(max(wait.Truncate(time.Minute), 0) + time.Minute)
		w.Sweep()
	}
	w.t.Errorf("after %v there are still executions that run, or records that are due: %v", patience, w.Due())
}

// nextDue is when the first record is due that somebody must come back to;
// zero where there is none.
func (w *World) nextDue() time.Time {
	var next time.Time
	for n := range dynamo.Shards {
		out, err := w.db.Query(context.Background(), &dynamodb.QueryInput{TableName: aws.String(Ledger), IndexName: aws.String("due"), Limit: aws.Int32(1),
			KeyConditionExpression:    aws.String("dueShard = :shard"),
			ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":shard": &dynamotypes.AttributeValueMemberS{Value: strconv.Itoa(n)}}})
		w.must(err)
		for _, it := range out.Items {
			due, _ := it["due"].(*dynamotypes.AttributeValueMemberS)
			at, err := time.Parse(time.RFC3339Nano, due.Value)
			w.must(err)
			if next.IsZero() || at.Before(next) {
				next = at
			}
		}
	}
	return next
}

func (w *World) running() bool {
	for _, m := range w.machines() {
		out, err := w.sfn.ListExecutions(context.Background(), &sfn.ListExecutionsInput{StateMachineArn: &m, StatusFilter: types.ExecutionStatusRunning, MaxResults: 1})
		w.must(err)
		if len(out.Executions) > 0 {
			return true
		}
	}
	return false
}

func (w *World) machines() []string {
	out, err := w.sfn.ListStateMachines(context.Background(), &sfn.ListStateMachinesInput{})
	w.must(err)
	var arns []string
	for _, m := range out.StateMachines {
		if m.Type == types.StateMachineTypeStandard {
			arns = append(arns, *m.StateMachineArn)
		}
	}
	return arns
}

// An Execution is one as Step Functions knows it.
type Execution struct{ ARN, Name, Status, Input, Output, Error, Cause string }

// Executions are those of all Standard machines, the platform's own too.
func (w *World) Executions() []Execution {
	w.t.Helper()
	var runs []Execution
	for _, m := range w.machines() {
		pages := sfn.NewListExecutionsPaginator(w.sfn, &sfn.ListExecutionsInput{StateMachineArn: &m, MaxResults: 1000})
		for pages.HasMorePages() {
			page, err := pages.NextPage(context.Background())
			w.must(err)
			for _, x := range page.Executions {
				d, err := w.sfn.DescribeExecution(context.Background(), &sfn.DescribeExecutionInput{ExecutionArn: x.ExecutionArn})
				w.must(err)
				runs = append(runs, Execution{*d.ExecutionArn, *d.Name, string(d.Status), aws.ToString(d.Input), aws.ToString(d.Output),
					aws.ToString(d.Error), aws.ToString(d.Cause)})
			}
		}
	}
	return runs
}

// Started counts the executions of all Standard machines, by name.
func (w *World) Started() map[string]int {
	w.t.Helper()
	names := map[string]int{}
	for _, m := range w.machines() {
		pages := sfn.NewListExecutionsPaginator(w.sfn, &sfn.ListExecutionsInput{StateMachineArn: &m, MaxResults: 1000})
		for pages.HasMorePages() {
			page, err := pages.NextPage(context.Background())
			w.must(err)
			for _, x := range page.Executions {
				names[*x.Name]++
			}
		}
	}
	return names
}

// Stop stops an execution, as an operator does.
func (w *World) Stop(arn string) {
	w.t.Helper()
	_, err := w.sfn.StopExecution(context.Background(), &sfn.StopExecutionInput{ExecutionArn: &arn})
	w.must(err)
}

// DeleteMachines deletes the journeys' machines behind Waypost's back.
func (w *World) DeleteMachines() {
	w.t.Helper()
	for _, m := range w.machines() {
		_, err := w.sfn.DeleteStateMachine(context.Background(), &sfn.DeleteStateMachineInput{StateMachineArn: &m})
		w.must(err)
	}
}

// History is an execution's history, with all its data, as JSON.
func (w *World) History(arn string) string {
	w.t.Helper()
	out, err := w.sfn.GetExecutionHistory(context.Background(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	w.must(err)
	text, err := json.Marshal(out.Events)
	w.must(err)
	return string(text)
}

// Delivery reads the standard step's delivery; its zero value says that there is none.
func (w *World) Delivery(execution string) ledger.Delivery { return w.DeliveryOf(execution, Step) }

// DeliveryOf reads the delivery of another step.
func (w *World) DeliveryOf(execution, step string) ledger.Delivery {
	d, err := w.Ledger.Delivery(context.Background(), ledger.DeliveryID{Execution: execution, Step: step})
	if err != nil {
		return ledger.Delivery{}
	}
	return d
}

// Store writes a profile's item as it is, as a table that the user already has
// may hold it.
func (w *World) Store(id string, attributes map[string]dynamotypes.AttributeValue) {
	w.t.Helper()
	it := maps.Clone(attributes)
	it["id"] = &dynamotypes.AttributeValueMemberS{Value: id}
	_, err := w.db.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String(Profiles), Item: it})
	w.must(err)
}

// Items are all of a table.
func (w *World) Items(table string) []map[string]dynamotypes.AttributeValue {
	w.t.Helper()
	var items []map[string]dynamotypes.AttributeValue
	pages := dynamodb.NewScanPaginator(w.db, &dynamodb.ScanInput{TableName: &table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		w.must(err)
		items = append(items, page.Items...)
	}
	return items
}

// Due lists the keys of the ledger's records that somebody must come back to.
func (w *World) Due() []string {
	w.t.Helper()
	far := time.Now().Add(1000 * time.Hour)
	var keys []string
	for due, err := range w.Ledger.Due(context.Background(), far, 1000) {
		w.must(err)
		for _, e := range due.Executions {
			keys = append(keys, e.Execution)
		}
		for _, d := range due.Deliveries {
			keys = append(keys, d.ID().String())
		}
	}
	return keys
}

// DeadLetters takes the ids out of the dead-letter queue.
func (w *World) DeadLetters() []string {
	w.t.Helper()
	var ids []string
	for {
		out, err := w.sqs.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: &w.Platform.Env.DeadLetterQueue, MaxNumberOfMessages: 10})
		w.must(err)
		if len(out.Messages) == 0 {
			return ids
		}
		for _, m := range out.Messages {
			ids = append(ids, *m.Body)
			_, err := w.sqs.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &w.Platform.Env.DeadLetterQueue, ReceiptHandle: m.ReceiptHandle})
			w.must(err)
		}
	}
}
