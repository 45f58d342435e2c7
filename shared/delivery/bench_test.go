package delivery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/secret"
	"github.com/waypost/waypost/shared/token"
)

// free is an AWS that costs no time: what remains is the pipeline's own work.
type free struct {
	action   *action.Action
	outcomes map[ledger.Outcome]int
}

func (f *free) Claim(_ context.Context, d ledger.Delivery, _ time.Time) (ledger.Delivery, bool, error) {
	return d, true, nil
}

func (f *free) Put(_ context.Context, d ledger.Delivery, _ string) (ledger.Delivery, error) {
	f.outcomes[d.Outcome]++
	return d, nil
}

func (f *free) Delivery(context.Context, ledger.DeliveryID) (ledger.Delivery, error) {
	return ledger.Delivery{}, fault.New(fault.NotFound, "none")
}

func (f *free) Cached(string, int) (*action.Action, bool) { return f.action, true }

func (f *free) Read(context.Context, string, int) (*action.Action, error) { return f.action, nil }

func (f *free) Add(context.Context, string) error { return nil }

type freeProfiles struct{}

func (freeProfiles) Read(context.Context, string, mapping.Paths) (map[string]any, error) {
	return map[string]any{"firstName": "Ada"}, nil
}

const body = `{"text":"Hi Ada, order A-1 is ready.","total":42}`

func sink(b *testing.B) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	b.Cleanup(s.Close)
	return s
}

// BenchmarkBarePost is the baseline of BenchmarkDeliver: the same body, to the
// same server, by net/http alone.
func BenchmarkBarePost(b *testing.B) {
	s := sink(b)
	for b.Loop() {
		res, err := s.Client().Post(s.URL+"/hook", "application/json", bytes.NewReader([]byte(body)))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}

// BenchmarkDeliver is a whole delivery, with an AWS that costs nothing. The
// bar: under 100 µs more than BenchmarkBarePost.
func BenchmarkDeliver(b *testing.B) { deliver(b, "") }

// BenchmarkDeliverSigned is the same with an OAuth token and a signature. The
// bar is the same too.
func BenchmarkDeliverSigned(b *testing.B) {
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"t","token_type":"Bearer","expires_in":3600}`)
	}))
	b.Cleanup(login.Close)
	deliver(b, `, "auth": {"type": "oauth2", "secret": "waypost/a", "tokenUrl": "`+login.URL+`"}, "signature": {"type": "standardWebhooks", "secret": "waypost/a"}`)
}

// deliver delivers again and again, by an action with these settings more.
func deliver(b *testing.B, settings string) {
	s := sink(b)
	guard := egress.NewGuard(egress.Local())
	act, err := action.Parse([]byte(`{"name": "hook", "channel": "webhook",
		"contract": {"method": "POST", "path": "/hook", "body": {"text": {"toBeMapped": true, "type": "string"}, "total": {"toBeMapped": true, "type": "integer"}}},
		"settings": {"url": "`+s.URL+`", "guarantee": "atLeastOnce"`+settings+`}}`), guard)
	if err != nil {
		b.Fatal(err)
	}
	aws := &free{action: act, outcomes: map[ledger.Outcome]int{}}
	client := egress.NewClient(guard, egress.Config{})
	keys := keyring{"waypost/a": `{"clientId": "c", "clientSecret": "s", "key": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`}
	p := &delivery.Pipeline{
		Closer:    delivery.Closer{Records: aws, Actions: aws, DeadLetters: aws, Log: slog.New(slog.DiscardHandler), Now: time.Now},
		Providers: []delivery.Provider{{Channel: webhook.Channel{}, Traits: webhook.Traits()}},
		Profiles:  freeProfiles{}, Endpoints: client, Programs: delivery.NewPrograms(),
		Secrets:   token.NewStore(secret.NewStore(keys, time.Now), client, time.Now),
		NewHolder: func() string { return "holder" },
	}
	task := delivery.Task{Format: delivery.Format, Action: delivery.Ref{Name: "hook", Version: 1}, Step: "tell", Execution: "x",
		With:  json.RawMessage(`{"text": "Hi {{ profile.firstName ?? 'there' }}, order {{ event.orderId }} is ready.", "total": "{{ floor(event.total) }}"}`),
		State: delivery.State{Format: 1, Journey: delivery.Journey{Name: "j", Version: 1}, Profile: "c-1", Event: json.RawMessage(`{"orderId": "A-1", "total": 42.7}`)}}
	n := 0
	for b.Loop() {
		if _, err := p.Deliver(b.Context(), task); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if aws.outcomes[ledger.Sent] != n {
		b.Fatalf("outcomes %v of %d deliveries", aws.outcomes, n)
	}
}
