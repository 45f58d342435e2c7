// Package local is the embedded runtime: all of Waypost in one process, in
// memory, on loopback only, with nothing to install but Go. Where it is asked
// to, it runs the functions' files as they go to AWS, as its child processes.
//
// It takes the path that AWS takes. The functions are the very handlers that
// run on Lambda; they reach DynamoDB, Secrets Manager, SQS and Step Functions
// through the AWS SDK over HTTP, Step Functions runs the compiled journeys and
// calls the functions by Lambda's Invoke with JSON. What works here works there.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/infra/local/awsport"
	"github.com/waypost/waypost/infra/local/dynamo"
	"github.com/waypost/waypost/infra/local/lambda"
	"github.com/waypost/waypost/infra/local/queue"
	"github.com/waypost/waypost/infra/local/secrets"
	"github.com/waypost/waypost/infra/local/states"
	"github.com/waypost/waypost/infra/providers"
	standin "github.com/waypost/waypost/infra/providers/slack"
	"github.com/waypost/waypost/shared/callback"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/slack"
)

// Region and Account are those of every ARN here.
const (
	Region  = "us-east-1"
	Account = "000000000000"
)

// Obviously fake credentials, which the AWS SDK wants to sign with.
const (
	accessKey = "AKIAFAKEFAKEFAKEFAKE"
	secretKey = "fake-secret-access-key"
)

// Config says where the runtime serves. Its zero value picks free ports.
type Config struct {
	Port    int // the function URLs, the stand-ins and the inbox
	AWSPort int // the AWS APIs
	// Live lets calls to the providers' own hosts out, instead of to the stand-ins.
	Live bool
	Log  *slog.Logger // nil discards
	// Binaries is the folder whose files FUNCTION/bootstrap serve the
	// functions, as processes of their own. Without it their handlers run here.
	Binaries string
	// Timeout is each function's; where 0, each has its own, as on AWS.
	Timeout time.Duration
	// SweepEvery is how often the sweep runs; a minute where 0.
	SweepEvery time.Duration
	// Around, where set, is given every call of AWS that a function makes, and
	// every Invoke that Step Functions makes of a function. It must run do,
	// which makes the call, once; what it does before and after is latency to
	// the caller. Calls come concurrently. It is for measuring.
	Around func(c Call, do func())
}

// A Runtime is everything, running. Make it with Start.
type Runtime struct {
	URL    string // http://127.0.0.1:8480
	AWSURL string // http://127.0.0.1:4566
	// AWS is the configuration that reaches the AWS port, with obviously fake credentials.
	AWS aws.Config

	log      *slog.Logger
	engine   *states.Engine
	host     *lambda.Host
	servers  []*server
	standIns *providers.StandIns
	stop     context.CancelFunc
	sweeps   errgroup.Group
}

// Start starts a runtime. It serves when Start returns: the AWS port first,
// then the tables and the platform's machine, then the function URLs. Close
// must be called.
func Start(ctx context.Context, c Config) (*Runtime, error) {
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Runtime{log: log}
	awsListener, err := listen(c.AWSPort, "--aws-port")
	if err != nil {
		return nil, err
	}
	listener, err := listen(c.Port, "--port")
	if err != nil {
		return nil, errors.Join(err, awsListener.Close())
	}
	r.URL, r.AWSURL = "http://"+listener.Addr().String(), "http://"+awsListener.Addr().String()
	r.AWS = aws.Config{
		Region: Region, BaseEndpoint: &r.AWSURL, HTTPClient: loopbackClient(),
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	}
	r.host = lambda.New(lambda.Options{Account: Account, Region: Region, Log: log})
	r.engine = states.New(states.Options{Invoker: invoker{r.host, c.Around}, Logger: log})
	r.serve(awsListener, &awsport.Port{
		DynamoDB:       dynamo.New(dynamo.Options{Account: Account, Region: Region, Log: log}),
		StepFunctions:  r.engine,
		SecretsManager: secrets.New(secrets.Options{Account: Account, Region: Region, Log: log}),
		SQS:            queue.New(queue.Options{Account: Account, Region: Region, Log: log}),
		Lambda:         r.host.Handler(), Account: Account,
	})
	r.standIns = providers.New()
	if err := r.deploy(ctx, c, r.standIns); err != nil {
		return nil, errors.Join(err, listener.Close(), r.Close(context.WithoutCancel(ctx)))
	}
	r.serve(listener, pages(r.host, r.standIns))
	r.schedule(c.SweepEvery)
	return r, nil
}

// listen opens a port on loopback.
func listen(port int, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is taken, perhaps by another waypost: end it, or choose another port with %s", port, flag)
	case err != nil: // out of range, or only for root
		return nil, fmt.Errorf("port %d cannot be opened on 127.0.0.1: choose another, such as 8480, with %s", port, flag)
	}
	return l, nil
}

// loopbackClient is for the AWS SDK's many calls to one address.
func loopbackClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost, t.MaxIdleConns, t.Proxy = 256, 256, nil
	return &http.Client{Transport: t}
}

func (r *Runtime) serve(l net.Listener, h http.Handler) {
	s := newServer(h, r.log)
	r.servers = append(r.servers, s)
	go func() {
		if err := s.serve(l); err != nil {
			r.log.Error("serving ended", "error", err)
		}
	}()
}

// schedule runs the sweep as a rule of EventBridge does on AWS.
func (r *Runtime) schedule(every time.Duration) {
	if every == 0 {
		every = time.Minute
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.sweeps.Go(func() error {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
				r.Sweep(ctx)
			}
		}
	})
}

// Sweep runs the sweep once, now.
func (r *Runtime) Sweep(ctx context.Context) {
	if out := r.host.Invoke(ctx, "sweep", []byte(`{}`)); out.Error != "" || out.Refused != nil {
		r.log.Error("the sweep failed", "payload", string(out.Payload))
	}
}

// SlackEvents makes an action the one that hears of what the stand-in of Slack
// posts, as one names a request URL in an app's settings at Slack: an app has
// one. The action must be published, and its settings.callback name the secret
// with the stand-in's signing secret; the error says where that is not so.
func (r *Runtime) SlackEvents(ctx context.Context, action string) error {
	url := channel.CallbackURL(r.URL+"/callback").Of(slack.CallbackKind, callback.Inbound+action)
	if err := r.standIns.SlackEvents(ctx, url); err != nil {
		return fmt.Errorf("Slack's stand-in tells nothing of what it posts for the action %s, whose settings.callback must name a secret with the key %s: %w",
			action, standin.SigningSecret, err)
	}
	return nil
}

// Close ends everything within a few seconds, whatever it waits for. What was
// in memory is gone.
func (r *Runtime) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	if r.stop != nil {
		r.stop()
		_ = r.sweeps.Wait() // it has no errors
	}
	if r.standIns != nil {
		r.standIns.Close()
	}
	var errs []error
	errs = append(errs, r.engine.Close(ctx), r.host.Close(ctx))
	for _, s := range r.servers {
		errs = append(errs, s.end(ctx))
	}
	return errors.Join(errs...)
}

// An invoker lets Step Functions call functions by Lambda's Invoke.
type invoker struct {
	host   *lambda.Host
	around func(Call, func())
}

func (i invoker) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	var out lambda.Outcome
	invoke := func() { out = i.host.Invoke(ctx, function, payload) }
	if i.around == nil {
		invoke()
	} else {
		i.around(Call{By: ByStates, Name: "Invoke " + function}, invoke)
	}
	switch {
	case out.Refused != nil:
		return nil, &states.ServiceError{Name: "Lambda." + out.Refused.Code, Message: out.Refused.Message, Status: out.Refused.Status}
	case out.Error != "":
		return nil, &states.FunctionError{Payload: out.Payload}
	}
	return out.Payload, nil
}
