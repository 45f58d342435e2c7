// Package queue is the embedded runtime's SQS: standard queues in memory, with
// visibility timeouts, long polling and dead-letter queues, served in SQS's
// JSON protocol to the AWS SDKs and CLI.
//
// Messages come in the order in which they were sent, which SQS does not
// promise. Not promised here: FIFO queues, which are refused, access policies,
// encryption, message timers' precision, and the older query protocol.
package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// A Server holds queues and serves them. Make one with New. It is safe for
// concurrent use. Time is the time package's.
type Server struct {
	account, region string
	json            *awsjson.Service

	mu     sync.Mutex
	queues map[string]*queue
}

// Options are a Server's settings; the zero value is useful.
type Options struct {
	Account, Region string       // in ARNs and URLs; "" means 000000000000 and us-east-1
	Log             *slog.Logger // nil discards; never given messages
}

// New makes a Server without queues.
func New(o Options) *Server {
	s := &Server{account: cmp.Or(o.Account, "000000000000"), region: cmp.Or(o.Region, "us-east-1"), queues: map[string]*queue{}}
	s.json = &awsjson.Service{Version: "1.0", Log: o.Log, Operations: map[string]awsjson.Operation{
		"CreateQueue":                  op(s, s.create),
		"DeleteQueue":                  op(s, s.remove),
		"GetQueueUrl":                  op(s, s.url),
		"ListQueues":                   op(s, s.list),
		"GetQueueAttributes":           op(s, s.attributes),
		"SetQueueAttributes":           op(s, s.setAttributes),
		"PurgeQueue":                   op(s, s.purge),
		"SendMessage":                  op(s, s.send),
		"SendMessageBatch":             op(s, s.sendBatch),
		"ReceiveMessage":               awsjson.Op(s.receive), // takes the lock itself: it waits
		"DeleteMessage":                op(s, s.deleteMessage),
		"DeleteMessageBatch":           op(s, s.deleteBatch),
		"ChangeMessageVisibility":      op(s, s.changeVisibility),
		"ChangeMessageVisibilityBatch": op(s, s.changeBatch),
	}}
	return s
}

// hostKey is the context's key for the host that a request was sent to: a
// queue's URL must lead its user back here.
type hostKey struct{}

// ServeHTTP answers one request of SQS's API 2012-11-05 in its JSON protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.json.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), hostKey{}, r.Host)))
}

// op makes an operation of a function that expects the lock.
func op[In any](s *Server, f func(context.Context, *In) (any, error)) awsjson.Operation {
	return awsjson.Op(func(ctx context.Context, in *In) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return f(ctx, in)
	})
}

func (s *Server) arn(name string) string {
	return fmt.Sprintf("arn:aws:sqs:%s:%s:%s", s.region, s.account, name)
}

func (s *Server) urlOf(ctx context.Context, name string) string {
	host, _ := ctx.Value(hostKey{}).(string)
	return "http://" + host + "/" + s.account + "/" + name
}

// queue gives a queue by its URL, of which the last part counts.
func (s *Server) queue(url string) (*queue, error) {
	q, ok := s.queues[path.Base(url)]
	if !ok {
		return nil, noQueue()
	}
	return q, nil
}

func noQueue() *awsjson.Error {
	e := awsjson.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
	e.QueryCode = "AWS.SimpleQueueService.NonExistentQueue"
	return e
}

// failure is an error that has the same name in both of SQS's protocols.
func failure(code, format string, args ...any) *awsjson.Error {
	e := awsjson.Errorf(code, format, args...)
	e.QueryCode = code
	return e
}

// An attribute's default, and its bounds.
type bounds struct{ otherwise, low, high int }

// settings are the attributes that a queue acts upon, in seconds but for the size.
func settings() map[string]bounds {
	return map[string]bounds{
		"VisibilityTimeout":             {30, 0, 43200},
		"DelaySeconds":                  {0, 0, 900},
		"ReceiveMessageWaitTimeSeconds": {0, 0, 20},
		"MessageRetentionPeriod":        {345600, 60, 1209600},
		"MaximumMessageSize":            {1 << 20, 1024, 1 << 20},
	}
}

// redrive is a RedrivePolicy: where a message goes that was received too often.
type redrive struct {
	DeadLetterTargetARN string          `json:"deadLetterTargetArn"`
	MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"` // a number, or one in quotes
	count               int
}

// configure judges new attributes; it changes nothing where it refuses them.
func (s *Server) configure(q *queue, attributes map[string]string) error {
	values := maps.Clone(q.values)
	policy, dead := q.policy, q.dead
	for name, text := range attributes {
		b, known := settings()[name]
		n, err := strconv.Atoi(text)
		switch {
		case known && (err != nil || n < b.low || n > b.high):
			return failure("InvalidAttributeValue", "Invalid value for the parameter %s: it must be %d to %d.", name, b.low, b.high)
		case known:
			values[name] = n
		case name == "RedrivePolicy" && text == "":
			policy, dead = "", redrive{}
		case name == "RedrivePolicy":
			if dead, err = s.redrive(text); err != nil {
				return err
			}
			policy = text
		case name == "FifoQueue" || name == "ContentBasedDeduplication":
			return failure("InvalidAttributeValue", "the local runtime has no FIFO queues")
		case !slices.Contains([]string{"Policy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled", "RedriveAllowPolicy"}, name):
			return failure("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	q.values, q.policy, q.dead = values, policy, dead
	return nil
}

func (s *Server) redrive(text string) (redrive, error) {
	var r redrive
	err := json.Unmarshal([]byte(text), &r)
	if err == nil {
		r.count, err = strconv.Atoi(strings.Trim(string(r.MaxReceiveCount), `"`))
	}
	if err != nil || r.count < 1 || r.count > 1000 {
		return r, failure("InvalidParameterValue", "Value for parameter RedrivePolicy is invalid. Reason: it must be JSON with deadLetterTargetArn and maxReceiveCount, 1 to 1000.")
	}
	target := r.DeadLetterTargetARN[strings.LastIndex(r.DeadLetterTargetARN, ":")+1:]
	if _, ok := s.queues[target]; !ok {
		return r, failure("InvalidParameterValue", "Value for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.")
	}
	r.DeadLetterTargetARN = target // the name, from here on
	return r, nil
}

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Server) create(ctx context.Context, in *struct {
	QueueName  string
	Attributes map[string]string
}) (any, error) {
	if !validName.MatchString(in.QueueName) {
		return nil, failure("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length; the local runtime has no FIFO queues")
	}
	out := map[string]string{"QueueUrl": s.urlOf(ctx, in.QueueName)}
	fresh := newQueue(in.QueueName)
	if err := s.configure(fresh, in.Attributes); err != nil {
		return nil, err
	}
	if old, ok := s.queues[in.QueueName]; ok {
		for name := range in.Attributes {
			if old.values[name] != fresh.values[name] || name == "RedrivePolicy" && old.policy != fresh.policy {
				e := failure("QueueNameExists", "A queue already exists with the same name and a different value for attribute %s", name)
				e.QueryCode = "QueueAlreadyExists"
				return nil, e
			}
		}
		return out, nil
	}
	s.queues[in.QueueName] = fresh
	return out, nil
}

type queueURL struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *Server) remove(_ context.Context, in *queueURL) (any, error) {
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	delete(s.queues, q.name)
	q.wake()
	return nil, nil
}

func (s *Server) url(ctx context.Context, in *struct{ QueueName string }) (any, error) {
	if _, ok := s.queues[in.QueueName]; !ok {
		return nil, noQueue()
	}
	return map[string]string{"QueueUrl": s.urlOf(ctx, in.QueueName)}, nil
}

func (s *Server) list(ctx context.Context, in *struct {
	QueueNamePrefix, NextToken string
	MaxResults                 int
}) (any, error) {
	urls := []string{}
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if !strings.HasPrefix(name, in.QueueNamePrefix) || name <= in.NextToken {
			continue
		}
		if in.MaxResults > 0 && len(urls) == in.MaxResults {
			out["NextToken"] = path.Base(urls[len(urls)-1])
			break
		}
		urls = append(urls, s.urlOf(ctx, name))
	}
	if len(urls) > 0 {
		out["QueueUrls"] = urls
	}
	return out, nil
}

func (s *Server) attributes(_ context.Context, in *struct {
	queueURL
	AttributeNames []string
}) (any, error) {
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	visible, hidden, delayed := q.counts(time.Now())
	all := map[string]string{
		"QueueArn":                              s.arn(q.name),
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
		"CreatedTimestamp":                      strconv.FormatInt(q.created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.created.Unix(), 10),
	}
	for name, n := range q.values {
		all[name] = strconv.Itoa(n)
	}
	if q.policy != "" {
		all["RedrivePolicy"] = q.policy
	}
	maps.DeleteFunc(all, func(name, _ string) bool {
		return !slices.Contains(in.AttributeNames, name) && !slices.Contains(in.AttributeNames, "All")
	})
	return map[string]any{"Attributes": all}, nil
}

func (s *Server) setAttributes(_ context.Context, in *struct {
	queueURL
	Attributes map[string]string
}) (any, error) {
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	return nil, s.configure(q, in.Attributes)
}

func (s *Server) purge(_ context.Context, in *queueURL) (any, error) {
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	q.messages = nil
	return nil, nil
}
