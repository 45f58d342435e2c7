// Package dynamo is the embedded runtime's DynamoDB: tables with secondary
// indexes in memory, served as DynamoDB's JSON API to the AWS SDKs and CLI.
//
// Conditions, filters and updates are evaluated by github.com/truora/minidyn's
// interpreter. The tables are this package's own: in minidyn 0.8.2 an UpdateItem
// that adds an item to a secondary index overwrites another's place there,
// numbers sort as text, and every Query and transaction visits the whole table.
// So are key conditions and projections, which in minidyn lose digits.
//
// Kept as on AWS: keys, their types and lengths, conditional writes with
// ALL_OLD, transactions that apply wholly or not at all, sparse indexes, numbers'
// order, range and form, pages of a limit or 1 MB, and the refusal of unused or
// undefined placeholders, of reserved words, of paths that overlap, and of
// consistent reads on a global index. infra/local/conformance/dynamodb holds it
// to what Amazon's DynamoDB Local answers, and lists where it may differ.
//
// Not promised: persistence, throughput limits, streams, deletion of expired
// items (which AWS does late, so that nothing may rely on it), the delay of
// global indexes, the parameters that expressions replaced (Expected,
// KeyConditions and so on, which are refused), sums and comparisons beyond the
// precision of a float64, comparisons of values of two types, and
// ClientRequestToken, which is ignored. UPDATED_OLD and UPDATED_NEW give the
// top-level attributes that the update names.
package dynamo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// A Server holds tables and serves them. Make one with New. It is safe for
// concurrent use; each request is atomic.
type Server struct {
	account, region string
	now             func() time.Time
	json            *awsjson.Service

	mu     sync.RWMutex
	tables map[string]*table
}

// Options are a Server's settings; the zero value is useful.
type Options struct {
	Account, Region string           // in ARNs; "" means 000000000000 and us-east-1
	Now             func() time.Time // nil means time.Now
	Log             *slog.Logger     // nil discards; never given items
}

// New makes a Server without tables.
func New(o Options) *Server {
	s := &Server{
		account: cmp.Or(o.Account, "000000000000"), region: cmp.Or(o.Region, "us-east-1"),
		now: o.Now, tables: map[string]*table{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.json = &awsjson.Service{Version: "1.0", Log: o.Log, Operations: map[string]awsjson.Operation{
		"CreateTable":        write(s, s.createTable),
		"UpdateTable":        write(s, s.updateTable),
		"DeleteTable":        write(s, s.deleteTable),
		"DescribeTable":      read(s, s.describeTable),
		"ListTables":         read(s, s.listTables),
		"UpdateTimeToLive":   write(s, s.updateTimeToLive),
		"DescribeTimeToLive": read(s, s.describeTimeToLive),
		"GetItem":            read(s, s.getItem),
		"PutItem":            write(s, s.putItem),
		"UpdateItem":         write(s, s.updateItem),
		"DeleteItem":         write(s, s.deleteItem),
		"Query":              read(s, s.query),
		"Scan":               read(s, s.scan),
		"BatchGetItem":       read(s, s.batchGetItem),
		"BatchWriteItem":     write(s, s.batchWriteItem),
		"TransactGetItems":   read(s, s.transactGetItems),
		"TransactWriteItems": write(s, s.transactWriteItems),
	}}
	return s
}

// ServeHTTP answers one request of DynamoDB's API 2012-08-10.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.json.ServeHTTP(w, r) }

// read and write make operations of functions that expect the lock. Items are
// never changed in place, so that answers are encoded after it is released.
func read[In any](s *Server, f func(*In) (any, error)) awsjson.Operation {
	return operation(func(in *In) (any, error) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return f(in)
	})
}

func write[In any](s *Server, f func(*In) (any, error)) awsjson.Operation {
	return operation(func(in *In) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return f(in)
	})
}

// replaced are the parameters that expressions replaced. To ignore one would
// be to write without its condition, so they are refused.
var replaced = [...]string{"Expected", "AttributesToGet", "AttributeUpdates", "KeyConditions", "QueryFilter", "ScanFilter", "ConditionalOperator"}

func operation[In any](f func(*In) (any, error)) awsjson.Operation {
	return func(_ context.Context, body []byte) (any, error) {
		in := new(In)
		if suspect(body) {
			if err := refused(body); err != nil {
				return nil, err
			}
		}
		if err := json.Unmarshal(body, in); err != nil {
			return nil, awsjson.Errorf("SerializationException", "the request's body is not the document that the operation takes: %v", err)
		}
		return f(in)
	}
}

// suspect says whether a body may have what refused looks for. Nearly none
// has, and that spares reading it twice.
func suspect(body []byte) bool {
	return bytes.Contains(body, []byte(`""`)) || bytes.Contains(body, []byte(`{}`)) ||
		slices.ContainsFunc(replaced[:], func(name string) bool { return bytes.Contains(body, []byte(`"`+name+`"`)) })
}

// refused refuses parameters that are not served, and empty ones that
// DynamoDB refuses.
func refused(body []byte) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil {
		return awsjson.Errorf("SerializationException", "the request's body is not a JSON object: %v", err)
	}
	for _, name := range replaced {
		if _, ok := given[name]; ok {
			return invalid("the local runtime does not serve the parameter %s; use an expression", name)
		}
	}
	for name, value := range given {
		switch text := string(value); {
		case strings.HasSuffix(name, "Expression") && text == `""`:
			return invalid("Invalid %s: The expression can not be empty;", name)
		case (name == "ExpressionAttributeNames" || name == "ExpressionAttributeValues") && text == "{}":
			return invalid("%s must not be empty", name)
		}
	}
	return nil
}

func invalid(format string, args ...any) *awsjson.Error {
	return awsjson.Errorf("ValidationException", format, args...)
}

func (s *Server) table(name string) (*table, error) {
	// A table may be named by its ARN too.
	if _, after, ok := strings.Cut(name, ":table/"); ok {
		name = after
	}
	t, ok := s.tables[name]
	if !ok {
		return nil, awsjson.Errorf("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
	}
	return t, nil
}
