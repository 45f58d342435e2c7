package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/infra/providers/inbox"
	waiting "github.com/waypost/waypost/shared/delivery"
)

// deliver applies the example, sends its events, and verifies at the sink what
// arrived, and in the ledger what was reported of it.
func (w *world) deliver(ctx context.Context) error {
	w.report.step("Applying %s", example)
	for _, what := range []string{"waypost apply puts the bundle in place, through the admin function's URL", "waypost apply once more"} {
		_, err := w.product(ctx, everyLine, "apply", "--stack", stackName, example)
		if err := w.report.check(what, err); err != nil {
			return err
		}
	}

	events := w.outputs["CallbackUrl"] + "callback/slack/inbound.tell_shop"
	_ = w.report.check("the callback function answers Slack when it asks whether the URL is its app's", w.standIns.SlackEvents(ctx, events))
	status, err := w.ask(ctx, aws.Config{}, http.MethodPost, events, []byte(`{"type": "url_verification", "challenge": "c"}`), nil)
	if err == nil {
		err = equal(status, http.StatusForbidden)
	}
	_ = w.report.check("the callback function refuses who does not sign", err)

	w.report.step("Sending %d events", len(w.bundle.Send))
	send := []string{"send", "--stack", stackName, "--wait=5m"}
	for _, e := range w.bundle.Send {
		send = append(send, filepath.Join(example, "send", e.Name+".json"))
	}
	_, err = w.product(ctx, everyLine, send...)
	if err := w.report.check("waypost send enters them through the entry function's URL, and waits until all is settled", err); err != nil {
		return err
	}
	list, err := w.deliveries(ctx)
	if err == nil {
		err = w.bundle.Check(ends(list))
	}
	_ = w.report.check("every delivery ended as the example says", err)
	_ = w.report.check("at the sink: one text, two awards, three of each other channel, and nothing else", w.arrived(sinkOnce()))
	err = until(ctx, time.Minute, func() error { return w.reported(ctx) })
	_ = w.report.check("signed callbacks report each text and each Slack message as delivered", err)
	err = until(ctx, time.Minute, func() error { return w.woken(ctx) })
	_ = w.report.check("the text's callback woke the journey that awaited it", err)
	_ = w.report.check("each award carried its delivery's id as Idempotency-Key", w.keyed(list))

	said, err := w.product(ctx, noLine, send...)
	if got, want := strings.Count(said, "a duplicate"), len(w.bundle.Send); err == nil && got != want {
		err = fmt.Errorf("%d of %d were duplicates:\n%s", got, want, said)
	}
	_ = w.report.check("the same events again are duplicates", err)
	return w.report.check("at the sink: nothing more", w.arrived(sinkOnce()))
}

// sinkOnce is what the example's three events must lead to at the sink.
func sinkOnce() []string {
	return []string{
		`sms/twilio to +15550100001: Hi Ada, your order A-1001 is ready at Main Street.`,
		`signage: Main Street shows Order A-1001 is ready`,
		`signage: All shops shows Order A-1002 is ready`,
		`signage: Harbour shows Order A-1003 is ready`,
		`private/sink: customer=Ada&state=closed&text=delivered`,
		`private/sink: customer=Ben&state=closed&text=suppressed`,
		`private/sink: customer=Cleo&state=closed&text=failed`,
		`webhook/sink: {"lines":[{"options":[{"name":"blue"},{"name":"gift wrap"}],"quantity":4,"sku":"CUP-12","unit":"piece"},` +
			`{"options":[{"name":"ground for filter"}],"quantity":1,"sku":"BEAN-1","unit":"piece"},{"quantity":2,"sku":"FILT-100","unit":"piece"}],"order":"A-1001","shop":"Main Street"}`,
		`webhook/sink: {"lines":[{"quantity":2,"sku":"BEAN-1","unit":"piece"}],"order":"A-1002"}`,
		`webhook/sink: {"lines":[{"options":[{"name":"lid in oak"}],"quantity":1,"sku":"POT-2","unit":"piece"},` +
			`{"quantity":3,"sku":"TEA-7","unit":"piece"}],"order":"A-1003","shop":"Harbour"}`,
		`slack/api to #orders: Order A-1001 is ready for Ada`,
		`slack/api to #orders: Order A-1002 is ready for Ben`,
		`slack/api to #orders: Order A-1003 is ready for Cleo`,
		`loyalty: {"member":"L-1001","points":84,"reference":"A-1001"}`,
		`loyalty: {"member":"L-1002","points":40,"reference":"A-1002"}`,
	}
}

// A delivery is what these checks read of one.
type delivery struct {
	bundle.Expectation
	ID      string `json:"id"`
	Channel string `json:"channel"`
}

// deliveries asks the admin function for all of the journey's.
func (w *world) deliveries(ctx context.Context) ([]delivery, error) {
	var page struct {
		Deliveries []delivery `json:"deliveries"`
	}
	_, err := w.ask(ctx, w.operator, http.MethodGet, w.outputs["AdminUrl"]+"admin/v1/deliveries?journey=order_ready", nil, &page)
	return page.Deliveries, err
}

// ends is what a bundle's expectations are held against.
func ends(list []delivery) []bundle.Expectation {
	out := make([]bundle.Expectation, len(list))
	for i, d := range list {
		out[i] = d.Expectation
	}
	return out
}

// reported is an error while a message's callbacks have not said that it is
// delivered.
func (w *world) reported(ctx context.Context) error {
	list, err := w.deliveries(ctx)
	if err != nil {
		return err
	}
	heard := 0
	for _, d := range list {
		if d.Outcome != "sent" || d.Channel != "sms" && d.Channel != "slack" {
			continue
		}
		if d.Status != "delivered" {
			return fmt.Errorf("%s of %s has the status %q", d.Step, d.Profile, d.Status)
		}
		heard++
	}
	return equal(heard, 4)
}

// woken is an error while the callback function has not logged that it woke the
// step that awaits its text's status.
func (w *world) woken(ctx context.Context) error {
	lines, err := w.lines(ctx, w.resource("CallbackLogs"))
	if err != nil {
		return err
	}
	n := 0
	for _, line := range lines {
		var said struct{ Message, Action, Status string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Message == waiting.AwaitedMessage {
			n++
			if said.Action != "ready_text" || said.Status != "delivered" {
				return fmt.Errorf("it woke a step of %s with %q", said.Action, said.Status)
			}
		}
	}
	return equal(n, 1)
}

// arrived compares what the stand-ins received with what they should have.
func (w *world) arrived(want []string) error {
	got, want := received(w.standIns.Inbox.Since(0)), slices.Sorted(slices.Values(want))
	if d := cmp.Diff(want, got); d != "" {
		return errors.New(d)
	}
	return nil
}

// received writes messages as lines, in the lines' order: JSON bodies without
// what does not matter in them.
func received(messages []inbox.Message) []string {
	var lines []string
	for _, m := range messages {
		line := m.Channel
		if m.Provider != "" {
			line += "/" + m.Provider
		}
		if m.To != "" {
			line += " to " + m.To
		}
		text := m.Text
		if m.Screen != nil { // its version and time differ
			text = m.Screen.Name + " shows " + m.Screen.Headline
		}
		if text == "" {
			text = m.Body
			var v any
			if json.Unmarshal([]byte(text), &v) == nil {
				if sorted, err := json.Marshal(v); err == nil {
					text = string(sorted)
				}
			}
		}
		line += ": " + text
		if m.Status >= 300 {
			line += fmt.Sprintf(" (answered %d)", m.Status)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// keyed says whether the awards' keys are the ids of the deliveries that made them.
func (w *world) keyed(list []delivery) error {
	left := map[string]bool{}
	for _, d := range list {
		if d.Step == "award" {
			left[d.ID] = true
		}
	}
	for _, m := range w.standIns.Inbox.Since(0) {
		if m.Channel != "loyalty" {
			continue
		}
		for _, h := range m.Headers {
			if h.Name == "Idempotency-Key" && !left[h.Value] {
				return fmt.Errorf("the key %s is of no delivery, or came twice", h.Value)
			} else if h.Name == "Idempotency-Key" {
				delete(left, h.Value)
			}
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("no award came for %v", left)
	}
	return nil
}
