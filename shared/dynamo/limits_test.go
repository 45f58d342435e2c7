package dynamo_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/truora/minidyn/server"

	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/limit/limittest"
)

// A limitsTable is an emulated DynamoDB that counts its calls.
type limitsTable struct {
	db    *server.Server
	mu    sync.Mutex
	calls int
}

// Do answers the SDK's request without a network.
func (l *limitsTable) Do(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.calls++
	l.mu.Unlock()
	w := httptest.NewRecorder()
	l.db.ServeHTTP(w, r)
	return w.Result(), nil
}

func openLimits(t testing.TB) (*limitsTable, *dynamodb.Client) {
	t.Helper()
	l := &limitsTable{db: server.NewServer()}
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.test"), HTTPClient: l, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	if _, err := client.CreateTable(t.Context(), dynamo.LimitsTable("limits")); err != nil {
		t.Fatal(err)
	}
	l.calls = 0
	return l, client
}

func TestLimits(t *testing.T) {
	limittest.Run(t, func(t *testing.T) limit.Store {
		_, client := openLimits(t)
		return dynamo.NewLimits(client, "limits")
	})
}

// Each step of the usual cases is one write, whichever process makes it.
func TestLimitsWritesPerMove(t *testing.T) {
	table, client := openLimits(t)
	one, other := dynamo.NewLimits(client, "limits"), dynamo.NewLimits(client, "limits")
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	counter := limit.Move{Step: 1, Ceiling: 9, Expires: now}
	schedule := func(after int64) limit.Move {
		at := now.UnixMicro() + after
		return limit.Move{Floor: at, Step: 100, Ceiling: at + 500, Expires: now}
	}
	for _, tc := range []struct {
		name  string
		store *dynamo.Limits
		shard string
		move  limit.Move
		moved bool
		want  int
	}{
		{"a counter that is new", one, "c", counter, true, 1},
		{"a counter in use", other, "c", counter, true, 1},
		{"a counter that is full", one, "c", limit.Move{Step: 1, Ceiling: 1, Expires: now}, false, 1},
		{"a schedule that is new", one, "s", schedule(0), true, 1},
		{"a schedule in use", one, "s", schedule(0), true, 1},
		{"a schedule in use that this process has not seen", other, "s", schedule(0), true, 2},
		{"a schedule left behind", one, "s", schedule(5000), true, 1},
		{"a schedule that another moved on", other, "s", schedule(5000), true, 2},
		{"a schedule far ahead", one, "s", limit.Move{Floor: now.UnixMicro() + 5000, Step: 9000, Ceiling: now.UnixMicro() + 6000, Expires: now}, true, 1},
		{"a schedule that is full", one, "s", schedule(5000), false, 1},
		{"a schedule that is full, for another", other, "s", schedule(5000), false, 1},
		{"a full schedule that this process saw", other, "s", schedule(5000), false, 1},
	} {
		table.calls = 0
		_, moved, err := tc.store.Advance(t.Context(), limit.ID{Pattern: "p", Shard: tc.shard}, tc.move)
		if err != nil || moved != tc.moved || table.calls != tc.want {
			t.Errorf("%s: moved %t, %v, in %d calls; want %t in %d", tc.name, moved, err, table.calls, tc.moved, tc.want)
		}
	}
}

func TestLimitsTableOutOfOrder(t *testing.T) {
	table, client := openLimits(t)
	store, id := dynamo.NewLimits(client, "limits"), limit.ID{Pattern: "p", Shard: "s"}
	table.db.EmulateFailure(server.FailureConditionInternalServerError)
	_, moved, err := store.Advance(t.Context(), id, limit.Move{Step: 1, Ceiling: 9})
	if !fault.Is(err, fault.Unavailable) || moved {
		t.Errorf("Advance: moved %t, %v, want Unavailable", moved, err)
	}
	if err := store.Retreat(t.Context(), id, limit.Move{Step: 1}, 0); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Retreat: %v, want Unavailable", err)
	}
}
