package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/local/queue"
)

// world is a server, a real SDK client (which verifies checksums) and a queue.
type world struct {
	*testing.T
	*sqs.Client
	url *string
}

func newWorld(t *testing.T) world {
	srv := httptest.NewServer(queue.New(queue.Options{}))
	t.Cleanup(srv.Close)
	c := sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
	made, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("dead")})
	if err != nil {
		t.Fatal(err)
	}
	if want := srv.URL + "/000000000000/dead"; *made.QueueUrl != want {
		t.Errorf("the URL is %s, want %s", *made.QueueUrl, want)
	}
	return world{t, c, made.QueueUrl}
}

func (w world) send(body string) {
	w.Helper()
	if _, err := w.SendMessage(w.Context(), &sqs.SendMessageInput{QueueUrl: w.url, MessageBody: &body}); err != nil {
		w.Fatal(err)
	}
}

func (w world) receive(in sqs.ReceiveMessageInput) []types.Message {
	w.Helper()
	if in.QueueUrl == nil {
		in.QueueUrl = w.url
	}
	out, err := w.ReceiveMessage(w.Context(), &in)
	if err != nil {
		w.Fatal(err)
	}
	return out.Messages
}

func (w world) counts() [3]string {
	w.Helper()
	out, err := w.GetQueueAttributes(w.Context(), &sqs.GetQueueAttributesInput{QueueUrl: w.url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		w.Fatal(err)
	}
	a := out.Attributes
	return [3]string{a["ApproximateNumberOfMessages"], a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"]}
}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestMessageGoesThrough(t *testing.T) {
	w := newWorld(t)
	_, err := w.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: w.url, MessageBody: aws.String(`{"delivery":"é"}`),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"reason": {DataType: aws.String("String"), StringValue: aws.String("timeout")}, "raw": {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	got := w.receive(sqs.ReceiveMessageInput{MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount"}})
	if len(got) != 1 || *got[0].Body != `{"delivery":"é"}` || *got[0].MessageAttributes["reason"].StringValue != "timeout" ||
		cmp.Diff([]byte{1, 2}, got[0].MessageAttributes["raw"].BinaryValue) != "" || cmp.Diff(map[string]string{"ApproximateReceiveCount": "1"}, got[0].Attributes) != "" {
		t.Fatalf("got %+v", got)
	}
	if diff := cmp.Diff([3]string{"0", "1", "0"}, w.counts()); diff != "" {
		t.Error(diff)
	}
	if again := w.receive(sqs.ReceiveMessageInput{}); len(again) != 0 {
		t.Errorf("a message in flight was received again: %+v", again)
	}
	if _, err := w.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: w.url, ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 0}); err != nil {
		t.Fatal(err)
	}
	again := w.receive(sqs.ReceiveMessageInput{})
	if len(again) != 1 {
		t.Fatal("a message that was made visible did not come back")
	}
	for range 2 { // deleting twice is no error
		if _, err := w.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: w.url, ReceiptHandle: again[0].ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([3]string{"0", "0", "0"}, w.counts()); diff != "" {
		t.Error(diff)
	}
}

// The digest that AWS's own documentation and SDKs reckon for this attribute.
func TestAttributesDigest(t *testing.T) {
	w := newWorld(t)
	out, err := w.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: w.url, MessageBody: aws.String("b"),
		MessageAttributes: map[string]types.MessageAttributeValue{"timestamp": {DataType: aws.String("Number"), StringValue: aws.String("1493147359900")}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *out.MD5OfMessageAttributes, "235c5c510d26fb653d073faed50ae77c"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBatches(t *testing.T) {
	w := newWorld(t)
	out, err := w.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: w.url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("1")}, {Id: aws.String("b"), MessageBody: aws.String("")}, {Id: aws.String("c"), MessageBody: aws.String("3"), DelaySeconds: 60}}})
	if err != nil || len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "b" || *out.Failed[0].Code != "MissingParameter" {
		t.Fatalf("got %+v, %v", out, err)
	}
	if diff := cmp.Diff([3]string{"1", "0", "1"}, w.counts()); diff != "" {
		t.Error(diff)
	}
	got := w.receive(sqs.ReceiveMessageInput{MaxNumberOfMessages: 10})
	gone, err := w.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: w.url, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: got[0].ReceiptHandle}, {Id: aws.String("b"), ReceiptHandle: aws.String("nonsense")}}})
	if err != nil || len(gone.Successful) != 1 || len(gone.Failed) != 1 {
		t.Errorf("got %+v, %v", gone, err)
	}
	if _, err := w.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: w.url}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([3]string{"0", "0", "0"}, w.counts()); diff != "" {
		t.Error(diff)
	}
}

func TestDeadLetters(t *testing.T) {
	w := newWorld(t)
	work, err := w.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("work"), Attributes: map[string]string{
		"VisibilityTimeout": "0", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"2"}`}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: work.QueueUrl, MessageBody: aws.String("poison")}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 1, 0} {
		if got := w.receive(sqs.ReceiveMessageInput{QueueUrl: work.QueueUrl}); len(got) != want {
			t.Errorf("receipt %d got %d messages, want %d", i+1, len(got), want)
		}
	}
	if got := w.receive(sqs.ReceiveMessageInput{}); len(got) != 1 || *got[0].Body != "poison" {
		t.Errorf("the dead-letter queue holds %+v", got)
	}
}

func TestQueues(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	create := func(name string, attributes map[string]string) error {
		_, err := w.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		return err
	}
	url := func(name string) error {
		_, err := w.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		return err
	}
	missing := aws.String("http://localhost/000000000000/none")
	_, noSend := w.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: missing, MessageBody: aws.String("x")})
	_, noReceive := w.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: missing})
	_, tooLarge := w.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: w.url, MessageBody: aws.String(strings.Repeat("x", 1<<20+1))})
	_, badReceipt := w.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: w.url, ReceiptHandle: aws.String("x")})
	_, notInFlight := w.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: w.url, ReceiptHandle: aws.String("x:y"), VisibilityTimeout: 1})
	_, eleven := w.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: w.url, MaxNumberOfMessages: 11})
	_, empty := w.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: w.url, Entries: []types.SendMessageBatchRequestEntry{}})
	_, twice := w.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: w.url, Entries: []types.SendMessageBatchRequestEntry{{Id: aws.String("a"), MessageBody: aws.String("1")}, {Id: aws.String("a"), MessageBody: aws.String("1")}}})
	_, set := w.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: w.url, Attributes: map[string]string{"VisibilityTimeout": "60"}})
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"the same queue again", create("dead", nil), "<nil>"},
		{"setting attributes", set, "<nil>"},
		{"again, with another attribute", create("dead", map[string]string{"VisibilityTimeout": "5"}), "QueueAlreadyExists"},
		{"a FIFO queue", create("x.fifo", nil), "InvalidParameterValue"},
		{"an unknown attribute", create("x", map[string]string{"Colour": "red"}), "InvalidAttributeName"},
		{"an attribute out of bounds", create("x", map[string]string{"DelaySeconds": "901"}), "InvalidAttributeValue"},
		{"a dead-letter queue that is not there", create("x", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:none","maxReceiveCount":2}`}), "InvalidParameterValue"},
		{"what was refused is not there", url("x"), "AWS.SimpleQueueService.NonExistentQueue"},
		{"sending to nothing", noSend, "AWS.SimpleQueueService.NonExistentQueue"},
		{"receiving from nothing", noReceive, "AWS.SimpleQueueService.NonExistentQueue"},
		{"over 1 MiB", tooLarge, "InvalidParameterValue"},
		{"a receipt of nonsense", badReceipt, "ReceiptHandleIsInvalid"},
		{"a message not in flight", notInFlight, "AWS.SimpleQueueService.MessageNotInflight"},
		{"eleven at once", eleven, "InvalidParameterValue"},
		{"an empty batch", empty, "AWS.SimpleQueueService.EmptyBatchRequest"},
		{"an id twice", twice, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
	} {
		if got := code(tc.err); got != tc.want {
			t.Errorf("%s: got %v, want %s", tc.name, tc.err, tc.want)
		}
	}
	if _, ok := errors.AsType[*types.QueueDoesNotExist](noSend); !ok {
		t.Errorf("the SDK does not know %T as QueueDoesNotExist", noSend)
	}
	for _, name := range []string{"waypost-b", "waypost-a", "waypost-c"} {
		if err := create(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	pages := sqs.NewListQueuesPaginator(w.Client, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("waypost"), MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.QueueUrls {
			names = append(names, u[strings.LastIndex(u, "/")+1:])
		}
	}
	if diff := cmp.Diff([]string{"waypost-a", "waypost-b", "waypost-c"}, names); diff != "" {
		t.Error(diff)
	}
	if _, err := w.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: w.url}); err != nil {
		t.Fatal(err)
	}
	if got := code(url("dead")); got != "AWS.SimpleQueueService.NonExistentQueue" {
		t.Errorf("after its deletion: %s", got)
	}
}

// call makes a request without a network, for tests whose time is not real.
func call(t *testing.T, s *queue.Server, ctx context.Context, op, body string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonSQS."+op)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Body.String()
}

func bodies(t *testing.T, answer string) (out []string) {
	t.Helper()
	var doc struct{ Messages []struct{ Body string } }
	if err := json.Unmarshal([]byte(answer), &doc); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	for _, m := range doc.Messages {
		out = append(out, m.Body)
	}
	return out
}

func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := queue.New(queue.Options{})
		do := func(op, body string) string { return call(t, s, t.Context(), op, body) }
		receive := func(wait int) ([]string, time.Duration) {
			start := time.Now()
			return bodies(t, do("ReceiveMessage", fmt.Sprintf(`{"QueueUrl":"http://h/0/q","WaitTimeSeconds":%d,"VisibilityTimeout":30}`, wait))), time.Since(start)
		}
		expect := func(what string, wait int, want string, after time.Duration) {
			t.Helper()
			got, took := receive(wait)
			if strings.Join(got, ",") != want || took != after {
				t.Errorf("%s: got %q after %v, want %q after %v", what, got, took, want, after)
			}
		}
		do("CreateQueue", `{"QueueName":"q"}`)
		expect("an empty queue", 20, "", 20*time.Second)
		go func() {
			time.Sleep(3 * time.Second)
			do("SendMessage", `{"QueueUrl":"http://h/0/q","MessageBody":"a"}`)
		}()
		expect("a message that comes during the wait", 20, "a", 3*time.Second)
		expect("it is hidden for its timeout", 0, "", 0)
		time.Sleep(15 * time.Second)
		expect("and comes back during a wait", 20, "a", 15*time.Second)
		do("PurgeQueue", `{"QueueUrl":"http://h/0/q"}`)
		do("SendMessage", `{"QueueUrl":"http://h/0/q","MessageBody":"late","DelaySeconds":10}`)
		expect("a delayed message", 20, "late", 10*time.Second)
		time.Sleep(5 * 24 * time.Hour)
		expect("after the retention period", 0, "", 0)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		call(t, s, ctx, "ReceiveMessage", `{"QueueUrl":"q","WaitTimeSeconds":20}`)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("a caller that left was waited for: %v", took)
		}
	})
}

func TestParallelReceiversGetEachMessageOnce(t *testing.T) {
	w := newWorld(t)
	const messages = 40
	for i := range messages {
		w.send(fmt.Sprint(i))
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				out, err := w.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: w.url, MaxNumberOfMessages: 3})
				if err != nil || len(out.Messages) == 0 {
					return
				}
				mu.Lock()
				for _, m := range out.Messages {
					seen[*m.Body]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != messages {
		t.Errorf("%d of %d messages were received", len(seen), messages)
	}
	for body, n := range seen {
		if n != 1 {
			t.Errorf("message %s was received %d times", body, n)
		}
	}
}
