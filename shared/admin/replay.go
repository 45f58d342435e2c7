package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/replay"
)

// Replays has deliveries made anew; replay.Replayer has the contract.
type Replays interface {
	Replay(ctx context.Context, id ledger.DeliveryID, q replay.Request) (ledger.Delivery, error)
}

// A Generation is an earlier generation of a delivery, and its replay.
type Generation struct {
	Generation int       `json:"generation" doc:"from 1"`
	Outcome    string    `json:"outcome"`
	Reason     string    `json:"reason"`
	Code       int       `json:"code"`
	Attempts   []Attempt `json:"attempts"`
	SettledAt  time.Time `json:"settledAt,omitzero"`
	ReplayedAt time.Time `json:"replayedAt" doc:"when a person had the delivery made anew"`
	Why        string    `json:"why,omitempty" doc:"that person's words"`
}

func showReplays(list []ledger.Replay) []Generation {
	out := make([]Generation, len(list))
	for i, r := range list {
		out[i] = Generation{i + 1, string(r.Outcome), r.Reason, r.Code, showAttempts(r.Attempts), r.SettledAt, r.At, r.Why}
	}
	return out
}

// Replayed is the answer to a replay.
type Replayed struct {
	ID         string `json:"id"`
	Generation int    `json:"generation" doc:"the one that began, from 2"`
	Execution  string `json:"execution" doc:"the journey's, whose trace shows the delivery"`
	Outcome    string `json:"outcome" doc:"that of the generation before"`
	See        string `json:"see" doc:"where to see what becomes of it"`
	Note       string `json:"note"`
}

const (
	replayNote  = "the delivery is made anew; its journey is not rewound, and has gone on or ended by the outcome that it saw"
	awaitedNote = "the delivery is made anew, and its step still waits for its status"
)

// replays registers what has deliveries made anew.
func (h *Handler) replays(a *api) {
	op := register(a, http.MethodPost, "/admin/v1/deliveries/{id}/replay", "replay-delivery", "make a delivery anew that was not sent", h.replayDelivery,
		func(op *huma.Operation) { op.DefaultStatus = http.StatusAccepted })
	op.Description = "The next generation of the same delivery, with the same id and Idempotency-Key, claimed like the first: it reads the profile, the settings and the secret afresh. " +
		"What was sent is refused, and so is what is not settled yet. The journey is not rewound."
	takes(op, "Why, and the outcome that was decided upon: where it is another by now, the replay is refused. Both may be left out, and the body too.",
		"reason: text of up to 500 characters; outcome: suppressed, capped, failed, unknown or dead")
	op.RequestBody.Required = false
}

func (h *Handler) replayDelivery(ctx context.Context, in *struct {
	ID      string `path:"id" doc:"<execution>.<step>.<iteration>"`
	RawBody []byte
}) (Replayed, error) {
	id, err := deliveryID(in.ID)
	if err != nil {
		return Replayed{}, err
	}
	q, err := replay.Parse(in.RawBody)
	if err != nil {
		return Replayed{}, err
	}
	d, err := h.Replays.Replay(ctx, id, q)
	if err != nil {
		return Replayed{}, err
	}
	note := replayNote
	if d.TaskToken != "" {
		note = awaitedNote
	}
	return Replayed{ID: in.ID, Generation: d.Generation(), Execution: d.Execution, Outcome: string(d.Replays[len(d.Replays)-1].Outcome),
		See: "/admin/v1/deliveries/" + in.ID, Note: note}, nil
}

// deliveryID reads a delivery's id.
func deliveryID(s string) (ledger.DeliveryID, error) {
	id, ok := ledger.ParseDeliveryID(s)
	if !ok {
		return id, fault.New(fault.Invalid, "%q is not a delivery's id, which is <execution>.<step>.<iteration>", s)
	}
	return id, nil
}
