// Package rig runs all of Waypost inside one test: the real handlers, behind
// the AWS SDK, over the local runtime's DynamoDB, Step Functions, Lambda,
// Secrets Manager and SQS, with a stand-in for the endpoint. It has no socket
// and no real clock, so that a testing/synctest bubble lets an hour of leases,
// waits and sweeps pass at once.
//
// What it adds to them is ways to do harm: a function can be made to die at
// any of its calls of AWS or of the endpoint (Kill), and AWS to refuse a call or
// to lose its answer (Fail). It is for tests alone.
package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/waypost/waypost/infra/local/awsport"
	localdynamo "github.com/waypost/waypost/infra/local/dynamo"
	"github.com/waypost/waypost/infra/local/lambda"
	"github.com/waypost/waypost/infra/local/queue"
	"github.com/waypost/waypost/infra/local/secrets"
	"github.com/waypost/waypost/infra/local/states"
	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/entry"
	"github.com/waypost/waypost/shared/assemble/sweep"
	"github.com/waypost/waypost/shared/channel/loyalty"
	"github.com/waypost/waypost/shared/channel/private"
	"github.com/waypost/waypost/shared/channel/signage"
	"github.com/waypost/waypost/shared/channel/sinch"
	"github.com/waypost/waypost/shared/channel/slack"
	"github.com/waypost/waypost/shared/channel/twilio"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/statemachines"
)

// Names of the deployment's tables. An operation's name ends with one: "PutItem ledger".
const (
	Profiles = "profiles"
	Catalog  = "catalog"
	Ledger   = "ledger"
	Limits   = "limits"
)

// A World is one deployment. Its fields may be set before the first event.
type World struct {
	t testing.TB

	// Endpoint answers every call that leaves.
	Endpoint *Endpoint
	// Latency is how long an operation takes, by its name; 5 ms where nil.
	Latency func(op string) time.Duration
	// Fail says what AWS makes of a request, by the operation's name and the
	// request's body. Nil: what it was asked. The SDK repeats what failed.
	Fail func(op string, body []byte) Fault
	// Answer gives, for an operation, a status and a body with which AWS
	// answers instead of performing it; a status of 0 is none.
	Answer func(op string) (int, string)
	// Cold gives every invocation a function of its own, with empty memory.
	Cold bool

	Platform *assemble.Platform
	Ledger   *dynamo.Ledger
	Profiles *dynamo.Profiles

	log    logBuffer
	port   *awsport.Port
	engine *states.Engine
	host   *lambda.Host
	db     *dynamodb.Client
	sfn    *sfn.Client
	sqs    *sqs.Client

	mu    sync.Mutex
	plans map[plan][]Death
	ops   []Op
}

// Run runs a test in a bubble of its own, with a world that ends with it.
func Run(t *testing.T, f func(t *testing.T, w *World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := New(t)
		defer w.Close()
		f(t, w)
	})
}

// New makes a world with its tables, its queue, its machine and its functions.
func New(t testing.TB) *World {
	w := &World{t: t, plans: map[plan][]Death{}}
	w.Endpoint = &Endpoint{world: w}
	log := slog.New(slog.NewJSONHandler(&w.log, nil))
	w.host = lambda.New(lambda.Options{Log: log})
	w.engine = states.New(states.Options{Invoker: invoker{w.host}, Logger: log})
	w.port = &awsport.Port{
		DynamoDB: localdynamo.New(localdynamo.Options{Log: log}), StepFunctions: w.engine, SecretsManager: secrets.New(secrets.Options{Log: log}),
		SQS: queue.New(queue.Options{Log: log}), Lambda: w.host.Handler(),
	}
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://localhost"), HTTPClient: client{w},
		Credentials: credentials.NewStaticCredentialsProvider("AKIAFAKEFAKEFAKEFAKE", "fake-secret-access-key", "")}
	w.db, w.sfn, w.sqs = dynamodb.NewFromConfig(cfg), sfn.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	w.Ledger = &dynamo.Ledger{Client: w.db, Table: Ledger}
	w.Profiles = &dynamo.Profiles{Client: w.db, Table: Profiles, Key: "id"}
	w.Platform = &assemble.Platform{AWS: cfg, Log: log, Now: time.Now, Env: assemble.Env{
		ProfilesTable: Profiles, ProfileKey: "id", CatalogTable: Catalog, LedgerTable: Ledger, LimitsTable: Limits,
		JourneyRole: "arn:aws:iam::000000000000:role/journeys", Prefix: "waypost-", Names: map[string]string{},
	}}
	w.deploy()
	return w
}

func (w *World) deploy() {
	ctx := context.Background()
	for _, table := range []*dynamodb.CreateTableInput{dynamo.ProfilesTable(Profiles), dynamo.CatalogTable(Catalog),
		dynamo.LedgerTable(Ledger), dynamo.LimitsTable(Limits)} {
		_, err := w.db.CreateTable(ctx, table)
		w.must(err)
	}
	q, err := w.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("dead-letters")})
	w.must(err)
	env := &w.Platform.Env
	env.DeadLetterQueue = *q.QueueUrl
	machine, err := w.sfn.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("waypost-delivery"),
		Definition: &statemachines.Delivery, RoleArn: &env.JourneyRole})
	w.must(err)
	env.Names[journey.NameDelivery] = *machine.StateMachineArn
	functions := map[string]assemble.Function{
		"admin": w.admin, "entry": entry.New, "decide": w.decide, "sweep": sweep.New,
		"webhook": w.action(delivery.Provider{Channel: webhook.Channel{}, Traits: webhook.Traits()}),
		"loyalty": w.action(delivery.Provider{Channel: loyalty.Channel{}, Traits: loyalty.Traits()}),
		"private": w.action(delivery.Provider{Channel: private.Channel{}, Traits: private.Traits()}),
		"signage": w.action(delivery.Provider{Channel: signage.Channel{}, Traits: signage.Traits()}),
		"sms": w.action(delivery.Provider{Channel: twilio.Channel{}, Traits: twilio.Traits()},
			delivery.Provider{Channel: sinch.Channel{}, Traits: sinch.Traits()}),
		"slack": w.action(delivery.Provider{Channel: slack.Webhook{}, Traits: slack.WebhookTraits()},
			delivery.Provider{Channel: slack.API{}, Traits: slack.APITraits()}),
	}
	for name, f := range functions {
		env.Names[name] = w.host.ARN(name)
		w.host.Register(name, &environment{world: w, function: name, make: f}, lambda.Config{Timeout: 40 * time.Second})
	}
	w.ops = nil
}

// Close ends the world: nothing of it runs when Close returns.
func (w *World) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	w.must(w.engine.Close(ctx))
	w.must(w.host.Close(ctx))
	time.Sleep(time.Minute) // the fetch of a secret outlives the delivery that asked for it
}

func (w *World) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// Logs are what all functions and the services below them have logged, in JSON.
func (w *World) Logs() string { return w.log.String() }

// Call calls a function by its URL, as its sender does.
func (w *World) Call(method, path, body string, headers ...string) (int, string) {
	w.t.Helper()
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.url(strings.Split(path, "/")[1]).ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

// Invoke calls a function as Lambda's API does, and gives its answer, or its
// error document with false.
func (w *World) Invoke(function string, payload any) (string, bool) {
	w.t.Helper()
	data, err := json.Marshal(payload)
	w.must(err)
	out := w.host.Invoke(context.Background(), function, data)
	if out.Refused != nil {
		w.t.Fatal(out.Refused)
	}
	return string(out.Payload), out.Error == ""
}

// invoker lets Step Functions call the functions by Lambda's Invoke.
type invoker struct{ host *lambda.Host }

func (i invoker) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	out := i.host.Invoke(ctx, function, payload)
	switch {
	case out.Refused != nil:
		return nil, &states.ServiceError{Name: "Lambda." + out.Refused.Code, Message: out.Refused.Message, Status: out.Refused.Status}
	case out.Error != "":
		return nil, &states.FunctionError{Payload: out.Payload}
	}
	return out.Payload, nil
}

// client answers the SDK's requests without a network.
type client struct{ world *World }

func (c client) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	rec := httptest.NewRecorder()
	name := nameOf(r, body)
	err := c.world.step(r.Context(), name, body, func() {
		if c.world.Answer != nil {
			if status, text := c.world.Answer(name); status != 0 {
				rec.WriteHeader(status)
				rec.WriteString(text)
				return
			}
		}
		in := r.Clone(r.Context())
		in.Host, in.Body = r.URL.Host, io.NopCloser(bytes.NewReader(body))
		c.world.port.ServeHTTP(rec, in)
	}, func() {
		rec = httptest.NewRecorder()
		rec.WriteHeader(http.StatusInternalServerError)
	})
	return rec.Result(), err
}

// nameOf names a request as awsport.NameOf does, and tells an event's record
// apart: "PutItem ledger event".
func nameOf(r *http.Request, body []byte) string {
	name := awsport.NameOf(r, body)
	if bytes.Contains(body, []byte(`"event#`)) {
		name += " event"
	}
	return name
}

// logBuffer is a log that many write and a test reads.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
