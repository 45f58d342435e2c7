package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/shared/channel/slack"
)

// subscribe does on the local runtime what the owner of a Slack app does on
// Slack's page of it: it names the URL for the app's events. That is of the
// bundle's first action that wants Slack's callbacks, since an app has but one.
// Its error is for people: nothing but the app's events is missing then.
func subscribe(ctx context.Context, rt *local.Runtime, b *bundle.Bundle) error {
	hears := slack.APITraits()
	for _, d := range b.Actions {
		var a struct {
			Channel, Provider string
			Settings          struct{ Callback *struct{} }
		}
		if err := json.Unmarshal(d.JSON, &a); err != nil {
			return fmt.Errorf("actions/%s.json: %w", d.Name, err)
		}
		if a.Channel == hears.Channel && a.Provider == hears.Provider && a.Settings.Callback != nil {
			return rt.SlackEvents(ctx, d.Name)
		}
	}
	return nil
}
