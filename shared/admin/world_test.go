package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	local "github.com/waypost/waypost/infra/local/dynamo"
	"github.com/waypost/waypost/shared/admin"
	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/loyalty"
	"github.com/waypost/waypost/shared/channel/private"
	"github.com/waypost/waypost/shared/channel/signage"
	"github.com/waypost/waypost/shared/channel/sinch"
	"github.com/waypost/waypost/shared/channel/slack"
	"github.com/waypost/waypost/shared/channel/twilio"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/ledger"
)

// A world is the API over real adapters and an emulated DynamoDB; only the
// engine that runs machines is a fake.
type world struct {
	t          testing.TB
	h          http.Handler
	machines   *machines
	executions executions
	ledger     *dynamo.Ledger
	catalog    *catalog.Catalog
	log        *bytes.Buffer
	now        time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.test"), HTTPClient: inProcess{local.New(local.Options{})}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	for _, table := range []*dynamodb.CreateTableInput{dynamo.CatalogTable("catalog"), dynamo.LedgerTable("ledger"), dynamo.ProfilesTable("profiles")} {
		if _, err := client.CreateTable(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{
		t: t, machines: &machines{made: map[string]string{}}, executions: executions{}, ledger: &dynamo.Ledger{Client: client, Table: "ledger"},
		log: &bytes.Buffer{}, now: time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC),
	}
	now := func() time.Time { return w.now }
	w.catalog = &catalog.Catalog{
		Store: &dynamo.Catalog{Client: client, Table: "catalog"}, Machines: w.machines, Guard: egress.NewGuard(egress.Policy{}),
		Channels: []channel.Traits{webhook.Traits(), twilio.Traits(), sinch.Traits(), sinch.ConversationTraits(), slack.WebhookTraits(), slack.APITraits(), loyalty.Traits(), signage.Traits(), private.Traits()},
		Names:    journey.Placeholder, Prefix: "waypost-", Now: now,
		Sleep: func(context.Context, time.Duration) error { return nil },
	}
	w.h = (&admin.Handler{
		Catalog: w.catalog, Profiles: &dynamo.Profiles{Client: client, Table: "profiles", Key: "id"}, Ledger: w.ledger,
		Executions: w.executions, Log: slog.New(slog.NewTextHandler(w.log, nil)), Now: now,
	}).Routes()
	return w
}

// inProcess answers the SDK's requests without a network.
type inProcess struct{ h http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r)
	return w.Result(), nil
}

// machines is an engine's side that makes machines: their definitions by ARN.
type machines struct {
	mu   sync.Mutex
	made map[string]string
	// before, if it is set, runs before a machine is made.
	before func()
}

var _ catalog.Machines = (*machines)(nil)

func (m *machines) Create(_ context.Context, name string, machine *journey.Machine) (string, error) {
	if m.before != nil {
		m.before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	arn := "arn:aws:states:us-east-1:000000000000:stateMachine:" + name
	m.made[arn] = string(machine.Definition)
	return arn, nil
}

// executions is the engine's side that tells of executions, by ARN.
type executions map[string]execution

type execution struct {
	run    ledger.Run
	visits []ledger.Visit
}

var _ admin.Executions = executions(nil)

func (x executions) Describe(_ context.Context, arn string) (ledger.Run, error) {
	found, ok := x[arn]
	if !ok {
		return ledger.Run{}, errNoExecution
	}
	return found.run, nil
}

func (x executions) Visits(_ context.Context, arn string) ([]ledger.Visit, error) {
	found, ok := x[arn]
	if !ok {
		return nil, errNoExecution
	}
	return found.visits, nil
}

// brokenStore is a catalog whose table is out of reach.
type brokenStore struct{}

var errUnreachable = errors.New("dial tcp 10.0.0.1:443: connection refused")

func (brokenStore) Get(context.Context, catalog.Key) (catalog.Item, error) {
	return catalog.Item{}, errUnreachable
}
func (brokenStore) List(context.Context, string) ([]catalog.Item, error) { return nil, errUnreachable }
func (brokenStore) Write(context.Context, []catalog.Item) error          { return errUnreachable }

// send makes a request, and gives the answer's status and body.
func (w *world) send(method, path, body string, headers ...string) (*http.Response, string) {
	w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	res := rec.Result()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, string(data)
}

// ok makes a request that must succeed, and decodes its answer.
func (w *world) ok(method, path, body string) map[string]any {
	w.t.Helper()
	res, text := w.send(method, path, body)
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	return decode(w.t, text)
}

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return m
}

// refused makes a request that must fail, and gives its problem in short: the
// status, the detail, and a line for each error.
func (w *world) refused(method, path, body string, headers ...string) string {
	w.t.Helper()
	res, text := w.send(method, path, body, headers...)
	if got, want := res.Header.Get("Content-Type"), "application/problem+json"; got != want {
		w.t.Fatalf("%s %s: %d, Content-Type %q, want %q: %s", method, path, res.StatusCode, got, want, text)
	}
	p := decode(w.t, text)
	if p["status"] != float64(res.StatusCode) {
		w.t.Errorf("%s %s: status %d, and the problem says %v", method, path, res.StatusCode, p["status"])
	}
	lines := []string{fmt.Sprintf("%d %s", res.StatusCode, p["detail"])}
	errs, _ := p["errors"].([]any)
	for _, e := range errs {
		m := e.(map[string]any)
		at, _ := m["path"].(string)
		if line, ok := m["line"]; ok {
			at = strings.TrimPrefix(fmt.Sprintf("%s, line %v, column %v", at, line, m["column"]), ", ")
		}
		lines = append(lines, strings.TrimPrefix(fmt.Sprintf("%s: %s", at, m["message"]), ": "))
	}
	return strings.Join(lines, "\n")
}

// with gives a document with one place changed: a dotted path, and a value;
// nil takes the key away.
func with(t testing.TB, document, path string, value any) string {
	t.Helper()
	root := decode(t, document)
	at := root
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		if list, ok := at[key].([]any); ok { // its first item
			at = list[0].(map[string]any)
			continue
		}
		below, ok := at[key].(map[string]any)
		if !ok {
			below = map[string]any{}
		}
		at[key] = maps.Clone(below)
		at = at[key].(map[string]any)
	}
	if last := keys[len(keys)-1]; value == nil {
		delete(at, last)
	} else {
		at[last] = value
	}
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
