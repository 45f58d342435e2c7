package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/waypost/waypost/shared/admin"
)

type replayCommand struct {
	IDs     []string      `arg:"" name:"id" help:"Ids of deliveries that were not sent, as the API, a trace and the dead-letter queue give them: EXECUTION.STEP.0."`
	Reason  string        `help:"Why, in your own words: the delivery's record keeps it."`
	Outcome string        `help:"The outcome that you decided upon, such as unknown. Where it is another by now, the replay is refused."`
	NoWait  bool          `help:"Do not wait until the deliveries are settled."`
	Wait    time.Duration `help:"Wait for at most this long. What is not settled then goes on without replay." default:"1m"`
	target
}

// Run replays deliveries, one after the other, and shows what became of them.
// One that is refused keeps none of the others back.
func (c *replayCommand) Run(ctx context.Context, out io.Writer) error {
	body, err := json.Marshal(given{c.Reason, c.Outcome})
	if err != nil {
		return err
	}
	at, err := c.find(ctx)
	if err != nil {
		return err
	}
	var begun []string
	var refused error
	for _, id := range c.IDs {
		var r admin.Replayed
		if err := at.api.Do(ctx, "POST", deliveryPath(id)+"/replay", body, &r); err != nil {
			refused = errors.Join(refused, err)
			continue
		}
		fmt.Fprintf(out, "%s had ended %s; generation %d has begun. %s\n", r.ID, r.Outcome, r.Generation, notRewound)
		begun = append(begun, r.ID)
	}
	if c.NoWait || len(begun) == 0 {
		return refused
	}
	rows, err := c.settled(ctx, at, begun)
	if err != nil {
		return errors.Join(refused, err)
	}
	fmt.Fprintln(out)
	return errors.Join(printDeliveries(out, rows), refused)
}

// notRewound is what people may expect of a replay, and would wait for in vain.
const notRewound = "Its journey is not rewound."

// given is the body of the request.
type given struct {
	Reason  string `json:"reason,omitempty"`
	Outcome string `json:"outcome,omitempty"`
}

func deliveryPath(id string) string { return "/admin/v1/deliveries/" + url.PathEscape(id) }

// settled waits until deliveries are settled, or the time for that is over.
func (c *replayCommand) settled(ctx context.Context, at *site, ids []string) ([]admin.Delivery, error) {
	pace := at.pace(c.Wait)
	rows := make([]admin.Delivery, len(ids))
	began := time.Now()
	for i, id := range ids {
		look := func() (done bool, _ error) {
			rows[i] = admin.Delivery{}
			err := at.api.Do(ctx, "GET", deliveryPath(id), nil, &rows[i])
			return !rows[i].SettledAt.IsZero(), err
		}
		if err := pace.until(ctx, began, look, func() {}); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// printReplays prints the earlier generations of an execution's deliveries.
func printReplays(out io.Writer, deliveries []admin.Delivery) error {
	t := table{{"STEP", "GENERATION", "OUTCOME", "CODE", "ATTEMPTS", "REPLAYED", "WHY", "REASON"}}
	for _, d := range deliveries {
		for _, g := range d.Replays {
			why := g.Why
			if why == "" {
				why = "-"
			}
			t.add(d.Step, strconv.Itoa(g.Generation), g.Outcome, dash(g.Code), strconv.Itoa(len(g.Attempts)), g.ReplayedAt.Format(time.RFC3339), why, g.Reason)
		}
	}
	if len(t) == 1 {
		return nil
	}
	fmt.Fprintln(out, "\nbefore replays")
	return t.print(out)
}
