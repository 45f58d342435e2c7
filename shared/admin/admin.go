// Package admin is the authors' and operators' HTTP API: schemas, profiles,
// sources, actions and journeys go in by it, and what became of deliveries comes out.
// design.md's "Where it runs" lists its routes.
//
// Every error is a problem (package problem). A document that is refused
// changes nothing. Bodies are read by the domain's own parsers, so that a
// mistake in one is shown with its line and column, or its path.
//
// The API asks for no credential itself: on AWS its Function URL does, and the
// local runtime listens on loopback alone.
package admin

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/problem"
)

// MaxBody is the most bytes that a request's body may have.
const MaxBody = 256 << 10

// Profiles keeps customers' attributes.
type Profiles interface {
	// Read gives the attributes that paths name. A NotFound means that there is no such profile.
	Read(ctx context.Context, id string, paths mapping.Paths) (map[string]any, error)
	// Write replaces a profile's attributes.
	Write(ctx context.Context, id string, attributes map[string]any) error
}

// Records reads what the ledger has of one execution.
type Records interface {
	// Delivery reads one. A NotFound means there is none.
	Delivery(ctx context.Context, id ledger.DeliveryID) (ledger.Delivery, error)
	// Trace reads an execution's own record, nil where there is none, and its deliveries.
	Trace(ctx context.Context, execution string) (*ledger.Execution, []ledger.Delivery, error)
}

// Reports lists deliveries that were entered before a time and not before
// since: up to limit, newest first. Fewer than limit means that there are no more.
type Reports interface {
	OfProfile(ctx context.Context, profile string, since, before time.Time, limit int) ([]ledger.Delivery, error)
	// OfJourney lists those of one UTC hour.
	OfJourney(ctx context.Context, journey string, hour, since, before time.Time, limit int) ([]ledger.Delivery, error)
}

// Ledger is the table of executions and deliveries.
type Ledger interface {
	Records
	Reports
}

// Executions tells of the executions of Standard machines.
type Executions interface {
	// Describe says how one stands. A NotFound means that the engine does not
	// know it: it was not started, or its history is no longer kept.
	Describe(ctx context.Context, arn string) (ledger.Run, error)
	// Visits lists the states that one entered, in order, of its whole
	// history. A NotFound is as for Describe.
	Visits(ctx context.Context, arn string) ([]ledger.Visit, error)
}

// Handler serves the API. All fields but ProfileKey must be set.
type Handler struct {
	Catalog  *catalog.Catalog
	Profiles Profiles
	// ProfileKey is the attribute that the profiles' table keeps the id in; "id" where empty.
	ProfileKey string
	Ledger     Ledger
	Executions Executions
	OptOuts    OptOuts
	Replays    Replays
	Log        *slog.Logger
	Now        func() time.Time
}

// Routes gives the handler of every path below /admin/. It is built at the
// first request, not here: a function that is only started stays quick.
func (h *Handler) Routes() http.Handler {
	mux := sync.OnceValue(h.build)
	return problem.LoggingTo(h.Log, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		found, pattern := mux().Handler(r)
		if pattern == "" {
			astray(w, r, found)
			return
		}
		mux().ServeHTTP(w, r)
	}))
}

// astray answers a request that has no route as a problem. notServed is what
// net/http would answer: its status and its Allow header are right, its body is plain text.
func astray(w http.ResponseWriter, r *http.Request, notServed http.Handler) {
	answer := &headOnly{header: http.Header{}}
	notServed.ServeHTTP(answer, r)
	if answer.status == http.StatusMethodNotAllowed {
		allow := answer.header.Get("Allow")
		w.Header().Set("Allow", allow)
		problem.Write(w, r, problem.MethodNotAllowed(r.Method+" is not served here; use "+allow))
		return
	}
	problem.Write(w, r, fault.New(fault.NotFound, "there is no %s here; GET /admin/ lists the routes", r.URL.Path))
}

// headOnly keeps an answer's status and headers, and drops its body.
type headOnly struct {
	header http.Header
	status int
}

func (a *headOnly) Header() http.Header         { return a.header }
func (a *headOnly) WriteHeader(status int)      { a.status = status }
func (a *headOnly) Write(b []byte) (int, error) { return len(b), nil }
